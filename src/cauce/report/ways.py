"""The ways to a DOI side by side: a bar for each, and its error rate as it answers less."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from cauce.evaluation.calibration import COVERAGE
from cauce.evaluation.statistics import Estimate
from cauce.evaluation.ways import SHOWN_HIT, WayScores
from cauce.report.charts import (
    AXIS_HEIGHT,
    CURVE_BOTTOM_MARGIN,
    CURVE_HEIGHT,
    CURVE_TOP,
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    Tick,
    nice_ticks,
    polyline,
)
from cauce.report.facts import Cell, cell_of
from cauce.report.metrics import NBSP, Metric

SURE = f"{100 * COVERAGE:.0f}{NBSP}%"
"""The coverage at which one risk is told of each curve."""
COLUMNS = (
    Metric("fabricated", "Fabricated", "a DOI that is in no catalogue here", "share"),
    Metric("wrong", "Real but wrong", "its DOIs exist, and none answers the question", "share"),
    Metric("right", "Right", "a DOI that answers the question", "share"),
    Metric("abstained", "Abstained", "no DOI, although the articles answer", "share"),
    Metric("without", "Answered without evidence", "a DOI, although no article answers", "share"),
    Metric("hit", SHOWN_HIT, "sentences looked at of which one answers", "share"),
    Metric("seconds", "Seconds", "for a question", "number", 3),
)
CERTAINTY = (
    Metric("risk", f"Wrong where {SURE} are answered", "", "share"),
    Metric("without", "Answered without evidence there", "", "share"),
    Metric("area", "Area under the curve", "0 is best", "number", 3),
    Metric("brier", "Brier score", "0 is best", "number", 3),
    Metric("error", "Calibration error", "0 is best", "number", 3),
)
BAR_ROW = 46
KINDS = (
    ("right", "right"),
    ("wrong", "wrong"),
    ("made-up", "made up"),
    ("silent", "no answer"),
)
"""What becomes of a question: the style of its part of the bar, and its words."""
SHARE = Metric("share", "", "", "share")
LEAST_RISK = 0.05
"""The risk's axis reaches at least so far: small steps look small."""


class WayRow(NamedTuple):
    """A way with the cells of a table."""

    way: str
    cells: tuple[Cell, ...]


class Piece(NamedTuple):
    """A part of a bar."""

    kind: str
    x: float
    width: float


class Bar(NamedTuple):
    """What became of the questions that one way was asked."""

    way: str
    text: str
    y: float
    pieces: tuple[Piece, ...]
    low: float | None
    """Of the interval of the share that is right."""
    high: float | None


class WaysChart(NamedTuple):
    """A bar for each way, on one axis from 0 to 100 per cent."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    width: int
    height: float
    description: str


class RiskLine(NamedTuple):
    """The error rate of one way over its coverage."""

    way: str
    style: str
    points: str
    served: tuple[float, float]
    """Where the way answers as it is: its coverage and error rate."""


class RiskChart(NamedTuple):
    """The curves of the ways that tell how sure they are."""

    lines: tuple[RiskLine, ...]
    coverages: tuple[Tick, ...]
    risks: tuple[Tick, ...]
    marked: float
    """Where `COVERAGE` is."""
    marked_text: str
    left: int
    right: int
    bottom: int
    height: int
    description: str


def way_rows(ways: Sequence[WayScores]) -> list[WayRow]:
    """The table of the ways, a row for each."""
    return [WayRow(way.way, _cells(COLUMNS, [*way.shares, way.seconds])) for way in ways]


def certainty_rows(ways: Sequence[WayScores]) -> list[WayRow]:
    """How well each way knows when it is right; those of which it is known."""
    rows = []
    for way in ways:
        if (found := way.certainty) is not None:
            estimates = [found.risk.at_coverage, found.answered_without, found.risk.area]
            error = Estimate(value=found.calibration_error, low=None, high=None, n=found.brier.n)
            rows.append(WayRow(way.way, _cells(CERTAINTY, [*estimates, found.brier, error])))
    return rows


def _cells(metrics: Sequence[Metric], estimates: Sequence[Estimate | None]) -> tuple[Cell, ...]:
    """The estimates as they are printed, without their counts: all are of the same questions."""
    return tuple(
        cell_of(metric, None if estimate is None else estimate.model_dump(exclude={"n"}))
        for metric, estimate in zip(metrics, estimates, strict=True)
    )


def ways_chart(ways: Sequence[WayScores]) -> WaysChart | None:
    """The bars of the ways in their order; None without any."""
    if not ways:
        return None
    across = Scale(0, 1, 1, WIDTH - 1)
    bars = [_bar(way, AXIS_HEIGHT + BAR_ROW * row, across) for row, way in enumerate(ways)]
    return WaysChart(
        bars=tuple(bars),
        ticks=tuple(Tick(across(i / 4), f"{25 * i}") for i in range(5)),
        width=WIDTH,
        height=AXIS_HEIGHT + BAR_ROW * len(bars),
        description="; ".join(f"{bar.way}: {bar.text}" for bar in bars),
    )


def _bar(way: WayScores, y: float, across: Scale) -> Bar:
    shares = outcome_shares(way)
    edges = [across(edge) for edge in itertools.accumulate(shares, initial=0.0)]
    told = [
        f"{words} {SHARE.shown(part)}"
        for (kind, words), part in zip(KINDS, shares, strict=True)
        if kind == "right" or part > 0
    ]
    return Bar(
        way=way.way,
        text=", ".join(told),
        y=y,
        pieces=tuple(
            Piece(kind, start, round(end - start, 1))
            for (kind, _), (start, end) in zip(KINDS, itertools.pairwise(edges), strict=True)
            if end > start
        ),
        low=None if way.right.low is None else across(way.right.low),
        high=None if way.right.high is None else across(way.right.high),
    )


def outcome_shares(way: WayScores) -> tuple[float, float, float, float]:
    """Of its questions the shares that are right, wrong, made up and not answered; their sum is 1.

    Made up are those of which nothing that is named is right and something does not exist.
    """
    right, wrong, silent = way.right.value, way.wrong.value, way.abstained.value
    made_up = 1 - right - wrong - silent
    return right, wrong, made_up if made_up > 1e-9 else 0.0, silent


def risk_chart(ways: Sequence[WayScores]) -> RiskChart | None:
    """The curves of the ways; None where no way tells how sure it is."""
    known = [(way, way.certainty) for way in ways if way.certainty is not None]
    if not known:
        return None
    risks = [risk for _, found in known for _, risk in found.risk.points]
    ticks = nice_ticks(0, max(LEAST_RISK, *risks))
    across = Scale(0, 1, LEFT, WIDTH - RIGHT)
    bottom = CURVE_TOP + CURVE_HEIGHT
    down = Scale(ticks[0], ticks[-1], bottom, CURVE_TOP)
    lines = [
        RiskLine(
            way=way.way,
            style=f"way-{number}",
            points=polyline(found.risk.points, across, down),
            served=_served(way, across, down),
        )
        for number, (way, found) in enumerate(known, 1)
    ]
    return RiskChart(
        lines=tuple(lines),
        coverages=tuple(Tick(across(i / 4), f"{25 * i}") for i in range(5)),
        risks=tuple(Tick(down(tick), f"{100 * tick:g}") for tick in ticks),
        marked=across(COVERAGE),
        marked_text=f"{SURE} answered",
        left=LEFT,
        right=WIDTH - RIGHT,
        bottom=bottom,
        height=bottom + CURVE_BOTTOM_MARGIN,
        description=" ".join(_told(row) for row in certainty_rows(ways)),
    )


def _served(way: WayScores, across: Scale, down: Scale) -> tuple[float, float]:
    coverage = 1 - way.abstained.value
    return across(coverage), down(1 - way.right.value / coverage if coverage else 0.0)


def _told(row: WayRow) -> str:
    risk, _, area, *_ = row.cells
    return f"{row.way}: wrong {risk.value} where {SURE} are answered, area {area.value}."


def ways_sentence(ways: Sequence[WayScores]) -> str:
    """What may be said of the ways in a line: the one that was right most often, and at what."""
    best = max(ways, key=lambda way: way.right.value)
    fabricated, wrong, right, abstained, *_ = way_rows([best])[0].cells
    return (
        f"Of {len(ways)} ways to a DOI, “{best.way}” was right most often: {right.value} of "
        f"{best.right.n:,} questions ({right.interval}). It named real but wrong works in "
        f"{wrong.value}, gave no answer in {abstained.value} and made a DOI up in "
        f"{fabricated.value} ({fabricated.interval})."
    )
