"""Whether a system knows what it knows: risk against coverage, the Brier score, calibration error.

A system that may abstain says how sure it is of each item. Risk is the error rate of the items that
it is surest of, coverage the share of all items that these are (El-Yaniv and Wiener 2010, Journal
of Machine Learning Research 11). Items as sure as one another are answered together or not at all,
as a threshold does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cauce.evaluation.statistics import (
    Estimate,
    Floats,
    mean_bootstrap,
    rate_exact,
    weighted_bootstrap,
)
from cauce.records import Record

COVERAGE = 0.8
"""At least so much is answered where one risk is told of a whole curve."""
BINS = 10
"""Of equal width, of the probabilities that are compared with what happened."""
_ROUNDING = 1e-12


class RiskCoverage(Record):
    """The error rate as fewer items are answered, those of least confidence left out first."""

    points: tuple[tuple[float, float], ...]
    """(coverage, risk) at each confidence that some item has, the highest confidence first."""
    area: Estimate
    """Mean over the items of the risk at the coverage that each is the last of; 0 is best.

    Bootstrapped by group; no bounds where no item is wrong.
    """
    at_coverage: Estimate
    """Risk at the least coverage that is `COVERAGE` or more, with the exact interval of a rate."""
    threshold: float
    """The least confidence that is answered there."""


class _Ranked(NamedTuple):
    """Items with the surest first, and for each the last of those as sure as it is."""

    order: NDArray[np.intp]
    wrong: Floats
    last: NDArray[np.intp]

    def coverage_and_risk(self, weights: Floats) -> tuple[Floats, Floats]:
        """Both (... x items, in rank order) where the items as sure as each are the last answered.

        The risk of nothing answered is 0.
        """
        ranked = weights[..., self.order]
        answered = np.cumsum(ranked, axis=-1)[..., self.last]
        failed = np.cumsum(ranked * self.wrong, axis=-1)[..., self.last]
        total = ranked.sum(axis=-1, keepdims=True)
        risk = np.divide(failed, answered, out=np.zeros_like(failed), where=answered > 0)
        return answered / total, risk

    def area(self, weights: Floats) -> Floats:
        """Mean risk over the items."""
        _, risk = self.coverage_and_risk(weights)
        ranked = weights[..., self.order]
        return np.asarray((ranked * risk).sum(axis=-1) / ranked.sum(axis=-1))


def risk_coverage(
    confidences: Sequence[float],
    wrong: Sequence[bool],
    groups: Sequence[str],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> RiskCoverage:
    """The curve of items with how sure each was, whether it was wrong, and its group.

    Raises ValueError without any item.
    """
    sure = np.asarray(confidences, float)
    ranked = _ranked(sure, np.asarray(wrong, float))
    coverage, risk = ranked.coverage_and_risk(np.ones(len(sure)))
    ends = np.unique(ranked.last)
    threshold = float(sure[ranked.order[np.argmax(coverage >= COVERAGE - _ROUNDING)]])
    answered = np.flatnonzero(sure >= threshold).tolist()
    area = weighted_bootstrap(groups, ranked.area, draws=draws, seed=seed)
    return RiskCoverage(
        points=tuple(zip(coverage[ends].tolist(), risk[ends].tolist(), strict=True)),
        area=area if any(wrong) else area.model_copy(update={"low": None, "high": None}),
        at_coverage=rate_exact([float(wrong[i]) for i in answered], [groups[i] for i in answered]),
        threshold=threshold,
    )


def _ranked(sure: Floats, wrong: Floats) -> _Ranked:
    if not len(sure) or len(sure) != len(wrong):
        raise ValueError(f"{len(sure)} confidences, {len(wrong)} outcomes: an item has both")
    order = np.argsort(-sure, kind="stable")
    falling = -sure[order]
    return _Ranked(order, wrong[order], np.searchsorted(falling, falling, side="right") - 1)


def brier_score(
    probabilities: Sequence[float],
    happened: Sequence[bool],
    groups: Sequence[str],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Mean squared distance of probabilities from what happened (Brier 1950); 0 is best."""
    squares = [
        (probability - outcome) ** 2
        for probability, outcome in zip(probabilities, happened, strict=True)
    ]
    return mean_bootstrap(squares, groups, draws=draws, seed=seed)


def calibration_error(probabilities: Sequence[float], happened: Sequence[bool]) -> float:
    """How far probabilities are from frequencies, weighed over `BINS` bins of equal width.

    The expected calibration error of Naeini et al. (2015, 10.1609/aaai.v29i1.9602). It comes
    without an interval: of few items it is above 0 by chance, of resampled ones more so.
    """
    said, seen = np.asarray(probabilities, float), np.asarray(happened, float)
    if not len(said) or len(said) != len(seen):
        raise ValueError(f"{len(said)} probabilities, {len(seen)} outcomes: an item has both")
    bins = np.clip(np.ceil(said * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=said - seen, minlength=BINS)
    return float(np.abs(gaps).sum() / len(said))
