"""How often intervals hold the truth and tests cry wolf, over simulated items in clusters.

Two systems of which neither is better are compared; the truth is a difference of 0. As in a
comparison, intervals are bootstrapped and signs flipped by cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks import report
from benchmarks.training.measure import say
from cauce.evaluation.power import detectable_rate_difference
from cauce.evaluation.significance import sign_flip_ps
from cauce.evaluation.statistics import Floats, statistic_bootstraps

RUNS = 16_000
BLOCK = 250
"""Simulated comparisons that share their draws, fresh ones for the next block."""
DRAWS = 2000
COVERAGE, ALARMS = 0.95, 0.05
COVERAGE_BAR, ALARMS_BAR = 0.02, 0.01
POWER = 0.8
CORRELATION = 0.1
DISCORDANCE = 0.3

Draw = Callable[[np.random.Generator, "Shape", int], Floats]
"""Differences of items (items x comparisons) whose mean is 0."""


class Shape(NamedTuple):
    """So many clusters of so many items on average."""

    clusters: int
    items_each: int
    is_uneven: bool

    @property
    def sizes(self) -> list[int]:
        """Items of each cluster; uneven, some have five times as many as others."""
        if not self.is_uneven:
            return [self.items_each] * self.clusters
        shares = (1, 2, 3, 4, 5)
        return [max(1, round(self.items_each * shares[i % 5] / 3)) for i in range(self.clusters)]

    @property
    def groups(self) -> list[str]:
        """The cluster of each item."""
        return [str(cluster) for cluster, size in enumerate(self.sizes) for _ in range(size)]


SHAPES = (Shape(18, 7, True), Shape(24, 5, False), Shape(60, 5, True), Shape(200, 3, True))


def scores(generator: np.random.Generator, shape: Shape, runs: int) -> Floats:
    """Differences of a score; clusters explain a tenth of their variance."""
    centres = generator.normal(0, np.sqrt(CORRELATION), (shape.clusters, runs))
    noise = generator.normal(0, np.sqrt(1 - CORRELATION), (sum(shape.sizes), runs))
    return np.asarray(np.repeat(centres, shape.sizes, axis=0) + noise)


def rates(generator: np.random.Generator, shape: Shape, runs: int) -> Floats:
    """Differences of 0/1 items, of which three in ten change; either way by cluster."""
    return paired_rates(generator, shape, runs, difference=0.0)


def paired_rates(
    generator: np.random.Generator, shape: Shape, runs: int, *, difference: float
) -> Floats:
    """Differences of 0/1 items with that mean, correlated within clusters by `CORRELATION`.

    The share of changes that are gains is a beta variable of the cluster.
    """
    gained = (1 + difference / DISCORDANCE) / 2
    # Var of the cluster mean is (2 d)² Var(share), to be the correlation of d - difference².
    spread = CORRELATION * (DISCORDANCE - difference**2) / (2 * DISCORDANCE) ** 2
    size = gained * (1 - gained) / spread - 1
    shares = generator.beta(size * gained, size * (1 - gained), (shape.clusters, runs))
    chance = np.repeat(shares, shape.sizes, axis=0)
    is_changed = generator.random(chance.shape) < DISCORDANCE
    is_gain = generator.random(chance.shape) < chance
    return np.where(is_changed, np.where(is_gain, 1.0, -1.0), 0.0)


def simulation() -> None:
    """Coverage and false alarms against their bars, exact rates, and power beside its promise."""
    for draw in (scores, rates):
        for shape in SHAPES:
            metric = f"{draw.__name__}, {_words(shape)}"
            say(metric)
            coverage, alarms = simulate(draw, shape)
            report(f"{metric}: coverage of the 95 % interval", coverage, None)
            report(f"{metric}: off 0.95 by", abs(coverage - COVERAGE), COVERAGE_BAR)
            report(f"{metric}: false alarms at 5 %", alarms, None)
            report(f"{metric}: off 0.05 by", abs(alarms - ALARMS), ALARMS_BAR)
    for shape in SHAPES:
        say(f"power, {_words(shape)}")
        report(f"power where {POWER:.0%} is promised, {_words(shape)}", promised_power(shape), None)


def _words(shape: Shape) -> str:
    sizes = f"{min(shape.sizes)} to {max(shape.sizes)}" if shape.is_uneven else shape.items_each
    return f"{shape.clusters} clusters of {sizes} items"


def simulate(draw: Draw, shape: Shape, *, runs: int = RUNS) -> tuple[float, float]:
    """The share of intervals that hold 0, and of tests with p at most 0.05."""
    generator = np.random.default_rng([1, shape.clusters])
    held = alarmed = 0
    for block in range(0, runs, BLOCK):
        differences = draw(generator, shape, BLOCK)
        columns = np.hstack([differences, np.ones((len(differences), 1))])
        statistics = [_mean_of(place) for place in range(BLOCK)]
        found = statistic_bootstraps(columns, shape.groups, statistics, draws=DRAWS, seed=block)
        bounds = np.array([(one.low, one.high) for one in found], float)
        held += int(np.sum((bounds[:, 0] <= 0) & (bounds[:, 1] >= 0)))
        ps = sign_flip_ps(differences, shape.groups, draws=DRAWS, seed=block)
        alarmed += sum(p <= ALARMS for p in ps)
    return held / runs, alarmed / runs


def _mean_of(place: int) -> Callable[[Floats], Floats]:
    return lambda sums: sums[..., place] / sums[..., -1]


def promised_power(shape: Shape, *, runs: int = 1000) -> float:
    """How often the difference that should be seen in 80 % of runs is seen."""
    difference = detectable_rate_difference(
        shape.sizes, discordance=DISCORDANCE, correlation=CORRELATION
    )
    assert difference is not None
    generator, seen = np.random.default_rng(1), 0
    for block in range(0, runs, BLOCK):
        differences = paired_rates(generator, shape, BLOCK, difference=difference)
        ps = sign_flip_ps(differences, shape.groups, draws=DRAWS, seed=block)
        seen += sum(p <= ALARMS for p in ps)
    return seen / runs
