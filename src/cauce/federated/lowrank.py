"""Changes of a layer kept as products of two thin matrices, and their exact sums.

Sites train LoRA of different ranks and scales. The mean of their changes is the mean of products,
not the product of means; it has more directions than any site can train. So the whole is kept as
one product with its directions in order of size: a site of rank r takes the first r of them as its
adapter, adds the rest to its frozen weights, and starts exactly where every other site does
(stacking: FLoRA, Wang et al. 2024, arXiv 2409.05976; the frozen rest: FedEx-LoRA, Singhal et al.
2024, arXiv 2410.09432).

Axes: o outputs, i inputs, r rank.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

DROPPED = 1e-8
"""Share of a sum's norm that its smallest directions may have and be left out; float32 rounds to
six times that."""


class LowRank(NamedTuple):
    """Stands for `b @ a`, outputs by inputs as `nn.Linear` keeps them, whatever the layer does."""

    b: Float[Tensor, "o r"]
    a: Float[Tensor, "r i"]

    @property
    def rank(self) -> int:
        """Directions that are written, independent or not."""
        return self.a.shape[0]

    def dense(self) -> Float[Tensor, "o i"]:
        """The product, in float64."""
        return self.b.double() @ self.a.double()


class Split(NamedTuple):
    """Two products that sum to the whole."""

    leading: LowRank
    remainder: LowRank


def zero(outputs: int, inputs: int) -> LowRank:
    """No change yet: rank 0."""
    return LowRank(torch.zeros(outputs, 0), torch.zeros(0, inputs))


def weighted_sum(parts: Sequence[tuple[float, LowRank]]) -> LowRank:
    """The sum of weight times product, to 1e-7 of its norm, in the fewest directions.

    Directions come from the largest to the smallest, both factors of equal size. Computed in
    float64 in the order given, returned in float32; there is at least one part.
    """
    b = torch.cat([weight * part.b.double() for weight, part in parts], 1)
    a = torch.cat([part.a.double() for _, part in parts])
    if not a.shape[0]:
        return zero(b.shape[0], a.shape[1])
    # The product's singular values are those of the small core between two orthonormal bases.
    left, left_core = torch.linalg.qr(b)
    right, right_core = torch.linalg.qr(a.T)
    u, sizes, v = torch.linalg.svd(left_core @ right_core.T, full_matrices=False)
    kept = _directions(sizes)
    root = sizes[:kept].sqrt()
    return LowRank(
        (left @ u[:, :kept] * root).float().contiguous(),
        (root[:, None] * (v[:kept] @ right.T)).float().contiguous(),
    )


def split(whole: LowRank, rank: int) -> Split:
    """The best part of `whole` in that many directions, as `weighted_sum` ordered them; the rest.

    Nothing is computed, so coordinator and site agree on both parts to the bit on any machines.
    """
    return Split(
        LowRank(whole.b[:, :rank], whole.a[:rank]),
        LowRank(whole.b[:, rank:], whole.a[rank:]),
    )


def adapter(leading: LowRank, fresh: Float[Tensor, "r i"], *, scale: float) -> LowRank:
    """A LoRA of the rank of `fresh` that, times `scale` (alpha / rank), adds exactly `leading`.

    Where `leading` has fewer directions, those left start as an untrained LoRA does: rows of
    `fresh` in A, zeros in B.
    """
    spare = fresh.shape[0] - leading.rank
    root = math.sqrt(scale)
    empty = leading.b.new_zeros(leading.b.shape[0], spare)
    return LowRank(
        torch.cat((leading.b / root, empty), 1),
        torch.cat((leading.a / root, fresh[leading.rank :])),
    )


def fresh_rows(rank: int, length: int, *, seed: int) -> Float[Tensor, "r i"]:
    """A random factor as an untrained LoRA has it, uniform within one over the root of `length`.

    The same on every machine for one seed.
    """
    bound = 1 / math.sqrt(length)
    drawn = torch.rand(rank, length, generator=torch.Generator().manual_seed(seed))
    return (2 * drawn - 1) * bound


def changed(weight: Tensor, change: LowRank, *, is_transposed: bool) -> Tensor:
    """The frozen `weight` with `change` in it, in its own type and layout.

    `is_transposed` for layers that keep inputs by outputs, as GPT-2's `Conv1D`.
    """
    dense = change.dense().to(weight.device)
    return (weight.double() + (dense.T if is_transposed else dense)).to(weight.dtype)


def _directions(sizes: Float[Tensor, " r"]) -> int:
    """How many of the falling singular values it takes to lose no more than `DROPPED`."""
    tails = sizes.square().flip(0).cumsum(0).sqrt().flip(0)
    return int((tails > DROPPED * tails[0]).sum())
