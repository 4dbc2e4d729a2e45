"""The language that a person writes in."""

from __future__ import annotations

import time

import pytest

from cauce.safety.language import Spoken, spoken_language

TOLD: list[tuple[str, Spoken]] = [
    ("me duele mucho el pecho", "es"),
    ("mi abuela se ha caido y no se mueve", "es"),
    ("dosis ibuprofeno", "es"),
    ("vos tenés idea si puedo tomarlo?", "es"),
    ("em fa molt mal el pit i no puc respirar", "ca"),
    ("el meu pare ha pres massa pastilles", "ca"),
    ("quin és el prospecte d'aquest xarop?", "ca"),
    ("my mum took too many pills", "en"),
    ("i cant breathe", "en"),
    ("is it safe with milk?", "en"),
    ("", "es"),
]


def test_no_text_takes_long() -> None:
    start = time.process_time()
    assert spoken_language("á" * 200_000) == "es"
    assert time.process_time() - start < 2


@pytest.mark.parametrize(("text", "language"), TOLD)
def test_the_language_is_told(text: str, language: Spoken) -> None:
    assert spoken_language(text) == language
