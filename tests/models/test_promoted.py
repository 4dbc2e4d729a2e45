"""Which weights a run is served with: one file says, whole or not at all, and it can be undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cauce.errors import DataRefused, UserError
from cauce.models.finding import CARD
from cauce.models.promoted import OWN, promote, roll_back, served_model
from cauce.models.tuned import model_folder
from cauce.runs import PROMOTED, Run

FIRST, SECOND = "improve/1/train/model", "improve/2/train/model"


@pytest.fixture
def run(tmp_path):
    for name in (OWN, FIRST, SECOND):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / CARD).touch()
    return Run(tmp_path)


def test_whoever_loads_the_run_gets_the_promoted_weights_and_back(run):
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert model_folder(run) == run.path / OWN
    promote(run, FIRST)
    promote(run, SECOND)
    assert model_folder(run) == run.path / SECOND
    assert served_model(run, before) == OWN
    assert roll_back(run) == FIRST
    assert model_folder(run) == run.path / FIRST
    assert roll_back(run) == OWN
    with pytest.raises(UserError, match="nothing was promoted"):
        roll_back(run)


def test_a_remedy_is_of_the_runs_own_weights(run):
    remedied = run.path / "remedies" / "scale" / "model"
    remedied.mkdir(parents=True)
    (remedied / CARD).touch()
    promote(run, FIRST)
    assert model_folder(run, "scale") == remedied


def test_a_run_that_is_trained_anew_is_served_with_what_it_learned(run):
    promote(run, FIRST)
    run.do_stage("evaluate", "a", lambda folder: {})
    assert served_model(run) == FIRST
    run.do_stage("train", "b", lambda folder: {})
    assert served_model(run) == OWN


def test_a_file_that_says_nothing_is_refused(run):
    (run.path / PROMOTED).write_text('{"taken": [{"model"')
    with pytest.raises(DataRefused, match="does not say which weights"):
        model_folder(run)
