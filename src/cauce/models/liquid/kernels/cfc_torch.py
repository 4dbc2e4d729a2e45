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
    drive, weights, form, scale = _with_plain_tanh(drive, weights, form)
    states = drive.new_empty(*drive.shape[:2], state.shape[1])
    layers = _empty_layers(drive, weights)
    heads = _Heads(drive.new_empty(drive.shape[1], _heads_width(drive, weights)), state.shape[1])
    stages = _stages(weights)
    outs = zip(*(layer.unbind() for layer in layers), strict=True) if layers else None
    elapsed: Tensor | float = 1.0
    before = state
    for step, (after, first) in enumerate(zip(states.unbind(), drive.unbind(), strict=True)):
        if flow.starts is not None:
            before = before.masked_fill(flow.starts[step, :, None], 0.0)
        output, base = before, first
        for a, (bias, weight) in zip(() if outs is None else next(outs), stages, strict=False):
            torch.addmm(base if bias is None else bias, output, weight, out=a)
            output = _output(a, form)
        bias, weight = stages[-1]
        torch.addmm(base if bias is None else bias, output, weight, out=heads.whole)
        if flow.timespans is not None:
            elapsed = flow.timespans[step, :, None]
        _settle(heads, elapsed, weights, form, after)
        if flow.frozen is not None:
            torch.where(flow.frozen[step, :, None], before, after, out=after)
        before = after
    return states, [layer.div_(scale) for layer in layers] if scale != 1 else layers


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
    units, parts = states_grad.shape[2], 2 if form.is_gated else 1
    carry = torch.zeros_like(states_grad[0])
    products = [weights.recurrent, *weights.hidden]
    if weights.heads is not None:
        products.append(weights.heads)
    paths = [*zip(*(_by_step(each, parts) for each in slopes), strict=True)]
    heads = _by_step(partials, partials.shape[2] // units)
    for step, grad in reversed([*enumerate(states_grad.unbind())]):
        flowing, by_part = heads[step]
        by_part.mul_(grad.add_(carry)[:, None])
        for stage in range(len(slopes), 0, -1):
            grads = flowing @ products[stage]
            flowing, by_part = paths[step][stage - 1]
            by_part.mul_(grads[:, None])
        torch.mm(flowing, products[0], out=carry)
        if flow.frozen is not None:
            carry.add_(grad.masked_fill(~flow.frozen[step, :, None], 0.0))
        if flow.starts is not None:
            carry.masked_fill_(flow.starts[step, :, None], 0.0)
    return carry


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
    stages: list[tuple[Tensor | None, Tensor]] = [(None, weights.recurrent.t())]
    for bias, weight in zip(weights.hidden_biases, weights.hidden, strict=True):
        stages.append((bias, weight.t()))
    if weights.heads is not None:
        stages.append((weights.heads_bias, weights.heads.t()))
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


def _with_plain_tanh(
    drive: Tensor, weights: CfCWeights, form: CfCForm
) -> tuple[Tensor, CfCWeights, CfCForm, float]:
    """The same recurrence with LeCun's constants in its weights, and the factor that a has then.

    In the loop they would be two operations more for each layer and step.
    """
    if form.activation != "lecun_tanh" or form.is_gated or weights.heads is None:
        return drive, weights, form, 1.0
    folded = weights._replace(
        recurrent=LECUN_RATE * weights.recurrent,
        hidden=tuple(LECUN_RATE * LECUN_SCALE * weight for weight in weights.hidden),
        hidden_biases=tuple(LECUN_RATE * bias for bias in weights.hidden_biases),
        heads=LECUN_SCALE * weights.heads,
    )
    return LECUN_RATE * drive, folded, form._replace(activation="tanh"), LECUN_RATE


def _empty_layers(drive: Tensor, weights: CfCWeights) -> list[Tensor]:
    if weights.heads is None:
        return []
    return [
        drive.new_empty(*drive.shape[:2], width)
        for width in (drive.shape[2], *(len(weight) for weight in weights.hidden))
    ]


def _heads_width(drive: Tensor, weights: CfCWeights) -> int:
    return drive.shape[2] if weights.heads is None else len(weights.heads)
