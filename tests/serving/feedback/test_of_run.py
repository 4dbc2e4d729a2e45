"""What weights learned from and nothing may learn from any more is counted."""

from __future__ import annotations

import pytest

from cauce.errors import NotFound
from cauce.models.promoted import promote
from cauce.runs import Run, write_records
from cauce.serving.feedback import PREFERENCES, FeedbackSettings, origin_of
from cauce.serving.feedback.of_run import export_for, withdrawn
from cauce.serving.storage import Shown, open_database
from cauce.sources.preferences import JudgedAnswer


def test_consent_that_is_withdrawn_is_counted_against_the_weights_that_are_served(tmp_path):
    run, shown = Run(tmp_path), (Shown(system="a", text="One."), Shown(system="b", text="Two."))
    with open_database(str(tmp_path / "app.db")) as database:
        ana, berta = (database.add_user(name, "patient") for name in ("ana", "berta"))
        votes = [
            database.add_vote(user.id, "How many?", *shown, "left", consent=True)
            for user in (ana, berta)
        ]
        learned = [
            JudgedAnswer(prompt="?", chosen="One.", rejected="Two.", origin=f"feedback/vote/{it}")
            for it in (origin_of(vote.id) for vote in votes)
        ]
        write_records(tmp_path / "improve" / "1" / "feedback" / PREFERENCES, learned)
        assert withdrawn(run, database) == 0
        promote(run, "improve/1/train/model")
        assert withdrawn(run, database) == 0
        database.consent(ana.id, "improve", False)
        assert withdrawn(run, database) == 1


def test_a_run_without_test_questions_cannot_be_held_against_anything(tmp_path):
    with pytest.raises(NotFound, match="no test questions"):
        export_for(Run(tmp_path), tmp_path / "rows.jsonl", tmp_path / "out", FeedbackSettings())
