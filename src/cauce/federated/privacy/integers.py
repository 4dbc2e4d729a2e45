"""Updates as integers modulo 2^32, whose sum over the sites is exact in any order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cauce.errors import UserError
from cauce.records import Record

if TYPE_CHECKING:
    from torch import Tensor

Vector = NDArray[np.uint32]
"""Integers modulo 2^32."""

Shapes = Mapping[str, tuple[int, ...]]
"""Of the tensors of an update, by name."""


class Scale(Record):
    """What all sites agree on before the first sum."""

    bound: float = Field(gt=0)
    """Largest number that an update may hold, of either sign."""
    sites: int = Field(ge=1)
    """Whose sum must not overflow."""

    @property
    def step(self) -> float:
        """What one integer stands for: with ten sites 5e-9 of the bound, below fp32's own error."""
        return self.bound / (((1 << 31) - 1) // self.sites)

    def integers(self, tensors: Mapping[str, Tensor]) -> Vector:
        """All numbers, tensors in the order of their names, each to the nearest step.

        Raises UserError for a number beyond the bound, or none at all.
        """
        parts = [tensors[name].detach().cpu().double().numpy().ravel() for name in sorted(tensors)]
        numbers = np.concatenate(parts)
        if not (largest := np.abs(numbers).max()) <= self.bound:
            raise UserError(
                f"an update holds {largest:g}, and sums are agreed for numbers up to "
                f"{self.bound:g}: cut off, it would be another update.\n"
                "Lower training.lr, or agree on a higher bound."
            )
        return np.rint(numbers / self.step).astype(np.int64).astype(np.uint32)

    def tensors(self, total: Vector, shapes: Shapes) -> dict[str, Tensor]:
        """The sum of the sites' updates, in fp32."""
        import torch

        numbers = total.astype(np.int32).astype(np.float64) * self.step
        found, start = {}, 0
        for name in sorted(shapes):
            size = int(np.prod(shapes[name]))
            part = torch.from_numpy(numbers[start : start + size].reshape(shapes[name]))
            found[name], start = part.float(), start + size
        return found
