"""The CfC recurrence with its gradient (Hasani et al. 2022, arXiv 2106.13898).

    a = x W_x + h W_h + b       the drive (x W_x + b, for all time at once) and the recurrent part
    y = act(a)                  the backbone; more layers of it follow, or there is none
    g = y W_g + b_g             the heads; without a backbone g = a
    h = f1 (1 - s) + s f2       f1 = tanh g1, f2 = tanh g2, s = sigmoid(g3), or sigmoid(ts g3 + g4)

The gradient of h with respect to the step before is a chain of products with diagonal matrices in
between. All diagonals are computed for all time at once from the states, so what runs backwards
in time is linear and the same for every mode and activation; weight gradients are one product each.

Axes: t time, b rows, n neurons, f width of the drive, u backbone width, g heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.activations import Activation
from cauce.models.liquid.kernels.backends import choose_backend

if TYPE_CHECKING:
    from jaxtyping import Float

Mode = Literal["default", "no_gate", "pure"]


class CfCForm(NamedTuple):
    """Which of the equations a CfC follows."""

    mode: Mode = "default"
    activation: Activation = "lecun_tanh"
    is_gated: bool = False
    """Backbone layers are act(a1) a2 instead of act(a), their widths f twice their outputs u."""


class CfCWeights(NamedTuple):
    """The weights of the recurrence, each (outputs, inputs) as in a linear layer.

    Backbone layers after the first stand in `hidden` and `hidden_biases`. Without a backbone there
    are no `heads`: `recurrent` gives them. Heads are in the order f1, f2, time (merged when there
    are no timespans), or f1 alone in `pure` mode, which has `amplitude` A and `rate` |w_tau|.
    """

    recurrent: Float[Tensor, "f n"]
    hidden: tuple[Float[Tensor, "f u"], ...] = ()
    hidden_biases: tuple[Float[Tensor, " f"], ...] = ()
    heads: Float[Tensor, "gn u"] | None = None
    heads_bias: Float[Tensor, " gn"] | None = None
    amplitude: Float[Tensor, " n"] | None = None
    rate: Float[Tensor, " n"] | None = None

    @property
    def depth(self) -> int:
        """Backbone layers."""
        return 0 if self.heads is None else 1 + len(self.hidden)


class CfCLoop(Protocol):
    """What a backend gives: the loop over time, its derivatives at all steps, and its adjoint."""

    def forward(
        self,
        drive: Float[Tensor, "t b f"],
        state: Float[Tensor, "b n"],
        weights: CfCWeights,
        form: CfCForm,
        flow: Flow,
    ) -> tuple[Float[Tensor, "t b n"], list[Float[Tensor, "t b f"]]]:
        """The states after each step, and a of each backbone layer, and after them maybe the heads.

        A backend that keeps the heads g spares the backward pass a product, and takes their memory.
        """

    def layer_slopes(
        self, a: Float[Tensor, "t b f"], form: CfCForm
    ) -> tuple[Float[Tensor, "t b u"], Float[Tensor, "t b f"]]:
        """The outputs y of a backbone layer, and dy/da."""

    def head_partials(
        self,
        heads: Float[Tensor, "t b gn"],
        weights: CfCWeights,
        form: CfCForm,
        flow: Flow,
    ) -> Float[Tensor, "t b gn"]:
        """dh/dg, 0 where time stands still."""

    def adjoint(
        self,
        states_grad: Float[Tensor, "t b n"],
        partials: Float[Tensor, "t b gn"],
        slopes: list[Float[Tensor, "t b f"]],
        weights: CfCWeights,
        form: CfCForm,
        flow: Flow,
    ) -> Float[Tensor, "b n"]:
        """The gradient of the first state; the three others are turned into gradients in place.

        `states_grad` becomes dL/dh of each step in whole, `partials` (dh/dg) becomes dL/dg and
        `slopes` (dy/da) become dL/da. Partials are 0 where time stands still.
        """


def cfc_recurrence(
    drive: Float[Tensor, "t b f"],
    state: Float[Tensor, "b n"],
    weights: CfCWeights,
    form: CfCForm,
    flow: Flow,
) -> Float[Tensor, "t b n"]:
    """The states h after each step, with gradients for every tensor given.

    Kept for the backward pass are the states, a of each backbone layer (without one, the drive) and
    what heads the backend keeps: n + sum of f (+ gn) numbers a step and row.
    """
    states: Tensor = _CfC.apply(  # type: ignore[no-untyped-call]
        drive, state, flow.timespans, flow.starts, flow.frozen, form, *flatten(weights)
    )
    return states


def loop_of(drive: Tensor) -> CfCLoop:
    """The loop of the backend that computes tensors such as `drive`."""
    backend = choose_backend(drive.device, drive.dtype)
    if backend == "cpp":
        from cauce.models.liquid.kernels import cfc_cpp

        return cfc_cpp
    if backend == "triton":
        from cauce.models.liquid.kernels import cfc_triton

        return cfc_triton
    from cauce.models.liquid.kernels import cfc_torch

    return cfc_torch


class _CfC(torch.autograd.Function):
    """See `cfc_recurrence`."""

    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        state: Tensor,
        timespans: Tensor | None,
        starts: Tensor | None,
        frozen: Tensor | None,
        form: CfCForm,
        *flat: Tensor,
    ) -> Tensor:
        weights, flow = unflatten(flat), Flow(timespans, starts, frozen)
        loop = loop_of(drive)
        states, layers = loop.forward(drive, state, weights, form, flow)
        kept = layers or [drive]
        ctx.has_heads = len(layers) > weights.depth
        ctx.save_for_backward(state, states, timespans, starts, frozen, *kept, *flat)
        ctx.form, ctx.loop, ctx.kept = form, loop, len(kept)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, states_grad: Tensor) -> tuple[Tensor | None, ...]:
        state, states, timespans, starts, frozen, *rest = ctx.saved_tensors
        weights, flow = unflatten(rest[ctx.kept :]), Flow(timespans, starts, frozen)
        before = flow.kept(torch.cat([state[None], states[:-1]]))
        needs_others = ctx.form.mode == "pure" or ctx.needs_input_grad[2]
        kept = rest[: ctx.kept]
        heads = kept.pop() if ctx.has_heads else None
        step = CfCSteps(before, kept, heads, weights, ctx.form, flow, ctx.loop, needs_others)
        states_grad = states_grad.clone(memory_format=torch.contiguous_format)
        state_grad = ctx.loop.adjoint(
            states_grad, step.partials, step.slopes, weights, ctx.form, flow
        )
        timespans_grad, *others = step.other_gradients(states_grad)
        drive_grad, grads = step.drive_grad, step.gradients()
        return drive_grad, state_grad, timespans_grad, None, None, None, *grads, *others


class CfCSteps:
    """All steps of a recurrence at once, recomputed from the states they began from."""

    def __init__(
        self,
        before: Tensor,
        kept: list[Tensor],
        heads: Tensor | None,
        weights: CfCWeights,
        form: CfCForm,
        flow: Flow,
        loop: CfCLoop,
        needs_others: bool,
    ) -> None:
        self.before, self.weights, self.form, self.flow = before, weights, form, flow
        self.outputs: list[Tensor] = []
        self.slopes: list[Tensor] = []
        for a in kept[: weights.depth]:
            output, slope = loop.layer_slopes(a, form)
            self.outputs.append(output)
            self.slopes.append(slope)
        if heads is None:
            heads = self._heads(kept)
        self.partials = loop.head_partials(heads, weights, form, flow)
        self.heads = heads if needs_others else None

    def _heads(self, kept: list[Tensor]) -> Tensor:
        """The heads g, from the last backbone layer or, without one, from the drive."""
        if self.weights.heads is None or self.weights.heads_bias is None:
            return affine(self.before, self.weights.recurrent, kept[0])
        return affine(self.outputs[-1], self.weights.heads, self.weights.heads_bias)

    @property
    def drive_grad(self) -> Float[Tensor, "t b f"]:
        """Of the drive, after the adjoint."""
        return self.slopes[0] if self.slopes else self.partials

    def gradients(self) -> list[Tensor | None]:
        """Of each weight up to the heads, in the order of `unflatten`, after the adjoint."""
        following = list(zip(self.slopes[1:], self.outputs[:-1], strict=True))
        grads: list[Tensor | None] = [weight_gradient(self.drive_grad, self.before)]
        grads += [weight_gradient(grad, inputs) for grad, inputs in following]
        grads += [grad.sum((0, 1)) for grad, _ in following]
        if not self.slopes:
            return [*grads, None, None]
        return [*grads, weight_gradient(self.partials, self.outputs[-1]), self.partials.sum((0, 1))]

    def other_gradients(self, states_grad: Tensor) -> tuple[Tensor | None, ...]:
        """Of the timespans, the amplitude and the rate, after the adjoint."""
        if self.heads is None:
            return None, None, None
        frozen = self.flow.frozen
        if frozen is not None:
            states_grad = states_grad.masked_fill(frozen[..., None], 0.0)
        by = other_partials(self.heads, self.weights, self.form, self.flow.timespans)
        timespans_grad = None if self.flow.timespans is None else (states_grad * by[0]).sum(-1)
        if self.form.mode != "pure":
            return timespans_grad, None, None
        return timespans_grad, *((states_grad * each).sum((0, 1)) for each in by[1:])


def other_partials(
    heads: Float[Tensor, "t b gn"],
    weights: CfCWeights,
    form: CfCForm,
    timespans: Float[Tensor, "t b"] | None,
) -> list[Float[Tensor, "t b n"]]:
    """The derivatives of h by the timespan and, in `pure` mode, by A and the rate."""
    elapsed = 1.0 if timespans is None else timespans[..., None]
    if form.mode == "pure":
        assert weights.amplitude is not None and weights.rate is not None
        speed = weights.rate + heads.abs()
        decayed = torch.exp(-elapsed * speed) * heads
        by_rate = weights.amplitude * decayed
        return [by_rate * speed, 1 - decayed, by_rate * elapsed]
    first, second, by_time, constant = heads.view(*heads.shape[:2], 4, -1).unbind(-2)
    s = torch.sigmoid(by_time * elapsed + constant)
    reach = second.tanh() - first.tanh() if form.mode == "default" else second.tanh()
    return [reach * s * (1 - s) * by_time]


def affine(
    inputs: Float[Tensor, "t b i"], weight: Float[Tensor, "o i"], base: Float[Tensor, "*t_b o"]
) -> Float[Tensor, "t b o"]:
    """`inputs` times `weight`, added to a bias or to a drive for all time."""
    base = base.flatten(0, 1) if base.dim() == 3 else base
    heads = torch.addmm(base, inputs.flatten(0, 1), weight.t())
    return heads.view(*inputs.shape[:2], -1)


def weight_gradient(
    grad: Float[Tensor, "t b o"], inputs: Float[Tensor, "t b i"]
) -> Float[Tensor, "o i"]:
    """Of the weight that made the outputs whose gradient is `grad` from `inputs`."""
    return grad.flatten(0, 1).t() @ inputs.flatten(0, 1)


def flatten(weights: CfCWeights) -> list[Tensor | None]:
    """All weights in one list, as an autograd.Function takes them."""
    return [weights.recurrent, *weights.hidden, *weights.hidden_biases, *weights[3:]]


def unflatten(flat: Sequence[Any]) -> CfCWeights:
    """The weights that `flatten` made a list of."""
    recurrent, *hidden = flat[:-4]
    depth = len(hidden) // 2
    return CfCWeights(recurrent, tuple(hidden[:depth]), tuple(hidden[depth:]), *flat[-4:])
