"""Readings that a model did not expect of this very person: outside its own 99 % interval.

Each reading is foretold from all that was measured before it. One in a hundred is outside where
nothing is wrong, so how many that makes by chance is told beside those found; and a reading that a
device got wrong surprises as much as one that a body did.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from cauce.records import Record
from cauce.twin.simulation import Learned
from cauce.twin.timeline import Event, Timeline

if TYPE_CHECKING:
    from cauce.twin.series import Series
    from cauce.twin.state.model import TwinModel

CHANCE = 0.01
_SAME_TIME = timedelta(seconds=1)


class Surprise(Record):
    """A reading that was not expected, and where it is written."""

    event: Event
    expected: float
    low: float
    high: float


class Surprises(Record):
    """What was not expected among all readings of which that can be told."""

    found: tuple[Surprise, ...]
    looked_at: int

    @property
    def by_chance(self) -> float:
        """How many would be found if nothing were wrong."""
        return CHANCE * self.looked_at


def find_surprises(
    model: TwinModel, learned: Learned, timeline: Timeline, series: Series
) -> Surprises:
    """The surprises of a person's record and the series of it, oldest first.

    Readings of the first time have nothing before them; those with no margin for their lead have
    no interval, and are not looked at either.
    """
    found: list[Surprise] = []
    looked_at = 0
    for row in range(1, len(series.hours)):
        lead = float(series.hours[row] - series.hours[row - 1])
        measured = np.flatnonzero(~np.isnan(series.values[row]))
        margins = {v: learned.margin(model.variables.readings[v], lead) for v in measured}
        widths = {v: one.far for v, one in margins.items() if one and one.far is not None}
        if not widths:
            continue
        past = series._replace(hours=series.hours[:row], values=series.values[:row])
        foretold = model.forecast(past, [lead])
        looked_at += len(widths)
        for v, width in widths.items():
            expected, margin = foretold.mean[0, v], width * foretold.deviation[0, v]
            if abs(series.values[row, v] - expected) > margin:
                reading = model.variables.readings[v]
                low, high = learned.interval(reading, float(expected), float(margin))
                found += [
                    Surprise(event=event, expected=float(expected), low=low, high=high)
                    for event in _written(timeline, reading, float(series.hours[row]))
                ]
    return Surprises(found=tuple(found), looked_at=looked_at)


def _written(timeline: Timeline, reading: str, hours: float) -> list[Event]:
    """The events of that reading at that time."""
    begin = min(event.start for event in timeline.events if event.start is not None)
    when = begin + timedelta(hours=hours)
    return [
        event
        for event in timeline.readings(reading)
        if event.start is not None and abs(event.start - when) < _SAME_TIME
    ]
