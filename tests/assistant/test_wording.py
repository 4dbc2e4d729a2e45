from __future__ import annotations

import doctest

import pytest

from cauce.assistant import wording
from cauce.assistant.wording import SECTION_NAMES, language_of, say
from cauce.knowledge.evidence.conditions import conditions_of
from cauce.sources.medicines import FURTHER_KINDS, KINDS


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(wording).failed == 0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("¿Dosis de ibuprofeno?", "es"),
        ("contraindicaciones amoxicilina", "es"),
        ("metformina embarazo", "es"),
        ("y para niños", "es"),
        ("Puc prendre ibuprofèn durant l'embaràs?", "es"),
        ("Quina és la dosi de paracetamol?", "es"),
        ("com es conserva la insulina", "es"),
        ("ibuprofen dose", "en"),
        ("can I take it with food", "en"),
        ("Is it safe for my kidneys?", "en"),
        ("ibuprofen", "en"),
        ("diclofenaco infarto", "es"),
        ("antihipertensivos e ibuprofeno", "es"),
        ("no me encuentro bien", "es"),
        ("amiodarona tiroides", "es"),
        ("enalapril tos", "es"),
        ("Humira nausea", "en"),
        ("Lyrica weight gain", "en"),
        ("Viagra nitrates", "en"),
        ("", "en"),
    ],
)
def test_the_language_of_short_questions(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("kind", [*KINDS, *FURTHER_KINDS])
def test_every_kind_of_section_has_a_name_in_both_languages(kind: str) -> None:
    assert set(SECTION_NAMES[kind]) == {"en", "es"}


def test_what_the_text_does_not_mention_is_said_by_name() -> None:
    (renal,) = conditions_of("in renal impairment")
    said = say("not_mentioned", "en", names=["Advil"], kind=renal.names["en"])
    assert said.startswith("What I looked into about Advil says nothing about kidney disease.")
    dicho = say("not_mentioned", "es", names=["Advil"], kind=renal.names["es"])
    assert dicho.startswith(
        "Lo que he consultado de Advil no dice nada sobre la insuficiencia renal."
    )
