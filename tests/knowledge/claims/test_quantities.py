"""read_amount: one form per amount, exact conversions only, and comparisons as part of it."""

from __future__ import annotations

import doctest
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.knowledge.claims import tokens
from cauce.knowledge.claims.quantities import Frequency, Quantity, read_amount
from cauce.knowledge.claims.tokens import tokens_of
from cauce.records import Language


def read(text: str, language: Language | None = None) -> Quantity | Frequency | None:
    found = read_amount(tokens_of(text, language), 0)
    return found.value if found else None


def test_doc_examples() -> None:
    failed, tried = doctest.testmod(tokens)
    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.5 g", "500 mg"),
        ("0,5 g", "500 miligramos"),
        ("100 mcg", "0.1 mg"),
        ("100 µg", "100 microgramos"),
        ("5 mL", "5 cc"),
        ("0.5 l", "500 ml"),
        ("2 weeks", "14 days"),
        ("24 horas", "1 día"),
        ("1 year", "12 months"),
        ("10 mg/kg/day", "10 mg per kg per day"),
        ("10 mg/day", "10 mg daily"),
        ("10 mg per 24 h", "10 mg al día"),
        ("125 mg/5 mL", "25 mg per mL"),
        ("1000 IU", "1000 unidades internacionales"),
        ("5 %", "5 por ciento"),
        ("77 °F", "25 °C"),
        ("200-400 mg", "200 mg to 400 mg"),
        ("de 200 a 400 mg"[3:], "between 200 and 400 mg"),
        ("two tablets", "2 comprimidos"),
        ("one tablet", "un comprimido"),
        ("not more than 3 g", "no más de 3 g"),
        ("up to 3 g", "maximum of 3000 mg"),
        ("no debe superar los 40 mg", "not exceed 40 mg"),
        ("12 years and older", "at least 12 years"),
        (">5 mg", "more than 5 mg"),
        ("every 8 hours", "cada 8 horas"),
        ("q8h", "every eight hours"),
        ("every 4 to 6 hours", "cada 4-6 horas"),
        ("twice daily", "dos veces al día"),
        ("b.i.d.", "two times a day"),
        ("3 veces por día", "three times daily"),
        ("once a week", "una vez a la semana"),
        ("daily", "every day"),
        ("1.73 m2", "1,73 m²"),
    ],
)
def test_the_same_amount_in_other_words(one: str, other: str) -> None:
    assert read(one) is not None
    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("500 mg", "500 mcg"),
        ("5 mg", "5 mg/mL"),
        ("5 mg/kg", "5 mg"),
        ("5 mg/kg/day", "5 mg/kg"),
        ("1 month", "4 weeks"),
        ("1000 IU", "1000 units"),
        ("3 g", "up to 3 g"),
        ("not more than 3 g", "more than 3 g"),
        ("at least 3 g", "at most 3 g"),
        ("400 mg", "200 to 400 mg"),
        ("every 8 hours", "3 times a day"),
        ("cada 12 horas", "dos veces al día"),
        ("once daily", "once weekly"),
        ("2 tablets", "2 capsules"),
        ("1 mmol", "1 mEq"),
        ("1.000 mg", "1 g"),
    ],
)
def test_another_amount(one: str, other: str) -> None:
    assert read(one) != read(other)


def test_the_language_says_what_a_mark_means() -> None:
    assert read("1.000 mg", "es") == read("1 g") == read("1,000 mg", "en")


def test_a_range_supports_its_end_only_as_a_limit() -> None:
    held = read("200 to 400 mg")
    assert isinstance(held, Quantity)
    claims = {
        text: read(text) for text in ("400 mg", "up to 0.4 g", "at least 200 mg", "up to 200 mg")
    }
    assert [
        text
        for text, claim in claims.items()
        if isinstance(claim, Quantity) and held.supports(claim)
    ] == ["up to 0.4 g", "at least 200 mg"]


@given(st.integers(1, 9999), st.sampled_from(["mg", "mcg", "g"]))
def test_a_thousand_of_a_unit_is_one_of_the_next(value: int, unit: str) -> None:
    larger = {"mcg": "mg", "mg": "g", "g": "kg"}[unit]
    found = read(f"{value * 1000} {unit}")
    assert found == read(f"{value} {larger}")
    assert isinstance(found, Quantity)
    assert isinstance(found.low, Fraction)


def test_words_are_no_amounts() -> None:
    assert read("tablets") is None
    assert read("more") is None
