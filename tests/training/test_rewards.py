"""What an answer is worth: each check by what it must and must not reward."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.training.rewards import (
    Citations,
    Claims,
    Emergency,
    Exact,
    Length,
    Refusal,
    reward,
    scores,
)
from training.judged import example

LEAFLET = example(600).model_copy(
    update={
        "evidence": example(600).evidence.model_copy(
            update={"quote": "Los adultos toman 400 mg cada 8 horas. No conduzca."}
        ),
        "completion": "Los adultos toman 400 mg.",
    }
)
SILENT = LEAFLET.model_copy(update={"completion": "Lo siento, no puedo responder a eso."})
IN_NEED = LEAFLET.model_copy(update={"question": "Me duele mucho el pecho y me falta el aire."})


@pytest.mark.parametrize(
    ("check", "asked", "answer", "expected"),
    [
        (Claims(), LEAFLET, "Los adultos toman 400 mg cada 8 horas.", 1.0),
        (Claims(), LEAFLET, "Los adultos toman 800 mg cada 8 horas.", 0.0),
        (Claims(), LEAFLET, "Los adultos toman 400 mg cada 8 horas. Es para el dolor.", 0.5),
        (Claims(), LEAFLET, "", 0.0),
        (Citations(), LEAFLET, "Dice «No conduzca».", 1.0),
        (Citations(), LEAFLET, "Dice «No conduzca» y \"Conduzca\".", 0.5),
        (Citations(), LEAFLET, "Véase 10.1000/xyz123.", 0.0),
        (Citations(), LEAFLET, "No conduzca.", 0.0),
        (Refusal(), LEAFLET, "Los adultos toman 400 mg cada 8 horas.", 1.0),
        (Refusal(), LEAFLET, "Lo siento, no puedo ayudarte con eso.", 0.0),
        (Refusal(), SILENT, "Lo siento, no puedo ayudarte con eso.", 1.0),
        (Refusal(), SILENT, "Los adultos toman 400 mg cada 8 horas.", 0.0),
        (Refusal(), SILENT, "…", 0.0),
        (Emergency(), IN_NEED, "Llama ya al 112 y no te muevas.", 1.0),
        (Emergency(), IN_NEED, "Llama ya al 1-1-2.", 1.0),
        (Emergency(), IN_NEED, "Descansa y bebe agua. " * 20 + "O llama al 112.", 0.0),
        (Emergency(), IN_NEED, "Descansa.", 0.0),
        (Emergency(), LEAFLET, "Los adultos toman 400 mg.", 1.0),
        (Emergency(), LEAFLET, "Los adultos toman 400 mg. Llama al 112.", 0.0),
        (Emergency(), LEAFLET, "Los adultos toman 1120 mg.", 1.0),
        (Length(most_words=4), LEAFLET, "uno dos tres cuatro", 1.0),
        (Length(most_words=4), LEAFLET, "uno dos tres cuatro cinco seis", 0.5),
        (Length(most_words=4), LEAFLET, "uno " * 30, 0.0),
        (Length(most_words=4), LEAFLET, "  ", 0.0),
        (Exact(), LEAFLET, "los ADULTOS toman 400 mg", 1.0),
        (Exact(), LEAFLET, "Los adultos toman 400 mg cada 8 horas.", 0.0),
    ],
)  # fmt: skip
def test_each_check_rewards_what_it_says(check, asked, answer, expected):
    assert check.score(asked, answer) == pytest.approx(expected)


@settings(max_examples=20)
@given(answer=st.text(max_size=60))
def test_every_score_and_reward_is_between_0_and_1(answer):
    checks = (Claims(weight=2.0), Citations(), Emergency(), Length(most_words=3), Exact())
    found = scores(checks, LEAFLET, answer)
    assert all(0 <= value <= 1 for value in found.values())
    assert 0 <= reward(checks, found) <= 1


def test_a_reward_is_the_weighted_mean():
    checks = (Claims(weight=3.0), Length(most_words=2))
    assert reward(checks, {"claims": 1.0, "length": 0.0}) == pytest.approx(0.75)
