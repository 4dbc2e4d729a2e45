"""The ways from series to the logit of an outcome that are not recurrent, and what all share.

Axes: p people, f features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cauce.twin.series import Series
from cauce.twin.state.logistic import Logistic, fit_logistic
from cauce.twin.state.recurrent import Arrays, RecurrentMember
from cauce.twin.state.scaling import Scale, scale_of
from cauce.twin.state.settings import MemberName, NetworkSettings
from cauce.twin.state.summaries import last_values, summaries
from cauce.twin.state.trees import Trees

if TYPE_CHECKING:
    from jaxtyping import Float

Floats = NDArray[np.float64]

RIDGE = 100.0
"""Pull of a regression over standardised features; of 3, 10, 30, 100 and 300 the best by folds of
2,400 and 800 people in intensive care."""


class Member(Protocol):
    """One way from series to the logit of an outcome."""

    def logits(self, series: Sequence[Series]) -> Floats:
        """Log odds (p)."""

    def arrays(self) -> Arrays:
        """All that was learned."""


@dataclass(frozen=True)
class TreesMember:
    """Gradient boosting over summaries."""

    trees: Trees

    def logits(self, series: Sequence[Series]) -> Floats:
        """See `Member`."""
        return self.trees.logits(summaries(series))

    def arrays(self) -> Arrays:
        """See `Member`."""
        return {**self.trees._asdict()}


@dataclass(frozen=True)
class RegressionMember:
    """A regression over summaries, or over last values alone, and over what is missing."""

    is_last: bool
    scale: Scale
    regression: Logistic

    def logits(self, series: Sequence[Series]) -> Floats:
        """See `Member`."""
        return self.regression.logits(_columns(_features(series, self.is_last), self.scale))

    def arrays(self) -> Arrays:
        """See `Member`."""
        weights, bias = self.regression
        return {**self.scale._asdict(), "weights": weights, "bias": np.array([bias])}


def fit_regression(
    series: Sequence[Series], outcomes: Float[np.ndarray, " p"], *, is_last: bool
) -> RegressionMember:
    """The regression of these people's outcomes."""
    features = _features(series, is_last)
    scale = scale_of(features)
    regression = fit_logistic(_columns(features, scale), outcomes, ridge=RIDGE)
    return RegressionMember(is_last, scale, regression)


def member_of_arrays(
    name: MemberName, arrays: Mapping[str, NDArray[Any]], settings: NetworkSettings
) -> Member:
    """The member that gave these arrays."""
    if name == "liquid" or name == "gru":
        return RecurrentMember.of_arrays(arrays, "cfc" if name == "liquid" else "gru", settings)
    if name == "trees":
        return TreesMember(Trees(*(arrays[field] for field in Trees._fields)))
    scale = Scale(*(arrays[field] for field in Scale._fields))
    regression = Logistic(arrays["weights"], float(arrays["bias"][0]))
    return RegressionMember(name == "last", scale, regression)


def _features(series: Sequence[Series], is_last: bool) -> Floats:
    return last_values(series) if is_last else summaries(series)


def _columns(features: Floats, scale: Scale) -> Floats:
    """Standardised, the mean for what is missing, and which are missing."""
    return np.hstack([np.nan_to_num(scale.apply(features)), np.isnan(features)])
