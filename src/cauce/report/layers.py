"""What the monitor of a training saw inside the model, as charts, a table and words.

Figures come from the training's log: `activation_rms/LAYER` and `gradient_norm/LAYER`, and those of
experts and compression where a model has such parts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cauce.report.charts import (
    CURVE_BOTTOM_MARGIN,
    CURVE_HEIGHT,
    CURVE_TOP,
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    Tick,
    polyline,
    step_ticks,
    thinned,
)

Log = Sequence[Mapping[str, float]]
Points = list[tuple[float, float]]
"""(step, value), in the order of the steps."""

MEASURES = (
    ("activation_rms", "Size of the layers' outputs", "root mean square"),
    ("gradient_norm", "Size of the layers' gradients", "norm before clipping"),
)
ROUTING = {
    "least_used": ("least used expert, share of the tokens", 100.0, " %"),
    "most_used": ("most used expert, share of the tokens", 100.0, " %"),
    "usage_entropy": ("entropy of the experts' use, nats", 1.0, ""),
    "router_entropy": ("entropy of a token's choice, nats", 1.0, ""),
    "tokens_per_chunk": ("tokens that a chunk holds", 1.0, ""),
    "border_probability": ("probability that a chunk begins", 1.0, ""),
}
"""Figures of experts and compression: their words, the factor they are shown by, and the unit."""
PARTS = ("experts", "compression")
FAINTEST = 0.5
"""Opacity of the first layer's line; the last one's is 1."""


class LayerLine(NamedTuple):
    """One layer's values over the steps."""

    name: str
    points: str
    opacity: float
    first: str
    last: str
    growth: str


class LayerChart(NamedTuple):
    """A measure of every layer on one logarithmic axis."""

    key: str
    title: str
    unit: str
    lines: tuple[LayerLine, ...]
    fastest: LayerLine
    steps: tuple[Tick, ...]
    values: tuple[Tick, ...]
    left: int
    right: int
    bottom: int
    height: int
    summary: str


class RoutingRow(NamedTuple):
    """A figure of an expert layer or of a compression, at first and at last."""

    part: str
    words: str
    first: str
    last: str


def layer_charts(log: Log) -> list[LayerChart]:
    """A chart for each measure that the log holds, in their order."""
    charts = (_chart(log, key, title, unit) for key, title, unit in MEASURES)
    return [chart for chart in charts if chart is not None]


def routing_rows(log: Log) -> list[RoutingRow]:
    """What experts and compression did, a row per part and figure; empty without such parts."""
    rows = []
    for name, points in series(log, _routed(log)).items():
        part, figure = _part_and_figure(name)
        words, factor, unit = ROUTING[figure]
        first, last = (f"{factor * value:.3g}{unit}" for _, value in (points[0], points[-1]))
        rows.append(RoutingRow(part, words, first, last))
    return rows


def series(log: Log, names: Iterable[str]) -> dict[str, Points]:
    """The finite values of each name by step; names without any are left out."""
    found: defaultdict[str, Points] = defaultdict(list)
    for line in log:
        for name in names:
            value = line.get(name)
            if value is not None and math.isfinite(value):
                found[name].append((line["step"], value))
    return dict(found)


def log_ticks(low: float, high: float) -> list[float]:
    """Values 1, 2 and 5 times a power of ten that enclose the two; of many decades, powers alone.

    >>> log_ticks(0.3, 4.0), log_ticks(0.02, 300.0)
    ([0.2, 0.5, 1.0, 2.0, 5.0], [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0])
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if last - first <= 2:
        steps = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
        below = [step for step in steps if step <= low * (1 + 1e-9)][-1]
        above = next(step for step in steps if step >= max(high, below * 2) * (1 - 1e-9))
        return [round(step, 12) for step in steps if below <= step <= above]
    stride = math.ceil((last - first) / 6)
    return [round(10.0**e, 12) for e in range(first, last + stride, stride)]


def _chart(log: Log, key: str, title: str, unit: str) -> LayerChart | None:
    names = dict.fromkeys(name for line in log for name in line if name.startswith(f"{key}/"))
    seen = {
        name.removeprefix(f"{key}/"): positive
        for name, points in series(log, names).items()
        if (positive := [(step, value) for step, value in points if value > 0])
    }
    if not seen:
        return None
    values = [value for points in seen.values() for _, value in points]
    last_step = max(points[-1][0] for points in seen.values())
    ticks = log_ticks(min(values), max(values))
    across = Scale(0, last_step, LEFT, WIDTH - RIGHT)
    bottom = CURVE_TOP + CURVE_HEIGHT
    down = Scale(math.log10(ticks[0]), math.log10(ticks[-1]), bottom, CURVE_TOP)
    lines = [
        _line(name, points, across, down, share=place / max(1, len(seen) - 1))
        for place, (name, points) in enumerate(seen.items())
    ]
    fastest = max(range(len(lines)), key=lambda place: growth(list(seen.values())[place]))
    return LayerChart(
        key=key,
        title=title,
        unit=unit,
        lines=tuple(lines),
        fastest=lines[fastest],
        steps=tuple(Tick(across(step), f"{step:,.0f}") for step in step_ticks(last_step)),
        values=tuple(Tick(down(math.log10(tick)), f"{tick:g}") for tick in ticks),
        left=LEFT,
        right=WIDTH - RIGHT,
        bottom=bottom,
        height=bottom + CURVE_BOTTOM_MARGIN,
        summary=summary_of(seen),
    )


def _line(name: str, points: Points, across: Scale, down: Scale, *, share: float) -> LayerLine:
    drawn = [(step, math.log10(value)) for step, value in thinned(points)]
    return LayerLine(
        name=name,
        points=polyline(drawn, across, down),
        opacity=round(FAINTEST + (1 - FAINTEST) * share, 2),
        first=f"{points[0][1]:.3g}",
        last=f"{points[-1][1]:.3g}",
        growth=f"{growth(points):.2f}",
    )


def growth(points: Points) -> float:
    """How many times as large the last value is as the first."""
    return points[-1][1] / points[0][1]


def summary_of(seen: Mapping[str, Points]) -> str:
    """Which layer grew most, and where the largest value of all was, in words.

    >>> summary_of({"h.0": [(1, 2.0), (9, 1.0)], "h.1": [(1, 1.0), (9, 3.0)]})
    'h.1 grew most, 3.00 times: from 1 at step 1 to 3 at step 9. The largest value of all layers \
was 3, in h.1 at step 9.'
    """
    fastest = max(seen, key=lambda name: growth(seen[name]))
    (first_step, first), (last_step, last) = seen[fastest][0], seen[fastest][-1]
    times = growth(seen[fastest])
    verb = "grew most" if times > 1 else "shrank least"
    highest, place, step = max(
        (value, name, step) for name, points in seen.items() for step, value in points
    )
    return (
        f"{fastest} {verb}, {times:.2f} times: from {first:.3g} at step {first_step:,.0f} to "
        f"{last:.3g} at step {last_step:,.0f}. The largest value of all layers was {highest:.3g}, "
        f"in {place} at step {step:,.0f}."
    )


def _routed(log: Log) -> list[str]:
    """Names of the figures of experts and compression, in the order of the log."""
    names = dict.fromkeys(name for line in log for name in line if "/" in name)
    return [name for name in names if not ROUTING.keys().isdisjoint(name.split("/"))]


def _part_and_figure(name: str) -> tuple[str, str]:
    """The layer and the figure of `experts/LAYER/least_used` or `LAYER/least_used`."""
    pieces = name.split("/")
    figure = next(piece for piece in pieces if piece in ROUTING)
    others = [piece for piece in pieces if piece != figure and piece not in PARTS]
    return "/".join(others) or "the model", figure
