"""The numbers of a timeline, as a model of a state reads them."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np

from cauce.records import Measurements
from cauce.twin.physionet import UNITS_OF_CARE
from cauce.twin.readings import reading_of_name
from cauce.twin.series import Series, Variables
from cauce.twin.timeline import Event, Timeline

_HOUR_S = 3600.0


def series_of(timeline: Timeline, variables: Variables) -> Series:
    """The person's readings at the times at which any of the variables was measured.

    Hours count from the timeline's first event that has a time. Of two numbers of one variable at
    the same time the later one in the timeline counts. A static that the timeline does not tell is
    NaN; the age is that at the first event.
    """
    timed = [event for event in timeline.events if event.start is not None]
    first = timed[0].start if timed else None
    column = {name: place for place, name in enumerate(variables.readings)}
    rows: dict[float, dict[int, float]] = {}
    for event in timed:
        if _is_number(event) and (place := column.get(_called(event))) is not None:
            rows.setdefault(_hours(event, first), {})[place] = float(event.value or 0.0)
    values = np.full((len(rows), len(column)), np.nan)
    for at, row in enumerate(rows.values()):
        values[at, list(row)] = list(row.values())
    statics = [_static(name, timeline, first) for name in variables.statics]
    return Series(timeline.person.id, np.array(list(rows), np.float64), values, np.array(statics))


def measurements_of(timeline: Timeline) -> Measurements:
    """Every reading with its times, as a model that reads a series before its prompt takes them.

    Hours count as in `series_of`; of two numbers of one reading at the same time the later counts.
    """
    timed = [event for event in timeline.events if event.start is not None]
    found: dict[str, dict[float, float]] = {}
    for event in filter(_is_number, timed):
        pairs = found.setdefault(_called(event), {})
        pairs[_hours(event, timed[0].start)] = float(event.value or 0.0)
    return Measurements(of={name: tuple(pairs.items()) for name, pairs in found.items()})


def _is_number(event: Event) -> bool:
    """Whether it tells a number that others of its name can be compared with.

    One that is called as a known reading, and is none of it, is in another unit.
    """
    is_reading = event.kind == "reading" and event.is_active and event.value is not None
    return is_reading and bool(event.reading or reading_of_name(event.name) is None)


def _called(event: Event) -> str:
    return event.reading or event.name


def _hours(event: Event, first: datetime | None) -> float:
    assert event.start and first
    return (event.start - first).total_seconds() / _HOUR_S


def _static(name: str, timeline: Timeline, first: datetime | None) -> float:
    """One of the statics by its name; the latest number of a reading, where it is none of them."""
    person = timeline.person
    if name == "age":
        return _age(timeline, first)
    if name == "female":
        return {"female": 1.0, "male": 0.0}.get(person.sex, math.nan)
    if name in UNITS_OF_CARE:
        told = [event.name for event in timeline.events if event.kind == "encounter"]
        return float(name in told) if set(told) & set(UNITS_OF_CARE) else math.nan
    measured = timeline.readings(name)
    return math.nan if not measured else float(measured[-1].value or 0.0)


def _age(timeline: Timeline, first: datetime | None) -> float:
    if timeline.person.birth is None or first is None:
        return math.nan
    birth = timeline.person.birth
    is_before_birthday = (first.month, first.day) < (birth.month, birth.day)
    return float(first.year - birth.year - is_before_birthday)
