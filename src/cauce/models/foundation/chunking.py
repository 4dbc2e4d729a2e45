"""Which chunk a token belongs to, and the way from tokens to chunks and back.

Axes: b rows, t tokens, c chunks of the row that has most of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.foundation.places import Places

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Chunking:
    """The chunks of the tokens of one call.

    A token before the first border of its row belongs to the chunk that the row goes on with. Rows
    with fewer chunks than others are filled up on the right.
    """

    probability: Float[Tensor, "b t"]
    """How sure a border is; 1 where a document begins."""
    starts: Bool[Tensor, "b t"]
    """True where a document begins."""
    past: Int[Tensor, " b"] | None = None
    """Chunks so far of the document that the row goes on with; None: rows begin here."""
    step: int = 1
    """c is a multiple of this."""
    tokens: Int[Tensor, "b t"] | None = None
    """What stands there, where it is known."""
    is_real: Bool[Tensor, "b t"] | None = None
    """False at padding, where some is known of."""

    @cached_property
    def is_border(self) -> Bool[Tensor, "b t"]:
        """True where a chunk begins."""
        return self.probability >= 0.5

    @cached_property
    def real(self) -> Bool[Tensor, "b t"]:
        """False at padding."""
        return torch.ones_like(self.starts) if self.is_real is None else self.is_real

    @cached_property
    def free(self) -> Bool[Tensor, "b t"]:
        """True where it is for the router to say whether a chunk begins."""
        return self.real & ~self.starts

    @cached_property
    def numbers(self) -> Int[Tensor, "b t"]:
        """The chunk of each token, from 0 in each row; -1 for the one the row goes on with."""
        return self.is_border.cumsum(1) - 1

    @cached_property
    def counts(self) -> Int[Tensor, " b"]:
        """How many chunks begin in each row."""
        return self.numbers[:, -1] + 1

    @cached_property
    def last_borders(self) -> Int[Tensor, "b t"]:
        """The column where the chunk of each token began; 0 when it did before the call."""
        return torch.where(self.is_border, self._columns, 0).cummax(1).values

    @cached_property
    def positions(self) -> Int[Tensor, "b t"]:
        """The chunk of each token, from 0 in its document."""
        return self.numbers - self._offsets

    @cached_property
    def places(self) -> Places:
        """The places of the chunks. What fills a row up goes on with its last document."""
        order = torch.arange(self.borders.shape[1], device=self.numbers.device)
        positions = order - self._offsets.gather(1, self.borders)
        is_chunk = order < self.counts[:, None]
        starts = self.starts.gather(1, self.borders) & is_chunk
        begins = starts[:, 0 if self.past is not None else 1 :].any()
        tokens = None if self.tokens is None else self.tokens.gather(1, self.borders)
        if self.is_real is not None:
            is_chunk = is_chunk & self.is_real.gather(1, self.borders)
        return Places(positions, starts if bool(begins) else None, tokens, is_chunk)

    @cached_property
    def borders(self) -> Int[Tensor, "b c"]:
        """The column where each chunk begins; the last column where there is none."""
        rows, tokens = self.numbers.shape
        most = -(-int(self.counts.max()) // self.step) * self.step
        borders = self.numbers.new_full((rows, most + 1), tokens - 1)
        columns = torch.where(self.is_border, self.numbers, most)
        return borders.scatter_(1, columns, self._columns)[:, :most]

    @property
    def _columns(self) -> Int[Tensor, "b t"]:
        columns = torch.arange(self.numbers.shape[1], device=self.numbers.device)
        return columns.expand(self.numbers.shape)

    @cached_property
    def _offsets(self) -> Int[Tensor, "b t"]:
        """Chunks of the row before the document of each token."""
        before = torch.zeros_like(self.numbers[:, :1])
        if self.past is not None:
            before = before - self.past[:, None]
        return torch.where(self.starts, self.numbers, before).cummax(1).values


def taken(values: Float[Tensor, "b s d"], columns: Int[Tensor, "b c"]) -> Float[Tensor, "b c d"]:
    """The vectors of each row at these columns of it."""
    first = torch.arange(len(values), device=values.device)[:, None] * values.shape[1]
    chosen = values.flatten(0, 1).index_select(0, (columns + first).flatten())
    return chosen.view(*columns.shape, values.shape[-1])
