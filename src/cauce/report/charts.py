"""The geometry of the report's two charts; the template only draws it.

Lengths are in the units of the drawing's `viewBox`, y downwards.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from cauce.evaluation.metrics import better_direction
from cauce.report.metrics import CHARTED, SYSTEMS, metric_of

WIDTH = 460
LEFT, RIGHT = 40, 12
CURVE_TOP, CURVE_HEIGHT = 16, 200
RATE_TOP, RATE_HEIGHT = 252, 36
CURVE_BOTTOM_MARGIN = 44
MAX_POINTS = 300
LABEL_WIDTH, VALUE_WIDTH = 154, 80
ROW_HEIGHT, BAND_HEIGHT, AXIS_HEIGHT = 17, 20, 30


class Tick(NamedTuple):
    """A place on an axis and what is written there."""

    place: float
    text: str


class Curve(NamedTuple):
    """Loss and learning rate over the steps of a training."""

    train: str
    """Points of a polyline, `x,y x,y ...`."""
    validation: str
    validation_dots: tuple[tuple[float, float], ...]
    rate: str
    best: Tick | None
    steps: tuple[Tick, ...]
    losses: tuple[Tick, ...]
    highest_rate: str
    left: int
    right: int
    height: int
    description: str


class Scale(NamedTuple):
    """A straight map from values to places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where `value` lies; the middle of the axis when all values are one."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return round(self.start + share * (self.end - self.start), 1)


def training_curve(log: Sequence[dict[str, float]], best_step: int | None) -> Curve | None:
    """The curve of a training log; None when it holds no loss."""
    train = thinned([(line["step"], line["loss"]) for line in log if "loss" in line])
    validation = [(x["step"], x["validation_loss"]) for x in log if "validation_loss" in x]
    rates = thinned([(line["step"], line["lr"]) for line in log if "lr" in line])
    losses = [loss for _, loss in [*train, *validation] if math.isfinite(loss)]
    if not losses:
        return None
    last_step = max(step for step, _ in [*train, *validation])
    ticks = nice_ticks(min(losses), max(losses))
    across = Scale(0, last_step, LEFT, WIDTH - RIGHT)
    down = Scale(ticks[0], ticks[-1], CURVE_TOP + CURVE_HEIGHT, CURVE_TOP)
    top_rate = max((rate for _, rate in rates), default=0.0)
    rate_down = Scale(0, top_rate or 1.0, RATE_TOP + RATE_HEIGHT, RATE_TOP)
    return Curve(
        train=polyline(train, across, down),
        validation=polyline(validation, across, down),
        validation_dots=tuple((across(x), down(y)) for x, y in validation if math.isfinite(y)),
        rate=polyline(rates, across, rate_down),
        best=Tick(across(best_step), f"best step {best_step:,}") if best_step else None,
        steps=tuple(Tick(across(step), f"{step:,.0f}") for step in step_ticks(last_step)),
        losses=tuple(Tick(down(tick), f"{tick:g}") for tick in ticks),
        highest_rate=f"{top_rate:.2g}",
        left=LEFT,
        right=WIDTH - RIGHT,
        height=RATE_TOP + RATE_HEIGHT + CURVE_BOTTOM_MARGIN,
        description=describe_curve(train, validation, best_step),
    )


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `MAX_POINTS` points: the means of equal stretches, so that no spike is picked."""
    if len(points) <= MAX_POINTS:
        return list(points)
    edges = [i * len(points) // MAX_POINTS for i in range(MAX_POINTS + 1)]
    stretches = [points[a:b] for a, b in itertools.pairwise(edges)]
    return [
        (sum(x for x, _ in stretch) / len(stretch), sum(y for _, y in stretch) / len(stretch))
        for stretch in stretches
    ]


def polyline(points: Sequence[tuple[float, float]], across: Scale, down: Scale) -> str:
    """The points that are finite numbers, as SVG's `points` attribute."""
    return " ".join(f"{across(x)},{down(y)}" for x, y in points if math.isfinite(y))


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values at equal distances from at most `low` to at least `high`.

    >>> nice_ticks(0.13, 2.7)
    [0.0, 1.0, 2.0, 3.0]
    """
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(power * m for m in (1, 2, 5, 10) if power * m * count >= span)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def step_ticks(last_step: float) -> list[float]:
    """Round step numbers from 0 that do not pass the last step."""
    return [tick for tick in nice_ticks(0, last_step) if tick <= last_step]


def describe_curve(
    train: Sequence[tuple[float, float]],
    validation: Sequence[tuple[float, float]],
    best_step: int | None,
) -> str:
    """The curve in words, for whoever cannot see it."""
    parts = []
    for name, points in (("Training", train), ("Validation", validation)):
        if points:
            (first_step, first), (last_step, last) = points[0], points[-1]
            parts.append(
                f"{name} loss went from {first:.3f} at step {first_step:,.0f} "
                f"to {last:.3f} at step {last_step:,.0f}."
            )
    if best_step:
        parts.append(f"The best validation loss was at step {best_step:,}.")
    return " ".join(parts)


class Mark(NamedTuple):
    """One system's value of a metric with its interval, or the words that it is missing."""

    system: str
    y: float
    x: float | None
    low: float | None
    high: float | None
    text: str


class Band(NamedTuple):
    """The rows of one metric."""

    title: str
    note: str
    y: float
    marks: tuple[Mark, ...]


class Intervals(NamedTuple):
    """Metrics on one axis from 0 to 100, a band each, a row per system."""

    bands: tuple[Band, ...]
    ticks: tuple[Tick, ...]
    systems: tuple[str, ...]
    width: int
    height: float
    description: str


def interval_chart(scores: dict[str, dict[str, Any]]) -> Intervals | None:
    """The chart of the measurements, by system and metric; None when none of its is measured."""
    systems = tuple(name for name in SYSTEMS if name in scores)
    names = [name for name in CHARTED if any(name in scores[system] for system in systems)]
    if not names:
        return None
    across = Scale(0, 1, LABEL_WIDTH, WIDTH - VALUE_WIDTH)
    bands = []
    y = float(AXIS_HEIGHT)
    for name in names:
        bands.append(_band(name, y, systems, scores, across))
        y += BAND_HEIGHT + ROW_HEIGHT * (len(systems) - 1) + 10
    return Intervals(
        bands=tuple(bands),
        ticks=tuple(Tick(across(i / 4), f"{25 * i}") for i in range(5)),
        systems=systems,
        width=WIDTH,
        height=y,
        description="; ".join(
            f"{band.title}: " + ", ".join(f"{mark.system} {mark.text}" for mark in band.marks)
            for band in bands
        ),
    )


def _band(
    name: str,
    y: float,
    systems: Sequence[str],
    scores: dict[str, dict[str, Any]],
    across: Scale,
) -> Band:
    metric = metric_of(name)
    marks = []
    for row, system in enumerate(systems):
        score = scores[system].get(name, {})
        value, low, high = (
            None if (bound := score.get(key)) is None else across(bound / metric.top)
            for key in ("value", "low", "high")
        )
        text = metric.shown(score.get("value"))
        marks.append(Mark(system, y + 10 + row * ROW_HEIGHT, value, low, high, text))
    note = "lower is better" if better_direction(name) == "lower" else ""
    return Band(metric.title, note, y, tuple(marks))
