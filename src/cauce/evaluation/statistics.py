"""Intervals and tests over items that come in clusters: several questions on one medicine.

Items of one group resemble each other, so groups are what is resampled; treating such items as
independent makes intervals too narrow and "significant" differences of nothing
(Miller 2024, arXiv 2411.00640).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cauce.evaluation.special import beta_quantile, t_quantile
from cauce.records import Record

Floats = NDArray[np.float64]

_BLOCK = 256
_EXACT_CLUSTERS = 12


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
    statistic: Callable[[Floats], Floats],
    *,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Any function of column sums (items x columns) with a cluster-bootstrap interval.

    A mean is the sum of values over the sum of ones, a perplexity `exp(sum nll / sum tokens)`.
    The bounds are percentiles expanded for few clusters (Hesterberg 2015, arXiv 1411.5279, 3.4):
    with k clusters, plain percentiles are as narrow as a normal interval that divides by k.
    """
    table = np.asarray(columns, float)
    if not len(table):
        raise ValueError("no items to estimate from: 0 rows; at least 1 is needed")
    value = float(statistic(table.sum(axis=0)))
    sums = cluster_sums(table, groups)
    clusters = len(sums)
    if clusters < 2:
        return Estimate(value=value, low=None, high=None, n=len(table))
    drawn = statistic(_resampled_sums(sums, draws, np.random.default_rng(seed)))
    spread = math.sqrt(clusters / (clusters - 1)) * t_quantile((1 - confidence) / 2, clusters - 1)
    level = NormalDist().cdf(spread)
    low, high = np.quantile(drawn, [level, 1 - level])
    return Estimate(value=value, low=float(low), high=float(high), n=len(table))


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


def sign_flip_p(
    differences: Sequence[float], groups: Sequence[str], *, draws: int = 10_000, seed: int = 0
) -> float:
    """Two-sided p of "no difference": how often random signs, one per group, give as large a sum.

    Every combination is counted for up to 12 groups with a difference; beyond, `draws` random
    ones, with the observed one counted among them so that p is never 0.
    """
    sums = cluster_sums(np.asarray(differences, float)[:, None], groups)[:, 0]
    sums = sums[sums != 0]
    if not len(sums):
        return 1.0
    observed = abs(sums.sum()) * (1 - 1e-12)
    if len(sums) <= _EXACT_CLUSTERS:
        bits = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        return float(np.mean(np.abs((2 * bits - 1) @ sums) >= observed))
    generator, reached = np.random.default_rng(seed), 0
    for start in range(0, draws, _BLOCK):
        shape = (min(_BLOCK, draws - start), len(sums))
        signs = generator.integers(0, 2, shape, dtype=np.int8) * 2.0 - 1.0
        reached += int(np.sum(np.abs(signs @ sums) >= observed))
    return (reached + 1) / (draws + 1)


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided p that items right in one system only fall to either with equal chance.

    It takes items as independent; `sign_flip_p` does not.
    """
    n = only_a + only_b
    tail: int = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / (1 << n))


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
    then Clopper-Pearson. A bootstrap of all zeros would give the interval [0, 0].
    """
    n, rate = len(values), _mean(values)
    size = _independent_items(values, groups, confidence) if 0 < rate < 1 else float(n)
    low, high = clopper_pearson(rate * size, size, confidence)
    return Estimate(value=rate, low=low, high=high, n=n)


def _independent_items(values: Sequence[float], groups: Sequence[str], confidence: float) -> float:
    """How many independent items would leave as much uncertainty about the rate; at most n."""
    n, clusters, rate = len(values), len(set(groups)), _mean(values)
    if clusters < 2 or (error := cluster_error(values, groups)) == 0:
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


def detectable_difference(
    differences: Sequence[float],
    groups: Sequence[str],
    *,
    confidence: float = 0.95,
    power: float = 0.8,
) -> float | None:
    """The smallest true difference that these items would show with that power; None for 1 group.

    >>> detectable_difference([1.0, 2.0], ["a", "a"]) is None
    True
    """
    if len(set(groups)) < 2:
        return None
    normal = NormalDist()
    factor = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)
    return factor * cluster_error(differences, groups)


def cluster_sums(columns: Floats, groups: Sequence[str]) -> Floats:
    """Column sums per group (groups x columns), groups in the order of their names."""
    if len(columns) != len(groups):
        raise ValueError(f"{len(columns)} values with {len(groups)} groups: one group per value")
    names, index = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((len(names), columns.shape[1]))
    np.add.at(sums, index, columns)
    return sums


def _resampled_sums(sums: Floats, draws: int, generator: np.random.Generator) -> Floats:
    """Column sums (draws x columns) of groups drawn with replacement, in blocks to bound memory."""
    clusters = len(sums)
    shares = np.full(clusters, 1 / clusters)
    blocks: list[NDArray[Any]] = [
        generator.multinomial(clusters, shares, min(_BLOCK, draws - start)) @ sums
        for start in range(0, draws, _BLOCK)
    ]
    return np.concatenate(blocks)


def _differences(a: Sequence[float], b: Sequence[float]) -> list[float]:
    return [after - before for before, after in zip(a, b, strict=True)]


def _mean(values: Sequence[float]) -> float:
    if not len(values):
        raise ValueError("no items to estimate from: 0 values; at least 1 is needed")
    return math.fsum(values) / len(values)
