"""What is said to a person in danger: fixed words, with the number to dial in the first sentence.

The words stand in `data/emergencies/answers.yaml` and the numbers in `numbers.yaml`, each with
where it was read. Both await a clinician: `Review` says who has looked at them and when.
"""

from __future__ import annotations

import functools
import importlib.resources
from typing import Any, Literal, NamedTuple

import yaml

from cauce.errors import UserError
from cauce.records import Record
from cauce.safety.language import Spoken

Kind = Literal[
    "self_harm",
    "overdose",
    "anaphylaxis",
    "stroke",
    "chest_pain",
    "urgent",
    "abuse",
    "carer_exhaustion",
]
"""What an alarm is about; `urgent` is any other danger to life now."""

_EMERGENCY_INSTEAD = ("suicide", "poison")
"""Purposes for which the emergency number stands where a country's table has no other."""


class Review(NamedTuple):
    """Who approved a text for patients, and when; None where nobody has."""

    by: str | None
    date: str | None


class Number(Record):
    """A telephone number with its purpose and where it was read."""

    dial: str
    """As people dial it: `112`, `91 562 04 20`."""
    name: dict[Spoken, str]
    source: str
    read: str
    """ISO 8601 date on which the source was looked up."""


class EmergencyAnswer(Record):
    """What is shown instead of a model's answer."""

    kind: Kind
    text: str
    number: str
    """The first number that it names."""
    numbers: tuple[str, ...]
    """All numbers of its first sentences, the first one to dial first."""
    sources: tuple[str, ...]
    """What the first-aid facts follow and where each number was read."""
    review: Review


def emergency_answer(kind: Kind, language: Spoken, country: str = "ES") -> EmergencyAnswer:
    """The answer to that kind of emergency; its number stands in the first 200 characters.

    `country` is a code of ISO 3166; UserError where the table of numbers has no such country.
    """
    table = _table("answers")
    words = table["answers"][kind]
    called = _called(words[language]["call"], numbers(country))
    opening = " ".join(
        sentence.format(dial=line.dial, name=line.name[language]) for sentence, line in called
    )
    return EmergencyAnswer(
        kind=kind,
        text=f"{opening} {' '.join(words[language]['then'].split())}",
        number=called[0][1].dial,
        numbers=tuple(dict.fromkeys(line.dial for _, line in called)),
        sources=(*words["sources"], *dict.fromkeys(line.source for _, line in called)),
        review=Review(**table["review"]),
    )


def numbers(country: str = "ES") -> dict[str, Number]:
    """A country's numbers by purpose: `emergency`, `suicide`, `poison`, `abuse`, `listening`."""
    table = _table("numbers")["countries"]
    if country not in table:
        raise UserError(
            f"no emergency numbers for the country {country!r}.\n"
            f"Known are {', '.join(sorted(table))}."
        )
    return {purpose: Number(**said) for purpose, said in table[country].items()}


def _called(call: dict[str, str], lines: dict[str, Number]) -> list[tuple[str, Number]]:
    """The sentences that name a number, each with it; those are left out that have none here."""
    spare = dict.fromkeys(_EMERGENCY_INSTEAD, lines["emergency"])
    known = {**spare, **lines}
    return [(sentence, known[purpose]) for purpose, sentence in call.items() if purpose in known]


@functools.cache
def _table(name: str) -> dict[str, Any]:
    path = importlib.resources.files("cauce") / f"data/emergencies/{name}.yaml"
    read: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return read
