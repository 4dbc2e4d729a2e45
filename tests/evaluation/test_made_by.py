"""What a trial was stands with its numbers, and tells when they are of another run."""

from __future__ import annotations

import doctest

import pytest

import cauce
from cauce.evaluation import made_by
from cauce.evaluation.made_by import (
    MadeBy,
    read_trial,
    state_of_model,
    state_of_run,
    write_trial,
)
from cauce.models.promoted import promote
from cauce.runs import Run


@pytest.fixture
def run(tmp_path) -> Run:
    run = Run(tmp_path / "demo")
    run.update_manifest(stages={"train": {"fingerprint": "1"}})
    (run.path / "recipe.yaml").write_text("run: demo")
    return run


def test_doc_examples():
    assert doctest.testmod(made_by).failed == 0


def test_what_is_written_is_read_again(run):
    made = MadeBy(command="cauce privacy demo", state="1", seed=3, data_sha256="ab")
    write_trial(run.path / "privacy" / "scores.json", {"rows": [1]}, made)
    assert read_trial(run.path / "privacy" / "scores.json") == ({"rows": [1]}, made)
    assert made.date.startswith("20") and made.date.endswith("Z")


def test_a_file_of_before_says_nothing_of_what_made_it(run):
    (run.path / "old.json").write_text('{"rows": []}')
    assert read_trial(run.path / "old.json") == ({"rows": []}, None)


def test_the_assistant_changes_with_its_recipe_and_the_model_alone_does_not(run):
    assistant, model = (
        MadeBy(command="", state=state) for state in (state_of_run(run), state_of_model(run))
    )
    assert assistant.is_of(run) and model.is_of(run)
    (run.path / "recipe.yaml").write_text("run: demo\nassistant: {remedy: scale-0.5}")
    assert not assistant.is_of(run) and model.is_of(run)


@pytest.mark.parametrize("change", ["trained", "promoted", "package"])
def test_both_change_with_the_weights_and_the_package(run, monkeypatch, change):
    made = [MadeBy(command="", state=state) for state in (state_of_run(run), state_of_model(run))]
    if change == "trained":
        run.update_manifest(stages={"train": {"fingerprint": "2"}})
    elif change == "promoted":
        promote(run, "improve/1/model")
    else:
        monkeypatch.setattr(cauce, "__version__", "99")
    assert not any(one.is_of(run) for one in made)
