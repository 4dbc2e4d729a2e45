"""Mixed memory: cells that neither forget with time nor lose their gradient (arXiv 2006.04418).

Axes: b rows, t time, d input width, o output width, n width of the liquid state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.memory import GATES, Memory
from cauce.models.liquid.layer import LiquidLayer, empty_parameter

if TYPE_CHECKING:
    from jaxtyping import Float

KEEP, FORGET_BIAS = 2, 1.0
"""The forget gate, and what is added to it before its sigmoid."""


class MixedMemory(LiquidLayer):
    """A liquid layer whose state passes through an LSTM before each step (Lechner & Hasani 2020).

    (h', c) = LSTM(x_t, (h, c)), and the layer steps from h' instead of h. The forget gate has 1
    added before its sigmoid. The state is (liquid state h, memory cells c). Steps are computed one
    after the other, since the LSTM stands between any two steps of the layer: how, the layer says
    in `compute_mixed`.

    >>> from cauce.models.liquid import CfC
    >>> outputs, state = MixedMemory(CfC(20, 50))(torch.randn(2, 7, 20))
    >>> outputs.shape, state.shape
    (torch.Size([2, 7, 50]), torch.Size([2, 100]))
    """

    def __init__(self, layer: LiquidLayer) -> None:
        super().__init__()
        self.layer = layer
        self.input_size, self.output_size = layer.input_size, layer.output_size
        self.width = layer.state_size
        self.state_size = 2 * self.width
        self.input_weight = empty_parameter(GATES * self.width, self.input_size)
        self.input_bias = empty_parameter(GATES * self.width)
        self.recurrent_weight = empty_parameter(GATES * self.width, self.width)
        self._reset_memory()

    def reset_parameters(self) -> None:
        """Draws all weights anew; recurrent ones are orthogonal."""
        self.layer.reset_parameters()
        self._reset_memory()

    def _reset_memory(self) -> None:
        nn.init.xavier_uniform_(self.input_weight)
        nn.init.uniform_(self.input_bias, -0.1, 0.1)
        if not self.recurrent_weight.is_meta:
            nn.init.orthogonal_(self.recurrent_weight)

    def compute(
        self, inputs: Float[Tensor, "t b d"], state: Float[Tensor, "b s"], flow: Flow
    ) -> tuple[Float[Tensor, "t b o"], Float[Tensor, "b s"]]:
        """See `LiquidLayer.compute`."""
        dtype, forget = inputs.dtype, inputs.new_zeros(GATES, 1)
        forget[KEEP] = FORGET_BIAS
        bias = (self.input_bias.to(dtype).view(GATES, -1) + forget).flatten()
        drive = torch.addmm(bias, inputs.flatten(0, 1), self.input_weight.to(dtype).t())
        memory = Memory(drive.view(*inputs.shape[:2], -1), self.recurrent_weight.to(dtype))
        return self.layer.compute_mixed(inputs, state, memory, flow)
