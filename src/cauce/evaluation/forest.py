"""The differences of a comparison as a forest chart, which is read at a glance.

Zero stands in the middle and better to the right, whatever the metric; each metric has its own
scale, that of its widest interval, for perplexity and rates share none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cauce.evaluation.comparison import Comparison, MetricDifference, Verdict

_HALF = 20
"""Characters from zero to either end."""
_ASCII = str.maketrans("├┤─●│┼", "[]-o|+")


class ForestRow(NamedTuple):
    """One difference, placed from -1 to 1 with better to the right; no bounds without any."""

    metric: str
    system: str
    place: float
    low: float | None
    high: float | None
    difference: float
    verdict: Verdict


def forest_rows(comparisons: Sequence[Comparison]) -> list[ForestRow]:
    """The primary metrics of which one direction is better, all systems of each together."""
    changes = [(one.b, row) for one in comparisons for row in one.metrics if _is_drawn(row)]
    names = list(dict.fromkeys(row.metric for _, row in changes))
    return [
        _placed(system, row, max(_size(own) for _, own in changes if own.metric == name))
        for name in names
        for system, row in changes
        if row.metric == name
    ]


def _is_drawn(row: MetricDifference) -> bool:
    return row.is_primary and row.better != "neither"


def _size(row: MetricDifference) -> float:
    return max(abs(bound) for bound in (row.difference, row.low, row.high) if bound is not None)


def _placed(system: str, row: MetricDifference, size: float) -> ForestRow:
    sign = 1 if row.better == "higher" else -1
    scale = sign / size if size else 0.0
    bounds = [] if row.low is None or row.high is None else [row.low * scale, row.high * scale]
    return ForestRow(
        metric=row.metric,
        system=system,
        place=row.difference * scale,
        low=min(bounds, default=None),
        high=max(bounds, default=None),
        difference=row.difference,
        verdict=row.verdict,
    )


def format_forest(comparisons: Sequence[Comparison]) -> str:
    """The chart for the terminal, without escape codes; empty when there is nothing to draw."""
    rows = forest_rows(comparisons)
    if not rows:
        return ""
    titles = [row.metric if len(comparisons) == 1 else f"{row.metric} {row.system}" for row in rows]
    width = max(map(len, titles))
    axis = f"{'worse │ better':>{_HALF + 8}}"
    lines = [
        f"{title:{width}}  {_strip(row)}  {row.difference:+.3f}  {row.verdict}"
        for title, row in zip(titles, rows, strict=True)
    ]
    return "\n".join([f"{'':{width}}  {axis}", *lines])


def _strip(row: ForestRow) -> str:
    cells = [" "] * (2 * _HALF + 1)
    cells[_HALF] = "│"
    if row.low is not None and row.high is not None:
        low, high = _cell(row.low), _cell(row.high)
        cells[low : high + 1] = "─" * (high - low + 1)
        if low <= _HALF <= high:
            cells[_HALF] = "┼"
        cells[low], cells[high] = "├", "┤"
    cells[_cell(row.place)] = "●"
    return "".join(cells)


def _cell(place: float) -> int:
    return _HALF + round(place * _HALF)


def in_encoding(text: str, encoding: str) -> str:
    """The text as far as `encoding` has its characters: the chart in ASCII, others as `?`.

    >>> print(in_encoding("├─●─┤ niño", "ascii"))
    [-o-] ni?o
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    return text
