"""Readings and scales as lines, with the marks beside which they are usually found."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple

from cauce.records import Spoken
from cauce.report.charts import Scale
from cauce.report.twin.axis import Period
from cauce.report.twin.usual import Usual
from cauce.report.twin.wording import SAYS
from cauce.twin.summary.recorded import place_of
from cauce.twin.summary.wording import printed_date, printed_number, printed_unit
from cauce.twin.timeline import Event

HEIGHT, TOP, BOTTOM = 84, 14, 12
MOST_POINTS = 120


class Point(NamedTuple):
    """One number: percent from the left, pixels from the top."""

    x: float
    y: float
    title: str
    side: Literal["above", "below", ""]


class Segment(NamedTuple):
    """From one point to the next."""

    x1: float
    y1: float
    x2: float
    y2: float


class Line(NamedTuple):
    """One reading in a period, ready to be drawn."""

    name: str
    latest: str
    date: str
    usual: str
    """The marks in words; empty where there are none."""
    side: str
    """In words, on which side of them the latest number lies; empty between them."""
    meaning: str
    points: tuple[Point, ...]
    segments: tuple[Segment, ...]
    band: tuple[float, float]
    """From where, and how high; (0, 0) where there are no marks."""
    lowest: str
    highest: str
    description: str
    is_thinned: bool
    """Whether a point stands for several numbers."""


class Measured(NamedTuple):
    """The numbers of one reading, oldest first, and how they are told."""

    name: str
    unit: str
    events: tuple[Event, ...]
    usual: Usual | None
    meaning: str = ""
    """What the latest number means, where a scale says so."""


def line(measured: Measured, period: Period, language: Spoken) -> Line | None:
    """The drawing of what was measured in the period; None where nothing was."""
    events = [event for event in measured.events if period.holds(event)]
    if not events:
        return None
    values = [event.value or 0.0 for event in events]
    down = _down(values, measured.usual)
    chosen = _thinned(events)
    points = tuple(_point(event, measured, period, down, language) for event in chosen)
    unit, last = printed_unit(measured.unit, language), events[-1]
    side = measured.usual.side(values[-1]) if measured.usual else ""
    return Line(
        name=measured.name,
        latest=f"{printed_number(values[-1], language)} {unit}".rstrip(),
        date=printed_date(last.start, language),
        usual=_usual(measured.usual, language),
        side=SAYS[language][side] if side else "",
        meaning=measured.meaning,
        points=points,
        segments=tuple(Segment(a.x, a.y, b.x, b.y) for a, b in itertools.pairwise(points)),
        band=_band(measured.usual, down),
        lowest=printed_number(min(values), language),
        highest=printed_number(max(values), language),
        description=SAYS[language]["line" if len(events) > 1 else "single"].format(
            count=len(events),
            low=printed_number(min(values), language),
            high=printed_number(max(values), language),
            unit=unit,
        ),
        is_thinned=len(chosen) < len(events),
    )


def _down(values: Sequence[float], usual: Usual | None) -> Scale:
    """The numbers fill the height; a mark is taken in where it does not flatten them."""
    low, high = min(values), max(values)
    span = (high - low) or abs(high) * 0.1 or 1.0
    for mark in (usual.low, usual.high) if usual else ():
        if mark is not None and low - 2 * span <= mark <= high + 2 * span:
            low, high = min(low, mark), max(high, mark)
    pad = ((high - low) or span) * 0.08
    return Scale(low - pad, high + pad, HEIGHT - BOTTOM, TOP)


def _band(usual: Usual | None, down: Scale) -> tuple[float, float]:
    if usual is None:
        return (0.0, 0.0)
    top, bottom = TOP - 4.0, HEIGHT - BOTTOM + 4.0
    upper = top if usual.high is None else min(max(down(usual.high), top), bottom)
    lower = bottom if usual.low is None else min(max(down(usual.low), top), bottom)
    return (upper, round(lower - upper, 1))


def _point(
    event: Event, measured: Measured, period: Period, down: Scale, language: Spoken
) -> Point:
    value = event.value or 0.0
    number = f"{printed_number(value, language)} {printed_unit(measured.unit, language)}".rstrip()
    title = f"{measured.name}: {number}, {printed_date(event.start, language)} · {place_of(event)}"
    side = measured.usual.side(value) if measured.usual else ""
    x = period.place(event.start) if event.start else 0.0
    return Point(x, down(value), title, side)


def _thinned(events: Sequence[Event]) -> list[Event]:
    """At most MOST_POINTS: the lowest and the highest of equal stretches; no extreme is hidden."""
    if len(events) <= MOST_POINTS:
        return list(events)
    stretches = MOST_POINTS // 2
    edges = [i * len(events) // stretches for i in range(stretches + 1)]
    kept: list[Event] = []
    for a, b in itertools.pairwise(edges):
        own = range(a, b)
        ends = {min(own, key=lambda i: events[i].value or 0.0)}
        ends.add(max(own, key=lambda i: events[i].value or 0.0))
        kept += [events[i] for i in sorted(ends)]
    return kept


def _usual(usual: Usual | None, language: Spoken) -> str:
    if usual is None:
        return ""
    low = None if usual.low is None else printed_number(usual.low, language)
    high = None if usual.high is None else printed_number(usual.high, language)
    says = SAYS[language]
    if low is None or high is None:
        return says["from"].format(low=low) if high is None else says["up_to"].format(high=high)
    return says["between"].format(low=low, high=high)
