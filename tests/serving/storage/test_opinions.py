"""A model learns only from what people agreed to, and clinicians read nothing else."""

from __future__ import annotations

import pytest

from cauce.errors import NotFound
from cauce.records import Reply
from cauce.serving.storage import Shown

LEFT, RIGHT = Shown(system="demo", text="Take one."), Shown(system="demo:base", text="Take two.")


@pytest.fixture
def answered(database, ana):
    asked = database.start_question(ana.id, None, "How much?")
    database.finish(asked.id, Reply(text="Take one."))
    return database.message(ana.id, asked.id)


@pytest.fixture
def doctor(database):
    return database.add_user("doctor", "clinician")


def test_a_thumb_takes_the_place_of_the_other_and_a_correction_stays_beside(
    database, ana, answered
):
    database.add_feedback(ana.id, answered.id, "up", consent=True)
    better = database.add_feedback(ana.id, answered.id, "correction", "Take none.", consent=True)
    thumb = database.add_feedback(ana.id, answered.id, "down", "too long", consent=False)
    assert database.feedback(ana.id, answered.id) == (better, thumb)
    [item] = database.consented()
    assert item.feedback == (better,)
    assert (item.message, item.user_id) == (answered, ana.id)


def test_without_consent_nothing_is_learned_or_read(database, ana, answered, doctor):
    database.add_feedback(ana.id, answered.id, "down", consent=False)
    database.add_vote(ana.id, "How much?", LEFT, RIGHT, "left")
    assert database.consented() == database.reviews_open() == ()
    assert database.votes(consented=True) == ()
    with pytest.raises(NotFound):
        database.add_review(doctor.id, answered.id, "wrong")


def test_consent_that_was_withdrawn_covers_nothing_given_before(database, ana, answered):
    database.add_feedback(ana.id, answered.id, "down", consent=True)
    database.add_vote(ana.id, "How much?", LEFT, RIGHT, "left", consent=True)
    database.consent(ana.id, "research", False)
    assert len(database.consented()) == len(database.votes(consented=True)) == 1
    database.consent(ana.id, "improve", False)
    assert database.consented() == database.votes(consented=True) == ()
    database.consent(ana.id, "improve", True)
    assert database.consented() == ()
    new = database.add_feedback(ana.id, answered.id, "up", consent=True)
    assert [item.feedback for item in database.consented()] == [(new,)]


def test_a_bad_answer_waits_for_a_clinician_until_one_has_judged_it(
    database, ana, answered, doctor
):
    other = database.start_question(ana.id, answered.conversation_id, "And now?")
    database.finish(other.id, Reply(text="Take two."))
    database.add_feedback(ana.id, answered.id, "down", consent=True)
    database.add_feedback(ana.id, other.id, "up", consent=True)
    assert [item.message.id for item in database.reviews_open()] == [answered.id]
    database.add_review(doctor.id, answered.id, "wrong")
    last = database.add_review(doctor.id, answered.id, "unsafe", "Take none.")
    assert database.reviews_open() == ()
    assert [item.reviews for item in database.consented()] == [(last,), ()]


def test_a_vote_is_kept_with_both_answers(database, ana):
    vote = database.add_vote(ana.id, "How much?", LEFT, RIGHT, "right", consent=True)
    assert database.votes() == database.votes(consented=True) == (vote,)
    assert (vote.left, vote.right, vote.choice) == (LEFT, RIGHT, "right")
