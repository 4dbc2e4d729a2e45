"""How large a difference must be to be seen: before anything is asked, and with what was asked."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from cauce.evaluation.special import t_quantile
from cauce.evaluation.statistics import cluster_error

CORRELATION = 0.1
"""Intracluster correlation of paired differences that is taken for granted before a run.

Measured as 0.01 to 0.12 over questions on medicines and 0.24 to 0.27 over questions on articles.
"""
DISCORDANCE = 0.2
"""Share of the items of which just one of two systems is right, taken for granted before a run."""


def detectable_rate_difference(
    sizes: Collection[int],
    *,
    discordance: float = DISCORDANCE,
    correlation: float = CORRELATION,
    confidence: float = 0.95,
    power: float = 0.8,
) -> float | None:
    """The smallest difference of two paired rates that would be seen; None for fewer than 2 groups.

    `sizes` are the items of each group; `discordance` is the share of items that just one of the
    two systems has right, at least the difference itself. Items count as `1 + (m - 1) correlation`
    times fewer, with m the size of the group of an item on average (Kish 1965).

    >>> round(detectable_rate_difference([1] * 1000), 3)
    0.04
    """
    if len(sizes) < 2:
        return None
    items = sum(sizes)
    inflation = 1 + (sum(size * size for size in sizes) / items - 1) * correlation
    square = _needed_errors(len(sizes), confidence, power) ** 2 * inflation / items
    # A difference of 0/1 pairs has the variance discordance - difference².
    seen = math.sqrt(square * discordance / (1 + square))
    return max(seen, square / (1 + square))


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
    clusters = len(set(groups))
    if clusters < 2:
        return None
    return _needed_errors(clusters, confidence, power) * cluster_error(differences, groups)


def _needed_errors(clusters: int, confidence: float, power: float) -> float:
    """Standard errors that a difference must measure."""
    freedom = clusters - 1
    return t_quantile((1 + confidence) / 2, freedom) + t_quantile(power, freedom)


def power_sentence(sizes: Collection[int]) -> str:
    """What items in groups of these sizes can show, in words.

    >>> print(power_sentence([4] * 50))
    200 items of 50 groups: 80 % power for a difference of 10.0 points or more between two rates
    (where 20 % of the items are right in one system only)
    """
    counted = f"{sum(sizes):,} items of {len(sizes):,} groups"
    seen = detectable_rate_difference(sizes)
    if seen is None:
        return f"{counted}: one group can show no difference"
    return (
        f"{counted}: 80 % power for a difference of {100 * seen:.1f} points or more between two "
        f"rates\n(where {100 * DISCORDANCE:.0f} % of the items are right in one system only)"
    )
