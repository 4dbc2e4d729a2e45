"""Recurrent memory: a state of fixed size that each token reads and changes, between two gates.

Axes: b rows, t tokens, d width, g blocks of a block-diagonal matrix, k width of such a block.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import Module, Parameter
from torch.nn.functional import gelu, softplus

from cauce.models.foundation.config import MemoryKind
from cauce.models.foundation.places import Memory, Places
from cauce.models.foundation.residual import ResidualOutput
from cauce.models.liquid import CfC
from cauce.models.liquid.flow import make_flow
from cauce.models.liquid.kernels.rg_lru import rg_lru_recurrence

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

SHARPNESS = 8.0
"""c of the RG-LRU: how far a gate can move a decay from 1."""

SLOWEST, FASTEST = 0.999, 0.9
"""Between these the decays a^c of the channels of a new RG-LRU lie."""


class RecurrentMemory(Module):
    """y = W_o (gelu(W_g u) * h), with h the states of a recurrence over the inputs u (2402.19427).

    A recurrence is called as this block is, and keeps its state in the memory of the layer.
    """

    def __init__(self, recurrence: Module, width: int) -> None:
        super().__init__()
        self.recurrence = recurrence
        self.gate = nn.Linear(width, width, bias=False)
        self.output = ResidualOutput(width, width)

    def forward(
        self, hidden: Float[Tensor, "b t d"], places: Places, memory: Memory | None = None
    ) -> Float[Tensor, "b t d"]:
        """What each token makes of all of its document up to itself."""
        states: Tensor = self.recurrence(hidden, places, memory)
        gate = gelu(self.gate(hidden))
        output: Tensor = self.output(gate * states.to(gate.dtype))
        return output


def make_recurrence(kind: MemoryKind, width: int, *, blocks: int = 4) -> Module:
    """The recurrence of that kind, its states as wide as its inputs; `blocks` are the LRU's."""
    if kind == "lru":
        return GatedLinearRecurrence(width, blocks=blocks)
    return LstmRecurrence(width) if kind == "lstm" else CfcRecurrence(width)


class GatedLinearRecurrence(Module):
    """h_t = a_t h_{t-1} + sqrt(1 - a_t^2) (i_t x_t), the RG-LRU of Griffin (arXiv 2402.19427).

    x = W_x u, the gates r and i are sigmoids of block-diagonal functions of x, and
    log a_t = -8 softplus(Lambda) r_t; all after x is in at least fp32. Raises ValueError for blocks
    that do not divide the width.
    """

    def __init__(self, width: int, *, blocks: int) -> None:
        super().__init__()
        self.input = nn.Linear(width, width, bias=False)
        self.decay_gate = BlockDiagonal(width, blocks)
        self.input_gate = BlockDiagonal(width, blocks)
        self.decay = Parameter(torch.empty(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws Lambda so that a^8 is uniform in [0.9, 0.999] where the gate is open."""
        with torch.no_grad():
            speed = -self.decay.uniform_(FASTEST, SLOWEST).log() / SHARPNESS
            self.decay.copy_(speed.expm1().log())

    def forward(
        self, hidden: Float[Tensor, "b t d"], places: Places, memory: Memory | None = None
    ) -> Float[Tensor, "b t d"]:
        """The states h; `memory` keeps the last as "state"."""
        values = self.input(hidden)
        with torch.autocast(values.device.type, enabled=False):
            values = values.to(torch.promote_types(values.dtype, torch.float32))
            gates = self.decay_gate(values), self.input_gate(values)
            speed = SHARPNESS * softplus(self.decay.to(values.dtype))
            before = memory["state"].to(values.dtype) if memory else None
            states: Tensor = rg_lru_recurrence(values, gates, speed, before, starts=places.starts)
        if memory is not None:
            memory["state"] = states[:, -1].clone()
        return states


class BlockDiagonal(Module):
    """x W + b with a block-diagonal W: each block of channels sees itself alone."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        if width % blocks:
            raise ValueError(f"{blocks} blocks do not divide a width of {width}")
        self.weight = Parameter(torch.empty(blocks, width // blocks, width // blocks))
        self.bias = Parameter(torch.empty(width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws weights that keep the variance; biases are 0."""
        nn.init.normal_(self.weight, std=1 / math.sqrt(self.weight.shape[1]))
        nn.init.zeros_(self.bias)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """All blocks in one product, in the dtype of x."""
        blocks, size = self.weight.shape[:2]
        bias = self.bias.view(blocks, 1, size).to(x.dtype)
        by_block = x.reshape(-1, blocks, size).transpose(0, 1)
        outputs = torch.baddbmm(bias, by_block, self.weight.to(x.dtype))
        return outputs.transpose(0, 1).reshape(x.shape)


class LstmRecurrence(Module):
    """The states of `torch.nn.LSTM`, one step after the other, in the dtype of its weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, batch_first=True)

    def forward(
        self, hidden: Float[Tensor, "b t d"], places: Places, memory: Memory | None = None
    ) -> Float[Tensor, "b t d"]:
        """The states h; `memory` keeps the last as "state", and the cells as "cells".

        The LSTM runs from each column in which a document starts to the next one.
        """
        inputs = hidden.to(next(self.lstm.parameters()).dtype)
        begin = inputs.new_zeros(len(inputs), inputs.shape[2])
        kept = {"state": begin, "cells": begin} | (memory or {})
        state, cells = kept["state"][None], kept["cells"][None]
        outputs: list[Tensor] = []
        with torch.autocast(inputs.device.type, enabled=False):
            for start, span in _spans(inputs, places.starts):
                if places.starts is not None:
                    is_start = places.starts[:, start, None]
                    state, cells = (each.masked_fill(is_start, 0.0) for each in (state, cells))
                output, (state, cells) = self.lstm(span, (state, cells))
                outputs.append(output)
        if memory is not None:
            memory["state"], memory["cells"] = state[0], cells[0]
        return torch.cat(outputs, 1)


def _spans(
    inputs: Float[Tensor, "b t d"], starts: Bool[Tensor, "b t"] | None
) -> list[tuple[int, Float[Tensor, "b s d"]]]:
    """The columns up to the next in which any row starts a document, and where they begin."""
    inner = [] if starts is None else (starts[:, 1:].any(0).nonzero()[:, 0] + 1).tolist()
    return list(zip([0, *inner], inputs.tensor_split(inner, 1), strict=True))


class CfcRecurrence(Module):
    """The states of a closed-form continuous-time network, see `cauce.models.liquid.CfC`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cfc = CfC(width, width, backbone_units=max(1, width // 2))

    def forward(
        self, hidden: Float[Tensor, "b t d"], places: Places, memory: Memory | None = None
    ) -> Float[Tensor, "b t d"]:
        """The states h; `memory` keeps the last as "state"."""
        flow = make_flow(hidden, None, places.starts, None)
        states, end = self.cfc.run(hidden, memory["state"] if memory else None, flow)
        if memory is not None:
            memory["state"] = end
        outputs: Tensor = states
        return outputs
