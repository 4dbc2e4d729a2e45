"""Medicines and conditions as bars, encounters and procedures as marks: a lane for each name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from cauce.records import Spoken
from cauce.report.twin.axis import LASTING, Period, is_open
from cauce.report.twin.wording import SAYS
from cauce.twin.summary.recorded import place_of
from cauce.twin.summary.wording import printed_date
from cauce.twin.timeline import Event

SHORTEST_BAR = 0.8
MOST_LANES = 8
"""Lanes that are shown at once; how many more there are is said, and they can be opened."""
_FIRST = datetime.min.replace(tzinfo=UTC)


class Mark(NamedTuple):
    """A bar, or a point where it has no length; in percent of the width."""

    x: float
    width: float
    """0 for a point."""
    title: str
    """What it is, when, and the resource that tells of it."""
    goes_on: bool
    is_over: bool


class Lane(NamedTuple):
    """All that is called the same."""

    name: str
    when: str
    """In words, for whoever does not see the marks."""
    marks: tuple[Mark, ...]
    is_active: bool


class Lanes(NamedTuple):
    """The lanes of a period: those shown at once, and the rest."""

    shown: tuple[Lane, ...]
    more: tuple[Lane, ...]


def lanes(events: Iterable[Event], period: Period, language: Spoken) -> Lanes:
    """A lane for each name, what goes on first, then the latest."""
    named: dict[str, list[Event]] = {}
    for event in events:
        if period.holds(event):
            named.setdefault(event.name, []).append(event)
    drawn = [
        (any(map(is_open, own)), max(e.start or _FIRST for e in own), name, own)
        for name, own in named.items()
    ]
    drawn.sort(key=lambda row: (row[0], row[1]), reverse=True)
    made = tuple(_lane(name, own, period, language) for _, _, name, own in drawn)
    return Lanes(made[:MOST_LANES], made[MOST_LANES:])


def _lane(name: str, events: list[Event], period: Period, language: Spoken) -> Lane:
    marks = tuple(_mark(event, period, language) for event in events)
    return Lane(name, _when(events, language), marks, any(map(is_open, events)))


def _mark(event: Event, period: Period, language: Spoken) -> Mark:
    start = event.start or period.start
    x = period.place(start)
    goes_on = is_open(event)
    end = period.place(period.end if goes_on else event.end or start)
    width = max(end - x, SHORTEST_BAR) if goes_on or _has_length(event) else 0.0
    text = f" ({event.text})" if event.text else ""
    title = f"{event.name}{text}, {dates_of(event, language)} · {place_of(event)}"
    is_over = not event.is_active and event.kind in LASTING
    return Mark(min(x, 100 - width), width, title, goes_on, is_over)


def _has_length(event: Event) -> bool:
    return bool(event.start and event.end and (event.end - event.start).days >= 1)


def dates_of(event: Event, language: Spoken) -> str:
    """From when to when, in words."""
    start = printed_date(event.start, language)
    if is_open(event):
        return SAYS[language]["since"].format(date=start) if event.start else start
    if _has_length(event):
        return f"{start} – {printed_date(event.end, language)}"
    return start


def _when(events: list[Event], language: Spoken) -> str:
    """The dates of a lane; of many, the first and the last."""
    if len(events) <= 2:
        return "; ".join(dates_of(event, language) for event in events)
    last = events[-1]
    return SAYS[language]["times"].format(
        count=len(events),
        first=printed_date(events[0].start, language),
        last=SAYS[language]["goes_on"] if is_open(last) else printed_date(last.start, language),
    )
