"""Closed-form continuous-time layers (Hasani et al. 2022, arXiv 2106.13898).

Axes: b rows, t time, d input width, n neurons, f width of the first stage, u backbone width,
g heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import torch
from torch import Tensor, nn
from torch.nn import Parameter, ParameterList

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.activations import Activation
from cauce.models.liquid.kernels.cfc import CfCForm, CfCWeights, Mode, cfc_recurrence
from cauce.models.liquid.kernels.memory import Memory
from cauce.models.liquid.kernels.memory_cfc import Link, mixed_cfc_recurrence
from cauce.models.liquid.layer import LiquidLayer, MaskTensors, empty_parameter, refuse_unknown

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int8

HEADS = 4
"""f1, f2 and two for time: g3 is multiplied with the time that passed, g4 is not."""


class CfC(LiquidLayer):
    """h = f1 (1 - s) + s f2, with f1 = tanh g1, f2 = tanh g2, s = sigmoid(ts g3 + g4).

    The heads g are linear in y = act(W [x_t; h_(t-1)] + b), the backbone, which has
    `backbone_layers` layers of `backbone_units`; with none the heads read [x_t; h_(t-1)] itself.
    `mode="no_gate"` leaves (1 - s) out, and `"pure"` is h = A - A exp(-ts (|w_tau| + |g1|)) g1.
    With `is_gated` a backbone layer is act(W y) * (V y), as in the gated MLPs of language models.
    Without timespans every step takes 1, and g3 and g4 are computed as one head. With a `reach` r
    f1 and f2 are r tanh(g / r) instead, so that outputs as large as r pass before they bend.

    >>> outputs, state = CfC(20, 50)(torch.randn(2, 7, 20))
    >>> outputs.shape, state.shape
    (torch.Size([2, 7, 50]), torch.Size([2, 50]))
    """

    def __init__(
        self,
        input_size: int,
        units: int,
        *,
        mode: Mode = "default",
        activation: Activation = "lecun_tanh",
        backbone_units: int = 128,
        backbone_layers: int = 1,
        is_gated: bool = False,
        reach: float = 1.0,
        input_mask: Int8[np.ndarray, "d n"] | None = None,
    ) -> None:
        """Where `input_mask` is 0, f1 and f2 of a neuron do not see an input (see `WiredCfC`)."""
        super().__init__()
        refuse_unknown("mode", mode, get_args(Mode))
        refuse_unknown("activation", activation, get_args(Activation))
        if min(input_size, units, backbone_units) < 1 or backbone_layers < 0:
            raise ValueError(
                f"no CfC has {units} units over {input_size} inputs with {backbone_layers} "
                f"backbone layers of {backbone_units}; all but the layers must be at least 1"
            )
        if reach != 1 and (mode == "pure" or not backbone_layers):
            raise ValueError(
                f"reach is {reach} with mode {mode!r} and {backbone_layers} backbone layers; it "
                "goes with another mode and a backbone: leave it at 1"
            )
        self.input_size, self.output_size, self.state_size = input_size, units, units
        self.reach = reach
        self.form = CfCForm(mode, activation, is_gated)
        self.heads = 1 if mode == "pure" else HEADS
        self.has_backbone = backbone_layers > 0
        self.input_mask = input_mask
        self._mask = None if input_mask is None else MaskTensors(input_mask.T)
        width = (2 if is_gated else 1) * backbone_units
        first = width if backbone_layers else self.heads * units
        self.input_weight = empty_parameter(first, input_size)
        self.recurrent_weight = empty_parameter(first, units)
        self.bias = empty_parameter(first)
        deeper = range(backbone_layers - 1)
        self.hidden_weights = ParameterList(
            [empty_parameter(width, backbone_units) for _ in deeper]
        )
        self.hidden_biases = ParameterList([empty_parameter(width) for _ in deeper])
        if backbone_layers:
            self.head_weight = empty_parameter(self.heads * units, backbone_units)
            self.head_bias = empty_parameter(self.heads * units)
        if mode == "pure":
            self.amplitude, self.rate = empty_parameter(units), empty_parameter(units)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew, matrices by Glorot's rule, those of each head by themselves."""
        joint = torch.cat([self.input_weight, self.recurrent_weight], 1).detach()
        _draw(joint, self.bias, 1 if self.has_backbone else self.heads)
        with torch.no_grad():
            self.input_weight.copy_(joint[:, : self.input_size])
            self.recurrent_weight.copy_(joint[:, self.input_size :])
        for weight, bias in zip(self.hidden_weights, self.hidden_biases, strict=True):
            _draw(weight, bias, 1)
        if self.has_backbone:
            _draw(self.head_weight, self.head_bias, self.heads)
        if self.form.mode == "pure":
            nn.init.ones_(self.amplitude)
            nn.init.zeros_(self.rate)

    def compute(
        self, inputs: Float[Tensor, "t b d"], state: Float[Tensor, "b n"], flow: Flow
    ) -> tuple[Float[Tensor, "t b n"], Float[Tensor, "b n"]]:
        """See `LiquidLayer.compute`."""
        drive, weights = self.first_link(inputs, is_timed=flow.timespans is not None)[:2]
        if self.reach == 1:
            states = cfc_recurrence(drive, state, weights, self.form, flow)
        else:
            states = cfc_recurrence(drive, state / self.reach, weights, self.form, flow)
            states = states * self.reach
        return states, states[-1]

    def compute_mixed(
        self,
        inputs: Float[Tensor, "t b d"],
        state: Float[Tensor, "b s"],
        memory: Memory,
        flow: Flow,
    ) -> tuple[Float[Tensor, "t b n"], Float[Tensor, "b s"]]:
        """See `LiquidLayer.compute_mixed`."""
        if self.reach != 1:
            raise ValueError(f"a CfC with a reach of {self.reach} has no mixed memory; set it to 1")
        link = self.first_link(inputs, is_timed=flow.timespans is not None)
        return mixed_cfc_recurrence(memory, [link], state, self.form, flow)

    def first_link(self, inputs: Float[Tensor, "t b d"], *, is_timed: bool) -> Link:
        """This layer over inputs that are known for all time."""
        input_weight, bias, weights = self._weights(inputs.dtype, is_timed=is_timed)
        drive = torch.addmm(bias, inputs.flatten(0, 1), input_weight.t())
        return Link(drive.view(*inputs.shape[:2], -1), weights)

    def next_link(self, link: Link, *, is_timed: bool) -> Link:
        """This layer over the outputs that `link` has in the same step."""
        input_weight, bias, weights = self._weights(link.drive.dtype, is_timed=is_timed)
        return Link(bias.expand(*link.drive.shape[:2], -1), weights, input_weight)

    def _weights(self, dtype: torch.dtype, *, is_timed: bool) -> tuple[Tensor, Tensor, CfCWeights]:
        """How inputs are seen, the bias of that, and the weights of the recurrence."""
        input_weight = self.input_weight.to(dtype)
        if self._mask is not None:
            seen = min(2, self.heads) * self.units
            mask = self._mask.on(input_weight).repeat(seen // self.units, 1)
            input_weight = torch.cat([input_weight[:seen] * mask, input_weight[seen:]])
        first = [input_weight, self.bias.to(dtype), self.recurrent_weight.to(dtype)]
        if not self.has_backbone:
            first = [self._with_time(weight, is_timed) for weight in first]
        input_weight, bias, recurrent = first
        return input_weight, bias, self._recurrence(recurrent, dtype, is_timed=is_timed)

    def _recurrence(self, recurrent: Tensor, dtype: torch.dtype, *, is_timed: bool) -> CfCWeights:
        weights = CfCWeights(
            recurrent,
            tuple(weight.to(dtype) for weight in self.hidden_weights),
            tuple(bias.to(dtype) for bias in self.hidden_biases),
        )
        if self.has_backbone:
            weights = weights._replace(
                heads=self._with_time(self.head_weight.to(dtype), is_timed),
                heads_bias=self._with_time(self.head_bias.to(dtype), is_timed),
            )
        if self.reach != 1:
            weights = self._scaled(weights)
        if self.form.mode == "pure":
            rate = self.rate.to(dtype).abs()
            weights = weights._replace(amplitude=self.amplitude.to(dtype), rate=rate)
        return weights

    def _scaled(self, weights: CfCWeights) -> CfCWeights:
        """The same for states that are divided by the reach, as the recurrence computes them."""
        assert weights.heads is not None and weights.heads_bias is not None
        share = torch.ones_like(weights.heads_bias)
        share[: 2 * self.units] = 1 / self.reach
        return weights._replace(
            recurrent=weights.recurrent * self.reach,
            heads=weights.heads * share[:, None],
            heads_bias=weights.heads_bias * share,
        )

    def _with_time(self, heads: Tensor, is_timed: bool) -> Tensor:
        """The rows of all heads, the two for time added to one where time steps are 1."""
        if is_timed or self.heads == 1:
            return heads
        f1_f2, by_time, constant = torch.split(heads, [2 * self.units, self.units, self.units])
        return torch.cat([f1_f2, by_time + constant])

    @property
    def units(self) -> int:
        """Neurons n."""
        return self.output_size


def _draw(weight: Tensor, bias: Parameter, heads: int) -> None:
    """Glorot's uniform for each head's rows; biases as in a linear layer."""
    for rows in weight.detach().chunk(heads):
        nn.init.xavier_uniform_(rows)
    bound = weight.shape[1] ** -0.5
    nn.init.uniform_(bias, -bound, bound)
