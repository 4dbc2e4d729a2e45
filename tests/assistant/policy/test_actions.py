"""What may be done with a turn: never an answer where there was none, nothing in an emergency."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.assistant.conversation import Asked
from cauce.assistant.policy.actions import ACTIONS, MOST_ASKED, allowed, carried_out
from cauce.assistant.policy.choosing import Rules, Situation
from cauce.assistant.policy.features import REPLY, TURN, Reading, reply_features
from cauce.assistant.policy.network import NetworkSettings, PolicyNetwork
from cauce.knowledge.names.resolver import Mention, Resolution
from cauce.records import Citation, Reply, Spoken, Statement

QUOTE = "La dosis es de 200 mg. No pase de 1200 mg al día."
CITATION = Citation(
    source="v", id="ibuprofen", version="1", section="dose", quote=QUOTE, title="Ibuprofeno"
)
ANSWER = Reply(
    text="Se toman 200 mg.\nLa ficha habla de su alergia.",
    statements=(
        Statement(text="Se toman 200 mg.", citation=0),
        Statement(text="La ficha habla de su alergia.", citation=1),
    ),
    citations=(CITATION, CITATION.model_copy(update={"section": "contraindications"})),
    group="ibuprofen",
    kind="dose",
    generated=True,
)
NETWORKS = [
    PolicyNetwork(NetworkSettings(cell=cell, units=5, backbone=6)) for cell in ("cfc", "gru")
]

numbers = st.floats(0, 1, width=32)
replies = st.builds(
    Reply,
    text=st.just("x"),
    citations=st.sampled_from([(), (CITATION,)]),
    abstained=st.booleans(),
    reason=st.sampled_from(["", "unknown: x", "guard: attack", "withheld: numbers", "no_kind"]),
    emergency=st.sampled_from(["", "stroke"]),
    call=st.sampled_from([(), ("112",)]),
    plain=st.booleans(),
)


def reading(*, typos: int = 0, asked_before: int = 0, is_alarming: bool = False) -> Reading:
    mention = Mention("ibuprofen", "ibuprofeno", typos, "ibuprofno")
    asked = Asked("¿Ibuprofno?", "es", ("dose",), Resolution("found", mentions=(mention,)))
    features = (0.0,) * len(TURN)
    return Reading(features, asked, ("dose", "use", "storage"), asked_before, is_alarming, "es")


readings = st.builds(
    lambda asked, alarming: reading(asked_before=asked, is_alarming=alarming),
    st.integers(0, 4),
    st.booleans(),
)


@given(reply=replies, read=readings)
def test_what_is_stopped_stays_and_where_there_is_no_answer_none_is_given(reply, read):
    may = dict(zip(ACTIONS, allowed(reply, read), strict=True))
    is_stopped = reply.emergency or reply.call or reply.reason == "guard: attack"
    if is_stopped or read.is_alarming:
        assert not any(may.values())
    else:
        assert may["escalate"], "there is always somebody to turn to"
        assert may["answer"] != reply.abstained
        assert not (reply.abstained and may["show_source"])
        assert reply.abstained or may["ask_back"] == (read.asked_before < MOST_ASKED)
    for action, may_be_done in may.items():
        if may_be_done and reply.abstained:
            done = carried_out(action, reply, read, country="ES")
            assert done.abstained and done.text.startswith(reply.text)


@settings(max_examples=30)
@given(
    turns=st.lists(st.tuples(*[numbers] * len(TURN)), min_size=1, max_size=4),
    reply=st.tuples(*[numbers] * len(REPLY)),
    may=st.tuples(*[st.booleans()] * len(ACTIONS)).filter(lambda may: may[0] or may[1]),
)
def test_no_policy_ever_chooses_what_is_not_allowed(turns, reply, may):
    situation = Situation(tuple(turns), (1.0,) * len(turns), reply, may)
    rules = Rules(ask_from=0.5, escalate_from=0.7, unsure_below=0.5, sources="always", unknown=True)
    for policy in (*NETWORKS, rules):
        chances = policy.probabilities(situation)
        assert sum(chances) == pytest.approx(1)
        assert all(chance == 0 for chance, one in zip(chances, may, strict=True) if not one)


def test_an_answer_is_left_as_it_is():
    assert carried_out("answer", ANSWER, reading(), country="ES") == ANSWER


def test_the_source_is_shown_in_the_place_of_the_models_words_and_what_follows_stays():
    shown = carried_out("show_source", ANSWER, reading(), country="ES")
    assert shown.text == f"Ibuprofeno: {QUOTE}\nLa ficha habla de su alergia."
    assert [it.citation for it in shown.statements] == [0, 1]
    assert (shown.generated, shown.citations) == (False, ANSWER.citations)


def test_it_is_asked_which_medicine_where_its_name_was_misspelled_else_which_matter():
    medicine = carried_out("ask_back", ANSWER, reading(typos=1), country="ES")
    assert medicine.choices == ("ibuprofeno",) and "¿Se refiere a ibuprofeno?" in medicine.text
    matter = carried_out("ask_back", ANSWER, reading(), country="ES")
    assert "dosis o para qué sirve" in matter.text and matter.choices == ("dosis", "para qué sirve")
    for asked in (medicine, matter):
        assert asked.abstained and not asked.citations and asked.reason == "policy: ask_back"


@pytest.mark.parametrize("language", get_args(Spoken))
def test_who_is_sent_to_a_professional_is_told_whom_to_call(language):
    read = reading()._replace(spoken=language)
    sent = carried_out("escalate", ANSWER, read, country="ES")
    assert sent.abstained and sent.call == ("112",) and "112" in sent.text
    assert ANSWER.text not in sent.text and not sent.citations


def test_what_is_told_of_a_reply_has_no_word_of_it():
    assert reply_features(ANSWER) == (0.0, 0.0, pytest.approx(2 / 3), 1.0, 0.0)
    assert len(reply_features(ANSWER)) == len(REPLY)
