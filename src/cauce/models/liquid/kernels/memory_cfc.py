"""CfCs with an LSTM before each step, and their gradient (arXiv 2106.13898 and 2006.04418).

The CfC may be a chain of links, each a CfC over the outputs that the one before has in that step;
h is the states of all of them, and memory.py's h' what all of them step from. Gates, slopes and
partials of all steps are computed at once, as in cfc.py.

Axes: t time, b rows, n neurons of all links and cells, f width of a link's drive, i inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.backends import choose_backend
from cauce.models.liquid.kernels.cfc import (
    CfCForm,
    CfCSteps,
    CfCWeights,
    affine,
    flatten,
    loop_of,
    unflatten,
    weight_gradient,
)
from cauce.models.liquid.kernels.memory import (
    Memory,
    MemoryPartials,
    MemoryTrail,
    memory_partials,
)

if TYPE_CHECKING:
    from jaxtyping import Float


class Link(NamedTuple):
    """A CfC of a chain."""

    drive: Float[Tensor, "t b f"]
    """What the first link sees of the inputs; of a later one the bias."""
    weights: CfCWeights
    input_weight: Float[Tensor, "f i"] | None = None
    """How a later link sees the one before it."""

    @property
    def units(self) -> int:
        """Neurons."""
        return self.weights.recurrent.shape[1]


class ChainTrail(NamedTuple):
    """What the loop over time leaves."""

    memory: MemoryTrail
    layers: list[list[Tensor]]
    """Of each link what `CfCLoop.forward` gives beside the states."""


class ChainLoop(Protocol):
    """What a backend gives: the loop over time and its adjoint."""

    def forward(
        self,
        memory: Memory,
        links: Sequence[Link],
        state: tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]],
        form: CfCForm,
        flow: Flow,
    ) -> ChainTrail:
        """All steps from `state`, which is h and c."""

    def adjoint(
        self,
        states_grad: Float[Tensor, "t b n"],
        cells_grad: Float[Tensor, "b n"],
        memory: tuple[MemoryPartials, Float[Tensor, "4n n"]],
        links: Sequence[tuple[Link, CfCSteps]],
        form: CfCForm,
        flow: Flow,
    ) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
        """The gradients of h and c before all steps; `cells_grad` is that of c after them.

        `states_grad` becomes dL/dh of each step in whole; partials of the gates and of the links,
        and the links' slopes, become gradients (see `CfCLoop.adjoint`).
        """


def mixed_cfc_recurrence(
    memory: Memory, links: Sequence[Link], state: Float[Tensor, "b s"], form: CfCForm, flow: Flow
) -> tuple[Float[Tensor, "t b n"], Float[Tensor, "b s"]]:
    """h after each step, and the last state (h, c), with gradients for every tensor given.

    Kept for the backward pass are h, c and the gates of the LSTM, and of each link what
    `cfc_recurrence` keeps beside its states.
    """
    flat = [part for link in links for part in (link.drive, link.input_weight, *flatten(link[1]))]
    states, cells = _MixedCfC.apply(  # type: ignore[no-untyped-call]
        *memory, *state.chunk(2, 1), *flow, form, len(links), *flat
    )
    return states, torch.cat([states[-1], cells], 1)


def _chain_loop_of(drive: Tensor) -> ChainLoop:
    if choose_backend(drive.device, drive.dtype) == "cpp":
        from cauce.models.liquid.kernels import memory_cfc_cpp

        return memory_cfc_cpp
    from cauce.models.liquid.kernels import memory_cfc_torch

    return memory_cfc_torch


class _MixedCfC(torch.autograd.Function):
    """See `mixed_cfc_recurrence`."""

    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        recurrent: Tensor,
        hidden: Tensor,
        cells: Tensor,
        timespans: Tensor | None,
        starts: Tensor | None,
        frozen: Tensor | None,
        form: CfCForm,
        count: int,
        *flat: Tensor,
    ) -> tuple[Tensor, Tensor]:
        ctx.loop, ctx.form, ctx.count = _chain_loop_of(drive), form, count
        links, flow = _links(flat, count), Flow(timespans, starts, frozen)
        trail: ChainTrail = ctx.loop.forward(
            Memory(drive, recurrent), links, (hidden, cells), form, flow
        )
        ctx.layers = [len(layers) for layers in trail.layers]
        kept = [layer for layers in trail.layers for layer in layers]
        ctx.save_for_backward(*trail.memory, recurrent, hidden, cells, *flow, *kept, *flat)
        return trail.memory.states, trail.memory.cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, states_grad: Tensor, cells_grad: Tensor) -> tuple[Tensor | None, ...]:
        *trail, recurrent, first_hidden, first_cells = ctx.saved_tensors[:6]
        rest = list(ctx.saved_tensors[6:])
        flow, kept, flat = Flow(*rest[:3]), rest[3:], rest[3 + sum(ctx.layers) :]
        layers = [[kept.pop(0) for _ in range(count)] for count in ctx.layers]
        trail = MemoryTrail(*trail)
        before, cells_before = trail.before(first_hidden, first_cells, flow)
        partials, hidden = memory_partials(trail, cells_before, flow)
        links = _links(flat, ctx.count)
        needs_others = ctx.form.mode == "pure" or ctx.needs_input_grad[4]
        chain = _Chain(links, hidden, trail.states, layers, ctx.form, flow, needs_others)
        states_grad = states_grad.clone(memory_format=torch.contiguous_format)
        begin_grad = ctx.loop.adjoint(
            states_grad,
            cells_grad,
            (partials, recurrent),
            [*zip(links, chain.steps, strict=True)],
            ctx.form,
            flow,
        )
        timespans_grad, *grads = chain.gradients(states_grad)
        own = [partials.gates, weight_gradient(partials.gates, before), *begin_grad]
        return *own, timespans_grad, *[None] * 4, *grads


class _Chain:
    """All steps of all links at once, recomputed from the states."""

    def __init__(
        self,
        links: Sequence[Link],
        hidden: Tensor,
        states: Tensor,
        layers: list[list[Tensor]],
        form: CfCForm,
        flow: Flow,
        needs_others: bool,
    ) -> None:
        self.units = [link.units for link in links]
        self.inputs = [None, *torch.split(states, self.units, -1)[:-1]]
        self.steps: list[CfCSteps] = []
        # A state that a start drops is the LSTM's.
        flow = flow._replace(starts=None)
        loop = loop_of(states)
        for link, before, inputs, kept in zip(
            links, torch.split(hidden, self.units, -1), self.inputs, layers, strict=True
        ):
            depth = link.weights.depth
            heads = kept.pop() if len(kept) > depth else None
            if heads is None and not depth:
                kept = [_whole_drive(link, inputs)]
            self.steps.append(
                CfCSteps(before, kept, heads, link.weights, form, flow, loop, needs_others)
            )

    def gradients(self, states_grad: Tensor) -> list[Tensor | None]:
        """Of the timespans, and of all of `_links`' flat tensors, after the adjoint."""
        grads: list[Tensor | None] = []
        timespans_grad = None
        for inputs, steps, grad in zip(
            self.inputs, self.steps, torch.split(states_grad, self.units, -1), strict=True
        ):
            by_time, *others = steps.other_gradients(grad)
            if by_time is not None:
                timespans_grad = by_time if timespans_grad is None else timespans_grad + by_time
            by_input = None if inputs is None else weight_gradient(steps.drive_grad, inputs)
            grads += [steps.drive_grad, by_input, *steps.gradients(), *others]
        return [timespans_grad, *grads]


def _whole_drive(link: Link, inputs: Tensor | None) -> Tensor:
    if link.input_weight is None or inputs is None:
        return link.drive
    return affine(inputs, link.input_weight, link.drive)


def _links(flat: Sequence[Any], count: int) -> list[Link]:
    """The links that `mixed_cfc_recurrence` made a list of."""
    size = len(flat) // count
    parts = [flat[start : start + size] for start in range(0, len(flat), size)]
    return [Link(part[0], unflatten(part[2:]), part[1]) for part in parts]
