"""`cauce tasks`: a task of a few lines, asked of a model and of a run."""

import json

import pytest
from typer.testing import CliRunner

from cauce.cli import app
from cauce.errors import NotFound, RecipeError, UserError
from cauce.evaluation.log import read_items
from cauce.models.tuned import save_tuned
from cauce.recipe import load_task, ready_tasks
from models.tiny import tiny_model

TASK = """\
task: capitals
dataset:
  kind: inline
  items:
    - {question: "¿Capital de Perú?", choices: [Lima, Quito], correct: 0}
    - {question: "¿Capital de Chile?", choices: [Valparaíso, Santiago], correct: 1}
solver: {kind: choose}
scorers: [{kind: choice}]
"""
PYTHON = """\
from cauce.evaluation.tasks import ChoiceScorer, Choose, Inline, Question, Task

question = Question(question="¿Capital de Perú?", choices=("Lima", "Quito"), correct=0)
task = Task(
    task="capitals", dataset=Inline(items=(question,)), solver=Choose(), scorers=(ChoiceScorer(),)
)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "capitals.yaml").write_text(TASK)
    save_tuned(tiny_model("gpt2"), tmp_path / "small")
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["tasks", *words], catch_exceptions=False)


def test_a_task_is_asked_logged_and_scored(here):
    found = run("run", "capitals.yaml", "--of", "small", "--json")
    systems = json.loads(found.stdout)["systems"]
    assert systems["small"]["metrics"]["right_choice"]["n"] == 2
    log = here / "runs/capitals/evaluate/small.jsonl"
    assert len(read_items(log)) == 2
    assert "right choice" in run("run", "capitals.yaml", "--of", "small").stdout


def test_a_model_that_changed_is_asked_anew(here):
    run("run", "capitals.yaml", "--of", "small")
    log = here / "runs/capitals/evaluate/small.jsonl"
    first = log.read_text()
    other = tiny_model("gpt2", seed=7)
    save_tuned(other, here / "small")
    run("run", "capitals.yaml", "--of", "small")
    assert [item.choice_nlls for item in read_items(log)] != [
        tuple(json.loads(line)["choice_nlls"]) for line in first.splitlines()
    ]


def test_a_task_of_python_takes_overrides(here):
    (here / "capitals.py").write_text(PYTHON)
    task = load_task("capitals.py", ["version=3", "prompt='{question}'"])
    assert (task.version, task.prompt) == (3, "{question}")
    (here / "other.py").write_text("task = 3")
    with pytest.raises(RecipeError, match="leaves int in `task`"):
        load_task("other.py")


def test_mistakes_are_named(here):
    with pytest.raises(NotFound, match="ready are casimedicos, esbbq, medquad"):
        load_task("capitls")
    with pytest.raises(RecipeError, match="solvr: no such key; the nearest is 'solver'"):
        load_task("capitals.yaml", ["solvr=1"])
    with pytest.raises(UserError, match="--of"):
        run("run", "capitals.yaml")
    with pytest.raises(NotFound, match="no model 'smll'"):
        run("run", "capitals.yaml", "--of", "smll")


def test_ready_tasks_are_listed(here):
    listed = run("list", "--json").stdout.splitlines()
    assert [json.loads(line)["task"] for line in listed] == [*ready_tasks()]
    for name in ready_tasks():
        assert load_task(name).task == name
