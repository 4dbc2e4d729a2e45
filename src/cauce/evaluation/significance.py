"""Tests of "no difference" over items that come in clusters, and their correction when many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cauce.evaluation.special import beta_cdf
from cauce.evaluation.statistics import Floats, cluster_sums

_EXACT_CLUSTERS = 12
_HELD_SIGNS = 2**20
"""Random signs in memory at a time, 8 MiB as numbers."""
_ROUNDING = 1e-12


def sign_flip_p(
    differences: Sequence[float], groups: Sequence[str], *, draws: int = 10_000, seed: int = 0
) -> float:
    """Two-sided p of "no difference": how often random signs, one per group, give a larger sum.

    As large a one counts half (the mid-p of Lancaster 1961): where sums are whole numbers many
    are, and counted whole they make a test at 5 % cry wolf in 3 %. Every combination is counted
    for up to 12 groups with a difference; beyond, `draws` random ones, with the observed one
    among them so that p is never 0.
    """
    columns = np.asarray(differences, float)[:, None]
    return sign_flip_ps(columns, groups, draws=draws, seed=seed)[0]


def sign_flip_ps(
    differences: ArrayLike, groups: Sequence[str], *, draws: int = 10_000, seed: int = 0
) -> list[float]:
    """`sign_flip_p` of each column (items x columns), all under the same signs."""
    sums = cluster_sums(np.asarray(differences, float), groups)
    counts = np.count_nonzero(sums, axis=0)
    is_many = counts > _EXACT_CLUSTERS
    found = np.ones(sums.shape[1])
    if is_many.any():
        found[is_many] = _random_signs_p(sums[:, is_many], draws, np.random.default_rng(seed))
    for column in np.flatnonzero(~is_many & (counts > 0)):
        own = sums[:, column]
        found[column] = _all_signs_p(own[own != 0])
    return [float(p) for p in found]


def _all_signs_p(sums: Floats) -> float:
    bits = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
    return float(np.mean(_reached((2 * bits - 1) @ sums, sums)))


def _random_signs_p(sums: Floats, draws: int, generator: np.random.Generator) -> Floats:
    """Per column, of the observed signs and `draws` random ones."""
    clusters, whole = len(sums), sums.sum(axis=0)
    reached = np.full(sums.shape[1], 0.5)
    block = max(1, _HELD_SIGNS // clusters)
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        drawn = generator.integers(0, 256, (rows, -(-clusters // 8)), dtype=np.uint8)
        is_kept = np.unpackbits(drawn, axis=1, count=clusters).astype(float)
        reached += _reached(2 * (is_kept @ sums) - whole, sums).sum(axis=0)
    return reached / (draws + 1)


def _reached(flipped: Floats, sums: Floats) -> Floats:
    """1 where flipped sums are larger than those observed, 0.5 where they are as large, else 0.

    Sums of the same numbers in another order differ by rounding.
    """
    rounding = _ROUNDING * np.abs(sums).sum(axis=0)
    excess = np.abs(flipped) - np.abs(sums.sum(axis=0))
    return np.asarray(0.5 * (excess > -rounding) + 0.5 * (excess > rounding))


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided p that items right in one system only fall to either with equal chance.

    It takes items as independent; `sign_flip_p` does not.
    """
    n, least = only_a + only_b, min(only_a, only_b)
    # P(X <= k) of a Binomial(n, 1/2) is P(Y <= 1/2) of a Beta(n - k, k + 1).
    return min(1.0, 2 * beta_cdf(0.5, n - least, least + 1)) if n else 1.0


def holm(ps: Sequence[float]) -> list[float]:
    """Each p as it is worth among all of them (Holm 1979, Scandinavian Journal of Statistics 6).

    The chance that any true null falls to 0.05 is 0.05 at most, however the tests depend on one
    another.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, highest = [1.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = highest
    return adjusted
