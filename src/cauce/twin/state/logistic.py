"""Logistic regression with a ridge, by Newton's method.

Axes: p people, f features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from jaxtyping import Float

Floats = NDArray[np.float64]

STEPS, TOLERANCE = 50, 1e-9


class Logistic(NamedTuple):
    """The logit is features @ weights + bias."""

    weights: Float[np.ndarray, " f"]
    bias: float

    def logits(self, features: Float[np.ndarray, "p f"]) -> Floats:
        """Log odds (p)."""
        return np.asarray(features @ self.weights + self.bias)

    def probabilities(self, features: Float[np.ndarray, "p f"]) -> Floats:
        """Of the outcome (p)."""
        return sigmoid(self.logits(features))


def sigmoid(logits: Floats) -> Floats:
    """The probability of log odds."""
    return np.asarray((1 + np.tanh(np.asarray(logits) / 2)) / 2)


def fit_logistic(
    features: Float[np.ndarray, "p f"], outcomes: Float[np.ndarray, " p"], *, ridge: float
) -> Logistic:
    """The least of summed log loss + ridge |weights|^2 / 2; the bias is not pulled towards 0.

    Newton's steps, halved while they do not descend: the loss is convex, so the end is the least.
    """
    columns = np.column_stack([features, np.ones(len(features))])
    pull = np.full(columns.shape[1], ridge)
    pull[-1] = 0.0
    weights = np.zeros(columns.shape[1])
    value = _loss(columns, outcomes, weights, pull)
    for _ in range(STEPS):
        expected = sigmoid(columns @ weights)
        slope = columns.T @ (expected - outcomes) + pull * weights
        curvature = (columns.T * (expected * (1 - expected))) @ columns + np.diag(pull + 1e-10)
        step = np.linalg.solve(curvature, slope)
        while (new := _loss(columns, outcomes, weights - step, pull)) > value + TOLERANCE:
            step = step / 2
        weights, fell, value = weights - step, value - new, new
        if fell < TOLERANCE:
            break
    return Logistic(weights[:-1], float(weights[-1]))


def _loss(columns: Floats, outcomes: Floats, weights: Floats, pull: Floats) -> float:
    logits = columns @ weights
    return float(
        (np.logaddexp(0, logits) - outcomes * logits).sum() + (pull * weights**2).sum() / 2
    )
