"""Liquid time-constant layers (Hasani et al. 2021, arXiv 2006.04439).

Axes: b rows, t time, d input width, n neurons, o output width, i sending neurons, j receiving ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.ltc import Synapses, ltc_recurrence, synaptic_sums
from cauce.models.liquid.kernels.memory import Memory
from cauce.models.liquid.kernels.memory_ltc import mixed_ltc_recurrence
from cauce.models.liquid.layer import LiquidLayer, MaskTensors, empty_parameter, refuse_unknown
from cauce.models.liquid.wiring import Wiring

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int8

Constraint = Literal["implicit", "explicit"]
Initialisation = Literal["scaled", "ncps"]

RANGES = {
    "gleak": (0.001, 1.0),
    "vleak": (-0.2, 0.2),
    "cm": (0.4, 0.6),
    "w": (0.001, 1.0),
    "sigma": (3.0, 8.0),
    "mu": (0.3, 0.8),
}
"""Of the original; sensory synapses have those of the others."""

TOTAL_CONDUCTANCE = 1.0
"""Expected sum of the synapses' w into a neuron, those of neurons and those of senses apart."""

POSITIVE = ("w", "sensory_w", "cm", "gleak")


class LTC(LiquidLayer):
    """c dv/dt = g (E_leak - v) + sum_i a_i (E_i - v), a_i = w_i sigmoid(sigma_i (v_i - mu_i)).

    Each neuron gets conductance a from those that the wiring connects it to, and from the inputs in
    the same way; a step solves the equation by `ode_unfolds` steps of a fused implicit Euler
    method. The output is the state of the motor neurons, each scaled and shifted. w, c and g are
    positive: `constraint="implicit"` passes the weights through softplus, `"explicit"` takes them
    as they are and needs `clamp_weights` after each update.

    `init="scaled"` draws w so that at any width about a quarter of a state is left after one step;
    `"ncps"` draws as the original, where hundreds of synapses leave no memory.

    >>> from cauce.models.liquid.wiring import AutoNCP
    >>> outputs, state = LTC(AutoNCP(20, 50, 10))(torch.randn(2, 7, 20))
    >>> outputs.shape, state.shape
    (torch.Size([2, 7, 10]), torch.Size([2, 50]))
    """

    def __init__(
        self,
        wiring: Wiring,
        *,
        ode_unfolds: int = 6,
        epsilon: float = 1e-8,
        constraint: Constraint = "implicit",
        init: Initialisation = "scaled",
    ) -> None:
        """`epsilon` is added to the divisor, so that a neuron without conductance stays finite."""
        super().__init__()
        refuse_unknown("constraint", constraint, get_args(Constraint))
        refuse_unknown("init", init, get_args(Initialisation))
        if ode_unfolds < 1:
            raise ValueError(f"ode_unfolds is {ode_unfolds}; a step needs at least 1")
        self.wiring = wiring
        self.ode_unfolds, self.epsilon = ode_unfolds, epsilon
        self.constraint, self.init = constraint, init
        self.input_size, self.output_size = wiring.input_size, wiring.output_size
        self.state_size = units = wiring.units
        self._mask = _mask_of(wiring.synapses)
        self._sensory_mask = _mask_of(wiring.sensory_synapses)
        self.gleak, self.vleak, self.cm = (empty_parameter(units) for _ in range(3))
        self.w, self.sigma, self.mu, self.erev = (empty_parameter(units, units) for _ in range(4))
        sensory = (empty_parameter(self.input_size, units) for _ in range(4))
        self.sensory_w, self.sensory_sigma, self.sensory_mu, self.sensory_erev = sensory
        self.input_w, self.input_b = (empty_parameter(self.input_size) for _ in range(2))
        self.output_w, self.output_b = (empty_parameter(self.output_size) for _ in range(2))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draws all weights anew; a synapse pulls to 1 or -1, as the wiring says."""
        for name, span in RANGES.items():
            getattr(self, name).uniform_(*span)
        for name in ("w", "sigma", "mu"):
            getattr(self, f"sensory_{name}").uniform_(*RANGES[name])
        self.erev.copy_(torch.from_numpy(self.wiring.synapses.copy()))
        self.sensory_erev.copy_(torch.from_numpy(self.wiring.sensory_synapses.copy()))
        for scale, shift in ((self.input_w, self.input_b), (self.output_w, self.output_b)):
            nn.init.ones_(scale)
            nn.init.zeros_(shift)
        if self.init == "scaled":
            self._scale()

    def _scale(self) -> None:
        """Gives w its scale, and all positive weights the same values under both constraints."""
        pairs = ((self.w, self.wiring.synapses), (self.sensory_w, self.wiring.sensory_synapses))
        for w, synapses in pairs:
            fan_in = torch.from_numpy((synapses != 0).sum(0)).clamp(min=1).to(w)
            w.mul_(2 * TOTAL_CONDUCTANCE / fan_in)
            if self.constraint == "implicit":
                w.copy_(w + torch.log(-torch.expm1(-w)))
        if self.constraint == "explicit":
            self.cm.copy_(functional.softplus(self.cm))
            self.gleak.copy_(functional.softplus(self.gleak))

    @torch.no_grad()
    def clamp_weights(self) -> None:
        """Sets the negative ones of w, c and g to 0: to be called after each update if explicit."""
        if self.constraint == "explicit":
            for name in POSITIVE:
                getattr(self, name).clamp_(min=0)

    def compute(
        self, inputs: Float[Tensor, "t b d"], state: Float[Tensor, "b n"], flow: Flow
    ) -> tuple[Float[Tensor, "t b o"], Float[Tensor, "b n"]]:
        """See `LiquidLayer.compute`."""
        driven, synapses = self._driven(inputs), self._synapses(inputs.dtype)
        states = ltc_recurrence(*driven, state, synapses, flow, self.ode_unfolds)
        return self._outputs(states), states[-1]

    def compute_mixed(
        self,
        inputs: Float[Tensor, "t b d"],
        state: Float[Tensor, "b s"],
        memory: Memory,
        flow: Flow,
    ) -> tuple[Float[Tensor, "t b o"], Float[Tensor, "b s"]]:
        """See `LiquidLayer.compute_mixed`."""
        driven, synapses = self._driven(inputs), self._synapses(inputs.dtype)
        states, end = mixed_ltc_recurrence(memory, driven, state, synapses, flow, self.ode_unfolds)
        return self._outputs(states), end

    def _driven(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Current and conductance of senses and leak at all times, and the capacitance."""
        dtype = inputs.dtype
        sensed = torch.addcmul(self.input_b.to(dtype), inputs, self.input_w.to(dtype))
        current, conductance = synaptic_sums(sensed, self._sensory_synapses(dtype))
        gleak = self._positive(self.gleak, dtype)
        return (
            current + gleak * self.vleak.to(dtype),
            conductance + (gleak + self.epsilon),
            self._positive(self.cm, dtype),
        )

    def _outputs(self, states: Tensor) -> Tensor:
        motor, dtype = states[..., : self.output_size], states.dtype
        return torch.addcmul(self.output_b.to(dtype), motor, self.output_w.to(dtype))

    def _positive(self, weight: Tensor, dtype: torch.dtype) -> Tensor:
        weight = weight.to(dtype)
        return functional.softplus(weight) if self.constraint == "implicit" else weight

    def _synapses(self, dtype: torch.dtype) -> Synapses:
        return self._masked(self._mask, self.w, (self.sigma, self.mu, self.erev), dtype)

    def _sensory_synapses(self, dtype: torch.dtype) -> Synapses:
        others = (self.sensory_sigma, self.sensory_mu, self.sensory_erev)
        return self._masked(self._sensory_mask, self.sensory_w, others, dtype)

    def _masked(
        self,
        mask: MaskTensors | None,
        w: Float[Tensor, "i j"],
        others: tuple[Tensor, Tensor, Tensor],
        dtype: torch.dtype,
    ) -> Synapses:
        sigma, mu, erev = (other.to(dtype) for other in others)
        w = self._positive(w, dtype)
        if mask is None:
            return Synapses(w, sigma, mu, erev)
        is_there = mask.on(w)
        return Synapses(w * is_there, sigma, mu, erev, is_there)


def _mask_of(synapses: Int8[np.ndarray, "i j"]) -> MaskTensors | None:
    return None if synapses.all() else MaskTensors(synapses)
