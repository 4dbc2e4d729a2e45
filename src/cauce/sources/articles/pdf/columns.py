"""Reading order of a page: columns side by side, each from top to bottom.

A gutter is a place that many rows leave blank with text on either side. Lines across it (a title,
a wide table) part the page into bands; in each band the left column is read before the right.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from cauce.sources.articles.pdf.page import Line

FEWEST_ROWS = 2
"""With text on both sides, for a blank to be a gutter."""
_NARROWEST_GUTTER = 4.0
_NARROWEST_COLUMN = 0.12
"""Of the width of the lines."""
_MOST_EDGES = 30
_OVERHANG = 3.0
"""A line that reaches over a gutter by less, in points, is still of its column."""


class _Gutter(NamedTuple):
    x: float
    width: float
    """Of the text beside it on the thinner side, all lines together, in points."""


def in_reading_order(lines: list[Line]) -> list[Line]:
    """The lines of one page as a person reads them, those of one baseline and column joined."""
    if not lines:
        return []
    gutter = _gutter(lines)
    if gutter is None:
        return _joined_rows(lines)
    ordered: list[Line] = []
    band: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.baseline):
        if _crosses(line, gutter.x):
            ordered += _band(band, gutter.x)
            ordered.append(line)
            band = []
        else:
            band.append(line)
    return ordered + _band(band, gutter.x)


def _band(lines: list[Line], x: float) -> list[Line]:
    left = [line for line in lines if (line.left + line.right) / 2 < x]
    right = [line for line in lines if (line.left + line.right) / 2 >= x]
    return in_reading_order(left) + in_reading_order(right)


def _crosses(line: Line, x: float) -> bool:
    return line.left < x - _OVERHANG and line.right > x + _OVERHANG


def _gutter(lines: list[Line]) -> _Gutter | None:
    """The blank with the most text on both sides of it."""
    start, end = min(line.left for line in lines), max(line.right for line in lines)
    margin = max(_NARROWEST_COLUMN * (end - start), 30.0)
    places = {x for x in _edges(lines) if start + margin < x < end - margin}
    found = [_Gutter(x, _text_beside(lines, x)) for x in sorted(places)]
    best = max(found, key=lambda gutter: gutter.width, default=None)
    return best if best and best.width > 0 else None


def _edges(lines: list[Line]) -> set[float]:
    """Places just outside the edges that the most lines share."""
    lefts = Counter(round(line.left) for line in lines).most_common(_MOST_EDGES)
    rights = Counter(round(line.right) for line in lines).most_common(_MOST_EDGES)
    outside = {edge - _NARROWEST_GUTTER / 2 for edge, count in lefts if count > 1}
    return outside | {edge + _NARROWEST_GUTTER / 2 for edge, count in rights if count > 1}


def _text_beside(lines: list[Line], x: float) -> float:
    """How much more text stands on both sides of x than across it; 0 for too few lines.

    It is the text on the thinner side that counts, and only where the other side has some too.
    """
    left = [line for line in lines if line.right <= x + _OVERHANG]
    right = [line for line in lines if line.left >= x - _OVERHANG]
    beside = _level(left, right), _level(right, left)
    if min(map(len, beside)) < FEWEST_ROWS:
        return 0.0
    across = _level(_level([line for line in lines if _crosses(line, x)], left), right)
    return min(map(_width, beside)) - _width(across)


def _width(lines: list[Line]) -> float:
    return sum(line.right - line.left for line in lines)


def _level(lines: list[Line], others: list[Line]) -> list[Line]:
    """The lines between the highest and the lowest of the others."""
    low = min((line.baseline for line in others), default=0.0)
    high = max((line.baseline + line.size for line in others), default=0.0)
    return [line for line in lines if low <= line.baseline <= high]


def _joined_rows(lines: list[Line]) -> list[Line]:
    """The lines of one column from top to bottom; on one baseline, from left to right."""
    rows: list[Line] = []
    for line in sorted(lines, key=lambda line: (-round(line.baseline, 1), line.left)):
        last = rows[-1] if rows else None
        if (
            last
            and abs(last.baseline - line.baseline) < 0.3 * line.size
            and last.right <= line.left + 1
        ):
            rows[-1] = _joined(last, line)
        else:
            rows.append(line)
    return rows


def _joined(first: Line, second: Line) -> Line:
    shift = len(first.text) + 1
    return first._replace(
        text=f"{first.text} {second.text}",
        right=second.right,
        is_bold=first.is_bold and second.is_bold,
        raised=(*first.raised, *((start + shift, end + shift) for start, end in second.raised)),
    )
