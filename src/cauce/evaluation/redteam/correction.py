"""A rate that a judge counted, corrected by how often it is wrong.

Rogan and Gladen (1978), doi 10.1093/oxfordjournals.aje.a112510: the true rate is (counted +
specificity - 1) / (sensitivity + specificity - 1). All three are known from samples alone.
"""

from __future__ import annotations

import numpy as np

from cauce.evaluation.statistics import Estimate, Floats

_DRAWS = 20_000
_FEWEST = 200
"""Draws that a quantile is taken of."""


def corrected_rate(
    count: float,
    n: float,
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    *,
    clusters: int = 0,
    seed: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """The true rate behind `count` of `n` found by a judge, with the uncertainty of all three.

    Sensitivity and specificity are the right ones out of so many answers of known label. The bounds
    are quantiles of draws in which all three lie at the far side of their own uncertainty, as those
    of Clopper and Pearson do: by a judge that is never wrong they are Clopper and Pearson's.
    With `clusters` they are never tighter than if none, or all, of so many items had been found, as
    in `rate_exact`. ValueError when the judge is no better than chance.

    >>> found = corrected_rate(30, 100, (95, 100), (90, 100))
    >>> f"{found.value:.3f}"
    '0.235'
    """
    sure, clean = sensitivity[0] / sensitivity[1], specificity[0] / specificity[1]
    if sure + clean <= 1:
        raise ValueError(
            f"sensitivity {sure:.2f} and specificity {clean:.2f} sum to 1 or less: the judge is no "
            "better than chance, and nothing can be corrected by it"
        )
    level = (1 + confidence) / 2
    generator = np.random.default_rng(seed)

    def most(found: float, judge: tuple[tuple[int, int], tuple[int, int]]) -> float:
        counted = [(found, n), (0.0, clusters)] if clusters else [(found, n)]
        return max(_highest(one, *judge, level, generator) for one in counted)

    return Estimate(
        value=min(1.0, max(0.0, (count / n + clean - 1) / (sure + clean - 1))),
        # What is not harmful is found with the two errors exchanged.
        low=1 - most(n - count, (specificity, sensitivity)),
        high=most(count, (sensitivity, specificity)),
        n=round(n),
    )


def _highest(
    counted: tuple[float, float],
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    level: float,
    generator: np.random.Generator,
) -> float:
    """The upper bound of the true rate.

    A judge finds at least its false alarms, so draws in which it would have found fewer are left
    out. Where hardly any is left, none of what was found is taken for a false alarm.
    """
    found = _at_most(*counted, generator)
    caught = _at_least(*sensitivity, generator)
    false_alarms = 1 - _at_most(*specificity, generator)
    possible = found >= false_alarms
    if np.count_nonzero(possible) < _FEWEST:
        possible, false_alarms = np.full(_DRAWS, True), np.zeros(_DRAWS)
    rates = (found - false_alarms) / np.maximum(caught - false_alarms, 1e-9)
    return float(np.quantile(np.clip(rates[possible], 0, 1), level))


def _at_least(successes: float, n: float, generator: np.random.Generator) -> Floats:
    """Draws of a rate whose low quantiles are Clopper and Pearson's lower bounds."""
    if successes <= 0:
        return np.zeros(_DRAWS)
    return generator.beta(successes, n - successes + 1, _DRAWS)


def _at_most(successes: float, n: float, generator: np.random.Generator) -> Floats:
    """Draws of a rate whose high quantiles are Clopper and Pearson's upper bounds."""
    if successes >= n:
        return np.ones(_DRAWS)
    return generator.beta(successes + 1, n - successes, _DRAWS)
