"""Logistic regression: how much each thing observed speaks for a yes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NEWTON_STEPS = 40
"""Each about doubles the digits that are right: of the regressions here, ten are enough."""
_LARGEST_ODDS = 30.0
"""Log odds beyond which a probability is 0 or 1 in any case."""


def logistic(log_odds: ArrayLike) -> Floats:
    """The probabilities of log odds."""
    bounded = np.clip(np.asarray(log_odds, float), -_LARGEST_ODDS, _LARGEST_ODDS)
    return np.asarray(1 / (1 + np.exp(-bounded)))


def logistic_weights(rows: Floats, right: Floats, penalty: ArrayLike) -> Floats:
    """Log odds that each column adds, the likeliest under a penalty on their squares.

    `right` is 1 or 0 for each row. `penalty`, one for all columns or one for each, is what half the
    square of a weight costs; by Newton's method.
    """
    ridge = np.broadcast_to(np.asarray(penalty, float), rows.shape[1:])
    weights = np.zeros(rows.shape[1])
    for _ in range(NEWTON_STEPS):
        expected = logistic(rows @ weights)
        slope = rows.T @ (expected - right) + ridge * weights
        curvature = (rows.T * (expected * (1 - expected))) @ rows + np.diag(ridge)
        weights = weights - np.linalg.solve(curvature, slope)
    return weights
