"""The recurrence of an LRC cell whose Jacobian is diagonal, with its gradient (arXiv 2505.21717).

    s = sigmoid(a x + b)                    a neuron's synapse onto itself
    f = g s + F(u)     z = k s + Z(u)       conductances: of the leak, and of what drives x
    q = w x + E(u)                          elastance, the inverse of a capacitance
    x' = x + dt sigmoid(q) (tanh(z) e - sigmoid(f) x)

All of it acts on each neuron alone; F, Z and E come from the whole input and know no state. So the
states can be found for all time at once, and the adjoint is one linear scan, however they were
found. All gates are recomputed from the states in the backward pass.

Axes: t time, b rows, n neurons.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.newton import MAX_ITERATIONS, Effort, Solution, solve_by_newton
from cauce.models.liquid.kernels.scan import reverse_linear_scan

if TYPE_CHECKING:
    from jaxtyping import Float

BLOCK = 65536
"""Numbers of each tensor that a CPU works on at a time: they stay in its cache."""
NARROW, LONG = 64, 128
"""Chains up to which, and steps from which, Newton's method is the faster one on a CPU."""

Solver = Literal["auto", "sequential", "parallel"]


class LrcWeights(NamedTuple):
    """The weights of the recurrence, one number for each neuron."""

    slope: Float[Tensor, " n"]
    """a"""
    offset: Float[Tensor, " n"]
    """b"""
    conductance: Float[Tensor, " n"]
    """g"""
    update: Float[Tensor, " n"]
    """k"""
    elastance: Float[Tensor, " n"]
    """w"""
    potential: Float[Tensor, " n"]
    """e"""


class LrcDrive(NamedTuple):
    """What the inputs add to the gates, for all time at once: F(u), Z(u) and E(u)."""

    forget: Float[Tensor, "t b n"]
    update: Float[Tensor, "t b n"]
    elastance: Float[Tensor, "t b n"]


def lrc_recurrence(
    drive: LrcDrive,
    state: Float[Tensor, "b n"],
    weights: LrcWeights,
    flow: Flow,
    solver: Solver = "auto",
) -> Solution:
    """The states after each step, with gradients for every tensor given.

    Kept for the backward pass are the states and the drive: 4 n numbers a step and row.
    """
    states, effort = _Lrc.apply(  # type: ignore[no-untyped-call]
        state, flow.timespans, flow.starts, flow.frozen, solver, *drive, *weights
    )
    return Solution(states, effort)


def solve(
    drive: LrcDrive,
    state: Float[Tensor, "b n"],
    weights: LrcWeights,
    flow: Flow,
    solver: Solver = "auto",
    max_iterations: int = MAX_ITERATIONS,
) -> Solution:
    """The states after each step, without a graph; one after another where Newton fails."""
    if solver == "auto":
        solver = _faster(state, len(drive.forget))
    if solver == "sequential" or state.device.type == "meta":
        return Solution(_one_by_one(drive, state, weights, flow), Effort(0, False))

    found = solve_by_newton(
        lambda before: _all_steps(before, drive, weights, flow),
        state,
        len(drive.forget),
        max_iterations,
    )
    if found.effort.is_parallel:
        return found
    return found._replace(states=_one_by_one(drive, state, weights, flow))


def _faster(state: Tensor, time: int) -> Solver:
    """What took less time where it was measured.

    A step in torch costs a CPU some 25 microseconds however narrow it is; all steps at once cost
    what their numbers do, once for each iteration. Forward and backward over 1024 steps with 64,
    128, 256 and 512 chains, the first took 2.0, 1.6, 1.0 and 0.75 times as long as the 4 iterations
    of a new layer (2026-11); a trained one has needed up to 12. On a GPU, not measured, the first
    is bound by launches at any width.
    """
    if time < LONG or (state.device.type == "cpu" and state.numel() > NARROW):
        return "sequential"
    return "parallel"


def _one_by_one(drive: LrcDrive, state: Tensor, weights: LrcWeights, flow: Flow) -> Tensor:
    states = torch.empty_like(drive.forget, memory_format=torch.contiguous_format)
    synapse, forget, update, elastance = (torch.empty_like(state) for _ in range(4))
    before = state
    for step, (after, *driven) in enumerate(zip(states, *drive, strict=True)):
        if flow.starts is not None:
            before = before.masked_fill(flow.starts[step, :, None], 0.0)
        torch.addcmul(weights.offset, weights.slope, before, out=synapse).sigmoid_()
        torch.addcmul(driven[0], weights.conductance, synapse, out=forget).sigmoid_()
        torch.addcmul(driven[1], weights.update, synapse, out=update).tanh_()
        torch.addcmul(driven[2], weights.elastance, before, out=elastance).sigmoid_()
        rate = update.mul_(weights.potential).addcmul_(forget, before, value=-1)
        if flow.timespans is not None:
            elastance.mul_(flow.timespans[step, :, None])
        torch.addcmul(before, elastance, rate, out=after)
        if flow.frozen is not None:
            torch.where(flow.frozen[step, :, None], before, after, out=after)
        before = after
    return states


def _all_steps(
    before: Tensor, drive: LrcDrive, weights: LrcWeights, flow: Flow
) -> tuple[Tensor, Tensor]:
    """The states after steps from `before`, and their derivatives by them."""
    after, slope = torch.empty_like(before), torch.empty_like(before)
    for span, steps in _in_blocks(before, drive, weights, flow):
        after[span], slope[span] = steps.after(), steps.slope()
    return after, slope


def _in_blocks(
    before: Tensor, drive: LrcDrive, weights: LrcWeights, flow: Flow
) -> Iterator[tuple[slice, _Steps]]:
    """All steps, on a CPU some at a time, which is faster and takes less memory."""
    size = max(1, BLOCK // before[0].numel()) if before.device.type == "cpu" else len(before)
    for start in range(0, len(before), size):
        span = slice(start, start + size)
        part = LrcDrive(*(driven[span] for driven in drive))
        marks = Flow(*(None if marks is None else marks[span] for marks in flow))
        yield span, _Steps(before[span], part, weights, marks)


class _Lrc(torch.autograd.Function):
    """See `lrc_recurrence`."""

    @staticmethod
    def forward(
        ctx: Any,
        state: Tensor,
        timespans: Tensor | None,
        starts: Tensor | None,
        frozen: Tensor | None,
        solver: Solver,
        *flat: Tensor,
    ) -> Solution:
        flow = Flow(timespans, starts, frozen)
        solution = solve(LrcDrive(*flat[:3]), state, LrcWeights(*flat[3:]), flow, solver)
        ctx.save_for_backward(state, solution.states, timespans, starts, frozen, *flat)
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, states_grad: Tensor, *_: None) -> tuple[Tensor | None, ...]:
        state, states, timespans, starts, frozen, *flat = ctx.saved_tensors
        drive, weights = LrcDrive(*flat[:3]), LrcWeights(*flat[3:])
        flow = Flow(timespans, starts, frozen)
        before = torch.cat([state[None], states[:-1]])
        slope = _all_steps(before, drive, weights, flow)[1]
        later = torch.cat([slope[1:], torch.zeros_like(slope[:1])])
        grad = reverse_linear_scan(later, states_grad)
        state_grad = slope[0] * grad[0]
        if frozen is not None:
            grad.masked_fill_(frozen[..., None], 0.0)
        drives = LrcDrive(*(torch.empty_like(grad) for _ in drive))
        totals = [torch.zeros_like(weight) for weight in weights]
        elapsed_grad = torch.empty_like(grad[..., 0]) if ctx.needs_input_grad[1] else None
        for span, steps in _in_blocks(before, drive, weights, flow):
            for whole, part in zip(drives, steps.drive_grads(grad[span]), strict=True):
                whole[span] = part
            parts = steps.weight_grads(grad[span], *(driven[span] for driven in drives))
            for total, part in zip(totals, parts, strict=True):
                total.add_(part)
            if elapsed_grad is not None:
                elapsed_grad[span] = steps.timespans_grad(grad[span])
        return state_grad, elapsed_grad, None, None, None, *drives, *totals


class _Steps:
    """The gates of all steps at once, from the states that they began from."""

    def __init__(self, before: Tensor, drive: LrcDrive, weights: LrcWeights, flow: Flow) -> None:
        self.weights, self.flow = weights, flow
        self.elapsed = None if flow.timespans is None else flow.timespans[..., None]
        self.before = before = flow.kept(before)
        self.synapse = torch.addcmul(weights.offset, weights.slope, before).sigmoid_()
        self.forget = torch.addcmul(drive.forget, weights.conductance, self.synapse).sigmoid_()
        self.update = torch.addcmul(drive.update, weights.update, self.synapse).tanh_()
        self.elastance = torch.addcmul(drive.elastance, weights.elastance, before).sigmoid_()
        self.rate = (self.update * weights.potential).addcmul_(self.forget, before, value=-1)
        self.pace = self.elastance if self.elapsed is None else self.elastance * self.elapsed

    def after(self) -> Tensor:
        """The states after the steps."""
        moved = torch.addcmul(self.before, self.pace, self.rate)
        if self.flow.frozen is not None:
            moved = torch.where(self.flow.frozen[..., None], self.before, moved)
        return moved

    def slope(self) -> Tensor:
        """The derivative of the state after each step by the one before it."""
        weights = self.weights
        reversal = weights.update * weights.potential
        bend = torch.addcmul(reversal, self.update * self.update, reversal, value=-1)
        bend.addcmul_(_bell(self.forget).mul_(weights.conductance), self.before, value=-1)
        bend.mul_(_bell(self.synapse)).mul_(weights.slope).sub_(self.forget)
        bend.addcmul_((1 - self.elastance).mul_(weights.elastance), self.rate)
        slope = bend.mul_(self.pace).add_(1)
        if self.flow.frozen is not None:
            slope.masked_fill_(self.flow.frozen[..., None], 1.0)
        if self.flow.starts is not None:
            slope.masked_fill_(self.flow.starts[..., None], 0.0)
        return slope

    def drive_grads(self, grad: Tensor) -> LrcDrive:
        """Those of the drive, from those of the states after the steps that moved."""
        rate = grad * self.pace
        forget = _bell(self.forget).mul_(self.before).mul_(rate).neg_()
        update = (1 - self.update * self.update).mul_(self.weights.potential).mul_(rate)
        elastance = (1 - self.elastance).mul_(self.rate).mul_(rate)
        return LrcDrive(forget, update, elastance)

    def weight_grads(
        self, grad: Tensor, forget: Tensor, update: Tensor, elastance: Tensor
    ) -> LrcWeights:
        """Those of the weights, from those of the states and of the drive."""
        inner = (forget * self.weights.conductance).addcmul_(update, self.weights.update)
        inner.mul_(_bell(self.synapse))
        return LrcWeights(
            slope=_summed(inner, self.before),
            offset=inner.sum((0, 1)),
            conductance=_summed(forget, self.synapse),
            update=_summed(update, self.synapse),
            elastance=_summed(elastance, self.before),
            potential=_summed(grad * self.pace, self.update),
        )

    def timespans_grad(self, grad: Tensor) -> Tensor:
        """Of the time before each step."""
        return (self.elastance * self.rate).mul_(grad).sum(-1)


def _bell(share: Tensor) -> Tensor:
    """The slope of a sigmoid whose value is `share`."""
    return torch.addcmul(share, share, share, value=-1)


def _summed(left: Tensor, right: Tensor) -> Tensor:
    return (left * right).sum((0, 1))
