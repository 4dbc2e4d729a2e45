"""The geometry of the chart of differences; the template only draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cauce.evaluation.comparison import Comparison
from cauce.evaluation.forest import forest_rows
from cauce.report.charts import LABEL_WIDTH, VALUE_WIDTH, WIDTH, Scale
from cauce.report.metrics import metric_of

TOP, ROW_HEIGHT = 30, 24
LOOKS = {"better": "tuned", "worse": "worse"}
"""The style of a difference that is shown; others are hollow."""


class Difference(NamedTuple):
    """One difference, placed on the chart, better to the right."""

    title: str
    y: float
    x: float
    low: float | None
    high: float | None
    text: str
    look: str


class Forest(NamedTuple):
    """Differences one below the other, zero under zero."""

    rows: tuple[Difference, ...]
    zero: float
    left: float
    right: float
    width: int
    height: float
    description: str


def difference_chart(comparison: Comparison | None) -> Forest | None:
    """The chart of a comparison; None when there is nothing to draw."""
    drawn = forest_rows([comparison]) if comparison is not None else []
    if not drawn:
        return None
    across = Scale(-1, 1, LABEL_WIDTH, WIDTH - VALUE_WIDTH)
    rows = tuple(
        Difference(
            title=metric_of(row.metric).title,
            y=row_place(place),
            x=across(row.place),
            low=None if row.low is None else across(row.low),
            high=None if row.high is None else across(row.high),
            text=metric_of(row.metric).shown_change(row.difference),
            look=LOOKS.get(row.verdict, "base"),
        )
        for place, row in enumerate(drawn)
    )
    told = [f"{row.title} {row.text}, {own.verdict}" for row, own in zip(rows, drawn, strict=True)]
    return forest(rows, across, told)


def row_place(place: int) -> float:
    """How far down the row of that number stands."""
    return TOP + ROW_HEIGHT * (place + 0.5)


def forest(rows: tuple[Difference, ...], across: Scale, told: Sequence[str]) -> Forest:
    """The chart of rows that were placed by `across`, each of them told in words."""
    return Forest(
        rows=rows,
        zero=across(0),
        left=across.start,
        right=across.end,
        width=WIDTH,
        height=TOP + ROW_HEIGHT * len(rows),
        description="; ".join(told),
    )
