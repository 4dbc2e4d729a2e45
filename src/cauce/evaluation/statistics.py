"""Intervals and tests over items that come in clusters: several questions on one medicine.

Items of one group resemble each other, so groups are what is resampled; treating such items as
independent makes intervals too narrow and "significant" differences of nothing
(Miller 2024, arXiv 2411.00640).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cauce.evaluation.special import beta_quantile, t_quantile
from cauce.records import Record

Floats = NDArray[np.float64]

Statistic = Callable[[Floats], Floats]
"""A figure from column sums (... x columns)."""

_HELD_DRAWS = 2**20
"""Draws of a group in memory at a time, 8 MiB."""


class Estimate(Record):
    """A value with its interval; no bounds where the data cannot give any."""

    value: float
    low: float | None
    high: float | None
    n: int
    """Items measured."""


def mean_t(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Mean with Student's t interval, for independent items."""
    n, mean = len(values), _mean(values)
    if n < 2:
        return Estimate(value=mean, low=None, high=None, n=n)
    error = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1) / n)
    margin = t_quantile((1 + confidence) / 2, n - 1) * error
    return Estimate(value=mean, low=mean - margin, high=mean + margin, n=n)


def mean_bootstrap(
    values: Sequence[float],
    groups: Sequence[str],
    *,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Mean with a cluster-bootstrap interval."""
    columns = np.column_stack([np.asarray(values, float), np.ones(len(values))])
    return statistic_bootstrap(
        columns,
        groups,
        lambda sums: sums[..., 0] / sums[..., 1],
        draws=draws,
        seed=seed,
        confidence=confidence,
    )


def statistic_bootstrap(
    columns: ArrayLike,
    groups: Sequence[str],
    statistic: Statistic,
    *,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Any function of column sums (items x columns) with a cluster-bootstrap interval.

    A mean is the sum of values over the sum of ones, a perplexity `exp(sum nll / sum tokens)`.
    """
    found = statistic_bootstraps(
        columns, groups, [statistic], draws=draws, seed=seed, confidence=confidence
    )
    return found[0]


def statistic_bootstraps(
    columns: ArrayLike,
    groups: Sequence[str],
    statistics: Sequence[Statistic],
    *,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> list[Estimate]:
    """Several functions of the same columns' sums, from the same draws of groups.

    The bounds are percentiles expanded for few clusters (Hesterberg 2015, arXiv 1411.5279, 3.4):
    with k clusters, plain percentiles are as narrow as a normal interval that divides by k.
    """
    table = np.asarray(columns, float)
    if not len(table):
        raise ValueError("no items to estimate from: 0 rows; at least 1 is needed")
    whole, sums = table.sum(axis=0), cluster_sums(table, groups)
    clusters, n = len(sums), len(table)
    if clusters < 2:
        return [Estimate(value=float(of(whole)), low=None, high=None, n=n) for of in statistics]
    drawn = _resampled_sums(sums, draws, np.random.default_rng(seed))
    found = []
    for of in statistics:
        low, high = _bounds(of(drawn), clusters, confidence)
        found.append(Estimate(value=float(of(whole)), low=low, high=high, n=n))
    return found


def weighted_bootstrap(
    groups: Sequence[str],
    statistic: Statistic,
    *,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Any function of the items' weights (... x items) with a cluster-bootstrap interval.

    For what is no function of sums, such as a rank: an item that is drawn twice weighs 2. The
    bounds are those of `statistic_bootstrap`.
    """
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    value, clusters = float(statistic(np.ones(len(index)))), len(names)
    if clusters < 2:
        return Estimate(value=value, low=None, high=None, n=len(index))
    generator = np.random.default_rng(seed)
    held = max(1, _HELD_DRAWS // len(index))
    drawn = [
        statistic(counts[start : start + held, index])
        for counts in _resampled_counts(clusters, draws, generator)
        for start in range(0, len(counts), held)
    ]
    low, high = _bounds(np.concatenate(drawn), clusters, confidence)
    return Estimate(value=value, low=low, high=high, n=len(index))


def _bounds(drawn: Floats, clusters: int, confidence: float) -> tuple[float, float]:
    """Percentiles of what was drawn, expanded for few clusters."""
    spread = math.sqrt(clusters / (clusters - 1)) * t_quantile((1 - confidence) / 2, clusters - 1)
    level = NormalDist().cdf(spread)
    low, high = np.quantile(drawn, [level, 1 - level])
    return float(low), float(high)


def paired_t(a: Sequence[float], b: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Mean of b - a over the same items with Student's t interval."""
    return mean_t(_differences(a, b), confidence)


def paired_bootstrap(
    a: Sequence[float],
    b: Sequence[float],
    groups: Sequence[str],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Mean of b - a over the same items with a cluster-bootstrap interval."""
    return mean_bootstrap(_differences(a, b), groups, draws=draws, seed=seed)


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a rate: close to its nominal coverage on average."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, shrink = successes / n, 1 + z * z / n
    centre = (rate + z * z / (2 * n)) / shrink
    margin = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / shrink
    return max(0.0, centre - margin), min(1.0, centre + margin)


def clopper_pearson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's exact interval for a rate: never below its nominal coverage.

    >>> low, high = clopper_pearson(0, 58)
    >>> f"{low:.1%} {high:.1%}"
    '0.0% 6.2%'
    """
    tail = (1 - confidence) / 2
    low = beta_quantile(tail, successes, n - successes + 1) if successes > 0 else 0.0
    high = beta_quantile(1 - tail, successes + 1, n - successes) if successes < n else 1.0
    return low, high


def rate_exact(
    values: Sequence[float], groups: Sequence[str], confidence: float = 0.95
) -> Estimate:
    """Share of ones with an exact interval over as many items as the clusters are worth.

    Korn and Graubard (1998): n is divided by the design effect of the clusters (never raised),
    then Clopper-Pearson. Where all items are alike, the clusters alone count; and the bounds are
    never tighter than those, for few events tell little of how alike the items of a cluster are,
    and one event must not leave less room than none.
    """
    n, rate = len(values), _mean(values)
    size = independent_items(values, groups, confidence)
    low, high = clopper_pearson(rate * size, size, confidence)
    _, of_none = clopper_pearson(0, len(set(groups)), confidence)
    return Estimate(value=rate, low=min(low, 1 - of_none), high=max(high, of_none), n=n)


def independent_items(
    values: Sequence[float], groups: Sequence[str], confidence: float = 0.95
) -> float:
    """How many independent items would leave as much uncertainty about the rate; at most n.

    Where all items are alike, or there is one cluster, nothing tells how alike the items of a
    cluster are: the clusters are what is known to be independent, and they count.
    """
    n, clusters, rate = len(values), len(set(groups)), _mean(values)
    if clusters < 2 or not 0 < rate < 1:
        return float(clusters)
    if (error := cluster_error(values, groups)) == 0:
        return float(n)
    level = (1 + confidence) / 2
    narrower = t_quantile(level, n - 1) / t_quantile(level, clusters - 1)
    return min(float(n), rate * (1 - rate) * (narrower / error) ** 2)


def cluster_error(values: Sequence[float], groups: Sequence[str]) -> float:
    """Standard error of the mean of items in clusters; at least two clusters are needed."""
    residuals = np.asarray(values, float) - _mean(values)
    sums = cluster_sums(residuals[:, None], groups)[:, 0]
    clusters = len(sums)
    return float(np.sqrt(clusters / (clusters - 1) * np.sum(sums**2)) / len(values))


def cluster_sums(columns: Floats, groups: Sequence[str]) -> Floats:
    """Column sums per group (groups x columns), groups in the order of their names."""
    if len(columns) != len(groups):
        raise ValueError(f"{len(columns)} values with {len(groups)} groups: one group per value")
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), columns.shape[1]))
    np.add.at(sums, index, columns)
    return sums


def _resampled_sums(sums: Floats, draws: int, generator: np.random.Generator) -> Floats:
    """Column sums (draws x columns) of groups drawn with replacement."""
    return np.concatenate(
        [counts @ sums for counts in _resampled_counts(len(sums), draws, generator)]
    )


def _resampled_counts(
    clusters: int, draws: int, generator: np.random.Generator
) -> Iterator[Floats]:
    """How often each group was drawn (draws x groups), in blocks to bound memory.

    Counting drawn groups takes a quarter of the time of drawing the counts from a multinomial.
    """
    block = max(1, _HELD_DRAWS // clusters)
    for start in range(0, draws, block):
        drawn = generator.integers(0, clusters, (min(block, draws - start), clusters))
        counts = np.empty(drawn.shape)
        for row, own in zip(counts, drawn, strict=True):
            row[:] = np.bincount(own, minlength=clusters)
        yield counts


def _differences(a: Sequence[float], b: Sequence[float]) -> list[float]:
    return [after - before for before, after in zip(a, b, strict=True)]


def _mean(values: Sequence[float]) -> float:
    if not len(values):
        raise ValueError("no items to estimate from: 0 values; at least 1 is needed")
    return math.fsum(values) / len(values)
