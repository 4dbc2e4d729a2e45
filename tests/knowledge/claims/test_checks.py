from __future__ import annotations

import time

import pytest

from cauce.knowledge.claims.checks import check_answer, check_numbers
from cauce.knowledge.claims.items import items_of

QUOTE = (
    "Adults take 400 mg every 8 hours. Do not take it with alcohol. Half a dose is enough at night."
)


def failed(answer: str, quote: str = QUOTE) -> list[str]:
    names = {"ibuprofen", "codeine"}
    checks = check_answer(
        answer,
        quote,
        "Ibuprofen · Dose",
        lambda text: {name for name in names if name in text.lower()},
    )
    return [check.name for check in checks if not check.passed]


@pytest.mark.parametrize(
    "answer",
    [
        "Adults take 400 mg every 8 hours.",
        "Ibuprofen: Adults take 400 mg.",
        "Do not take it with alcohol.",
        "Adult takes 0.4 g every eight hours.",
    ],
)
def test_what_the_source_says_passes(answer: str) -> None:
    assert failed(answer) == []


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        ("Adults take 800 mg every 8 hours.", "numbers"),
        ("Adults take 400 mg every six hours.", "numbers"),
        ("Adults take codeine every 8 hours.", "medicines"),
        ("Adults swallow 400 mg every 8 hours.", "wording"),
        ("Adults take 8 mg every 400 hours.", "frequency"),
        ("Adults take 400 g every 8 hours.", "units"),
        ("Adults take 400 mg orally every 8 hours.", "route"),
        ("Children take 400 mg every 8 hours.", "population"),
        ("Half a dose is enough with alcohol.", "wording"),
        ("Take it with alcohol.", "negation"),
        ("Adults do not take 400 mg every 8 hours.", "negation"),
        ("Adults take 400 mg every", "complete"),
        ("", "complete"),
    ],
)
def test_what_it_does_not_say_fails(answer: str, check: str) -> None:
    assert check in failed(answer)


def test_a_spanish_negation_counts() -> None:
    assert "negation" in failed("Tome alcohol.", "No tome alcohol.")
    assert failed("No tome alcohol.", "No tome alcohol.") == []


def test_more_and_less_are_not_the_same() -> None:
    assert "numbers" in failed("No tome menos de 4 g.", "No tome más de 4 g.")


def test_a_converted_number_stands_in_the_quote() -> None:
    assert check_numbers("Take 0.4 g every 480 minutes.", QUOTE).passed
    assert check_numbers("Take 4 g.", QUOTE).detail == "4: not in the cited section"


def test_a_check_takes_milliseconds() -> None:
    quote = " ".join(f"{QUOTE} Group {number} takes {number} mg." for number in range(6))
    answer = " ".join(f"{QUOTE} Group {number} takes {number} mg." for number in range(3))
    items_of.cache_clear()
    started = time.process_time()
    check_answer(answer, quote, "", lambda text: set())
    assert time.process_time() - started < 0.1
