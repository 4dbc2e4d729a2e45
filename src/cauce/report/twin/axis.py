"""Where a moment stands on the page: percent of the width, so that charts fit any screen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cauce.records import Spoken
from cauce.report.twin.wording import MONTHS
from cauce.twin.timeline import Event, Timeline

RECENT = timedelta(days=731)
MOST_TICKS = 6
_STEPS_DAYS = (1, 2, 7)
_STEPS_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240)


class Tick(NamedTuple):
    """A place on the axis, in percent, and what is written there."""

    place: float
    text: str
    anchor: str
    """`start`, `middle` or `end`, so that nothing is written outside."""


class Period(NamedTuple):
    """A stretch of time that charts show."""

    key: str
    """`recent` or `all`."""
    start: datetime
    end: datetime
    first: datetime
    """Of the whole record."""

    def place(self, moment: datetime) -> float:
        """Percent of the width, held within it."""
        share = (moment - self.start) / (self.end - self.start)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def holds(self, event: Event) -> bool:
        """Whether anything of the event lies in it."""
        if event.start is None or event.start > self.end:
            return False
        if event.end is None:
            return event.start >= self.start or is_open(event)
        return event.end >= self.start

    def ticks(self, language: Spoken) -> tuple[Tick, ...]:
        """Round dates, a few of them: days of a record of weeks, else months or years."""
        days = (self.end - self.start).days
        for step in _STEPS_DAYS:
            if days <= step * MOST_TICKS:
                return tuple(self._days(step, language))
        months = 12 * (self.end.year - self.start.year) + self.end.month - self.start.month
        step = next((one for one in _STEPS_MONTHS if months <= one * MOST_TICKS), 600)
        return tuple(self._months(step, language))

    def _days(self, step: int, language: Spoken) -> Iterator[Tick]:
        moment = datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)
        while moment <= self.end:
            text = f"{moment.day} {MONTHS[language][moment.month - 1]}"
            yield self._tick(moment, text)
            moment += timedelta(days=step)

    def _months(self, step: int, language: Spoken) -> Iterator[Tick]:
        month = -(-(12 * self.start.year + self.start.month) // step) * step
        while (moment := datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)) <= self.end:
            is_year = step % 12 == 0 or moment.month == 1
            text = f"{moment:%Y}" if is_year else MONTHS[language][moment.month - 1]
            yield self._tick(moment, text)
            month += step

    def _tick(self, moment: datetime, text: str) -> Tick:
        place = self.place(moment)
        return Tick(place, text, "start" if place < 4 else "end" if place > 96 else "middle")


def is_open(event: Event) -> bool:
    """Whether it has begun and is not over, as far as its source tells."""
    return event.end is None and event.is_active and event.kind in LASTING


LASTING = ("medicine", "condition", "allergy", "plan")
"""Kinds of events that go on until they end."""


def periods(timeline: Timeline) -> tuple[Period, ...]:
    """The last two years of the record and all of it; none without dates, one where it is short.

    The record ends with its last event, however long ago that is.
    """
    moments = [moment for event in timeline.events for moment in (event.start, event.end) if moment]
    now = datetime.now(UTC)
    past = [moment for moment in moments if moment <= now] or moments
    if not past:
        return ()
    start, end = min(past), max(past) + timedelta(days=1)
    whole = Period("all", start - (end - start) * 0.01, end, start)
    recent = Period("recent", end - RECENT, end, start)
    return (recent, whole) if start < recent.start else (whole,)
