"""Whether what arrives now is like what was learned: a test for each variable, and one of the risk.

A person is the unit: readings of one person resemble each other, and counted one by one they make
a test cry wolf. Of each person two figures of a variable are compared: the *level*, the median of
the readings, and the *count*, how many there are (0 where it was never measured). Kept of those
learned from is how many lie between edges, which others of them set: no one's values, and an exact
test, since who set the edges is not counted.

The distance is Kolmogorov's over the edges, its p that of a permutation of the people (Good 2005,
Permutation, Parametric and Bootstrap Tests of Hypotheses, 3), all p corrected together by Holm
(1979, Scandinavian Journal of Statistics 6): with no drift at all, one alarm or more is raised in
at most `LEVEL` of the comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cauce.evaluation.significance import holm
from cauce.evaluation.statistics import Floats
from cauce.records import Record
from cauce.twin.domain import rounded
from cauce.twin.series import Series, Variables

LEVEL = 0.05
"""Probability of any alarm where nothing has drifted, at most."""
BINS = 10
"""Of as many people each, by those who set the edges."""
_SETTING = 5
"""One of so many people sets the edges; the others are counted."""
_ROUNDING = 1e-12

Figure = Literal["level", "count"]


class Spread(Record):
    """How many people lie below, at and above each edge of a figure of theirs."""

    variable: str
    figure: Figure
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    """2 e + 1 for e edges: below the first, at it, between it and the second, and so on."""


class Reference(Record):
    """What people were like whom a model learned from."""

    variables: Variables
    spreads: tuple[Spread, ...]


class Drift(Record):
    """One figure of those who arrive beside that of those learned from."""

    variable: str
    figure: Figure
    learned: int
    """People counted among those learned from."""
    arrived: int
    distance: float
    """Largest difference of the shares that lie up to an edge, 0..1."""
    stability: float
    """Population stability index, 0 for the same spread; it grows with fewer people too."""
    p: float
    p_holm: float

    @property
    def is_alarm(self) -> bool:
        """Whether chance would tell so only in `LEVEL` of all comparisons."""
        return self.p_holm <= LEVEL


class OutcomeDrift(Record):
    """What happened beside what the risks told; they may have been wrong from the start."""

    people: int
    expected: float
    """How many it should have happened to: the sum of the risks."""
    low: int
    """With 95 % probability at least so many, if every risk is right."""
    high: int
    observed: int
    p: float
    p_holm: float

    @property
    def is_alarm(self) -> bool:
        """Whether risks that are right would miss by so much only in `LEVEL` of comparisons."""
        return self.p_holm <= LEVEL


class DriftReport(Record):
    """All comparisons, their p corrected together."""

    drifts: tuple[Drift, ...]
    outcome: OutcomeDrift | None
    """None until it is known what happened."""

    @property
    def alarms(self) -> tuple[Drift, ...]:
        """The figures that have drifted, the surest first."""
        return tuple(sorted((one for one in self.drifts if one.is_alarm), key=lambda one: one.p))

    @property
    def is_alarm(self) -> bool:
        """Whether anything rings."""
        return bool(self.alarms) or (self.outcome is not None and self.outcome.is_alarm)


class Known(NamedTuple):
    """What was told of people, and what became of them."""

    risks: Sequence[float]
    happened: Sequence[bool]


def reference_of(people: Sequence[Series], variables: Variables, *, seed: int = 0) -> Reference:
    """The spread of every figure; a fifth of the people, drawn by the seed, sets its edges."""
    drawn = np.random.default_rng(seed).permutation(len(people))
    setting = drawn[: max(1, len(people) // _SETTING)]
    counted = drawn[len(setting) :]
    spreads = []
    for variable, figure, values in _figures(people, variables):
        edges = _edges(values[setting])
        if len(edges):
            counts = tuple(_counts(values[counted], edges).tolist())
            spreads.append(
                Spread(variable=variable, figure=figure, edges=tuple(edges), counts=counts)
            )
    return Reference(variables=variables, spreads=tuple(spreads))


def find_drift(
    reference: Reference,
    people: Sequence[Series],
    known: Known | None = None,
    *,
    draws: int = 9999,
    seed: int = 0,
) -> DriftReport:
    """Those who arrive against those learned from, and what happened against the risks told.

    A figure that no one has is not compared. `draws` random permutations give each p.
    """
    generator = np.random.default_rng(seed)
    figures = {(name, of): values for name, of, values in _figures(people, reference.variables)}
    drifts = []
    for spread in reference.spreads:
        arrived = _counts(figures[spread.variable, spread.figure], np.asarray(spread.edges))
        if arrived.sum() and sum(spread.counts):
            drifts.append(_compared(spread, arrived, draws, generator))
    outcome = outcome_drift(known) if known and len(known.risks) else None
    tested: list[Drift | OutcomeDrift] = [*drifts, *([outcome] if outcome else [])]
    corrected = holm([one.p for one in tested])
    return DriftReport(
        drifts=tuple(
            one.model_copy(update={"p_holm": p})
            for one, p in zip(drifts, corrected[: len(drifts)], strict=True)
        ),
        outcome=outcome.model_copy(update={"p_holm": corrected[-1]}) if outcome else None,
    )


def outcome_drift(known: Known) -> OutcomeDrift:
    """How many it happened to against the exact distribution of their number if risks are right.

    That is the Poisson binomial (Wang 1993, Statistica Sinica 3); twice the smaller tail is p.
    """
    masses = np.ones(1)
    for risk in known.risks:
        masses = np.append(masses * (1 - risk), 0.0) + np.append(0.0, masses * risk)
    observed, upto = int(sum(known.happened)), np.cumsum(masses)
    tails = upto[observed], masses[observed:].sum()
    p = float(min(1.0, 2 * min(tails)))
    low, high = np.searchsorted(upto, [0.025, 0.975])
    return OutcomeDrift(
        people=len(known.risks),
        expected=float(sum(known.risks)),
        low=int(low),
        high=int(high),
        observed=observed,
        p=p,
        p_holm=p,
    )


def _compared(
    spread: Spread, arrived: NDArray[np.int64], draws: int, generator: np.random.Generator
) -> Drift:
    """The figure with its p; who of all the people arrived is drawn again and again."""
    learned = np.asarray(spread.counts)
    pooled, size = learned + arrived, int(arrived.sum())
    drawn = generator.multivariate_hypergeometric(pooled, size, size=draws, method="marginals")
    distance = float(_distance(pooled - arrived, arrived))
    reached = _distance(pooled - drawn, drawn) >= distance - _ROUNDING
    p = float((1 + reached.sum()) / (1 + draws))
    return Drift(
        variable=spread.variable,
        figure=spread.figure,
        learned=int(learned.sum()),
        arrived=size,
        distance=distance,
        stability=_stability(learned, arrived),
        p=p,
        p_holm=p,
    )


def _distance(learned: NDArray[np.int64], arrived: NDArray[np.int64]) -> Floats:
    """Kolmogorov's distance of counts (... x bins)."""
    gaps = _shares(learned).cumsum(axis=-1) - _shares(arrived).cumsum(axis=-1)
    return np.asarray(np.abs(gaps).max(axis=-1))


def _shares(counts: NDArray[np.int64]) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _stability(learned: NDArray[np.int64], arrived: NDArray[np.int64]) -> float:
    """Over the bins that hold anyone, half a person added to each so that none is empty."""
    held = learned + arrived > 0
    before, now = (
        (counts[held] + 0.5) / (counts.sum() + 0.5 * held.sum()) for counts in (learned, arrived)
    )
    return float(((now - before) * np.log(now / before)).sum())


def _figures(
    people: Sequence[Series], variables: Variables
) -> Iterator[tuple[str, Figure, Floats]]:
    """Every figure with its value for each person, NaN where there is none."""
    for v, name in enumerate(variables.readings):
        own = [one.values[:, v][~np.isnan(one.values[:, v])] for one in people]
        levels = [float(np.median(values)) if len(values) else np.nan for values in own]
        yield name, "level", np.asarray(levels, float)
        yield name, "count", np.asarray([len(values) for values in own], float)
    for s, name in enumerate(variables.statics):
        yield name, "level", np.asarray([one.statics[s] for one in people], float)


def _edges(values: Floats) -> Floats:
    """Different quantiles of the values there are, in `DIGITS` digits."""
    known = values[~np.isnan(values)]
    if not len(known):
        return known
    quantiles = np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf")
    return np.unique([rounded(edge) for edge in quantiles])


def _counts(values: Floats, edges: Floats) -> NDArray[np.int64]:
    """People below, at and above each edge; those without a value are left out."""
    known = values[~np.isnan(values)]
    places = np.searchsorted(edges, known, "left") + np.searchsorted(edges, known, "right")
    return np.bincount(places, minlength=2 * len(edges) + 1)
