"""Exported folders: what stands in them, and what is said of what they cannot carry."""

import ast
import json

import pytest
import yaml
from typer.testing import CliRunner

from cauce.cli import app
from cauce.commands.tasks import export_run
from cauce.corpus.tokens import render_chat
from cauce.errors import DataRefused, MissingExtra, UserError
from cauce.evaluation.bridges import export_examples, lm_eval_model
from cauce.evaluation.evaluate import choose
from cauce.evaluation.solvers import Choose
from cauce.models.tuned import save_tuned
from cauce.records import Message
from cauce.runs import Run, write_records
from evaluation.bridges.asked import EXAMPLES, TASK, WORDS
from models.tiny import tiny_model


class Loader(yaml.SafeLoader):
    """Reads lm-eval's `!function` as its name."""


Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_lm_eval_gets_the_prompts_choices_and_groups(tmp_path):
    made = export_examples(EXAMPLES, "lm-eval", tmp_path, name="capitals", solver=Choose())
    task = yaml.load(made.task.read_text("utf-8"), Loader)
    assert (task["output_type"], task["custom_dataset"]) == ("multiple_choice", "questions.load")
    for row, example in zip(lines(tmp_path / "capitals.jsonl"), EXAMPLES, strict=True):
        assert row[task["doc_to_text"]] == example.messages[0].content
        assert row[task["doc_to_choice"]] == list(example.choices)
        assert example.choices[row[task["doc_to_target"]]] == example.completion
        assert row["group"] == example.group
    assert any("chat endpoints do not" in remark for remark in made.remarks)


def test_lm_eval_gets_how_long_an_answer_may_be(tmp_path):
    made = export_examples(EXAMPLES, "lm-eval", tmp_path, name="words", solver=WORDS)
    task = yaml.load(made.task.read_text("utf-8"), Loader)
    assert task["generation_kwargs"] == {"until": [], "max_gen_toks": 5, "do_sample": False}
    assert lines(tmp_path / "words.jsonl")[0][task["doc_to_target"]] == "Lima"
    assert any("ROUGE" in remark for remark in made.remarks)


def test_a_prompt_may_be_rendered_for_a_model_without_template(tmp_path):
    tokenizer = tiny_model("llama").tokenizer
    tokenizer.chat_template = None
    made = export_examples(
        EXAMPLES, "lm-eval", tmp_path, name="x", solver=Choose(), tokenizer=tokenizer
    )
    example = EXAMPLES[0]
    expected = render_chat(tokenizer, example.messages, add_generation_prompt=True)
    assert lines(tmp_path / "x.jsonl")[0]["prompt"] == expected
    assert expected.endswith("Assistant:\n") and expected.startswith("<s>User:\n")
    assert "apply_chat_template" not in made.command
    assert yaml.load(made.task.read_text("utf-8"), Loader)["target_delimiter"] == ""
    with pytest.raises(UserError, match="there is no text to render"):
        export_examples(
            EXAMPLES, "inspect", tmp_path, name="x", solver=Choose(), tokenizer=tokenizer
        )


@pytest.mark.parametrize("solver", [Choose(), WORDS])
def test_inspect_gets_a_file_that_needs_no_cauce(tmp_path, solver):
    made = export_examples(EXAMPLES, "inspect", tmp_path, name="capitals", solver=solver)
    source = made.task.read_text("utf-8")
    assert '@task(name="capitals")' in source
    imported = {
        name.name if isinstance(item, ast.Import) else str(item.module)
        for item in ast.walk(ast.parse(source))
        if isinstance(item, ast.Import | ast.ImportFrom)
        for name in item.names
    }
    assert {name.partition(".")[0] for name in imported} <= {"re", "pathlib", "inspect_ai"}
    for row, example in zip(lines(tmp_path / "capitals.jsonl"), EXAMPLES, strict=True):
        assert row["input"] == [{"role": "user", "content": example.messages[0].content}]
        assert (row["target"], row["choices"]) == (example.completion, list(example.choices))
        assert row["metadata"]["group"] == example.group


def test_what_cannot_be_exported_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="0 were given"):
        export_examples([], "inspect", tmp_path, name="x", solver=Choose())
    open_ended = EXAMPLES[0].model_copy(update={"choices": ()})
    with pytest.raises(DataRefused, match="1 examples have no two choices, such as 'pe'"):
        export_examples([open_ended], "inspect", tmp_path, name="x", solver=Choose())
    system = Message(role="system", content="Responde.")
    turns = EXAMPLES[0].model_copy(update={"messages": (system, *EXAMPLES[0].messages)})
    with pytest.raises(DataRefused, match="'pe' is a chat of 2 turns"):
        export_examples([turns], "lm-eval", tmp_path, name="x", solver=Choose())


def test_without_lm_eval_its_model_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"cauce\[lm-eval\]"):
        lm_eval_model("cauce-mini")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    task = TASK.model_dump_json()
    (tmp_path / "capitals.yaml").write_text(task)
    return tmp_path


def test_tasks_export_prints_the_file_and_tells_the_rest(here):
    save_tuned(tiny_model("llama"), here / "small")
    words = ["tasks", "export", "capitals.yaml", "--out", "out", "--render-for", "small"]
    found = CliRunner().invoke(app, words, catch_exceptions=False)
    assert found.stdout.strip() == "out/capitals.yaml"
    assert "note: the standard error takes no account of groups" in found.stderr
    assert "Next: lm_eval run" in found.stderr
    assert lines(here / "out/capitals.jsonl")[0]["prompt"].startswith("<s>User:")
    to_inspect = ["tasks", "export", "capitals.yaml", "--to", "inspect", "--out", "out"]
    found = CliRunner().invoke(app, to_inspect, catch_exceptions=False)
    assert found.stdout.strip() == "out/capitals.py"
    for missing, fault in ((["--to", "helm", "--out", "o"], "'helm'"), ([], "no --out")):
        with pytest.raises(UserError, match=fault):
            words = ["tasks", "export", "capitals.yaml", *missing]
            CliRunner().invoke(app, words, catch_exceptions=False)


RECIPE = """\
run: demo
sources: [{kind: vademecum}]
evaluation: {max_items: 3, max_new_tokens: 7}
"""


def test_a_run_exports_the_examples_that_it_is_asked(here):
    run = Run(here / "runs" / "demo")
    (run.folder("prepare")).with_name("recipe.yaml").write_text(RECIPE)
    write_records(run.path / "prepare" / "test.jsonl", EXAMPLES)
    path = export_run(run, "inspect")
    assert path == run.path / "export" / "inspect" / "demo.py"
    rows = lines(path.with_suffix(".jsonl"))
    assert [row["id"] for row in rows] == [one.id for one in choose(EXAMPLES, 3)]
    assert {row["metadata"]["max_new_tokens"] for row in rows} == {7}


def test_a_run_of_plain_text_has_no_questions(here):
    run = Run(here / "runs" / "demo")
    text = RECIPE + "corpus: {kind: text}\ntraining: {objective: {kind: pretrain}}\n"
    (run.folder("prepare")).with_name("recipe.yaml").write_text(text)
    with pytest.raises(UserError, match="no questions to export"):
        export_run(run, "inspect")
