"""The gated short convolution whose taps move (deformable convolution, arXiv 1703.06211, causal).

Axes: b rows, t tokens, d width, k taps, g groups of channels, p tokens with those before them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import Module, Parameter
from torch.nn.functional import embedding_bag, pad

from cauce.models.foundation.convolution import of_last_document
from cauce.models.foundation.places import Memory, Places
from cauce.models.foundation.residual import ResidualOutput

if TYPE_CHECKING:
    from jaxtyping import Float

FIRST_OFFSET = 0.1
"""Tokens that the taps of a new layer are moved by: nearly a plain convolution, yet with a gradient
of the offsets."""


class DeformableConvolution(Module):
    """y = W_o (g * c) with c_t = sum_k taps_k * v_{t - k - o_{t,k}} and v = b * u.

    b, g and u are linear in the input x, and so is what the offsets o_t = R sigmoid(W x_t + bias)
    are made of, one for each tap and group of channels: they reach up to R = `reach` tokens further
    into the past, never into the future. Between two tokens v is interpolated; before its document
    it is 0. Raises ValueError for groups that do not divide the width, or a reach below 1.
    """

    def __init__(self, width: int, *, kernel: int, reach: int, groups: int = 1) -> None:
        super().__init__()
        if width % groups or reach < 1:
            raise ValueError(
                f"{groups} groups of {width} channels with a reach of {reach} cannot be; needed "
                "are groups that divide the width, and a reach of at least 1"
            )
        self.value = nn.Linear(width, width, bias=False)
        self.input_gate = nn.Linear(width, width, bias=False)
        self.output_gate = nn.Linear(width, width, bias=False)
        self.offset = nn.Linear(width, kernel * groups, bias=False)
        self.offset_bias = Parameter(torch.empty(kernel * groups))
        self.taps = Parameter(torch.empty(kernel, width))
        self.output = ResidualOutput(width, width)
        self.reach, self.groups = reach, groups
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the taps as those of a convolution of that many inputs; offsets begin at 0.1."""
        bound = 1 / math.sqrt(len(self.taps))
        nn.init.uniform_(self.taps, -bound, bound)
        nn.init.constant_(self.offset_bias, -math.log(self.reach / FIRST_OFFSET - 1))

    def forward(
        self, hidden: Float[Tensor, "b t d"], places: Places, memory: Memory | None = None
    ) -> Float[Tensor, "b t d"]:
        """What each token makes of itself and of those before it that the taps point to."""
        values = self.input_gate(hidden) * self.value(hidden)
        mixed = deformable_convolution(
            values, self.offsets(hidden), self.taps, places, reach=self.reach, memory=memory
        )
        output: Tensor = self.output(self.output_gate(hidden) * mixed)
        return output

    def offsets(self, hidden: Float[Tensor, "b t d"]) -> Float[Tensor, "b t k g"]:
        """How many tokens each tap is moved into the past by, in at least fp32."""
        moved = self.offset(hidden)
        moved = moved.to(torch.promote_types(moved.dtype, torch.float32))
        offsets = self.reach * torch.sigmoid(moved + self.offset_bias)
        return offsets.view(*offsets.shape[:2], -1, self.groups)


def deformable_convolution(
    values: Float[Tensor, "b t d"],
    offsets: Float[Tensor, "b t k g"],
    taps: Float[Tensor, "k d"],
    places: Places,
    *,
    reach: int,
    memory: Memory | None = None,
) -> Float[Tensor, "b t d"]:
    """sum_k taps_k * values_{t - k - offsets_{t,k}} within each document, depthwise.

    Offsets lie in [0, `reach`]. `memory` keeps the last k - 1 + `reach` values as "tail".
    """
    before, tokens = len(taps) - 1 + reach, values.shape[1]
    padded = torch.cat((memory["tail"], values), 1) if memory else pad(values, (0, 0, before, 0))
    if memory is not None:
        memory["tail"] = of_last_document(padded[:, tokens:], places)
    with torch.autocast(values.device.type, enabled=False):
        moved = _interpolated(padded.to(offsets.dtype), offsets, places, reach)
        mixed = (moved * taps).sum(2)
    return mixed.to(values.dtype)


def _interpolated(
    padded: Float[Tensor, "b p d"], offsets: Float[Tensor, "b t k g"], places: Places, reach: int
) -> Float[Tensor, "b t k d"]:
    """The values that each tap reads: of two neighbours in the shares that the offset gives.

    As a bag of two rows of a table of the values, which keeps no neighbour for the backward pass:
    15 ms forward and backward for 8 rows of 512 tokens, 256 wide and 3 taps, on one core, where
    gathering both takes 22 ms (2026-11).
    """
    rows, tokens, kernel, groups = offsets.shape
    # What is no number must stay one in the share, and must not become the place of a value.
    whole = offsets.detach().nan_to_num().floor().clamp(0, reach - 1)
    share = offsets - whole
    steps = _counted(kernel, whole, 1) + whole.long()
    place = _counted(tokens, whole, 2) + (padded.shape[1] - tokens) - steps
    place = (place + padded.shape[1] * _counted(rows, whole, 3)) * groups + _counted(groups, whole)
    shares = torch.stack((1 - share, share), -1)
    if places.starts is not None:
        is_within = places.positions[..., None, None, None] >= torch.stack((steps, steps + 1), -1)
        shares = shares.masked_fill(~is_within, 0.0)
    moved = embedding_bag(
        torch.stack((place, place - groups), -1).view(-1, 2),
        padded.reshape(-1, padded.shape[2] // groups),
        per_sample_weights=shares.view(-1, 2),
        mode="sum",
    )
    return moved.view(rows, tokens, kernel, -1)


def _counted(count: int, like: Tensor, axes_after: int = 0) -> Tensor:
    """0, 1, ... along an axis that has that many after it."""
    return torch.arange(count, device=like.device).view(-1, *[1] * axes_after)
