"""The weights of a logistic regression: against scipy's minimiser, and where they must be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import expit  # type: ignore[import-untyped]

from cauce.knowledge.logistic import logistic, logistic_weights


def test_probabilities_equal_scipy() -> None:
    odds = np.linspace(-25, 25, 11)
    assert logistic(odds) == pytest.approx(expit(odds))
    assert logistic(-1e9) > 0 and logistic(1e9) <= 1


@pytest.mark.parametrize("penalty", [0.1, [1.0, 1.0, 0.0]])
def test_weights_are_the_likeliest(penalty: float | list[float]) -> None:
    luck = np.random.default_rng(0)
    rows = np.column_stack([luck.normal(size=(80, 2)), np.ones(80)])
    right = (luck.random(80) < expit(rows @ [2.0, -1.0, 0.5])).astype(float)

    def loss(weights: np.ndarray) -> float:
        likely = np.where(right, expit(rows @ weights), expit(-(rows @ weights)))
        return float(np.sum(np.asarray(penalty) * weights**2) / 2 - np.log(likely).sum())

    found = logistic_weights(rows, right, penalty)
    best = minimize(loss, np.zeros(3), tol=1e-10)
    assert found == pytest.approx(best.x, abs=1e-4)


def test_what_always_goes_with_a_yes_gets_a_weight_that_is_finite() -> None:
    rows = np.array([[1.0, 1.0]] * 9 + [[0.0, 1.0]] * 9)
    weights = logistic_weights(rows, rows[:, 0], 0.1)
    assert 3 < weights[0] < 20
    assert logistic(rows @ weights) == pytest.approx(rows[:, 0], abs=0.2)
