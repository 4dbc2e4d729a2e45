"""Invented people whose readings foretell what happens to them."""

from __future__ import annotations

import numpy as np

from cauce.twin.series import Series, Variables

VARIABLES = Variables(readings=("pulse", "glucose", "weight"), statics=("age",))


def people(count: int, *, seed: int) -> list[Series]:
    """Three readings at irregular times, a third of them missing; the age is sometimes unknown."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        hours = np.cumsum(generator.exponential(1.5, generator.integers(3, 12)))
        trend = generator.normal()
        pulse = 80 + 10 * trend * hours / hours[-1] + generator.normal(0, 2, len(hours))
        others = generator.normal((100, 70), (15, 8), (len(hours), 2))
        values = np.column_stack([pulse, others])
        values[generator.random(values.shape) < 0.3] = np.nan
        age = np.nan if number % 7 == 6 else generator.normal(70, 10)
        found.append(Series(f"p{number}", hours, values, np.array([age])))
    return found


def outcomes_of(series: list[Series]) -> list[bool]:
    """It happens to those whose pulse rises."""
    found = []
    for one in series:
        known = one.values[~np.isnan(one.values[:, 0]), 0]
        found.append(len(known) > 1 and bool(known[-1] > known[0]))
    return found
