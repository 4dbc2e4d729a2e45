"""A run learns from feedback, and serves what it learned only where nothing got worse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cauce import improving, road
from cauce.commands.db import DEFAULT
from cauce.commands.feedback import feedback_app, improve_app
from cauce.errors import DataRefused, NotFound, UserError
from cauce.evaluation import examining
from cauce.evaluation.examining import Examination, Margins, measures
from cauce.evaluation.keeping import Figure
from cauce.evaluation.promoting import compare_weights, reasons_against
from cauce.evaluation.redteam.suite import Plan, plan
from cauce.improving import ImproveSettings, derive, improve, read_improvement
from cauce.models.promoted import OWN, served_model
from cauce.models.tuned import model_folder, save_tuned
from cauce.recipe import load_recipe, parse_recipe
from cauce.records import Citation, Example, Reply, Statement
from cauce.runs import STAGES, Run, read_records, write_records
from cauce.serving.feedback import Exported
from cauce.serving.storage import open_database
from cauce.sources.preferences import JudgedAnswer
from models.tiny import tiny_decoder
from road import RECIPE

EXPORTED = Exported(pairs=12, ratings=0, users=None, set_aside={})


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Run:
    """A run of a tiny random model over the labels of a few medicines."""
    folder = tmp_path_factory.mktemp("trained")
    save_tuned(tiny_decoder("llama"), folder / "base")
    data = {
        **RECIPE,
        "corpus": {"kinds": ["use"], "questions_per_section": 1, "max_documents": 12},
        "model": {"base": str(folder / "base"), "max_tokens": 1200},
    }
    journey = road.start(parse_recipe(data, "test"), lambda line: None, folder)
    road.walk(journey, "train")
    return journey.run


@pytest.fixture
def run(trained, tmp_path, monkeypatch) -> Run:
    """A copy of it, of which little is asked."""
    short = plan("smoke")
    attempts = [*short.attempts[:2], *short.attempts[-2:]]
    monkeypatch.setattr(examining, "plan", lambda mode, seed: Plan(mode, seed, attempts))
    few = examining.load_safety_examples()[::20]
    monkeypatch.setattr(examining, "load_safety_examples", lambda: few)
    monkeypatch.setattr(improving, "_nothing_learned", lambda run: ())
    shutil.copytree(trained.path, tmp_path / "tiny")
    return Run(tmp_path / "tiny")


@pytest.fixture
def feedback(tmp_path) -> Path:
    rows = [
        JudgedAnswer(prompt=f"Where is box {place}?", chosen=f"Shelf {place}.", rejected="Gone.")
        for place in range(12)
    ]
    write_records(tmp_path / "preferences.jsonl", rows)
    return tmp_path / "preferences.jsonl"


def examined(**changed: float) -> Examination:
    """100 items of every measure, those of a changed one with another value."""
    names = [measure.name for measure in measures(Margins())]
    return Examination(
        state="",
        figures={
            name: {f"i{n}": Figure(changed.get(name, 0.5), f"g{n}") for n in range(100)}
            for name in names
        },
    )


def reasons(accepted=(), **changed: float) -> list[str]:
    compared = compare_weights("train/model", examined(), examined(**changed), Margins(), seed=0)
    return list(reasons_against([compared], accepted))


def test_nothing_stands_against_weights_that_keep_everything():
    assert reasons() == []
    assert reasons(harmful=0.3, rouge_l=0.6) == []


@pytest.mark.parametrize("name", [measure.name for measure in measures(Margins())])
def test_each_measure_alone_keeps_new_weights_from_being_served(name):
    lower = name in examining.LOWER
    [reason] = reasons(**{name: 0.7 if lower else 0.3})
    assert reason.startswith(f"{name} got worse than in train/model: 0.500 before, 0.")


def test_what_cannot_be_told_is_a_reason_unless_it_is_accepted():
    before = Examination(state="", figures={"harmful": {"a": Figure(0, "a"), "b": Figure(0, "b")}})
    compared = compare_weights("train/model", before, before, Margins(), seed=0)
    [reason] = reasons_against([compared], ())
    assert "harmful may be worse" in reason
    assert "items could tell" in reason
    assert list(reasons_against([compared], ["harmful"])) == []


def test_the_road_is_walked_and_what_too_few_items_tell_is_not_promoted(run, feedback):
    told: list[str] = []
    settings = ImproveSettings(least=5, epochs=1)
    found = improve(run, feedback, settings, told.append)
    assert (found.model, found.objective) == ("improve/1/train/model", "dpo")
    assert not found.is_promoted
    assert served_model(run) == OWN
    assert {row.verdict for row in found.compared[0].measures} >= {"cannot tell"}
    folder = run.path / "improve" / "1"
    assert read_improvement(run, 1) == found
    page = (folder / "evidence.html").read_text("utf-8")
    assert "tiny: not promoted" in page
    assert found.reasons[0].partition(":")[0] in page
    assert (run.path / "improve").stat().st_mode & 0o077 == 0
    again = improve(run, feedback, settings, told.append)
    assert again == found
    assert "nothing has changed since improve/1/train/model" in told[-1]
    assert not (run.path / "improve" / "2").exists()

    (folder / "evidence.json").unlink()
    told.clear()
    once_more = improve(run, feedback, settings, told.append)
    assert told == [f"{it}: nothing has changed, nothing to do" for it in STAGES[:3]]
    assert once_more.compared == found.compared

    names = tuple(measure.name for measure in measures(Margins()))
    bold = settings.model_copy(update={"accept_unknown": names})
    wide = Margins(**dict.fromkeys(Margins.model_fields, 9.0))
    promoted = improve(run, feedback, bold.model_copy(update={"margins": wide}), told.append)
    assert promoted.reasons == ()
    assert served_model(run) == promoted.model == "improve/2/train/model"
    assert model_folder(run) == run.path / promoted.model
    ended = CliRunner().invoke(improve_app, [str(run.path), "--roll-back"])
    assert ended.stdout.strip() == str(run.path / OWN)
    assert served_model(run) == OWN
    asked = [str(run.path), "--feedback", str(feedback), "least=5", "epochs=1"]
    asked += [f"margins.{name}=9" for name in Margins.model_fields]
    asked += [text for name in names for text in ("--accept-unknown", name)]
    repeated = CliRunner().invoke(improve_app, asked)
    assert (repeated.exit_code, "rolled back: improve/2" in repeated.stdout) == (1, True)


def test_the_recipe_learns_on_the_runs_own_weights(run, tmp_path):
    recipe = load_recipe(run.path / "recipe.yaml")
    folder = tmp_path / "3"
    derived = derive(recipe, run, folder, EXPORTED, ImproveSettings())
    assert derived.model.base == str(run.path / OWN)
    assert (derived.model.adapter, derived.training.objective.kind) == ("lora", "dpo")
    rows = [JudgedAnswer(prompt="a", completion=f"{n}", label=n < 8) for n in range(10)]
    write_records(folder / "feedback" / "preferences.jsonl", rows)
    rated = EXPORTED.model_copy(update={"pairs": 0, "ratings": 10})
    objective = derive(recipe, run, folder, rated, ImproveSettings()).training.objective
    assert objective.kind == "kto"
    assert (objective.wanted_weight, objective.unwanted_weight) == (1, 4)


def test_too_little_or_impossible_is_refused_before_anything_is_learned(run, feedback):
    def tell(line: str) -> None:
        raise AssertionError(line)

    with pytest.raises(DataRefused, match=r"12 judged answers .* 20 are needed"):
        improve(run, feedback, ImproveSettings(), tell)
    with pytest.raises(UserError, match=r"no measure harm, .*\n.*harmful"):
        improve(run, feedback, ImproveSettings(accept_unknown=("harm",)), tell)
    with pytest.raises(NotFound, match="cauce feedback export"):
        improve(run, feedback.with_name("none"), ImproveSettings(), tell)
    whole = run.manifest["stages"]
    run.update_manifest(stages={name: whole[name] for name in ("fetch", "prepare")})
    with pytest.raises(UserError, match=r"prepared again since it was trained.*\n.*cauce train "):
        improve(run, feedback, ImproveSettings(), tell)
    run.update_manifest(stages=whole)
    recipe = run.path / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("remedy: ''", "remedy: scale"))
    with pytest.raises(UserError, match="its remedy 'scale'"):
        improve(run, feedback, ImproveSettings(), tell)


def test_an_export_leaves_out_what_the_run_is_tested_on(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = [
        next(read_records(run.path / "prepare" / f"{split}.jsonl", Example))
        for split in ("test", "train")
    ]
    with open_database(DEFAULT) as database:
        ana = database.add_user("ana", "patient")
        doctor = database.add_user("doctor", "clinician")
        for example in asked:
            message = database.start_question(ana.id, None, example.question)
            database.finish(message.id, _reply(example))
            database.add_feedback(ana.id, message.id, "down", consent=True)
    out = tmp_path / "out"
    waiting = _feedback("export", str(run.path), "--out", str(out))
    assert "set aside: 2 waits for a clinician" in waiting.stdout
    listed = _feedback("review", "--json").stdout.splitlines()
    ids = [json.loads(line)["message"]["id"] for line in listed]
    assert len(ids) == 2
    with pytest.raises(UserError, match="a verdict was asked of 'ana'"):
        _feedback("review", ids[0], "--verdict", "wrong", "--as", "ana")
    for id in ids:
        _feedback("review", id, "--verdict", "wrong", "--as", doctor.name)
    assert _feedback("review").stdout == ""
    exported = _feedback("export", str(run.path), "--out", str(out), "--json")
    found = json.loads(exported.stdout)
    assert (found["ratings"], found["set_aside"]) == (1, {"about what the run is tested on": 1})
    [row] = read_records(out / "preferences.jsonl", JudgedAnswer)
    assert (row.group, row.label) == (asked[1].group, False)
    assert row.prompt == asked[1].messages[-1].content


def _feedback(*words: str):
    ended = CliRunner().invoke(feedback_app, list(words))
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended


def _reply(example: Example) -> Reply:
    """As if a model had written the example's answer out of its evidence."""
    cited: Citation = example.evidence
    return Reply(
        text=example.completion,
        statements=(Statement(text=example.completion, citation=0),),
        citations=(cited,),
        group=example.group,
        generated=True,
    )
