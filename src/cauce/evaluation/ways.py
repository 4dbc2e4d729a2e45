"""The table of the ways to a DOI."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from cauce.evaluation.statistics import Estimate
from cauce.records import Record


class WayScores(Record):
    """What one way made of the questions; shares with exact intervals."""

    way: str
    fabricated: Estimate
    """Answers with a DOI that is in no catalogue here."""
    wrong: Estimate
    """Answers whose DOIs exist and none of which the question's sentence cites."""
    right: Estimate
    """Answers with a DOI that it cites."""
    abstained: Estimate
    answered_without: Estimate | None = None
    """Questions answered although nothing in the library answers them."""
    hits: dict[str, Estimate] = Field(default_factory=dict)
    """`hit@5`: one of the first five sentences looked at cites a work of the answer."""
    seconds: float
    """Wall time of a question."""


def ways_table(rows: Sequence[WayScores]) -> str:
    """The table of the ways, as plain text: shares in percent with their 95 % intervals."""
    names = ("fabricated", "wrong", "right", "abstained", "answered_without")
    lines = [["way", *(name.replace("_", " ") for name in names), "hit@5", "s"]]
    for row in rows:
        cells = [getattr(row, name) for name in names]
        hit = row.hits.get("hit@5")
        lines.append([row.way, *map(_percent, [*cells, hit]), f"{row.seconds:.3f}"])
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _percent(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    low, high = estimate.low or 0.0, estimate.high or 0.0
    return f"{100 * estimate.value:.1f} % ({100 * low:.1f}-{100 * high:.1f})"
