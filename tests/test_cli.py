"""The command line: results on stdout, the rest on stderr, mistakes in two or three lines."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

import road as tiny
from cauce import cli, road
from cauce.errors import Interrupted, TrainingRefused
from cauce.recipe import parse_recipe
from cauce.runs import STAGES, Run, write_json

HELP_CPU_S = 0.15


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> Path:
    """A folder with a recipe and its finished run."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(tiny.RECIPE))
    journey = road.start(parse_recipe(tiny.RECIPE, "x"), lambda line: None, folder / "runs")
    road.walk(journey)
    return folder


@pytest.fixture
def here(walked, monkeypatch) -> Path:
    monkeypatch.chdir(walked)
    return walked


@pytest.fixture
def cauce(monkeypatch, capsys):
    """Runs the entry point in this process: exit code, stdout, stderr."""

    def main(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cauce", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return main


def assert_mistake(completed: subprocess.CompletedProcess[str], code: int, *said: str) -> None:
    """Nothing on stdout, two or three lines on stderr that hold `said`, no traceback."""
    assert completed.returncode == code
    assert completed.stdout == ""
    assert 2 <= len(completed.stderr.splitlines()) <= 3, completed.stderr
    assert "Traceback" not in completed.stderr
    for words in said:
        assert words in completed.stderr


def test_an_unknown_key_ends_with_2(walked):
    completed = tiny.cauce("run", "tiny.yaml", "training.stps=3", folder=walked)
    assert_mistake(completed, 2, "RecipeError: tiny.yaml: training.stps", "nearest is 'steps'")


def test_a_recipe_that_is_not_there_ends_with_2(walked):
    assert_mistake(
        tiny.cauce("run", "none.yaml", folder=walked), 2, "NotFound: no recipe at none.yaml"
    )


def test_a_run_that_is_not_there_ends_with_2_and_lists_the_others(walked):
    completed = tiny.cauce("serve", "none", folder=walked)
    assert_mistake(completed, 2, "no run 'none'", "runs there: tiny", "cauce run RECIPE")


def test_a_bad_question_ends_with_3_and_its_line_after_the_answers_before_it(walked):
    questions = walked / "questions.jsonl"
    questions.write_text('{"id": 1, "question": "What is the dose of ruxolitinib?"}\n{"id": 2}\n')
    completed = tiny.cauce("ask", "tiny", "--questions", "questions.jsonl", folder=walked)
    assert completed.returncode == 3
    assert completed.stderr.startswith("DataRefused: questions.jsonl, line 2: not a question.\n")
    assert len(completed.stderr.splitlines()) == 2
    [answer] = completed.stdout.splitlines()
    assert json.loads(answer)["id"] == 1


def test_a_pipe_that_closes_ends_quietly(walked):
    with subprocess.Popen(
        [sys.executable, "-m", "cauce", "runs", "show", "tiny"],
        cwd=walked,
        env=tiny.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_help_costs_little():
    def cpu_s() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "cauce", "--help"]
        said = subprocess.check_output(command, env=tiny.environment(), text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "Walk the whole road" in said
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu_s() for _ in range(5)) <= HELP_CPU_S


def commands(group: typer.core.TyperGroup, *path: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, typer.core.TyperGroup):
            found += commands(command, *path, name)
    return found


VERBS = commands(typer.main.get_command(cli.app))  # type: ignore[arg-type]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help(verb):
    result = CliRunner().invoke(cli.app, [*verb, "--help"])
    assert result.exit_code == 0
    summary = result.stdout.split("\n\n")[1].strip()
    assert len(summary) > 10
    assert "Traceback" not in result.output


def test_the_verbs_are_those_that_are_documented():
    assert {verb[0] for verb in VERBS} == {
        *STAGES, "run", "ask", "serve", "doctor", "runs", "models", "drugs", "scholar",
        "tokenizer", "tasks", "federated", "judge", "triage", "rejudge", "redteam", "robustness",
        "privacy", "calibrate", "verify", "remedy", "twin", "db", "users", "feedback", "improve",
        "mcp",
    }  # fmt: skip
    assert {verb[1] for verb in VERBS if verb[0] == "runs" and verb[1:]} == {"list", "show", "path"}
    assert {verb[1] for verb in VERBS if verb[0] == "scholar" and verb[1:]} == {
        *("links", "references", "match", "curate", "ask")
    }


def test_a_word_that_is_no_verb_ends_with_2(cauce):
    code, out, err = cauce("trian")
    assert (code, out) == (2, "")
    assert "No such command 'trian'" in err


def test_a_kind_of_source_is_fetched_into_a_folder(cauce, tmp_path):
    code, out, err = cauce(
        "fetch", "vademecum", "languages=[es]", "--out", str(tmp_path), "--stats"
    )
    assert code == 0
    summary = json.loads(out)
    assert summary["by_language"] == {"es": summary["documents"]}
    assert "documents" in err
    assert {path.name for path in tmp_path.iterdir()} == {
        "documents.jsonl",
        "history.jsonl",
        "refused.jsonl",
    }
    code, out, _ = cauce("fetch", "vademecum", "languages=[es]", "--out", str(tmp_path))
    assert (code, out) == (0, f"{tmp_path}/documents.jsonl\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fetch", "vademecum"), "no --out was given.\nName the folder"),
        (("fetch", "tiny.yaml", "--out", "x"), "--out x goes with a kind of source.\n"),
        (("fetch", "vademecm", "--out", "x"), "the nearest is 'vademecum'"),
        (("ask", "tiny"), "ask takes one question, or --questions FILE.\n"),
        (
            ("ask", "tiny", "a?", "--questions", "f"),
            "ask takes one question, or --questions FILE.\n",
        ),
        (("ask", "tiny", "--questions", "none.jsonl"), "no file none.jsonl.\n"),
        (("compare", "tiny:best", "tiny:tuned"), "tiny:best: there is no runs/tiny/evaluate/best"),
        (("compare", "other:base", "tiny:tuned"), "no run 'other'"),
        (("compare", "tiny:base"), "compare takes two systems or more: only tiny:base was given."),
        (("report", "other"), "no run 'other'"),
        (("runs", "show", "other"), "no run 'other'"),
        (
            ("models", "path", "no/model"),
            "Fetch a model of the hub with: cauce models pull no/model",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_other_mistakes_end_with_2_and_say_what_to_do(arguments, said, cauce, here):
    code, out, err = cauce(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert 2 <= len(err.splitlines()) <= 3, err


def test_runs_are_listed_shown_and_found(cauce, here):
    assert cauce("runs", "list")[1].split() == ["tiny", *STAGES]
    assert json.loads(cauce("runs", "list", "--json")[1]) == {
        "run": "tiny",
        "path": "runs/tiny",
        "stages": list(STAGES),
    }
    assert json.loads(cauce("runs", "show", "tiny")[1])["run"] == "tiny"
    assert cauce("runs", "path", "tiny")[1] == f"{here.resolve()}/runs/tiny\n"


def test_no_runs_are_no_lines(cauce, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cauce("runs", "list", "--json") == (0, "", "")


def test_the_road_prints_scores_and_tells_the_next_step(cauce, here):
    code, out, err = cauce("run", "tiny.yaml")
    assert code == 0
    assert "perplexity" in out
    assert out.endswith("report: runs/tiny/report/report.html\n")
    assert err.count("nothing has changed, nothing to do") == len(STAGES)
    assert err.splitlines()[-1].startswith("Next: cauce ask tiny")


def test_each_stage_prints_its_result_and_the_next_command(cauce, here):
    _, out, err = cauce("fetch", "tiny.yaml")
    assert (out, err.splitlines()[-1]) == (
        "runs/tiny/fetch/documents.jsonl\n",
        "Next: cauce prepare tiny.yaml",
    )
    _, out, err = cauce("prepare", "tiny.yaml", "--preview")
    assert out.count("【") == 3
    assert "tokens: " in out
    assert err.splitlines()[-1] == "Next: cauce train tiny.yaml"
    _, out, err = cauce("train", "tiny.yaml")
    assert (out, err.splitlines()[-1]) == (
        "runs/tiny/train/model\n",
        "Next: cauce evaluate tiny.yaml",
    )
    _, out, err = cauce("evaluate", "tiny.yaml", "--json")
    assert set(json.loads(out)["systems"]) == {"base", "tuned", "assistant"}
    assert err.splitlines()[-1] == "Next: cauce compare tiny:base tiny:tuned"


def test_a_recipe_can_be_asked_for_its_counts(cauce, here):
    assert json.loads(cauce("fetch", "tiny.yaml", "--stats")[1])["by_source"].keys() == {
        "vademecum"
    }


def test_two_systems_are_compared(cauce, here):
    assert cauce("compare", "tiny:base", "tiny")[1].startswith("base -> tuned: 4 items")
    assert json.loads(cauce("compare", "tiny:base", "runs/tiny/evaluate/tuned.jsonl", "--json")[1])
    told = cauce("compare", "tiny:base", "tiny", "tiny:assistant")[1].splitlines()
    assert [line.split(":")[0] for line in told[:2]] == ["base -> tuned", "base -> assistant"]
    assert any(line.startswith("memory, MiB") for line in told)


def test_the_report_is_written_again(cauce, here):
    page = here / "runs" / "tiny" / "report" / "report.html"
    page.unlink()
    assert cauce("report", "tiny")[1] == "runs/tiny/report/report.html\n"
    assert page.stat().st_size > 1000


def test_a_question_is_answered_with_its_source_and_the_notice(cauce, here):
    code, out, err = cauce("ask", "tiny", "What is ibuprofen used for?")
    assert (code, err) == (0, "Only a test.\n")
    assert "(vademecum/ibuprofen/" in out
    reply = json.loads(cauce("ask", "tiny", "What is ibuprofen used for?", "--json")[1])
    assert reply["citations"][0]["quote"] in out


def test_a_file_of_questions_gives_one_line_each(cauce, here):
    (here / "two.jsonl").write_text(
        '{"id": "a", "question": "What is ibuprofen used for?"}\n'
        '{"id": "b", "question": "What is the dose of ruxolitinib?"}\n'
    )
    lines = [
        json.loads(line)
        for line in cauce("ask", "tiny", "--questions", "two.jsonl")[1].splitlines()
    ]
    assert [(line["id"], line["abstained"]) for line in lines] == [("a", False), ("b", True)]
    assert all(
        set(line) == {"id", "text", "citations", "abstained", "reason", "confidence"}
        for line in lines
    )


def test_serving_without_its_packages_names_the_extra(cauce, here, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = cauce("serve", "tiny")
    assert code == 2
    assert "pip install 'cauce[serve]'" in err


def test_a_tokenizer_is_made_from_texts(cauce, tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"línea {n}\n" * 2500 for n in range(20)))
    made = str(tmp_path / "made")
    arguments = ("tokenizer", "train", str(tmp_path / "a.txt"), "--out", made)
    code, out, err = cauce(*arguments, "--vocabulary", "300")
    assert (code, out) == (0, f"{made}\n")
    assert err.splitlines()[-1] == f"Next: name it in a recipe: model.new.tokenizer={made}"
    assert "bytes per token: " in err
    figures = json.loads(cauce(*arguments, "--vocabulary", "300", "--json")[1])
    assert figures["path"] == made
    assert figures["vocabulary"] <= 300
    assert figures["bytes_per_token"] > 1
    code, _, err = cauce(*arguments, "--vocabulary", "9")
    assert code == 2
    assert "a vocabulary of 9 has no room" in err


def test_a_tokenizer_is_audited(cauce, tmp_path):
    code, out, err = cauce("tokenizer", "audit", "cauce-mini")
    assert (code, err) == (0, "")
    assert "kept of Spanish         ñ á é í ó ú ü ¿ ¡ « » €\n" in out
    (tmp_path / "a.txt").write_text("Diez cigüeñas.")
    figures = json.loads(
        cauce("tokenizer", "audit", "cauce-mini", str(tmp_path / "a.txt"), "--json")[1]
    )
    assert (figures["words"], figures["unknown"], figures["lost"]) == (2, 0, {})
    code, out, err = cauce("tokenizer", "audit", "no/model")
    assert (code, out) == (2, "")
    assert "no tokenizer 'no/model'" in err


def test_the_embedded_model_has_a_place(cauce):
    assert (Path(cauce("models", "path", "cauce-mini")[1].strip()) / "config.json").is_file()


@pytest.mark.parametrize(
    ("error", "code"), [(Interrupted("a\nb"), 75), (TrainingRefused("a\nb"), 2)], ids=["75", "2"]
)
def test_errors_of_a_stage_are_told_and_end_with_their_code(error, code, cauce, here, monkeypatch):
    def fail(journey: object, stage: str) -> None:
        raise error

    monkeypatch.setattr(road, "do", fail)
    assert cauce("train", "tiny.yaml") == (code, "", f"{type(error).__name__}: a\nb\n")


def test_a_fault_of_the_program_keeps_its_traceback(here, monkeypatch):
    def fail(journey: object, stage: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(road, "do", fail)
    monkeypatch.setattr(sys, "argv", ["cauce", "train", "tiny.yaml"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_doctor_ends_with_1_when_two_processes_do_not_agree(cauce, monkeypatch):
    findings = {"all_reduce": {"ok": False}}
    monkeypatch.setattr("cauce.doctor.examine", lambda: findings)
    assert cauce("doctor", "--json") == (1, json.dumps(findings) + "\n", "")


def test_a_run_without_a_notice_is_asked_quietly(cauce, here, tmp_path):
    run = Run.open("tiny")
    manifest = run.manifest
    try:
        write_json(run.path / "manifest.json", {**manifest, "notice": ""})
        assert cauce("ask", "tiny", "Aspirin?")[2] == ""
    finally:
        write_json(run.path / "manifest.json", manifest)
