"""Whether a measure got no worse: by more than a margin it may not, as far as the items can tell.

Non-inferiority with one-sided bounds of 95 % (Piaggio et al. 2012, 10.1001/jama.2012.87802). What
the items cannot tell is told as such, and is not taken for kept. Where several measures must all be
kept, each is judged by itself: that all of them seem kept though one is not has a probability of
5 % at most (Berger 1982, 10.1080/00401706.1982.10487790).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from cauce.evaluation.metrics import Better
from cauce.evaluation.power import CORRELATION
from cauce.evaluation.statistics import clopper_pearson, independent_items, mean_bootstrap
from cauce.records import Record

CONFIDENCE = 0.95
"""Of each bound alone."""
BOTH = 2 * CONFIDENCE - 1
"""Of both bounds together."""
SHOWN = 5
"""Items that got worse and are named."""

Verdict = Literal["kept", "worse", "cannot tell"]


class Figure(NamedTuple):
    """What a measure is of one item."""

    value: float
    group: str
    """What the item resembles: items of one group are not independent."""


Figures = Mapping[str, Figure]
"""By item."""


class Measure(NamedTuple):
    """What is compared, and how much worse it may become."""

    name: str
    better: Better
    margin: float | None
    """In the measure's own unit; None where no item at all may become worse."""
    is_share: bool = True
    """Whether the value of an item lies between 0 and 1."""


class Kept(Record):
    """One measure before and after, over the items that have it in both."""

    measure: str
    before: float
    after: float
    worsening: float
    """How much worse it became on average; below zero it became better."""
    low: float | None
    """Lower bound of the worsening; None where there are fewer than two groups."""
    high: float | None
    """Upper bound."""
    margin: float | None
    """None where no item may become worse."""
    items: int
    groups: int
    needed: int | None
    """Items of groups like these that could tell, if the worsening is as it seems; None where the
    question is settled, or where no number of items would settle it in favour."""
    worst: tuple[str, ...]
    """The items that became worse by the most."""
    verdict: Verdict


def judge_measure(measure: Measure, before: Figures, after: Figures, *, seed: int = 0) -> Kept:
    """What became of a measure; raises ValueError where the two share no item."""
    shared = sorted(before.keys() & after.keys())
    sign = -1 if measure.better == "higher" else 1
    changes = [sign * (after[item].value - before[item].value) for item in shared]
    groups = [before[item].group for item in shared]
    estimate = mean_bootstrap(changes, groups, seed=seed, confidence=BOTH)
    low, high = estimate.low, estimate.high
    if measure.is_share and low is not None and high is not None:
        least, most = _bounds(changes, groups)
        low, high = min(low, least), max(high, most)
    lost = sorted((-change, item) for change, item in zip(changes, shared, strict=True))
    return Kept(
        measure=measure.name,
        before=sum(before[item].value for item in shared) / len(shared),
        after=sum(after[item].value for item in shared) / len(shared),
        worsening=estimate.value,
        low=low,
        high=high,
        margin=measure.margin,
        items=len(shared),
        groups=len({*groups}),
        needed=_needed(estimate.value, high, measure.margin, len(shared)),
        worst=tuple(item for change, item in lost if change < 0)[:SHOWN],
        verdict=_verdict(estimate.value, low, high, measure.margin, is_any_lost=lost[0][0] < 0),
    )


def unseen(groups: Sequence[str]) -> float:
    """The largest share of items that may have changed where none of these did.

    Clopper and Pearson's bound of 0 among as many independent items as these are worth.

    >>> round(unseen([str(number) for number in range(100)]), 3)
    0.03
    """
    return clopper_pearson(0, _worth(groups), BOTH)[1]


def _worth(groups: Sequence[str]) -> float:
    """How many independent items tell as much.

    Those of one group count `1 + (m - 1) correlation` times fewer, m being its size on average.
    """
    sizes = Counter(groups).values()
    count = sum(sizes)
    return count / (1 + (sum(size * size for size in sizes) / count - 1) * CORRELATION)


def _bounds(changes: Sequence[float], groups: Sequence[str]) -> tuple[float, float]:
    """Bounds of a mean change of shares that do not shrink to nothing where few items changed.

    Where items are right or wrong: the exact bound of those that got worse, less those that got
    better, and the other way round; a bootstrap of a few changes promises too much.
    """
    mean, least = math.fsum(changes) / len(changes), unseen(groups)
    if not {*changes} <= {-1.0, 0.0, 1.0}:
        return mean - least, mean + least
    worse, better = ([float(change == way) for change in changes] for way in (1.0, -1.0))
    return (
        math.fsum(worse) / len(worse) - _most(better, groups),
        _most(worse, groups) - math.fsum(better) / len(better),
    )


def _most(happened: Sequence[float], groups: Sequence[str]) -> float:
    """The upper bound; where nothing happened, `CORRELATION` alone tells what items are worth."""
    size = _worth(groups)
    if any(happened):
        size = min(size, independent_items(happened, groups, BOTH))
    return clopper_pearson(math.fsum(happened) / len(happened) * size, size, BOTH)[1]


def _verdict(
    worsening: float,
    low: float | None,
    high: float | None,
    margin: float | None,
    *,
    is_any_lost: bool,
) -> Verdict:
    if margin is None:
        return "worse" if is_any_lost else "kept"
    if worsening > margin:
        return "worse"
    if low is None or high is None:
        return "cannot tell"
    if high <= margin:
        return "kept"
    return "worse" if low > 0 else "cannot tell"


def _needed(worsening: float, high: float | None, margin: float | None, items: int) -> int | None:
    """Bounds narrow with the square root of the number of items."""
    if margin is None or high is None or high <= margin or worsening >= margin:
        return None
    return math.ceil(items * ((high - worsening) / (margin - worsening)) ** 2)
