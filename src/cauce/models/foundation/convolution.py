"""The gated short convolution (LFM2, arXiv 2511.23404; Hyena, arXiv 2302.10866).

Axes: b rows, t tokens, d width, k taps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import Module, Parameter

from cauce.models.foundation.places import Memory, Places
from cauce.models.foundation.residual import ResidualOutput
from cauce.models.liquid.kernels.backends import is_for_cpp

if TYPE_CHECKING:
    from jaxtyping import Float


class GatedConvolution(Module):
    """y = W_o (g * conv(v)) with v = b * u, where b, g and u are linear in the input.

    conv is depthwise over `kernel` tokens: conv(v)_t = sum_k taps_k * v_{t-k}, or, in an encoder,
    over as many around each token. Nothing is taken from another document.
    """

    def __init__(self, width: int, *, kernel: int, is_causal: bool = True) -> None:
        super().__init__()
        self.value = nn.Linear(width, width, bias=False)
        self.input_gate = nn.Linear(width, width, bias=False)
        self.output_gate = nn.Linear(width, width, bias=False)
        self.taps = Parameter(torch.empty(kernel, width))
        self.output = ResidualOutput(width, width)
        self.is_causal = is_causal
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the taps as those of a convolution of that many inputs."""
        reach = 1 / math.sqrt(len(self.taps))
        nn.init.uniform_(self.taps, -reach, reach)

    def forward(
        self, hidden: Float[Tensor, "b t d"], places: Places, memory: Memory | None = None
    ) -> Float[Tensor, "b t d"]:
        """What each token makes of itself and of the `kernel` - 1 before it (or around it)."""
        value = self.value(hidden)
        gates = (self.input_gate(hidden), self.output_gate(hidden))
        if self.is_causal:
            mixed = gated_convolution(value, gates, self.taps, places, memory)
        else:
            mixed = gates[1] * centred_convolution(gates[0] * value, self.taps, places)
        output: Tensor = self.output(mixed)
        return output


def gated_convolution(
    value: Float[Tensor, "b t d"],
    gates: tuple[Float[Tensor, "b t d"], Float[Tensor, "b t d"]],
    taps: Float[Tensor, "k d"],
    places: Places,
    memory: Memory | None = None,
) -> Float[Tensor, "b t d"]:
    """gates_1 * conv(gates_0 * value), within each document.

    Of rows without a past it is one loop each way in C++, where torch's operations wait for memory.
    """
    if not memory and is_for_cpp(value, *gates, taps):
        from cauce.models.liquid.kernels import gated_convolution_cpp

        if memory is not None and len(taps) > 1:
            last = gates[0][:, 1 - len(taps) :] * value[:, 1 - len(taps) :]
            missing = len(taps) - 1 - last.shape[1]
            memory["tail"] = of_last_document(nn.functional.pad(last, (0, 0, missing, 0)), places)
        positions = None if places.starts is None else places.positions
        return gated_convolution_cpp.gated_convolution(value, gates, taps, positions)
    return gates[1] * causal_convolution(gates[0] * value, taps, places, memory)


def causal_convolution(
    values: Float[Tensor, "b t d"],
    taps: Float[Tensor, "k d"],
    places: Places,
    memory: Memory | None = None,
) -> Float[Tensor, "b t d"]:
    """sum_k taps_k * values_{t-k} within each document, depthwise.

    By shifting and adding: torch's `conv1d` takes four times as long on a CPU. `memory` keeps the
    last k - 1 values as "tail".
    """
    before, tokens = len(taps) - 1, values.shape[1]
    if before == 0:
        return values * taps[0]
    if memory:
        padded = torch.cat((memory["tail"], values), 1)
    else:
        padded = nn.functional.pad(values, (0, 0, before, 0))
    if memory is not None:
        memory["tail"] = of_last_document(padded[:, tokens:], places)
    mixed = values * taps[0]
    for steps in range(1, before + 1):
        earlier = padded[:, before - steps : before - steps + tokens]
        is_within = places.is_within(steps)
        if is_within is not None:
            earlier = earlier.masked_fill(~is_within[..., None], 0.0)
        mixed = torch.addcmul(mixed, earlier, taps[steps])
    return mixed


def of_last_document(tail: Float[Tensor, "b k d"], places: Places) -> Float[Tensor, "b k d"]:
    """A copy of the last values, 0 where they belong to a document before the last one."""
    if places.starts is None:
        return tail.clone()
    age = torch.arange(tail.shape[1] - 1, -1, -1, device=tail.device)
    return tail.masked_fill((age > places.positions[:, -1:])[..., None], 0.0)


def centred_convolution(
    values: Float[Tensor, "b t d"], taps: Float[Tensor, "k d"], places: Places
) -> Float[Tensor, "b t d"]:
    """sum_k taps_k * values_{t + k//2 - k} within each document: as many after as before."""
    reach, tokens = len(taps) // 2, values.shape[1]
    padded = nn.functional.pad(values, (0, 0, reach, reach))
    mixed = torch.zeros_like(values)
    for number, tap in enumerate(taps):
        start = 2 * reach - number
        other = padded[:, start : start + tokens]
        if places.documents is not None and start != reach:
            documents = nn.functional.pad(places.documents, (reach, reach), value=-1)
            same = documents[:, start : start + tokens] == places.documents
            other = other.masked_fill(~same[..., None], 0.0)
        mixed = torch.addcmul(mixed, other, tap)
    return mixed
