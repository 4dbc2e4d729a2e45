"""How far a twin's forecasts are off for people whom its model never saw.

Of each person one forecast of a reading is counted, from a time drawn at random to a later one:
people are exchangeable, the readings of one person are not. So the margin that 90 % of them keep
within is kept by a new person with as much probability, whatever the model is (split conformal
prediction, Lei et al. 2018, 10.1080/01621459.2017.1307116), at times when the reading is taken.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cauce.evaluation.conformal import conformal_quantile
from cauce.twin.series import Series
from cauce.twin.simulation import CONFIDENCE, Margin
from cauce.twin.state.model import TwinModel

LEADS = (0.0, 1.0, 6.0, 24.0, 72.0, 168.0, 720.0, 2160.0, 8760.0)
"""Hours ahead: each stretch between two of them has its own margins."""
FAR = 0.99
"""Of a reading that alarms."""
PEOPLE = 400
"""At most."""
TRIES = 3
"""Times drawn for a person, so that readings that are seldom taken are found."""

Stretch = tuple[float, float]
"""More than so many hours ahead, and at most so many."""


class Miss(NamedTuple):
    """Measured minus foretold, and what the model gave as its deviation."""

    error: float
    deviation: float


def measure_margins(
    model: TwinModel, people: Sequence[Series], *, seed: int = 0
) -> tuple[Margin, ...]:
    """The margins of every reading and stretch of leads of which these people tell anything."""
    generator = np.random.default_rng(seed)
    misses: dict[Stretch, dict[str, list[Miss]]] = {}
    for index in generator.permutation(len(people))[:PEOPLE]:
        for (stretch, reading), miss in misses_of(model, people[index], generator).items():
            misses.setdefault(stretch, {}).setdefault(reading, []).append(miss)
    return tuple(
        _margin(reading, stretch, misses[stretch][reading])
        for stretch in sorted(misses)
        for reading in model.variables.readings
        if reading in misses[stretch]
    )


def misses_of(
    model: TwinModel, series: Series, generator: np.random.Generator
) -> dict[tuple[Stretch, str], Miss]:
    """One forecast of each reading in each stretch that is found from times drawn of a record."""
    found: dict[tuple[Stretch, str], Miss] = {}
    for now in generator.permutation(max(0, len(series.hours) - 1))[:TRIES]:
        gaps = series.hours - series.hours[now]
        drawn = {
            stretch: int(generator.choice(rows))
            for stretch in itertools.pairwise(LEADS)
            if len(rows := np.flatnonzero((gaps > stretch[0]) & (gaps <= stretch[1])))
        }
        if not drawn:
            continue
        past = series._replace(hours=series.hours[: now + 1], values=series.values[: now + 1])
        foretold = model.forecast(past, [float(gaps[then]) for then in drawn.values()])
        for place, (stretch, then) in enumerate(drawn.items()):
            errors = series.values[then] - foretold.mean[place]
            for v in np.flatnonzero(~np.isnan(errors)):
                miss = Miss(float(errors[v]), float(foretold.deviation[place, v]))
                found.setdefault((stretch, model.variables.readings[v]), miss)
    return found


def _margin(reading: str, stretch: Stretch, misses: Sequence[Miss]) -> Margin:
    alone = [abs(miss.error) / miss.deviation for miss in misses]
    pairs = zip(misses[::2], misses[1::2], strict=False)
    paired = [abs(a.error - b.error) / math.hypot(a.deviation, b.deviation) for a, b in pairs]
    return Margin(
        reading=reading,
        after_hours=stretch[0],
        upto_hours=stretch[1],
        people=len(misses),
        usual=_bound(alone, CONFIDENCE),
        far=_bound(alone, FAR),
        paired=_bound(paired, CONFIDENCE),
    )


def _bound(scores: Sequence[float], confidence: float) -> float | None:
    bound = conformal_quantile(scores, round(1 - confidence, 6))
    return bound if bound < math.inf else None
