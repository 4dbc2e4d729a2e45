"""A record in a few checked statements: who, allergies, medicines, conditions, latest readings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from cauce.records import Spoken
from cauce.twin.readings import known_readings
from cauce.twin.scales.events import from_events
from cauce.twin.scales.scoring import Scored
from cauce.twin.scales.tables import scales
from cauce.twin.summary.checks import unsupported
from cauce.twin.summary.deriving import filtration_of
from cauce.twin.summary.pregnancy import pregnancy_in
from cauce.twin.summary.recorded import (
    Recorded,
    Subject,
    Summary,
    age_at,
    as_data,
    is_current,
    latest_of_each,
    months_between,
    place_of,
    place_of_person,
)
from cauce.twin.summary.wording import (
    SAID,
    SEXES,
    STALE_MONTHS,
    printed_date,
    printed_number,
    printed_unit,
)
from cauce.twin.timeline import Event, Timeline

READINGS = (
    *("potassium", "inr", "alt", "ast", "bilirubin", "glucose", "hba1c"),
    *("systolic_pressure", "diastolic_pressure", "heart_rate", "weight"),
)
"""The known readings that are told besides the kidneys' filtration, as they are told."""
MOST_ENCOUNTERS = 2
MOST_SCALES = 6
NO_ALLERGY = frozenset(("716186003", "409137002", "428607008", "429625007"))
"""SNOMED CT: no known allergy, drug allergy, environmental allergy, food allergy."""
FILTRATION = "egfr"
"""The known reading of the kidneys' filtration."""


class _Teller(NamedTuple):
    """Tells of one timeline, in one language, as of one moment."""

    timeline: Timeline
    language: Spoken
    when: datetime

    def statement(self, subject: Subject, event: Event, **words: str) -> Recorded:
        """What is said of a thing that is so since its event began."""
        said, term = SAID[self.language], as_data(event.name)
        detail = as_data(event.text)
        since = said["since"].format(date=self.dated(event.start)) if event.start else ""
        text = said[subject].format(term=term, detail=detail and f" ({detail})", since=since)
        return self.recorded(text, subject, event, term=term)

    def recorded(self, text: str, subject: Subject, *events: Event, term: str = "") -> Recorded:
        """The statement that rests on these events."""
        return Recorded(
            text=text,
            subject=subject,
            events=tuple(dict.fromkeys(map(place_of, events))),
            date=max((event.start for event in events if event.start), default=None),
            term=term,
        )

    def dated(self, moment: datetime | None, *, is_aged: bool = False) -> str:
        """The date, and of an old reading how long ago that is."""
        date = printed_date(moment, self.language)
        months = months_between(moment, self.when) if moment else 0
        if not is_aged or months <= STALE_MONTHS:
            return date
        unit, count = ("months", months) if months < 24 else ("years", months // 12)
        return SAID[self.language][unit].format(date=date, count=count)

    def amount(self, value: float, unit: str) -> str:
        """The number with its unit."""
        printed = printed_number(value, self.language)
        return f"{printed} {printed_unit(unit, self.language)}".rstrip()


def summary_of(timeline: Timeline, language: Spoken, when: datetime) -> Summary:
    """What the record says of its person as of `when` (UTC), every statement checked.

    The most important comes first; what says more than its events hold is kept apart.
    """
    teller = _Teller(timeline, language, when)
    told = [one for tell in _TELLING for one in tell(teller)]
    failed = [one for one in told if unsupported(one, timeline, language, when)]
    return Summary(
        language=language,
        when=when,
        statements=tuple(one for one in told if one not in failed),
        withheld=tuple(failed),
    )


def _person(teller: _Teller) -> Iterator[Recorded]:
    person = teller.timeline.person
    sex = SEXES[teller.language].get(person.sex, "")
    age = age_at(person.birth, teller.when) if person.birth else None
    key = "person" if sex and age is not None else "age" if age is not None else "sex"
    if sex or age is not None:
        text = SAID[teller.language][key].format(age=age, sex=sex)
        statement = teller.recorded(text, "person")
        value = None if age is None else float(age)
        yield statement.model_copy(update={"events": (place_of_person(person),), "value": value})


def _allergies(teller: _Teller) -> Iterator[Recorded]:
    for event in latest_of_each(_current(teller, "allergy")):
        denies = any(code.code in NO_ALLERGY for code in event.codes)
        yield teller.statement("no_allergy" if denies else "allergy", event)


def _filtration(teller: _Teller) -> Iterator[Recorded]:
    """As recorded; computed where only a creatinine is known, or a newer one."""
    recorded = _latest(teller, FILTRATION)
    creatinine = _latest(teller, "creatinine")
    if creatinine is not None and (recorded is None or _is_newer(creatinine, recorded)):
        estimated = filtration_of(creatinine, teller.timeline.person)
        if estimated is not None:
            yield _computed(teller, creatinine, estimated)
            return
    if recorded is not None:
        yield _reading(teller, recorded)
    elif creatinine is not None:
        yield _reading(teller, creatinine)


def _computed(teller: _Teller, creatinine: Event, value: float) -> Recorded:
    reading = known_readings()[FILTRATION]
    text = SAID[teller.language]["computed"].format(
        term=_capital(reading.names[teller.language]),
        value=teller.amount(value, reading.unit),
        of=teller.amount(creatinine.value or 0.0, creatinine.unit),
        date=teller.dated(creatinine.start, is_aged=True),
    )
    statement = teller.recorded(text, "reading", creatinine)
    person = place_of_person(teller.timeline.person)
    return statement.model_copy(
        update={
            "events": (*statement.events, person),
            "reading": FILTRATION,
            "value": value,
            "is_computed": True,
        }
    )


def _pregnancy(teller: _Teller) -> Iterator[Recorded]:
    found = pregnancy_in(teller.timeline, teller.when)
    if found is not None:
        subject: Subject = "pregnancy" if found.is_so else "no_pregnancy"
        yield teller.statement(subject, found.event.model_copy(update={"text": ""}))


def _medicines(teller: _Teller) -> Iterator[Recorded]:
    for event in latest_of_each(_current(teller, "medicine")):
        yield teller.statement("medicine", event)


def _conditions(teller: _Teller) -> Iterator[Recorded]:
    for event in latest_of_each(_current(teller, "condition")):
        yield teller.statement("condition", event)


def _readings(teller: _Teller) -> Iterator[Recorded]:
    for name in READINGS:
        event = _latest(teller, name)
        if event is not None:
            yield _reading(teller, event)


def _reading(teller: _Teller, event: Event) -> Recorded:
    text = SAID[teller.language]["reading"].format(
        term=_capital(known_readings()[event.reading].names[teller.language]),
        value=as_data(event.text) or teller.amount(event.value or 0.0, event.unit),
        date=teller.dated(event.start, is_aged=True),
    )
    statement = teller.recorded(text, "reading", event)
    return statement.model_copy(update={"reading": event.reading, "value": event.value})


def _scales(teller: _Teller) -> Iterator[Recorded]:
    """The latest total of each scale with its band, then answers that count in none."""
    totals = [one for one in from_events(teller.timeline) if one.total is not None and one.events]
    past = [one for one in totals if all(_has_been(event, teller.when) for event in one.events)]
    for scored in {one.scale: one for one in past}.values():
        yield _total(teller, scored)
    counted = {place_of(event) for one in totals for event in one.events}
    answers = tuple(
        event
        for event in _current(teller, "answer")
        if event.value is not None and place_of(event) not in counted
    )
    for event in latest_of_each(answers)[:MOST_SCALES]:
        text = SAID[teller.language]["scale"].format(
            term=as_data(event.name),
            value=teller.amount(event.value or 0.0, event.unit),
            date=teller.dated(event.start, is_aged=True),
        )
        yield teller.recorded(text, "scale", event, term=as_data(event.name))


def _total(teller: _Teller, scored: Scored) -> Recorded:
    scale, total = scales()[scored.scale], scored.total or 0
    name = _capital(scale.names[teller.language])
    start = max((event.start for event in scored.events if event.start), default=None)
    text = SAID[teller.language]["scale"].format(
        term=name,
        value=f"{total}, {scale.band_of(total).names[teller.language]}",
        date=teller.dated(start, is_aged=True),
    )
    return teller.recorded(text, "scale", *scored.events, term=name)


def _encounters(teller: _Teller) -> Iterator[Recorded]:
    past = [one for one in teller.timeline.of_kind("encounter") if _has_been(one, teller.when)]
    for event in reversed(past[-MOST_ENCOUNTERS:]):
        text = SAID[teller.language]["encounter"].format(
            term=as_data(event.name), date=teller.dated(event.start, is_aged=True)
        )
        yield teller.recorded(text, "encounter", event, term=as_data(event.name))


_TELLING: tuple[Callable[[_Teller], Iterator[Recorded]], ...] = (
    *(_person, _allergies, _filtration, _pregnancy, _medicines, _conditions, _readings),
    *(_scales, _encounters),
)
"""What is told, in the order in which it is told."""


def _current(teller: _Teller, kind: str) -> tuple[Event, ...]:
    return tuple(
        event
        for event in teller.timeline.events
        if event.kind == kind and is_current(event, teller.when)
    )


def _latest(teller: _Teller, reading: str) -> Event | None:
    measured = [
        event for event in teller.timeline.readings(reading) if _has_been(event, teller.when)
    ]
    return measured[-1] if measured else None


def _has_been(event: Event, when: datetime) -> bool:
    return event.is_active and (event.start is None or event.start <= when)


def _is_newer(event: Event, other: Event) -> bool:
    return bool(event.start and other.start and event.start > other.start)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
