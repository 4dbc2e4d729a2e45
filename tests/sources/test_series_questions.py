"""Invented readings: the same from the same seed, and answers that follow from what is told."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from cauce.corpus.pairs import pair_of
from cauce.records import Document, Measurements
from cauce.sources.series_questions import (
    FEVER,
    SAID,
    SeriesQuestionsSource,
    change_in_a_day,
    level_of,
    trend_of,
)


def made(**options: int) -> list[Document]:
    found = list(SeriesQuestionsSource(people=60, **options).documents())
    return [item for item in found if isinstance(item, Document)]


def kind_of(document: Document) -> str:
    return document.id.partition("-")[2]


def expected(document: Document) -> str:
    """Read from the text again, by other means than it was written by."""
    of = Measurements.of_text(document.section("series").text).of
    kind = kind_of(document)
    if kind == "fevers":
        return str(
            len(
                re.findall(
                    r":(3[89]|4\d)(\.\d)?(?!\d)",
                    document.section("series").text.split("temperature")[1],
                )
            )
        )
    key = {
        "rise": lambda: "yes" if change_in_a_day(of["systolic_pressure"]) >= 10 else "no",
        "last": lambda: level_of(of["glucose"][-1][1]),
        "trend": lambda: trend_of(of["heart_rate"]),
    }[kind]()
    return SAID[key][document.language]


def test_answers_follow_from_the_series_as_it_is_written():
    assert [it.section("answer").text for it in made()] == [expected(it) for it in made()]


def test_every_answer_of_a_kind_is_given_and_none_by_far_the_most():
    by_kind: dict[str, Counter[str]] = {}
    for document in made():
        spoken = f"{document.language} {document.section('answer').text}"
        by_kind.setdefault(kind_of(document), Counter())[spoken] += 1
    assert {kind: len(said) for kind, said in by_kind.items()} == {
        "rise": 4, "last": 6, "trend": 6, "fevers": 8,
    }  # fmt: skip
    assert all(max(said.values()) < 30 for said in by_kind.values())


def test_people_follow_from_the_seed_and_each_is_one_group():
    assert made() == made()
    assert made(seed=1)[0] != made()[0]
    assert len({it.group for it in made()}) == 60
    assert len({it.key for it in made()}) == 240


@pytest.mark.parametrize(
    ("pairs", "answer"),
    [
        (((0.0, 70.0), (30.0, 71.0), (72.0, 79.0)), "up"),
        (((0.0, 80.0), (30.0, 71.0), (72.0, 72.0)), "down"),
        (((0.0, 80.0), (72.0, 87.0)), "steady"),
    ],
)
def test_a_trend_is_between_the_thirds(pairs, answer):
    assert trend_of(pairs) == answer


def test_a_day_reaches_back_to_the_last_value_before_it():
    assert change_in_a_day(((0.0, 100.0), (48.0, 120.0), (49.0, 160.0), (72.0, 131.0))) == 11
    assert (level_of(69), level_of(70), level_of(180), level_of(181)) == (
        "low", "normal", "normal", "high",
    )  # fmt: skip
    assert FEVER == 38


def test_the_question_is_asked_with_the_series_or_without_it():
    example = pair_of(made()[0])
    assert example is not None
    [message] = example.messages
    [bare] = example.messages_without_series
    assert message.content == f"{example.series}\n{bare.content}"
    assert bare.content == made()[0].title
