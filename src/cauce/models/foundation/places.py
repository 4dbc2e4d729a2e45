"""Where the tokens of a call stand in their documents: all that keeps packed rows apart.

A document starts where its positions do. From that alone follow the taps that a convolution may
use, the state that a recurrence begins from, and the keys that a query may see.

Axes: b rows, t tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

Memory = dict[str, Tensor]
"""What one layer keeps from call to call while text is generated; every tensor has rows first.

An empty one stands before the first token. A layer reads what it finds and puts in what it needs.
"""


class Rotation(NamedTuple):
    """Cosine and sine of the angles by which the pairs of a head turn, (b 1 t w), or (1 1 t w)."""

    cosine: Tensor
    sine: Tensor

    def turn(self, heads: Float[Tensor, "b h t d"]) -> Float[Tensor, "b h t d"]:
        """`heads` with the i-th value of either half turned as a pair, in fp32."""
        first, second = heads.float().chunk(2, -1)
        turned = (
            first * self.cosine - second * self.sine,
            second * self.cosine + first * self.sine,
        )
        return torch.cat(turned, -1).to(heads.dtype)


@dataclass(frozen=True)
class Places:
    """The positions of the tokens of one call."""

    positions: Int[Tensor, "b t"]
    """From 0 in each document. Padding counts as documents of its own."""
    starts: Bool[Tensor, "b t"] | None = None
    """True where a document begins; None where each row goes on with one (or begins one in its
    first column, as every row does while its layers have no memory)."""
    tokens: Int[Tensor, "b t"] | None = None
    """What stands there; None where vectors were given in place of tokens."""
    is_real: Bool[Tensor, "b t"] | None = None
    """False at padding; None where none is known of."""

    _rotations: dict[tuple[int, float], Rotation] = field(default_factory=dict, repr=False)

    def rotation(self, width: int, base: float) -> Rotation:
        """The rotary position embedding of a head of `width` (Su et al. 2021, arXiv 2104.09864).

        Pair i of a head turns by position / base^(2i / width). It is made once for all layers.
        """
        key = (width, base)
        if key not in self._rotations:
            # Rows that are all alike were expanded from one.
            shared = self.positions[:1] if self.positions.stride(0) == 0 else self.positions
            pairs = torch.arange(0, width, 2, device=shared.device, dtype=torch.float32)
            angles = shared[:, None, :, None] * base ** (-pairs / width)
            self._rotations[key] = Rotation(angles.cos(), angles.sin())
        return self._rotations[key]

    @cached_property
    def documents(self) -> Int[Tensor, "b t"] | None:
        """A number for each document of a row; 0 is the one that memory belongs to."""
        return None if self.starts is None else self.starts.cumsum(1)

    @cached_property
    def begins(self) -> Int[Tensor, "b t"] | None:
        """The column where each token's document begins; None: the first, or before it."""
        return None if self.starts is None else _begins(self.starts)

    def is_within(self, steps: int) -> Bool[Tensor, "b t"] | None:
        """True where the token `steps` before belongs to the same document; None: everywhere.

        What is before the first column is memory, or nothing, and 0 then.
        """
        return None if self.starts is None else self.positions >= steps


def places_of(
    rows: int,
    tokens: int,
    device: torch.device,
    *,
    attention_mask: Tensor | None = None,
    position_ids: Int[Tensor, "b t"] | None = None,
    past: int = 0,
) -> Places:
    """The places of `tokens` tokens in each of `rows` rows, after `past` tokens in memory.

    `position_ids` restart at each document of a packed row. Without them, documents are read from a
    mask that is bool (b 1 t t), True where two tokens belong to one document (as packed rows have
    it), or (b past+t), 0 at padding on either side of a row. With both, the latter mask says what
    is padding and the positions where documents begin. Raises ValueError for any other mask, and
    where a position counts what the mask says is padding.
    """
    positions = None if position_ids is None else position_ids.expand(rows, tokens)
    if attention_mask is None:
        if positions is not None:
            return _from_positions(positions, past)
        return Places(torch.arange(past, past + tokens, device=device).expand(rows, tokens))
    if attention_mask.shape == (rows, past + tokens):
        return _beside_padding(attention_mask != 0, positions, past)
    is_packed = attention_mask.dtype == torch.bool and attention_mask.shape[2:] == (tokens, tokens)
    if is_packed and past == 0:
        if positions is not None:
            return _from_positions(positions, past)
        return _from_documents(attention_mask[:, 0].expand(rows, tokens, tokens))
    raise ValueError(
        f"attention_mask is {attention_mask.dtype} of shape {tuple(attention_mask.shape)}; needed "
        f"is ({rows}, {past + tokens}), 0 at padding, or without a past bool ({rows}, 1, {tokens}, "
        f"{tokens}) that keeps the documents of packed rows apart"
    )


def _from_positions(positions: Int[Tensor, "b t"], past: int) -> Places:
    return Places(positions, _where_needed(positions == 0, past))


def _beside_padding(
    is_real: Bool[Tensor, "b all"], positions: Int[Tensor, "b t"] | None, past: int
) -> Places:
    """A row is one text with padding on either side; positions may part the text further."""
    starts = torch.ones_like(is_real)
    starts[:, 1:] = is_real[:, 1:] != is_real[:, :-1]
    if bool(((starts & is_real).sum(1) > 1).any()):
        raise ValueError(
            "attention_mask has a 0 between ones, which would cut a text in two; needed are rows "
            "with padding on the left, on the right or both"
        )
    counted, is_real = _positions(starts)[:, past:], is_real[:, past:]
    if positions is None:
        return Places(counted, _where_needed(starts[:, past:], past), is_real=is_real)
    if bool((is_real & (positions > counted)).any()):
        raise ValueError(
            "position_ids count more tokens of a text than attention_mask shows; needed are "
            "positions from 0 at the first token that is no padding"
        )
    return replace(_from_positions(positions, past), is_real=is_real)


def _from_documents(visible: Bool[Tensor, "b t t"]) -> Places:
    starts = torch.ones_like(visible[:, 0])
    starts[:, 1:] = ~visible.diagonal(-1, 1, 2)
    return Places(_positions(starts), _where_needed(starts, 0))


def _positions(starts: Bool[Tensor, "b t"]) -> Int[Tensor, "b t"]:
    columns = torch.arange(starts.shape[1], device=starts.device)
    return columns - _begins(starts)


def _begins(starts: Bool[Tensor, "b t"]) -> Int[Tensor, "b t"]:
    columns = torch.arange(starts.shape[1], device=starts.device).expand(starts.shape)
    return torch.where(starts, columns, 0).cummax(1).values


def _where_needed(starts: Bool[Tensor, "b t"], past: int) -> Bool[Tensor, "b t"] | None:
    """None where nothing starts, or only in the first column of all: then layers need not look."""
    return starts if bool(starts[:, 0 if past else 1 :].any()) else None
