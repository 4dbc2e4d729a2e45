"""The loop of a CfC in pure torch: the truth that the other backends are held to.

No graph is made in the loop, and every tensor of a step is a view into one for all time.

Axes: t time, b rows, n neurons, f width of a stage before its activation, u after it, g heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.activations import LECUN_RATE, LECUN_SCALE, activate, slope
from cauce.models.liquid.kernels.cfc import CfCForm, CfCWeights

if TYPE_CHECKING:
    from jaxtyping import Float


def forward(
    drive: Float[Tensor, "t b f"],
    state: Float[Tensor, "b n"],
    weights: CfCWeights,
    form: CfCForm,
    flow: Flow,
) -> tuple[Float[Tensor, "t b n"], list[Float[Tensor, "t b f"]]]:
    """See `CfCLoop.forward`."""
    states = drive.new_empty(*drive.shape[:2], state.shape[1])
    cell = Forward(drive, state.shape[1], weights, form)
    elapsed: Tensor | float = 1.0
    before = state
    for step, after in enumerate(states.unbind()):
        if flow.starts is not None:
            before = before.masked_fill(flow.starts[step, :, None], 0.0)
        if flow.timespans is not None:
            elapsed = flow.timespans[step, :, None]
        cell.step(step, before, elapsed, after)
        if flow.frozen is not None:
            torch.where(flow.frozen[step, :, None], before, after, out=after)
        before = after
    return states, cell.kept_layers()


def layer_slopes(
    a: Float[Tensor, "t b f"], form: CfCForm
) -> tuple[Float[Tensor, "t b u"], Float[Tensor, "t b f"]]:
    """See `CfCLoop.layer_slopes`."""
    if not form.is_gated:
        return activate(form.activation, a), slope(form.activation, a)
    gate, value = a.chunk(2, -1)
    share = activate(form.activation, gate)
    return share * value, torch.cat([slope(form.activation, gate) * value, share], -1)


def head_partials(
    heads: Float[Tensor, "t b gn"], weights: CfCWeights, form: CfCForm, flow: Flow
) -> Float[Tensor, "t b gn"]:
    """See `CfCLoop.head_partials`."""
    elapsed = 1.0 if flow.timespans is None else flow.timespans[..., None]
    if form.mode == "pure":
        assert weights.amplitude is not None and weights.rate is not None
        size = heads.abs()
        decay = torch.exp(-elapsed * (weights.rate + size))
        partials = [weights.amplitude * decay * (elapsed * size - 1)]
    else:
        count = 3 if flow.timespans is None else 4
        f1, f2, *times = heads.view(*heads.shape[:2], count, -1).unbind(-2)
        f1, f2 = f1.tanh(), f2.tanh()
        s = (times[0] if flow.timespans is None else times[0] * elapsed + times[1]).sigmoid()
        by_gate = (1 - s).mul_(s).mul_(f2 - f1 if form.mode == "default" else f2)
        by_time = [by_gate] if flow.timespans is None else [by_gate * elapsed, by_gate]
        by_f1, by_f2 = f1.square_().neg_().add_(1), f2.square_().neg_().add_(1).mul_(s)
        if form.mode == "default":
            by_f1.addcmul_(by_f1, s, value=-1)
        partials = [by_f1, by_f2, *by_time]
    whole = torch.cat(partials, -1)
    return whole if flow.frozen is None else whole.masked_fill_(flow.frozen[..., None], 0.0)


def adjoint(
    states_grad: Float[Tensor, "t b n"],
    partials: Float[Tensor, "t b gn"],
    slopes: list[Float[Tensor, "t b f"]],
    weights: CfCWeights,
    form: CfCForm,
    flow: Flow,
) -> Float[Tensor, "b n"]:
    """See `CfCLoop.adjoint`."""
    carry = torch.zeros_like(states_grad[0])
    cell = Adjoint(partials, slopes, weights, form)
    for step, grad in reversed([*enumerate(states_grad.unbind())]):
        cell.step(step, grad.add_(carry), carry)
        if flow.frozen is not None:
            carry.add_(grad.masked_fill(~flow.frozen[step, :, None], 0.0))
        if flow.starts is not None:
            carry.masked_fill_(flow.starts[step, :, None], 0.0)
    return carry


class Forward:
    """A step of a CfC; all that steps share is made once, and their results have their place."""

    def __init__(
        self,
        drive: Float[Tensor, "t b f"],
        units: int,
        weights: CfCWeights,
        form: CfCForm,
        input_weight: Float[Tensor, "f i"] | None = None,
    ) -> None:
        """With `input_weight` a step has inputs of its own, beside what the drive has of them."""
        self.weights, self.form, self.scale = _with_plain_tanh(weights, form)
        self.input_weight = None if input_weight is None else self.scale * input_weight.t()
        self.layers = _empty_layers(drive, weights)
        heads = drive.new_empty(drive.shape[1], _heads_width(drive, weights))
        self.heads = _Heads(heads, units)
        self.drives = (drive if self.scale == 1 else self.scale * drive).unbind()
        *self.stages, self.last = _stages(self.weights)
        by_layer = [layer.unbind() for layer in self.layers]
        self.outs = [*zip(*by_layer, strict=True)] or [()] * len(drive)

    def step(
        self,
        number: int,
        before: Float[Tensor, "b n"],
        elapsed: Tensor | float,
        after: Float[Tensor, "b n"],
        inputs: Float[Tensor, "b i"] | None = None,
    ) -> None:
        """Writes into `after` what becomes of the state before that step."""
        output, base = before, self.drives[number]
        if self.input_weight is not None and inputs is not None:
            base = torch.addmm(base, inputs, self.input_weight)
        for a, (bias, weight) in zip(self.outs[number], self.stages, strict=True):
            torch.addmm(base if bias is None else bias, output, weight, out=a)
            output = _output(a, self.form)
        bias, weight = self.last
        torch.addmm(base if bias is None else bias, output, weight, out=self.heads.whole)
        _settle(self.heads, elapsed, self.weights, self.form, after)

    def kept_layers(self) -> list[Float[Tensor, "t b f"]]:
        """a of each backbone layer at all steps, after the last of them."""
        return [layer.div_(self.scale) for layer in self.layers] if self.scale != 1 else self.layers


class Adjoint:
    """A step of the adjoint of a CfC, which turns partials and slopes into gradients in place."""

    def __init__(
        self,
        partials: Float[Tensor, "t b gn"],
        slopes: list[Float[Tensor, "t b f"]],
        weights: CfCWeights,
        form: CfCForm,
    ) -> None:
        self.products = [weights.recurrent, *weights.hidden]
        if weights.heads is not None:
            self.products.append(weights.heads)
        self.heads = _by_step(partials, partials.shape[2] // weights.recurrent.shape[1])
        by_layer = [_by_step(each, 2 if form.is_gated else 1) for each in slopes]
        self.paths = [*zip(*by_layer, strict=True)] or [()] * len(partials)

    def step(
        self, number: int, grad: Float[Tensor, "b n"], before_grad: Float[Tensor, "b n"]
    ) -> Float[Tensor, "b f"]:
        """The gradient of the drive; writes that of the state before the step."""
        flowing, by_part = self.heads[number]
        by_part.mul_(grad[:, None])
        for path, product in zip(
            reversed(self.paths[number]), reversed(self.products[1:]), strict=True
        ):
            grads = flowing @ product
            flowing, by_part = path
            by_part.mul_(grads[:, None])
        torch.mm(flowing, self.products[0], out=before_grad)
        return flowing


def _by_step(whole: Tensor, parts: int) -> list[tuple[Tensor, Tensor]]:
    """Of each step its rows, and the same in `parts`."""
    in_parts = whole.view(*whole.shape[:2], parts, -1)
    return [*zip(whole.unbind(), in_parts.unbind(), strict=True)]


class _Heads:
    """The heads of a step and its parts, made once: views of a few numbers cost as much as sums."""

    def __init__(self, whole: Tensor, units: int) -> None:
        self.whole = whole
        self.targets = whole[:, : 2 * units]
        self.first, self.second = whole[:, :units], whole[:, units : 2 * units]
        self.time, self.constant = whole[:, 2 * units : 3 * units], whole[:, 3 * units :]


def _stages(weights: CfCWeights) -> list[tuple[Tensor | None, Tensor]]:
    """Bias and transposed weight of each product of a step; the bias of the first is the drive."""
    stages: list[tuple[Tensor | None, Tensor]] = [(None, weights.recurrent.t().contiguous())]
    for bias, weight in zip(weights.hidden_biases, weights.hidden, strict=True):
        stages.append((bias, weight.t().contiguous()))
    if weights.heads is not None:
        stages.append((weights.heads_bias, weights.heads.t().contiguous()))
    return stages


def _output(a: Tensor, form: CfCForm) -> Tensor:
    if not form.is_gated:
        return activate(form.activation, a)
    gate, value = a.chunk(2, -1)
    return activate(form.activation, gate) * value


def _settle(
    heads: _Heads, elapsed: Tensor | float, weights: CfCWeights, form: CfCForm, after: Tensor
) -> None:
    """Writes the state that the heads (overwritten) give into `after`."""
    if form.mode == "pure":
        assert weights.amplitude is not None and weights.rate is not None
        decay = heads.whole.abs().add_(weights.rate).mul_(elapsed).neg_().exp_()
        decay.mul_(weights.amplitude)
        torch.addcmul(weights.amplitude, decay, heads.whole, value=-1, out=after)
        return
    heads.targets.tanh_()
    if not isinstance(elapsed, float):
        heads.time.mul_(elapsed).add_(heads.constant)
    heads.time.sigmoid_()
    if form.mode == "default":
        torch.lerp(heads.first, heads.second, heads.time, out=after)
    else:
        torch.addcmul(heads.first, heads.time, heads.second, out=after)


def _with_plain_tanh(weights: CfCWeights, form: CfCForm) -> tuple[CfCWeights, CfCForm, float]:
    """The same recurrence with LeCun's constants in its weights, and the factor that a has then.

    In the loop they would be two operations more for each layer and step.
    """
    if form.activation != "lecun_tanh" or form.is_gated or weights.heads is None:
        return weights, form, 1.0
    folded = weights._replace(
        recurrent=LECUN_RATE * weights.recurrent,
        hidden=tuple(LECUN_RATE * LECUN_SCALE * weight for weight in weights.hidden),
        hidden_biases=tuple(LECUN_RATE * bias for bias in weights.hidden_biases),
        heads=LECUN_SCALE * weights.heads,
    )
    return folded, form._replace(activation="tanh"), LECUN_RATE


def _empty_layers(drive: Tensor, weights: CfCWeights) -> list[Tensor]:
    if weights.heads is None:
        return []
    return [
        drive.new_empty(*drive.shape[:2], width)
        for width in (drive.shape[2], *(len(weight) for weight in weights.hidden))
    ]


def _heads_width(drive: Tensor, weights: CfCWeights) -> int:
    return drive.shape[2] if weights.heads is None else len(weights.heads)
