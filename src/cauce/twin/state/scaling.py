"""Readings on one scale, by the people that a model learns from and no others.

Axes: p people, t times, v variables, s statics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cauce.twin.series import Series

if TYPE_CHECKING:
    from jaxtyping import Float

Floats = NDArray[np.float64]

REACH = 4.0
"""Deviations from the mean; what lies further out is told as that far, as faults of devices do."""
TAILS = (0.005, 0.995)
"""Quantiles within which mean and deviation are taken."""
SKEWED = 1.0
"""Third standardised moment from which a scale that has no negative values is bent."""


class Scale(NamedTuple):
    """x -> (bent x - centre) / spread, where bent x is log(1 + x / bend), or x where bend is 0."""

    bend: Float[np.ndarray, " v"]
    centre: Float[np.ndarray, " v"]
    spread: Float[np.ndarray, " v"]

    def apply(self, values: Float[np.ndarray, "... v"]) -> Float[np.ndarray, "... v"]:
        """Standardised and held within `REACH`; NaN stays NaN."""
        scaled = (_bent(values, self.bend) - self.centre) / self.spread
        return np.asarray(np.clip(scaled, -REACH, REACH))

    def invert(self, scaled: Float[np.ndarray, "... v"]) -> Float[np.ndarray, "... v"]:
        """In the units of the readings."""
        bent = scaled * self.spread + self.centre
        is_bent = self.bend > 0
        raised = np.expm1(np.where(is_bent, bent, 0.0)) * self.bend
        return np.asarray(np.where(is_bent, raised, bent))


def scale_of(values: Float[np.ndarray, "n v"]) -> Scale:
    """The scale of rows that each measure some variables; one never measured stays as it is."""
    bends, centres, spreads = [], [], []
    for column in values.T:
        known = column[~np.isnan(column)]
        bend = _bend(known)
        bent = _bent(known, np.asarray(bend))
        bends.append(bend)
        inner = np.clip(bent, *np.quantile(bent, TAILS)) if len(bent) else np.zeros(1)
        centres.append(float(inner.mean()))
        spreads.append(float(inner.std()) or 1.0)
    return Scale(np.asarray(bends), np.asarray(centres), np.asarray(spreads))


def reading_scale(series: Sequence[Series]) -> Scale:
    """The scale of the variables of these people."""
    return scale_of(np.concatenate([one.values for one in series]))


def static_scale(series: Sequence[Series]) -> Scale:
    """The scale of what does not change in these people."""
    return scale_of(np.stack([one.statics for one in series]))


def _bend(known: Floats) -> float:
    """The median of a skewed variable without negative values, and of any other 0."""
    if len(known) < 2 or known.min() < 0 or known.std() == 0:
        return 0.0
    inner = np.clip(known, *np.quantile(known, TAILS))
    spread = inner.std()
    skew = ((inner - inner.mean()) ** 3).mean() / spread**3 if spread else 0.0
    return float(np.median(known[known > 0])) if skew > SKEWED else 0.0


def _bent(values: Floats, bend: Floats) -> Floats:
    is_bent = bend > 0
    shares = np.divide(np.maximum(values, 0.0), np.where(is_bent, bend, 1.0))
    return np.where(is_bent, np.log1p(shares), values)
