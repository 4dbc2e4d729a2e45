"""Numbers at irregular times, as models of a state read them.

Axes: t times, v variables, s statics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cauce.records import Record

if TYPE_CHECKING:
    from jaxtyping import Float


class Variables(Record):
    """What the columns of a series are."""

    readings: tuple[str, ...]
    """Names of the variables v, each a known reading or a column of the file."""
    statics: tuple[str, ...] = ()
    """What does not change, such as `age` and `female`."""


class Series(NamedTuple):
    """One person's numbers: a row for each time at which anything was measured."""

    id: str
    hours: Float[np.ndarray, " t"]
    """Since the first event, rising."""
    values: Float[np.ndarray, "t v"]
    """NaN where a variable was not measured at that time."""
    statics: Float[np.ndarray, " s"]
    """NaN where it is not known."""
