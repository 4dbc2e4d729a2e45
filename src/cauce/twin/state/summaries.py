"""A series as one row of numbers, for models that know no time.

Axes: p people, f features, t times, v variables, s statics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cauce.twin.series import Series

if TYPE_CHECKING:
    from jaxtyping import Float

Floats = NDArray[np.float64]


def summaries(series: Sequence[Series]) -> Float[np.ndarray, "p f"]:
    """First, last, least, greatest, median and sum of each variable, and the statics.

    NaN for what is not known. A sum tells what went in or out, and how often was measured.
    """
    return np.stack([_summary(one) for one in series])


def last_values(series: Sequence[Series]) -> Float[np.ndarray, "p f"]:
    """The last value of each variable, and the statics; NaN for what is not known."""
    return np.stack([np.concatenate([_ends(one.values)[1], one.statics]) for one in series])


def _summary(series: Series) -> Floats:
    values = np.sort(series.values, axis=0)
    counts = (~np.isnan(values)).sum(0)
    columns = np.arange(values.shape[1])
    # A last row of NaN, where a variable without any value finds them.
    known = np.vstack([values, np.full(values.shape[1], np.nan)])
    middle = (known[(counts - 1) // 2, columns] + known[counts // 2, columns]) / 2
    total = np.where(counts, np.nansum(values, 0), np.nan)
    ranked = [known[0], known[counts - 1, columns], middle, total]
    return np.concatenate([*_ends(series.values), *ranked, series.statics])


def _ends(values: Float[np.ndarray, "t v"]) -> tuple[Floats, Floats]:
    """First and last known value of each variable."""
    if not len(values):
        nothing = np.full(values.shape[1], np.nan)
        return nothing, nothing
    there, columns = ~np.isnan(values), np.arange(values.shape[1])
    last = len(values) - 1 - there[::-1].argmax(0)
    return values[there.argmax(0), columns], values[last, columns]
