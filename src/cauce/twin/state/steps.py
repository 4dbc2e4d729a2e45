"""Series as a recurrent model reads them: hours merged into steps, and batches of those.

Axes: b rows (people), t steps, v variables, s statics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from cauce.twin.series import Series
from cauce.twin.state.scaling import Scale

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


class Steps(NamedTuple):
    """One person's steps, on the scales of a model."""

    hours: Float[np.ndarray, " t"]
    """Of the last time in each step."""
    values: Float[np.ndarray, "t v"]
    """Mean of what was measured in the step; NaN where nothing was."""
    statics: Float[np.ndarray, " s"]
    rows: Int[np.ndarray, " n"]
    """The step that each time of the series is part of."""


class Batch(NamedTuple):
    """Rows of steps, padded at the end."""

    hours: Float[Tensor, "b t"]
    values: Float[Tensor, "b t v"]
    """0 where not measured."""
    measured: Bool[Tensor, "b t v"]
    padding: Bool[Tensor, "b t"]
    statics: Float[Tensor, "b s"]
    """0 where not known."""
    known: Bool[Tensor, "b s"]

    def rows(self, index: Int[Tensor, " k"]) -> Batch:
        """Those rows alone, as long as the longest of them."""
        longest = int((~self.padding[index]).sum(1).max())
        return Batch(
            self.hours[index, :longest],
            self.values[index, :longest],
            self.measured[index, :longest],
            self.padding[index, :longest],
            self.statics[index],
            self.known[index],
        )

    @property
    def timespans(self) -> Float[Tensor, "b t"]:
        """Hours since the step before; of the first since the beginning."""
        before = torch.nn.functional.pad(self.hours[:, :-1], (1, 0))
        return (self.hours - before).clamp(min=0)


def steps_of(series: Series, readings: Scale, statics: Scale, *, step_hours: float) -> Steps:
    """The steps in which anything was measured; an empty series is one step without a reading."""
    fixed = statics.apply(series.statics)
    if not len(series.hours):
        nothing = np.full((1, len(readings.centre)), np.nan)
        return Steps(np.zeros(1), nothing, fixed, np.zeros(0, int))
    slots = np.floor(series.hours / step_hours).astype(int)
    _, first, rows = np.unique(slots, return_index=True, return_inverse=True)
    scaled = readings.apply(series.values)
    sums = np.add.reduceat(np.nan_to_num(scaled), first)
    counts = np.add.reduceat(~np.isnan(scaled), first, dtype=float)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    last = np.append(first[1:], len(slots)) - 1
    return Steps(series.hours[last], means, fixed, rows)


def batch_of(people: Sequence[Steps]) -> Batch:
    """The rows of these people, all as long as the longest."""
    longest = max(len(one.hours) for one in people)
    hours = np.stack([_padded(one.hours, longest, mode="edge") for one in people])
    values = np.stack([_padded(one.values, longest, mode="constant") for one in people])
    ends = np.array([len(one.hours) for one in people])
    statics = np.stack([one.statics for one in people])
    return Batch(
        torch.from_numpy(hours).float(),
        torch.from_numpy(np.nan_to_num(values)).float(),
        torch.from_numpy(~np.isnan(values)),
        torch.from_numpy(np.arange(longest) >= ends[:, None]),
        torch.from_numpy(np.nan_to_num(statics)).float(),
        torch.from_numpy(~np.isnan(statics)),
    )


def _padded(rows: np.ndarray, length: int, *, mode: str) -> np.ndarray:
    """Rows up to `length`: the last one again (`edge`), or NaN."""
    missing = length - len(rows)
    if mode == "edge":
        return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)])
    return np.concatenate([rows, np.full((missing, *rows.shape[1:]), np.nan)])
