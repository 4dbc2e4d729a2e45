"""An LTC with an LSTM before each step, and its gradient (arXiv 2006.04439 and 2006.04418).

Each step is one of ltc.py's, from the h' of memory.py and with the same weights; so its adjoint is
called once for each, and the sums for the gradients of the synapses are added up.

Axes: t time, b rows, k unfolds, n neurons and cells, s state (h, c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.cfc import weight_gradient
from cauce.models.liquid.kernels.ltc import (
    LTCGradients,
    LTCLoop,
    Membrane,
    Synapses,
    SynapseSums,
    Trail,
    loop_of,
    rates_of,
)
from cauce.models.liquid.kernels.memory import (
    Memory,
    MemoryTrail,
    adjoint_with_memory,
    memory_partials,
    run_with_memory,
)

if TYPE_CHECKING:
    from jaxtyping import Float


def mixed_ltc_recurrence(
    memory: Memory,
    driven: tuple[Float[Tensor, "t b n"], Float[Tensor, "t b n"], Float[Tensor, " n"]],
    state: Float[Tensor, "b s"],
    synapses: Synapses,
    flow: Flow,
    unfolds: int,
) -> tuple[Float[Tensor, "t b n"], Float[Tensor, "b s"]]:
    """v after each step, and the last state (v, c), with gradients for every tensor given.

    `driven` is current, conductance and capacitance (see `ltc_recurrence`). Where a timespan is 0
    the LSTM steps all the same. Kept for the backward pass are (2 k + 6) n numbers a step and row.
    """
    rates, stands = rates_of(flow, driven[0], unfolds)
    states, cells = _MixedLTC.apply(  # type: ignore[no-untyped-call]
        *memory,
        *state.chunk(2, 1),
        *driven,
        rates,
        stands,
        flow.starts,
        flow.frozen,
        unfolds,
        torch.is_grad_enabled(),
        *synapses,
    )
    return states, torch.cat([states[-1], cells], 1)


class _MixedLTC(torch.autograd.Function):
    """See `mixed_ltc_recurrence`."""

    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        recurrent: Tensor,
        hidden: Tensor,
        cells: Tensor,
        current: Tensor,
        conductance: Tensor,
        capacitance: Tensor,
        rates: Tensor,
        stands: Tensor | None,
        starts: Tensor | None,
        frozen: Tensor | None,
        unfolds: int,
        keeps_trail: bool,
        *synapses: Tensor,
    ) -> tuple[Tensor, Tensor]:
        ctx.loop = loop_of(current)
        membrane = Membrane(current, conductance, capacitance, rates)
        steps = _Forward(ctx.loop, membrane, stands, Synapses(*synapses), unfolds, keeps_trail)
        flow = Flow(None, starts, frozen)
        trail = run_with_memory(Memory(drive, recurrent), steps, (hidden, cells), flow)
        if keeps_trail:
            kept = (torch.cat(parts) for parts in zip(*steps.trails, strict=True))
            flat = [*trail, *kept, recurrent, hidden, cells, capacitance, rates]
            ctx.save_for_backward(*flat, stands, starts, frozen, *synapses)
        return trail.states, trail.cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, states_grad: Tensor, cells_grad: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        trail, kept = MemoryTrail(*saved[:3]), Trail(*saved[3:5])
        recurrent, hidden, cells, capacitance, rates, stands, starts, frozen, *rest = saved[5:]
        flow, synapses = Flow(None, starts, frozen), Synapses(*rest)
        before, cells_before = trail.before(hidden, cells, flow)
        partials = memory_partials(trail, cells_before, flow)[0]
        steps = _Adjoint(
            ctx.loop, trail.states, kept, (capacitance, rates), synapses, (frozen, stands)
        )
        begin_grad = adjoint_with_memory(
            states_grad.clone(memory_format=torch.contiguous_format),
            cells_grad,
            (partials, recurrent),
            steps,
            flow,
        )
        current, conductance, inertia = steps.of_membrane
        return (
            partials.gates,
            weight_gradient(partials.gates, before),
            *begin_grad,
            current,
            conductance,
            (inertia * rates[..., None]).sum((0, 1)),
            inertia @ capacitance if ctx.needs_input_grad[7] else None,
            *[None] * 5,
            *steps.sums.gradients(synapses),
            None,
        )


class _Forward:
    """See `ForwardSteps`."""

    def __init__(
        self,
        loop: LTCLoop,
        membrane: Membrane,
        stands: Tensor | None,
        synapses: Synapses,
        unfolds: int,
        keeps_trail: bool,
    ) -> None:
        self.loop, self.membrane, self.stands = loop, membrane, stands
        self.synapses, self.unfolds, self.keeps_trail = synapses, unfolds, keeps_trail
        self.trails: list[Trail] = []

    def step(self, number: int, before: Tensor, after: Tensor) -> None:
        one = slice(number, number + 1)
        current, conductance, capacitance, rates = self.membrane
        membrane = Membrane(current[one], conductance[one], capacitance, rates[one])
        flow = Flow(frozen=None if self.stands is None else self.stands[one])
        states, trail = self.loop.forward(
            membrane, before, self.synapses, flow, self.unfolds, self.keeps_trail
        )
        if trail is not None:
            self.trails.append(trail)
        after.copy_(states[0])


class _Adjoint:
    """See `AdjointSteps`; what it finds of all other gradients it keeps."""

    def __init__(
        self,
        loop: LTCLoop,
        states: Tensor,
        trail: Trail,
        membrane: tuple[Tensor, Tensor],
        synapses: Synapses,
        marks: tuple[Tensor | None, Tensor | None],
    ) -> None:
        """`marks` are where the state stands with the cells, and where without them."""
        self.loop, self.states, self.trail, self.synapses = loop, states, trail, synapses
        self.capacitance, self.rates = membrane
        self.frozen, self.stands = marks
        self.of_membrane = states.new_empty(3, *states.shape)
        self.sums = SynapseSums(*(torch.zeros_like(synapses.w) for _ in SynapseSums._fields))

    def step(self, number: int, after_grad: Tensor, before_grad: Tensor) -> None:
        one = slice(number, number + 1)
        if self.frozen is not None:
            after_grad = after_grad.masked_fill(self.frozen[number, :, None], 0.0)
        grads: LTCGradients = self.loop.adjoint(
            after_grad[None],
            self.states[one],
            Trail(*(part[one] for part in self.trail)),
            (self.capacitance, self.rates[one]),
            self.synapses,
            Flow(frozen=None if self.stands is None else self.stands[one]),
        )
        before_grad.copy_(grads.state)
        for whole, part in zip(self.of_membrane, grads[1:4], strict=True):
            whole[number] = part[0]
        for total, part in zip(self.sums, grads.synapses, strict=True):
            total.add_(part)
