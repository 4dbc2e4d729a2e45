"""Running heads, feet and the numbers of pages and lines: printed, but not the text."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from statistics import median

from cauce.sources.articles.pdf.page import Line

_MARGIN = 0.12
"""Of the height of the text: heads and feet stand in this part of a page."""
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"(?:p(?:age|ágina|\.)?\s*)?[-–—]?\s*\d{1,5}\s*[-–—]?(?:\s*(?:of|de|/)\s*\d+)?", re.I
)
_CAPTION = re.compile(r"(?:fig|tab|cuadro|figura|tabla)", re.I)
_WIDE_BLANK = 2.0
"""Of the size, from the baseline of a head or foot to that of the text next to it."""
_WIDE_STEP = 1.6
"""Of the usual distance between rows, for the same."""
_MANY = 4
"""Bare numbers at one left edge of a page, for them to number its lines."""


def without_furniture(pages: list[list[Line]]) -> list[list[Line]]:
    """The lines of each page without heads, feet and the numbers of pages and lines."""
    lines = [line for page in pages for line in page]
    if not lines:
        return pages
    low, high = min(line.baseline for line in lines), max(line.baseline for line in lines)
    margin = _MARGIN * (high - low)
    inner = low + margin, high - margin
    seen = Counter(
        shape
        for page in pages
        for shape in {_shape(line) for line in page if not inner[0] < line.baseline < inner[1]}
    )
    kept = [_without_page_number(_without_repeated(page, seen, inner)) for page in pages]
    return _without_lone_heads(kept)


def _without_repeated(
    page: list[Line], seen: Counter[str], inner: tuple[float, float]
) -> list[Line]:
    """Without what stands in the margin of more than one page, and without numbers of lines."""
    edges = Counter(round(line.right) for line in page if line.text.isdigit())
    return [
        line
        for line in page
        if (inner[0] < line.baseline < inner[1] or seen[_shape(line)] < 2)
        and not (line.text.isdigit() and edges[round(line.right)] >= _MANY)
    ]


def _without_page_number(page: list[Line]) -> list[Line]:
    """Without a number that stands apart above or below all else."""
    rows = sorted({round(line.baseline) for line in page})
    if len(rows) < 2:
        return page
    apart = {rows[0]: rows[1] - rows[0], rows[-1]: rows[-1] - rows[-2]}
    return [
        line
        for line in page
        if not _PAGE_NUMBER.fullmatch(line.text)
        or apart.get(round(line.baseline), 0.0) <= _WIDE_BLANK * line.size
    ]


def _without_lone_heads(pages: list[list[Line]]) -> list[list[Line]]:
    """Without a first row that stands apart, on pages after the first.

    In an article of more pages than three another page must have one at the same height: else it
    may be the last line of a paragraph.
    """
    heads = [_lone_head(page) for page in pages[1:]]
    heights = Counter(round(head[0].baseline / 6) for head in heads if head)
    return pages[:1] + [
        [line for line in page if line not in head]
        if head and (len(pages) < 4 or heights[round(head[0].baseline / 6)] > 1)
        else page
        for page, head in zip(pages[1:], heads, strict=True)
    ]


def _lone_head(page: list[Line]) -> list[Line]:
    """The first row of a page where a wide blank is below it and it is no heading or caption."""
    rows = sorted({round(line.baseline) for line in page}, reverse=True)
    if len(rows) < 3:
        return []
    pitch = median(above - below for above, below in itertools.pairwise(rows[1:]))
    head = [line for line in page if round(line.baseline) == rows[0]]
    size = max(line.size for line in page if round(line.baseline) == rows[1])
    is_text = any(
        line.is_bold or line.size > 1.1 * size or _CAPTION.match(line.text) for line in head
    )
    is_apart = rows[0] - rows[1] > max(_WIDE_BLANK * size, _WIDE_STEP * pitch)
    return head if is_apart and not is_text else []


def _shape(line: Line) -> str:
    """The line's text with every number alike, and about where it stands."""
    return f"{_DIGITS.sub('#', line.text)}@{round(line.baseline / 6)}"
