from __future__ import annotations

import pytest

from cauce.knowledge.checks import check_answer

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
        ("Adults take 8 mg every 400 hours.", "wording"),
        ("Adult take 400 mg every 8 hours.", "wording"),
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
    assert "wording" in failed("No tome menos de 4 g.", "No tome más de 4 g.")
