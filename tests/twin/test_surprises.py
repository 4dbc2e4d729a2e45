"""A reading that was not expected is told with its place in the record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from cauce.twin.series import Series, Variables
from cauce.twin.simulation import Learned, Margin
from cauce.twin.state.model import Forecast
from cauce.twin.surprises import find_surprises
from cauce.twin.timeline import Event, Person, Timeline
from twin.people import ANYONE

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
VARIABLES = Variables(readings=("creatinine", "glucose"))
MARGIN = Margin(
    reading="creatinine", after_hours=1, upto_hours=6, people=200, usual=2, far=3, paired=2
)
LEARNED = Learned(domain=ANYONE, margins=(MARGIN,))


class LastValue:
    variables = VARIABLES

    def forecast(self, series, hours):
        last = [series.values[:, v][~np.isnan(series.values[:, v])][-1] for v in (0, 1)]
        return Forecast(np.array([last]), np.full((1, 2), 0.1))


def record(creatinines, hours_apart):
    """A timeline of creatinine, and glucose once, with its series."""
    times = [START + timedelta(hours=hours_apart * n) for n in range(len(creatinines))]
    events = [
        Event(
            kind="reading",
            name="Creatinina",
            reading="creatinine",
            start=time,
            value=value,
            unit="mg/dL",
            file="ana.json",
            origin=f"Observation/c{n}",
        )
        for n, (time, value) in enumerate(zip(times, creatinines, strict=True))
    ]
    values = np.array([[value, np.nan] for value in creatinines])
    values[0, 1] = 100.0
    hours = hours_apart * np.arange(len(creatinines), dtype=float)
    timeline = Timeline(person=Person(id="ana"), events=tuple(events))
    return timeline, Series("ana", hours, values, np.zeros(0))


def test_what_leaves_the_interval_is_told_with_its_origin():
    timeline, series = record([1.0, 1.2, 1.2, 2.0, 1.9], hours_apart=4)
    found = find_surprises(LastValue(), LEARNED, timeline, series)
    (surprise,) = found.found
    assert surprise.event.origin == "Observation/c3"
    assert (surprise.expected, surprise.low, surprise.high) == (
        1.2,
        1.2 - 3 * 0.1,
        1.2 + 3 * 0.1,
    )
    assert found.looked_at == 4
    assert found.by_chance == 0.04


def test_without_a_margin_for_the_lead_nothing_is_told():
    timeline, series = record([1.0, 9.0], hours_apart=20)
    found = find_surprises(LastValue(), LEARNED, timeline, series)
    assert found.found == () and found.looked_at == 0


def test_the_first_readings_surprise_nobody():
    timeline, series = record([9.0], hours_apart=1)
    assert find_surprises(LastValue(), LEARNED, timeline, series).looked_at == 0
