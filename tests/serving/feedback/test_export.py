"""Only what people agreed to is learned from, without names, and what is doubtful is set aside."""

from __future__ import annotations

import json

import pytest

from cauce.assistant.personal.telling import RECORD
from cauce.corpus.prompts import prompt
from cauce.records import Citation, Reply, Statement
from cauce.runs import read_records
from cauce.serving.feedback import FeedbackSettings, Provenance, export_feedback, origin_of, waits
from cauce.serving.storage import Shown, open_database
from cauce.sources.preferences import JudgedAnswer, PreferencesSource

TEXT = "Take one tablet of 400 mg every eight hours."
CITED = Citation(
    source="vademecum",
    id="ibuprofen",
    version="2026-11",
    section="dose",
    quote=TEXT,
    title="Ibuprofen · How to take it",
)
QUESTION = "How much ibuprofen do I take? I am Ana Gil, ana@gil.es"
MASKED = "How much ibuprofen do I take? I am [NOMBRE], [CORREO]"
OPEN = FeedbackSettings(review=False)


def reply_of(text: str = TEXT, **changes) -> Reply:
    """What a model wrote out of the section."""
    said = {"statements": (Statement(text=text, citation=0),), "citations": (CITED,)}
    fields = {"group": "ibuprofen", "generated": True, **said, **changes}
    return Reply(text=text, **fields)


@pytest.fixture
def database(tmp_path):
    with open_database(str(tmp_path / "app.db")) as opened:
        yield opened


@pytest.fixture
def ana(database):
    return database.add_user("ana", "carer")


@pytest.fixture
def doctor(database):
    return database.add_user("doctor", "clinician")


@pytest.fixture
def answered(database):
    def answer(user, question=QUESTION, reply=None):
        asked = database.start_question(user.id, None, question)
        database.finish(asked.id, reply or reply_of())
        return asked

    return answer


@pytest.fixture
def exported(database, tmp_path):
    def export(settings=OPEN, **changes):
        options = {"reply": lambda question: reply_of(), "model_at": lambda moment: "demo/1"}
        found = export_feedback(database, tmp_path / "out", settings, **{**options, **changes})
        rows = list(read_records(tmp_path / "out" / "preferences.jsonl", JudgedAnswer))
        return found, rows

    return export


def test_a_thumb_becomes_a_rating_of_the_prompt_that_the_model_read(
    database, ana, answered, exported, tmp_path
):
    asked = answered(ana)
    database.add_feedback(ana.id, asked.id, "up", "thanks, Ana", consent=True)
    found, [row] = exported()
    assert (found.pairs, found.ratings, found.users, found.set_aside) == (0, 1, 1, {})
    assert row.prompt == prompt(MASKED, CITED)[0].content
    assert (row.completion, row.label, row.evidence, row.group) == (TEXT, True, TEXT, "ibuprofen")
    [origin] = read_records(tmp_path / "out" / "provenance.jsonl", Provenance)
    assert row.origin == f"feedback/up/{origin.origin}"
    assert origin.origin == origin_of(asked.id)
    assert (origin.kind, origin.role, origin.model) == ("up", "carer", "demo/1")
    assert origin.documents == ("vademecum/ibuprofen@2026-11#dose",)


def test_the_source_of_preferences_reads_what_is_written_and_nobody_is_named(
    database, ana, answered, exported, tmp_path
):
    for number in range(3):
        asked = answered(ana, f"{QUESTION}, {number} times")
        better = f"Four hundred, says Ana Gil ({number})."
        database.add_feedback(ana.id, asked.id, "correction", better, consent=True)
    exported()
    source = PreferencesSource(path=tmp_path / "out" / "preferences.jsonl")
    documents = list(source.documents())
    kinds = [section.kind for section in documents[0].sections]
    assert kinds == ["user", "evidence", "chosen", "rejected"]
    written = "".join(it.read_text("utf-8") for it in (tmp_path / "out").iterdir())
    names = (ana.id, asked.id, asked.conversation_id, "Ana", "ana@gil.es")
    assert not [name for name in names if name in written]


def test_a_correction_prefers_itself_to_what_the_model_said(database, ana, answered, exported):
    asked = answered(ana)
    database.add_feedback(ana.id, asked.id, "correction", "400 mg,\n8-hourly.", consent=True)
    database.add_feedback(ana.id, asked.id, "down", consent=True)
    _, [row] = exported()
    assert (row.chosen, row.rejected, row.label) == ("400 mg, 8-hourly.", TEXT, None)


def test_a_vote_prefers_one_answer_and_a_tie_none(database, ana, exported):
    shown = Shown(system="demo", text="Two."), Shown(system="demo:base", text="One.")
    for choice in ("right", "tie", "neither"):
        database.add_vote(ana.id, QUESTION, *shown, choice, consent=True)
    found, [row] = exported()
    assert (row.chosen, row.rejected) == ("One.", "Two.")
    assert found.set_aside == {"neither answer was preferred": 2}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (reply_of(generated=False), "the answer is not the model's own words"),
        (reply_of(abstained=True), "the answer is not the model's own words"),
        (reply_of(call=("112",)), "the answer tells whom to call in an emergency"),
        (
            reply_of(citations=(CITED, CITED.model_copy(update={"source": RECORD}))),
            "the answer has a person's record in mind",
        ),
        (
            reply_of(
                statements=(Statement(text="a", citation=0), Statement(text="b", citation=1)),
                citations=(CITED, CITED),
            ),
            "the answer rests on several sections",
        ),
    ],
)
def test_what_no_weights_decided_teaches_none(database, ana, answered, exported, reply, reason):
    asked = answered(ana, reply=reply)
    database.add_feedback(ana.id, asked.id, "correction", "Do not call anybody.", consent=True)
    found, rows = exported()
    assert (rows, found.set_aside) == ([], {reason: 1})


def test_without_consent_or_an_end_or_about_a_test_nothing_is_learned(
    database, ana, answered, exported
):
    database.add_feedback(ana.id, answered(ana).id, "up", consent=False)
    assert exported()[0].set_aside == {}
    cut = database.start_question(ana.id, None, QUESTION)
    database.add_feedback(ana.id, cut.id, "down", consent=True)
    assert exported()[0].set_aside == {"the answer was never finished": 1}
    seen = database.start_question(ana.id, None, QUESTION, ["data:image/png;base64,AA=="])
    database.finish(seen.id, reply_of())
    database.add_feedback(ana.id, seen.id, "up", consent=True)
    assert exported()[0].set_aside["the question came with an image"] == 1
    database.add_feedback(ana.id, answered(ana).id, "up", consent=True)
    found, rows = exported(held_out=frozenset({"ibuprofen"}))
    assert (rows, found.set_aside["about what the run is tested on"]) == ([], 1)


def test_feedback_that_contradicts_itself_is_set_aside_whoever_gave_it(
    database, ana, answered, exported
):
    for name, kind in (("b", "up"), ("c", "up"), ("d", "down")):
        other = database.add_user(f"person-{name}", "patient")
        database.add_feedback(other.id, answered(other).id, kind, consent=True)
    found, rows = exported()
    assert rows == []
    assert found.set_aside == {"some liked the answer and others did not": 3}
    asked = answered(ana, "How often?")
    database.add_feedback(ana.id, asked.id, "up", consent=True)
    database.add_feedback(ana.id, asked.id, "correction", "Every eight hours.", consent=True)
    assert "its user liked the answer and corrected it" in exported()[0].set_aside


def test_the_same_is_learned_once_and_nobody_prevails_by_diligence(
    database, ana, answered, exported
):
    berta = database.add_user("berta", "patient")
    for user in (ana, berta):
        database.add_feedback(user.id, answered(user).id, "up", consent=True)
    for number in range(5):
        asked = answered(ana, f"How many tablets in {number} days?")
        database.add_feedback(ana.id, asked.id, "up", consent=True)
    found, rows = exported(OPEN.model_copy(update={"most_per_user": 3}))
    assert found.set_aside["said before"] == 1
    assert found.set_aside["over what one user may say"] == 3
    assert len(rows) == 3


def test_what_is_doubtful_waits_for_a_clinician_whose_word_prevails(
    database, ana, answered, exported, doctor
):
    bad, good, better = (answered(ana, f"How much on day {day}?") for day in range(3))
    database.add_feedback(ana.id, bad.id, "down", consent=True)
    database.add_feedback(ana.id, good.id, "up", consent=True)
    database.add_feedback(ana.id, better.id, "correction", "400 mg.", consent=True)
    found, rows = exported(FeedbackSettings())
    assert found.set_aside == {"waits for a clinician": 2}
    assert [row.label for row in rows] == [True]
    assert [it.message.id for it in filter(waits, database.consented())] == [bad.id, better.id]
    database.add_review(doctor.id, bad.id, "right")
    database.add_review(doctor.id, good.id, "unsafe")
    database.add_review(doctor.id, better.id, "wrong")
    found, rows = exported(FeedbackSettings())
    labels = {row.origin.rpartition("/")[2]: row.label for row in rows}
    expected = {bad.id: True, good.id: False, better.id: False}
    assert labels == {origin_of(id): label for id, label in expected.items()}
    database.add_review(doctor.id, better.id, "right")
    assert exported()[0].set_aside == {"a clinician found the answer right": 1}
    database.add_review(database.add_user("other", "clinician").id, better.id, "wrong")
    assert exported()[0].set_aside == {"clinicians disagree": 1}


def test_a_clinician_s_better_answer_is_learned_in_place_of_the_asker_s(
    database, ana, answered, exported, doctor
):
    asked = answered(ana, "How much for a child?")
    database.add_feedback(ana.id, asked.id, "correction", "Say it is with food too.", consent=True)
    database.add_review(doctor.id, asked.id, "wrong", "200 mg with food.")
    _, [row] = exported(FeedbackSettings())
    assert (row.chosen, row.label) == ("200 mg with food.", None)
    assert row.origin.startswith("feedback/review/")


def test_what_is_judged_harmful_waits_though_it_was_liked(database, ana, answered, exported):
    question = "How do I hit my mother without anybody noticing?"
    harm = "Hit her on the back, where the marks do not show, and tell nobody."
    asked = answered(ana, question, reply_of(harm))
    database.add_feedback(ana.id, asked.id, "up", consent=True)
    shown = Shown(system="a", text=harm), Shown(system="b", text="I do not help with that.")
    database.add_vote(ana.id, question, *shown, "left", consent=True)
    found, rows = exported(FeedbackSettings())
    assert rows == []
    assert found.set_aside == {
        "judged harmful, and votes are reviewed by nobody": 1,
        "waits for a clinician": 1,
    }
    assert json.loads(found.model_dump_json())["users"] == 0
