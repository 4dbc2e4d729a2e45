"""An LSTM before each step of a layer, and the loops around it (arXiv 2006.04418).

    i = tanh, r, f, o = sigmoid of x V + h U + b      gates: what is new, to take, to keep, to show
    c <- c f + i r                                    cells
    h' = o tanh c                                     the state that the layer steps from
    h <- layer(x, h')

All h' are known once the states are, so the partials of all steps are computed at once, and what
runs backwards in time is linear.

Axes: t time, b rows, n neurons and cells, s state (h, c), d input width,
o output width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow

if TYPE_CHECKING:
    from jaxtyping import Float

GATES = 4
"""Those of an LSTM: new, take, keep, show."""


Compute = Callable[[Tensor, Tensor, Flow], tuple[Tensor, Tensor]]
"""Outputs and last state of a layer, time first (see `LiquidLayer.compute`)."""


class Memory(NamedTuple):
    """The LSTM before each step of a layer."""

    drive: Float[Tensor, "t b 4n"]
    """x V + b"""
    recurrent: Float[Tensor, "4n n"]


class MemoryTrail(NamedTuple):
    """What the loop over time leaves."""

    states: Float[Tensor, "t b n"]
    """h after each step."""
    cells: Float[Tensor, "t b n"]
    """c after each step."""
    gates: Float[Tensor, "t b 4n"]

    def before(
        self, hidden: Float[Tensor, "b n"], cells: Float[Tensor, "b n"], flow: Flow
    ) -> tuple[Float[Tensor, "t b n"], Float[Tensor, "t b n"]]:
        """h and c before each step, from those before the first."""
        return (
            flow.kept(torch.cat([hidden[None], self.states[:-1]])),
            flow.kept(torch.cat([cells[None], self.cells[:-1]])),
        )


class ForwardSteps(Protocol):
    """What a layer gives: its steps, from h'."""

    def step(self, number: int, before: Float[Tensor, "b n"], after: Float[Tensor, "b n"]) -> None:
        """Writes into `after` what becomes of the state before that step."""


class AdjointSteps(Protocol):
    """What a layer gives: the gradients of its steps."""

    def step(
        self, number: int, after_grad: Float[Tensor, "b n"], before_grad: Float[Tensor, "b n"]
    ) -> None:
        """Writes the gradient of h', from that of h; it may change the latter where it is read."""


class MemoryPartials(NamedTuple):
    """The derivatives of an LSTM at all steps; nothing moves where time stands still."""

    hidden: Float[Tensor, "t b n"]
    """dh'/dc"""
    cells: Float[Tensor, "t b n"]
    """dc/dc of the step before; 0 at a start."""
    gates: Float[Tensor, "t b 4n"]
    """Of c by the sums that the first three gates are made of, and of h' by the last."""


def mixed_step_by_step(
    memory: Memory,
    compute: Compute,
    inputs: Float[Tensor, "t b d"],
    state: Float[Tensor, "b s"],
    flow: Flow,
) -> tuple[Float[Tensor, "t b o"], Float[Tensor, "b s"]]:
    """The outputs of each step and the last state of any layer, by autograd."""
    outputs = []
    recurrent = memory.recurrent.t()
    for number, drive in enumerate(memory.drive):
        now = Flow(*(None if part is None else part[number : number + 1] for part in flow))
        state = now.kept(state[None])[0]
        hidden, cells = state.chunk(2, 1)
        new, take, keep, show = torch.addmm(drive, hidden, recurrent).chunk(GATES, 1)
        cells = torch.addcmul(cells * keep.sigmoid(), new.tanh(), take.sigmoid())
        hidden = cells.tanh() * show.sigmoid()
        output, hidden = compute(inputs[number : number + 1], hidden, Flow(now.timespans))
        after = torch.cat([hidden, cells], 1)
        state = after if now.frozen is None else torch.where(now.frozen[0, :, None], state, after)
        outputs.append(output[0])
    return torch.stack(outputs), state


def run_with_memory(
    memory: Memory,
    layer: ForwardSteps,
    state: tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]],
    flow: Flow,
) -> MemoryTrail:
    """All steps from `state` (h and c), without a graph."""
    before, cells = state
    states, all_cells = before.new_empty(2, len(memory.drive), *before.shape).unbind()
    lstm = _Lstm(memory, before)
    for step, (after, cells_after) in enumerate(
        zip(states.unbind(), all_cells.unbind(), strict=True)
    ):
        if flow.starts is not None:
            starts = flow.starts[step, :, None]
            before, cells = before.masked_fill(starts, 0.0), cells.masked_fill(starts, 0.0)
        lstm.step(step, before, cells, cells_after)
        layer.step(step, lstm.hidden, after)
        if flow.frozen is not None:
            frozen = flow.frozen[step, :, None]
            torch.where(frozen, before, after, out=after)
            torch.where(frozen, cells, cells_after, out=cells_after)
        before, cells = after, cells_after
    return MemoryTrail(states, all_cells, lstm.gates)


def adjoint_with_memory(
    states_grad: Float[Tensor, "t b n"],
    cells_grad: Float[Tensor, "b n"],
    memory: tuple[MemoryPartials, Float[Tensor, "4n n"]],
    layer: AdjointSteps,
    flow: Flow,
) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
    """The gradients of h and c before all steps; `cells_grad` is that of c after them.

    `states_grad` becomes dL/dh of each step in whole, and the partials of the gates gradients.
    """
    carry, hidden_grad = torch.zeros_like(cells_grad), torch.empty_like(cells_grad)
    lstm = _LstmAdjoint(*memory)
    for step, grad in reversed([*enumerate(states_grad.unbind())]):
        layer.step(step, grad.add_(carry), hidden_grad)
        cells_grad = lstm.step(step, hidden_grad, cells_grad, carry)
        if flow.frozen is not None:
            carry.add_(grad.masked_fill(~flow.frozen[step, :, None], 0.0))
        if flow.starts is not None:
            carry.masked_fill_(flow.starts[step, :, None], 0.0)
    return carry, cells_grad


def memory_partials(
    trail: MemoryTrail, cells_before: Float[Tensor, "t b n"], flow: Flow
) -> tuple[MemoryPartials, Float[Tensor, "t b n"]]:
    """The derivatives at all steps, and h' of each."""
    new, take, keep, show = trail.gates.chunk(GATES, -1)
    shown = trail.cells.tanh()
    by_sum = torch.empty_like(trail.gates)
    by_new, by_take, by_keep, by_show = by_sum.chunk(GATES, -1)
    torch.mul(_bend(new), take, out=by_new)
    torch.mul(_bell(take), new, out=by_take)
    torch.mul(_bell(keep), cells_before, out=by_keep)
    torch.mul(_bell(show), shown, out=by_show)
    hidden, cells = _bend(shown).mul_(show), keep
    if flow.frozen is not None:
        stands = flow.frozen[..., None]
        hidden, by_sum = hidden.masked_fill_(stands, 0.0), by_sum.masked_fill_(stands, 0.0)
        cells = cells.masked_fill(stands, 1.0)
    partials = MemoryPartials(hidden, flow.kept(cells).contiguous(), by_sum)
    return partials, shown.mul_(show)


def _bend(height: Tensor) -> Tensor:
    """The slope of a tanh whose value is `height`."""
    return (height * height).neg_().add_(1)


def _bell(share: Tensor) -> Tensor:
    """The slope of a sigmoid whose value is `share`."""
    return torch.addcmul(share, share, share, value=-1)


class _Lstm:
    """The steps of the LSTM, their views made once."""

    def __init__(self, memory: Memory, like: Tensor) -> None:
        self.drives, self.recurrent = memory.drive.unbind(), memory.recurrent.t().contiguous()
        self.gates = torch.empty_like(memory.drive, memory_format=torch.contiguous_format)
        self.sums, units = self.gates.unbind(), like.shape[1]
        self.new = self.gates[..., :units].unbind()
        self.shares = self.gates[..., units:].unbind()
        take, keep, show = self.gates[..., units:].chunk(GATES - 1, -1)
        self.take, self.keep, self.show = take.unbind(), keep.unbind(), show.unbind()
        self.hidden = torch.empty_like(like)

    def step(self, number: int, before: Tensor, cells: Tensor, cells_after: Tensor) -> None:
        """Writes h' into `hidden`, and c after, from h and c before."""
        torch.addmm(self.drives[number], before, self.recurrent, out=self.sums[number])
        new = self.new[number].tanh_()
        self.shares[number].sigmoid_()
        torch.mul(cells, self.keep[number], out=cells_after)
        cells_after.addcmul_(new, self.take[number])
        torch.tanh(cells_after, out=self.hidden).mul_(self.show[number])


class _LstmAdjoint:
    def __init__(self, partials: MemoryPartials, recurrent: Tensor) -> None:
        self.recurrent = recurrent
        self.hidden, self.cells = partials.hidden.unbind(), partials.cells.unbind()
        self.sums = partials.gates.unbind()
        by_gate = partials.gates.view(*partials.gates.shape[:2], GATES, -1)
        self.of_cells, self.of_hidden = by_gate[:, :, :3].unbind(), by_gate[:, :, 3].unbind()

    def step(self, number: int, hidden: Tensor, cells: Tensor, before_grad: Tensor) -> Tensor:
        """The gradient of c before, from those of h' and of c after; that of h is written."""
        cells = torch.addcmul(cells, hidden, self.hidden[number])
        self.of_cells[number].mul_(cells[:, None])
        self.of_hidden[number].mul_(hidden)
        torch.mm(self.sums[number], self.recurrent, out=before_grad)
        return cells.mul_(self.cells[number])
