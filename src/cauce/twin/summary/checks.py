"""Whether a statement says nothing that the events it points to do not hold.

Every number must stand in its events, rounded as it is printed, or follow from them: an age, the
months since, a filtration rate, a scale's total. Every word must be one that all such statements
are made of, the usual name of the reading or the scale, its band, or stand in its events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache

from cauce.knowledge.claims.numbers import numbers_in
from cauce.knowledge.words import words
from cauce.records import Language, Spoken
from cauce.twin.readings import known_readings
from cauce.twin.scales.events import from_events
from cauce.twin.scales.scoring import Scored
from cauce.twin.scales.tables import scales
from cauce.twin.summary.deriving import filtration_of
from cauce.twin.summary.recorded import (
    Recorded,
    age_at,
    events_at,
    months_between,
    place_of,
    place_of_person,
)
from cauce.twin.summary.wording import SAID, SEXES, printed_date, printed_unit
from cauce.twin.timeline import Event, Timeline

COMPUTED_BY = "CKD-EPI 2021"
_MARKS: dict[Spoken, Language] = {"es": "es", "en": "en", "ca": "es"}
"""Catalan writes its numbers as Spanish does."""


def unsupported(
    statement: Recorded, timeline: Timeline, language: Spoken, when: datetime
) -> tuple[str, ...]:
    """The numbers and words of a statement that its events do not hold; none where it stands.

    A statement that points to no event of the timeline holds nothing.
    """
    events = events_at(timeline, statement.events)
    person = place_of_person(timeline.person)
    if missing := [
        it for it in statement.events if it != person and not events_at(timeline, (it,))
    ]:
        return tuple(missing)
    if not statement.events:
        return (statement.text,)
    held = _printed(events, language)
    exact = set(numbers_in(f"{held} {COMPUTED_BY}", _MARKS[language]))
    scored = _scored(statement, timeline)
    totals = [float(one.total) for one in scored if one.total is not None]
    values = [*_values(events), *totals, *_derived(statement, timeline, events, when)]
    numbers = [
        number
        for number in numbers_in(statement.text, _MARKS[language])
        if number not in exact and not any(_is_rounded(number, value) for value in values)
    ]
    spelled = [
        *words(held),
        *_words_of_readings(events, statement, language),
        *_words_of_scales(scored, language),
    ]
    known = {*spelled, *_vocabulary(language)}
    return (*numbers, *(word for word in words(statement.text) if word not in known))


def _printed(events: Sequence[Event], language: Spoken) -> str:
    """All that the events hold in words and dates, one after another."""
    parts = (
        part
        for event in events
        for part in (
            event.name,
            event.text,
            event.unit,
            printed_unit(event.unit, language),
            printed_date(event.start, language),
        )
    )
    return " ; ".join(parts)


def _values(events: Sequence[Event]) -> list[float]:
    return [event.value for event in events if event.value is not None]


def _derived(
    statement: Recorded, timeline: Timeline, events: Sequence[Event], when: datetime
) -> Iterator[float]:
    """The numbers that follow from what the statement points to."""
    person = timeline.person
    has_person = place_of_person(person) in statement.events
    if has_person and person.birth:
        yield float(age_at(person.birth, when))
    for event in events:
        if event.start is not None:
            months = months_between(event.start, when)
            yield from (float(months), float(months // 12))
        if has_person and event.reading == "creatinine":
            filtration = filtration_of(event, person)
            yield from () if filtration is None else (filtration, 1.73)


def _scored(statement: Recorded, timeline: Timeline) -> list[Scored]:
    """The scales that were answered by just what the statement points to."""
    if statement.subject != "scale":
        return []
    found = from_events(timeline)
    return [one for one in found if {*map(place_of, one.events)} == {*statement.events}]


def _is_rounded(number: str, value: float) -> bool:
    """True where the number is the value, rounded to the decimals that it has."""
    try:
        said = float(number)
    except ValueError:
        return False
    decimals = len(number.partition(".")[2])
    return round(value, decimals) == said or float(f"{value:.4g}") == said


def _words_of_readings(
    events: Sequence[Event], statement: Recorded, language: Spoken
) -> Iterator[str]:
    readings = known_readings()
    for name in {statement.reading, *(event.reading for event in events)} - {""}:
        yield from words(readings[name].names[language])
        yield from words(printed_unit(readings[name].unit, language))


def _words_of_scales(scored: Sequence[Scored], language: Spoken) -> Iterator[str]:
    for one in scored:
        scale = scales()[one.scale]
        yield from words(scale.names[language])
        if one.total is not None:
            yield from words(scale.band_of(one.total).names[language])


@cache
def _vocabulary(language: Spoken) -> frozenset[str]:
    """The words that statements are made of, without what is filled in."""
    said = {
        **dict.fromkeys(("term", "detail", "since", "value", "of", "date", "age", "sex"), ""),
        "count": "",
    }
    texts = [text.format(**said) for text in SAID[language].values()]
    return frozenset(words(" ".join([*texts, *SEXES[language].values()])))
