"""How good told risks are: discrimination, calibration, groups of people, and fewer readings.

All intervals are bootstraps by person, so that several records of one person are no more evidence
than they are.

Axes: n items, the ends of series of which a risk was told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cauce.evaluation.calibration import brier_score, calibration_error
from cauce.evaluation.statistics import Estimate, Floats, weighted_bootstrap
from cauce.records import Record
from cauce.twin.series import Series
from cauce.twin.state.model import TwinModel
from cauce.twin.state.summaries import last_values

FEWEST_OF_A_KIND = 15
"""Items in which it happened, and in which it did not: of 2,000 resamples of 15 of each, all have
some of both with 99.9 % probability."""
NINE_OF_TEN = 1.6449
"""Deviations on either side of the mean within which 90 % of a normal distribution lie."""


class Judged(NamedTuple):
    """Risks that were told, what came of it, and whose they are."""

    risks: Floats
    happened: NDArray[np.bool_]
    people: Sequence[str]

    def where(self, chosen: NDArray[np.bool_]) -> Judged:
        """Those items alone."""
        people = [person for person, is_in in zip(self.people, chosen, strict=True) if is_in]
        return Judged(self.risks[chosen], self.happened[chosen], people)

    @property
    def events(self) -> int:
        """Items in which it happened."""
        return int(self.happened.sum())

    @property
    def is_enough(self) -> bool:
        """Whether ranks have intervals: a resample hardly ever lacks one of both kinds."""
        return min(self.events, len(self.risks) - self.events) >= FEWEST_OF_A_KIND


class RiskFigures(Record):
    """What a model's risks are worth."""

    n: int
    events: int
    auroc: Estimate
    """Probability that of two people the one to whom it happened was told the higher risk."""
    auprc: Estimate
    """Average precision; that of risks by chance is `events / n`."""
    sensitivity_and_precision: Estimate
    """The lesser of both, at the threshold where it is greatest: event 1 of the challenge of
    PhysioNet 2012."""
    calibration_error: float
    """See `cauce.evaluation.calibration`: 10 bins of equal width."""
    brier: Estimate


class GroupFigures(Record):
    """Risks told to people who have something in common."""

    n: int
    events: int
    auroc: Estimate | None
    """None where it happened to too few, or did not."""
    told: float
    """Mean risk; beside `events / n` it says whether the group is told too much or too little."""


class ReadingsDrop(Record):
    """What is lost where less was measured."""

    share: float
    """Of the readings, left out at random."""
    auroc: Estimate
    """With what is left."""
    drop: Estimate
    """That of all readings minus it, paired."""


class ForecastFigures(Record):
    """Readings that came later against those foretold, of one variable."""

    n: int
    error: float
    """Mean absolute distance from what was foretold, in the variable's unit."""
    error_of_last: float
    """That from the last value known."""
    covered: float
    """Share within the intervals that 9 of 10 should be in."""


def risk_figures(judged: Judged, *, draws: int = 2000, seed: int = 0) -> RiskFigures:
    """All figures; ValueError where it happened to all or to none."""
    ranked = _ranked(judged)
    auroc, auprc, least = (
        weighted_bootstrap(judged.people, of, draws=draws, seed=seed)
        for of in (ranked.auroc, ranked.auprc, ranked.sensitivity_and_precision)
    )
    happened = judged.happened.tolist()
    risks = judged.risks.tolist()
    return RiskFigures(
        n=len(risks),
        events=judged.events,
        auroc=auroc,
        auprc=auprc,
        sensitivity_and_precision=least,
        calibration_error=calibration_error(risks, happened),
        brier=brier_score(risks, happened, judged.people, draws=draws, seed=seed),
    )


class Gain(NamedTuple):
    """What one model has over another on the same items, paired."""

    auroc: Estimate
    auprc: Estimate


def gain(better: Judged, than: Judged, *, draws: int = 2000, seed: int = 0) -> Gain:
    """Both figures of `better` minus those of `than`."""
    ours, theirs = _ranked(better), _ranked(than)

    def paired(a: Callable[[Floats], Floats], b: Callable[[Floats], Floats]) -> Estimate:
        return weighted_bootstrap(
            better.people, lambda weights: a(weights) - b(weights), draws=draws, seed=seed
        )

    return Gain(paired(ours.auroc, theirs.auroc), paired(ours.auprc, theirs.auprc))


def by_group(
    judged: Judged, groups: Sequence[str], *, draws: int = 2000, seed: int = 0
) -> dict[str, GroupFigures]:
    """The figures of each group, which each item names."""
    found, names = {}, np.asarray(groups)
    for name in sorted({*groups}):
        part = judged.where(names == name)
        auroc = None
        if part.is_enough:
            auroc = weighted_bootstrap(part.people, _ranked(part).auroc, draws=draws, seed=seed)
        told = float(part.risks.mean())
        found[name] = GroupFigures(n=len(part.risks), events=part.events, auroc=auroc, told=told)
    return found


def readings_drop(
    told: Callable[[Sequence[Series]], Floats],
    series: Sequence[Series],
    happened: NDArray[np.bool_],
    *,
    share: float,
    seed: int = 0,
) -> ReadingsDrop:
    """AUROC of `told` with and without a share of the readings; each series is one person's."""
    people = [one.id for one in series]
    whole = Judged(told(series), happened, people)
    generator = np.random.default_rng(seed)
    less = Judged(told([thinned(one, share, generator) for one in series]), happened, people)
    auroc = weighted_bootstrap(people, _ranked(less).auroc, seed=seed)
    return ReadingsDrop(share=share, auroc=auroc, drop=gain(whole, less, seed=seed).auroc)


def thinned(series: Series, share: float, generator: np.random.Generator) -> Series:
    """The series without that share of its readings; times at which none is left are dropped."""
    values = np.where(generator.random(series.values.shape) < share, np.nan, series.values)
    kept = ~np.isnan(values).all(1)
    return series._replace(hours=series.hours[kept], values=values[kept])


def forecast_figures(
    model: TwinModel, series: Sequence[Series], *, ahead: float = 24.0
) -> dict[str, ForecastFigures]:
    """By variable, over all readings of the `ahead` hours after the middle of each series."""
    found: dict[str, list[tuple[float, float, bool]]] = {}
    for one in series:
        for column, missed in _missed(model, one, ahead):
            found.setdefault(model.variables.readings[column], []).append(missed)
    return {
        name: ForecastFigures(
            n=len(rows),
            error=float(np.mean([row[0] for row in rows])),
            error_of_last=float(np.mean([row[1] for row in rows])),
            covered=float(np.mean([row[2] for row in rows])),
        )
        for name, rows in sorted(found.items())
    }


def _missed(
    model: TwinModel, series: Series, ahead: float
) -> list[tuple[int, tuple[float, float, bool]]]:
    """Of each later reading with one before it: its column, both distances, whether covered."""
    if len(series.hours) < 2:
        return []
    middle = series.hours[-1] / 2
    is_past = series.hours <= middle
    later = ~is_past & (series.hours <= middle + ahead)
    past = series._replace(hours=series.hours[is_past], values=series.values[is_past])
    if not len(past.hours) or not later.any():
        return []
    foretold = model.forecast(past, (series.hours[later] - past.hours[-1]).tolist())
    last = last_values([past])[0]
    found = []
    for row, column in np.argwhere(~np.isnan(series.values[later])):
        true, mean = series.values[later][row, column], foretold.mean[row, column]
        if not np.isnan(last[column]):
            away = abs(true - mean)
            is_covered = bool(away <= NINE_OF_TEN * foretold.deviation[row, column])
            found.append((int(column), (float(away), float(abs(true - last[column])), is_covered)))
    return found


class _Ranked(NamedTuple):
    """Items with the highest risk first, and for each the last of those of the same risk."""

    order: NDArray[np.intp]
    happened: Floats
    first: NDArray[np.intp]
    last: NDArray[np.intp]

    def auroc(self, weights: Floats) -> Floats:
        """Of weights (... x n), equal risks counting half (Hanley and McNeil 1982)."""
        events, others = self._both(weights)
        below = others.sum(-1, keepdims=True) - np.cumsum(others, -1)[..., self.last]
        tied = _between(np.cumsum(others, -1), self.first, self.last)
        won = (events * (below + tied / 2)).sum(-1)
        return np.asarray(won / (events.sum(-1) * others.sum(-1)))

    def auprc(self, weights: Floats) -> Floats:
        """Mean, over the events, of the precision where each is the last that is warned of."""
        events, _ = self._both(weights)
        _, precision = self._warned(weights)
        return np.asarray((events * precision).sum(-1) / events.sum(-1))

    def sensitivity_and_precision(self, weights: Floats) -> Floats:
        """The greatest, over the thresholds, of the lesser of the two."""
        return np.asarray(np.minimum(*self._warned(weights)).max(-1))

    def _warned(self, weights: Floats) -> tuple[Floats, Floats]:
        """Sensitivity and precision where the risk of each item is the threshold."""
        events, others = self._both(weights)
        right = np.cumsum(events, -1)[..., self.last]
        warned = np.cumsum(events + others, -1)[..., self.last]
        precision = np.divide(right, warned, out=np.zeros_like(right), where=warned > 0)
        return right / events.sum(-1, keepdims=True), precision

    def _both(self, weights: Floats) -> tuple[Floats, Floats]:
        """The weights of items in which it happened, and of the others."""
        ranked = weights[..., self.order]
        return ranked * self.happened, ranked * (1 - self.happened)


def _ranked(judged: Judged) -> _Ranked:
    if not 0 < judged.events < len(judged.risks):
        raise ValueError(
            f"it happened to {judged.events} of {len(judged.risks)}; ranks need both kinds"
        )
    order = np.argsort(-judged.risks, kind="stable")
    falling = -judged.risks[order]
    first = np.searchsorted(falling, falling, side="left")
    last = np.searchsorted(falling, falling, side="right") - 1
    return _Ranked(order, judged.happened[order].astype(float), first, last)


def _between(sums: Floats, first: NDArray[np.intp], last: NDArray[np.intp]) -> Floats:
    """Sum of first..last of what `sums` has added up."""
    padded = np.concatenate([np.zeros_like(sums[..., :1]), sums], -1)
    return np.asarray(padded[..., last + 1] - padded[..., first])
