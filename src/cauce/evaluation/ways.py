"""The table of the ways to a DOI."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from cauce.evaluation.calibration import COVERAGE, RiskCoverage
from cauce.evaluation.statistics import Estimate
from cauce.records import Record

WAYS = "ways.json"
"""The rows of the table, in the folder of the evaluate stage."""
SHOWN_HIT = "hit@5"
"""Of the hits that are measured, the one in the tables: as many sentences are looked at."""
COLUMNS = (
    "fabricated",
    "real but wrong",
    "right",
    "abstained",
    "answered without evidence",
    SHOWN_HIT,
    "seconds",
)


class Certainty(Record):
    """Whether a way knows when the first sentence that it finds answers the question."""

    risk: RiskCoverage
    """Of questions that the library answers: wrong is a first sentence that does not."""
    answered_without: Estimate
    """Questions that nothing in the library answers, at the threshold of the curve's coverage."""
    brier: Estimate
    """Of the probability that the first sentence answers, over both kinds of questions."""
    calibration_error: float


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
    seconds: Estimate | None = None
    """Wall time of a question, in batches; None where the answers were there already."""
    certainty: Certainty | None = None
    """None where a model writes or picks: its answer is not known where it abstained."""

    @property
    def shares(self) -> tuple[Estimate | None, ...]:
        """The cells of all `COLUMNS` but the last, which is in seconds."""
        return (
            self.fabricated,
            self.wrong,
            self.right,
            self.abstained,
            self.answered_without,
            self.hits.get(SHOWN_HIT),
        )


def read_ways(folder: Path) -> list[WayScores]:
    """The rows that an evaluate stage wrote into its folder; empty where it compared no ways."""
    path = folder / WAYS
    rows = json.loads(path.read_text("utf-8")) if path.is_file() else []
    return [WayScores.model_validate(row) for row in rows]


def ways_table(rows: Sequence[WayScores]) -> str:
    """The table of the ways, as plain text: shares in percent with their 95 % intervals."""
    lines = [["way", *COLUMNS]]
    for row in rows:
        lines.append([row.way, *map(_percent, row.shares), _number(row.seconds)])
    return "\n".join([*_aligned(lines), *_risk_lines(rows)])


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _risk_lines(rows: Sequence[WayScores]) -> list[str]:
    """How each way does where it answers the four fifths of the questions that it is surest of."""
    known = [(row.way, row.certainty) for row in rows if row.certainty is not None]
    if not known:
        return []
    lines = [
        [
            f"way, {100 * COVERAGE:.0f} % answered",
            "wrong",
            "answered without evidence",
            "area",
            "Brier",
            "ECE",
        ]
    ]
    for way, found in known:
        shares = map(_percent, (found.risk.at_coverage, found.answered_without))
        numbers = map(_number, (found.risk.area, found.brier))
        lines.append([way, *shares, *numbers, f"{found.calibration_error:.3f}"])
    return ["", *_aligned(lines)]


def _percent(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    low, high = (None if x is None else 100 * x for x in (estimate.low, estimate.high))
    return _spread(f"{100 * estimate.value:.1f} %", low, high, digits=1)


def _number(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    return _spread(f"{estimate.value:.3f}", estimate.low, estimate.high, digits=3)


def _spread(value: str, low: float | None, high: float | None, *, digits: int) -> str:
    """The value and its interval, where it has one."""
    if low is None or high is None:
        return value
    return f"{value} ({low:.{digits}f}-{high:.{digits}f})"
