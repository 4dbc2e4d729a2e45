"""The LTC recurrence with its gradient (Hasani et al. 2021, arXiv 2006.04439).

    a_ij = w_ij sigmoid(sigma_ij (v_i - mu_ij))            the synapse from i to j conducts
    v_j <- (c_j r v_j + I_j + sum_i a_ij E_ij) / D_j       k times in each step
    D_j  = c_j r + G_j + sum_i a_ij                        r = k / timespan

I and G are the current and the conductance that the senses and the leak add: those of the senses
are the same two sums over the inputs. Kept for the gradient are v before and D of each of the k
unfolds, n numbers each; with them one sigmoid for each synapse gives the gradient again.

Axes: t time, b rows, k unfolds, i sending neurons, j receiving ones, n neurons, m any rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.backends import choose_backend

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

SHORTEST_TIMESPAN = 1e-18
"""Timespans are at least this: the square of its inverse is still a number in fp32."""


class Synapses(NamedTuple):
    """The synapses from some neurons, or senses, to others; `w` is 0 where there is none."""

    w: Float[Tensor, "i j"]
    sigma: Float[Tensor, "i j"]
    mu: Float[Tensor, "i j"]
    erev: Float[Tensor, "i j"]
    """The potential E that a synapse pulls towards."""
    mask: Float[Tensor, "i j"] | None = None
    """1 where there is a synapse and else 0; None is 1 everywhere."""


class SynapseSums(NamedTuple):
    """What the gradients of synapses are made of, summed over all uses of them.

    With s the sigmoid, gn and gd the gradients of the two sums it adds to, and
    q = w (gn E + gd) s (1 - s).
    """

    q_v: Float[Tensor, "i j"]
    q: Float[Tensor, "i j"]
    s_gd: Float[Tensor, "i j"]
    s_gn: Float[Tensor, "i j"]

    def gradients(self, synapses: Synapses) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Of w, sigma, mu and E. Where there is no synapse, that of w is to be masked."""
        w, sigma, mu, erev, _ = synapses
        return (
            torch.addcmul(self.s_gd, erev, self.s_gn),
            torch.addcmul(self.q_v, mu, self.q, value=-1),
            (sigma * self.q).neg_(),
            w * self.s_gn,
        )


class Trail(NamedTuple):
    """What the unfolds of a recurrence leave for its gradient."""

    before: Float[Tensor, "t k b n"]
    """v before each unfold."""
    divisors: Float[Tensor, "t k b n"]
    """D of each unfold."""


class Membrane(NamedTuple):
    """What a neuron is beside its synapses to others."""

    current: Float[Tensor, "t b n"]
    """I: what senses and leak add to the numerator."""
    conductance: Float[Tensor, "t b n"]
    """G: what they add to the divisor."""
    capacitance: Float[Tensor, " n"]
    rates: Float[Tensor, "t b"]
    """r: unfolds in a unit of time."""


class LTCGradients(NamedTuple):
    """What the adjoint of the recurrence gives."""

    state: Float[Tensor, "b n"]
    current: Float[Tensor, "t b n"]
    conductance: Float[Tensor, "t b n"]
    inertia: Float[Tensor, "t b n"]
    """Of c r."""
    synapses: SynapseSums


class LTCLoop(Protocol):
    """What a backend gives: the two sums over synapses, the loop over time, and both adjoints."""

    def sums(
        self, values: Float[Tensor, "m i"], synapses: Synapses
    ) -> tuple[Float[Tensor, "m j"], Float[Tensor, "m j"]]:
        """The sums over i of a E and of a, where each v_i is a row of `values`."""

    def sums_adjoint(
        self,
        values: Float[Tensor, "m i"],
        current_grad: Float[Tensor, "m j"],
        conductance_grad: Float[Tensor, "m j"],
        synapses: Synapses,
    ) -> tuple[Float[Tensor, "m i"], SynapseSums]:
        """The gradient of `values`, and what those of the synapses are made of."""

    def forward(
        self,
        membrane: Membrane,
        state: Float[Tensor, "b n"],
        synapses: Synapses,
        flow: Flow,
        unfolds: int,
        keeps_trail: bool,
    ) -> tuple[Float[Tensor, "t b n"], Trail | None]:
        """The states after each step, with the trail if it is to be kept."""

    def adjoint(
        self,
        states_grad: Float[Tensor, "t b n"],
        states: Float[Tensor, "t b n"],
        trail: Trail,
        membrane: tuple[Float[Tensor, " n"], Float[Tensor, "t b"]],
        synapses: Synapses,
        flow: Flow,
    ) -> LTCGradients:
        """The gradients of all that `forward` got; `membrane` is capacitance and rates."""


def synaptic_sums(
    values: Float[Tensor, "*m i"], synapses: Synapses
) -> tuple[Float[Tensor, "*m j"], Float[Tensor, "*m j"]]:
    """Current (sum of a E) and conductance (sum of a) that `values` bring to each neuron.

    Kept for the backward pass are the values alone.
    """
    current, conductance = _Sums.apply(  # type: ignore[no-untyped-call]
        values.flatten(0, -2), *synapses
    )
    shape = (*values.shape[:-1], -1)
    return current.view(shape), conductance.view(shape)


def ltc_recurrence(
    current: Float[Tensor, "t b n"],
    conductance: Float[Tensor, "t b n"],
    capacitance: Float[Tensor, " n"],
    state: Float[Tensor, "b n"],
    synapses: Synapses,
    flow: Flow,
    unfolds: int,
) -> Float[Tensor, "t b n"]:
    """The states v after each step, with gradients for every tensor given.

    Where a timespan is 0 no time passes: the state stays, exactly. Kept for the backward pass are
    (2 k + 1) n numbers a step and row, and nothing of the size of the synapses in a step.
    """
    rates, stands = rates_of(flow, current, unfolds)
    frozen = flow.frozen
    if stands is not None:
        frozen = stands if frozen is None else frozen | stands
    states: Tensor = _LTC.apply(  # type: ignore[no-untyped-call]
        current,
        conductance,
        capacitance,
        rates,
        state,
        flow.starts,
        frozen,
        unfolds,
        torch.is_grad_enabled(),
        *synapses,
    )
    return states


def rates_of(
    flow: Flow, like: Float[Tensor, "t b n"], unfolds: int
) -> tuple[Float[Tensor, "t b"], Bool[Tensor, "t b"] | None]:
    """r at each step, and where the timespan is 0, if there are timespans."""
    if flow.timespans is None:
        return like.new_full(like.shape[:2], unfolds), None
    timespans = flow.timespans.to(like.dtype)
    return unfolds / timespans.clamp(min=SHORTEST_TIMESPAN), timespans == 0


def loop_of(values: Tensor) -> LTCLoop:
    """The loop of the backend that computes tensors such as `values`."""
    backend = choose_backend(values.device, values.dtype)
    if backend == "cpp":
        from cauce.models.liquid.kernels import ltc_cpp

        return ltc_cpp
    if backend == "triton":
        from cauce.models.liquid.kernels import ltc_triton

        return ltc_triton
    from cauce.models.liquid.kernels import ltc_torch

    return ltc_torch


class _Sums(torch.autograd.Function):
    """See `synaptic_sums`."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, *synapses: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(values, *synapses)
        ctx.loop = loop_of(values)
        sums: tuple[Tensor, Tensor] = ctx.loop.sums(values, Synapses(*synapses))
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, current: Tensor, conductance: Tensor) -> tuple[Tensor | None, ...]:
        values, *rest = ctx.saved_tensors
        synapses = Synapses(*rest)
        values_grad, sums = ctx.loop.sums_adjoint(
            values, current.contiguous(), conductance.contiguous(), synapses
        )
        return values_grad, *sums.gradients(synapses), None


class _LTC(torch.autograd.Function):
    """See `ltc_recurrence`."""

    @staticmethod
    def forward(
        ctx: Any,
        current: Tensor,
        conductance: Tensor,
        capacitance: Tensor,
        rates: Tensor,
        state: Tensor,
        starts: Tensor | None,
        frozen: Tensor | None,
        unfolds: int,
        keeps_trail: bool,
        *synapses: Tensor,
    ) -> Tensor:
        ctx.loop = loop_of(current)
        membrane = Membrane(current, conductance, capacitance, rates)
        flow = Flow(None, starts, frozen)
        states, trail = ctx.loop.forward(
            membrane, state, Synapses(*synapses), flow, unfolds, keeps_trail
        )
        if trail is not None:
            ctx.save_for_backward(states, *trail, capacitance, rates, starts, frozen, *synapses)
        result: Tensor = states
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, states_grad: Tensor) -> tuple[Tensor | None, ...]:
        states, before, divisors, capacitance, rates, starts, frozen, *rest = ctx.saved_tensors
        synapses = Synapses(*rest)
        grads: LTCGradients = ctx.loop.adjoint(
            states_grad.contiguous(),
            states,
            Trail(before, divisors),
            (capacitance, rates),
            synapses,
            Flow(None, starts, frozen),
        )
        return (
            grads.current,
            grads.conductance,
            (grads.inertia * rates[..., None]).sum((0, 1)),
            grads.inertia @ capacitance if ctx.needs_input_grad[3] else None,
            grads.state,
            *[None] * 4,
            *grads.synapses.gradients(synapses),
            None,
        )
