"""Differences of shares over the same questions, with intervals that never collapse to a point.

A bootstrap of questions none of which changed gives [0, 0]. Here the two ways to change, lost and
gained, each have their exact interval, and the difference lies between their ends.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cauce.evaluation.statistics import Estimate, rate_exact

CONFIDENCE = 0.95


class Gap(NamedTuple):
    """The largest difference between any two groups."""

    estimate: Estimate
    pair: tuple[str, str]
    """Who has the most and who the least."""


def paired_loss(
    before: Sequence[bool],
    after: Sequence[bool],
    groups: Sequence[str],
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Share right before minus share right after; positive where something was lost.

    The interval holds at least as often as `confidence` says: the exact intervals of what was lost
    and of what was gained share the error (Bonferroni), each clustered as in `rate_exact`.
    """
    own = (1 + confidence) / 2
    lost = rate_exact([a and not b for a, b in zip(before, after, strict=True)], groups, own)
    gained = rate_exact([b and not a for a, b in zip(before, after, strict=True)], groups, own)
    low, high = _minus(lost, gained)
    return Estimate(value=lost.value - gained.value, low=low, high=high, n=len(before))


def largest_loss(
    before: Sequence[bool],
    after: Mapping[str, Sequence[bool]],
    groups: Sequence[str],
) -> tuple[Estimate, str]:
    """The largest of several losses, and its name; the interval is corrected for all (Bonferroni).

    When every single interval holds, the largest true loss lies between the largest of the lower
    ends and the largest of the upper ends.
    """
    confidence = 1 - (1 - CONFIDENCE) / len(after)
    losses = {name: paired_loss(before, own, groups, confidence) for name, own in after.items()}
    worst = max(losses, key=lambda name: losses[name].value)
    return _of_largest(list(losses.values()), losses[worst].value), worst


def largest_gap(right: Mapping[str, Sequence[bool]], groups: Sequence[str]) -> Gap:
    """The largest difference between two of the groups that were asked the same questions.

    Corrected for the number of pairs as in `largest_loss`; it is never negative. The lower end
    exceeds 0 where some pair differs for sure.
    """
    pairs = list(itertools.combinations(right, 2))
    confidence = 1 - (1 - CONFIDENCE) / len(pairs)
    ordered = []
    for one, other in pairs:
        loss = paired_loss(right[one], right[other], groups, confidence)
        ordered += [(loss, (one, other)), (_reversed(loss), (other, one))]
    largest, pair = max(ordered, key=lambda found: found[0].value)
    return Gap(_of_largest([loss for loss, _ in ordered], largest.value, least=0.0), pair)


def _of_largest(losses: Sequence[Estimate], value: float, least: float = -1.0) -> Estimate:
    lows = [loss.low for loss in losses if loss.low is not None]
    highs = [loss.high for loss in losses if loss.high is not None]
    return Estimate(value=value, low=max(least, *lows), high=max(highs), n=losses[0].n)


def _minus(lost: Estimate, gained: Estimate) -> tuple[float, float]:
    assert lost.low is not None and lost.high is not None, "exact intervals have ends"
    assert gained.low is not None and gained.high is not None, "exact intervals have ends"
    return lost.low - gained.high, lost.high - gained.low


def _reversed(loss: Estimate) -> Estimate:
    """The same difference the other way round."""
    assert loss.low is not None and loss.high is not None, "paired intervals have ends"
    return Estimate(value=-loss.value, low=-loss.high, high=-loss.low, n=loss.n)
