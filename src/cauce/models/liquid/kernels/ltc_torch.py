"""The loop of an LTC in pure torch: the truth that the other backends are held to.

Synapses are taken in pieces that stay in cache, laid out (j, m, i), so that the sums over i are
products of matrices. What a small layer costs is mostly the calls of torch: there are few of them.

Axes: t time, b rows, k unfolds, i sending neurons, j receiving ones, n neurons, m any rows,
p current and conductance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.ltc import LTCGradients, Membrane, Synapses, SynapseSums, Trail

if TYPE_CHECKING:
    from jaxtyping import Float

PIECE = 2**17
"""Synapses times rows computed together."""

_times_slope = torch.ops.aten.sigmoid_backward.grad_input
"""Multiplies a gradient by s (1 - s) in one pass."""


def sums(
    values: Float[Tensor, "m i"], synapses: Synapses
) -> tuple[Float[Tensor, "m j"], Float[Tensor, "m j"]]:
    """See `LTCLoop.sums`."""
    rows = _rows_together(values, synapses)
    pieces = _pieces(synapses, rows)
    both = values.new_empty(2, len(values), synapses.w.shape[1])
    nothing = values.new_zeros(synapses.w.shape[1], 1, 2)
    for some, result in zip(torch.split(values, rows), torch.split(both, rows, 1), strict=True):
        added = values.new_empty(len(nothing), len(some), 2)
        for piece in pieces:
            piece.sum_into(added, nothing, some)
        result.copy_(added.permute(2, 1, 0))
    return both[0], both[1]


def sums_adjoint(
    values: Float[Tensor, "m i"],
    current_grad: Float[Tensor, "m j"],
    conductance_grad: Float[Tensor, "m j"],
    synapses: Synapses,
) -> tuple[Float[Tensor, "m i"], SynapseSums]:
    """See `LTCLoop.sums_adjoint`."""
    rows = _rows_together(values, synapses)
    pieces = _pieces(synapses, rows)
    for piece in pieces:
        piece.begin_adjoint()
    values_grad = torch.zeros_like(values)
    grads = torch.stack([current_grad, conductance_grad], -1)
    for some, grad, result in zip(
        torch.split(values, rows),
        torch.split(grads, rows),
        torch.split(values_grad, rows),
        strict=True,
    ):
        by_neuron = grad.transpose(0, 1).contiguous()
        for piece in pieces:
            result += piece.adjoint(some, by_neuron)
    return values_grad, _joined(pieces)


def forward(
    membrane: Membrane,
    state: Float[Tensor, "b n"],
    synapses: Synapses,
    flow: Flow,
    unfolds: int,
    keeps_trail: bool,
) -> tuple[Float[Tensor, "t b n"], Trail | None]:
    """See `LTCLoop.forward`."""
    time, rows, units = membrane.current.shape
    pieces = _pieces(synapses, rows)
    states = torch.empty_like(membrane.current)
    kept = time if keeps_trail else 1
    trail = Trail(*(state.new_empty(kept, unfolds, rows, units) for _ in range(2)))
    added = state.new_empty(unfolds, units, rows, 2)
    current, divisors = added.permute(0, 3, 2, 1).unbind(1)
    for step in range(time):
        before = trail.before[step if keeps_trail else 0]
        before[0] = state
        if flow.starts is not None:
            before[0].masked_fill_(flow.starts[step, :, None], 0.0)
        inertia = membrane.rates[step, :, None] * membrane.capacitance
        own = torch.stack([membrane.current[step], membrane.conductance[step] + inertia], -1)
        own = own.transpose(0, 1).contiguous()
        after = [*before.unbind()[1:], states[step]]
        for v, sums, above, below, result in zip(
            before, added, current, divisors, after, strict=True
        ):
            for piece in pieces:
                piece.sum_into(sums, own, v)
            torch.addcmul(above, inertia, v, out=result).div_(below)
        state = states[step]
        if keeps_trail:
            trail.divisors[step] = divisors
        if flow.frozen is not None:
            torch.where(flow.frozen[step, :, None], before[0], state, out=state)
    return states, trail if keeps_trail else None


def adjoint(
    states_grad: Float[Tensor, "t b n"],
    states: Float[Tensor, "t b n"],
    trail: Trail,
    membrane: tuple[Float[Tensor, " n"], Float[Tensor, "t b"]],
    synapses: Synapses,
    flow: Flow,
) -> LTCGradients:
    """See `LTCLoop.adjoint`."""
    pieces = _pieces(synapses, states.shape[1])
    for piece in pieces:
        piece.begin_adjoint()
    capacitance, rates = membrane
    current, conductance, inertia = (torch.empty_like(states) for _ in range(3))
    carry = torch.zeros_like(states[0])
    for step in range(len(states) - 1, -1, -1):
        grad = states_grad[step] + carry
        carry, frozen = torch.zeros_like(grad), flow.frozen
        if frozen is not None:
            carry = grad.masked_fill(~frozen[step, :, None], 0.0)
            grad = grad.masked_fill(frozen[step, :, None], 0.0)
        before = trail.before[step]
        after = torch.cat([before[1:], states[None, step]])
        shares = trail.divisors[step].reciprocal()
        slopes = torch.stack([shares, -after * shares], -1).transpose(1, 2).contiguous()
        grads = torch.empty_like(slopes)
        shares *= rates[step, :, None] * capacitance
        unfolds = zip(*(part.unbind() for part in (before, slopes, shares, grads)), strict=True)
        for v, slope, share, now in reversed(list(unfolds)):
            torch.mul(grad.t()[..., None], slope, out=now)
            grad = grad * share
            for piece in pieces:
                grad += piece.adjoint(v, now)
        current[step], conductance[step] = grads.sum(0).permute(2, 1, 0).unbind()
        torch.sum((before - after).mul_(grads[..., 0].mT), 0, out=inertia[step])
        carry += grad
        if flow.starts is not None:
            carry.masked_fill_(flow.starts[step, :, None], 0.0)
    return LTCGradients(carry, current, conductance, inertia, _joined(pieces))


class _Piece:
    """The synapses into some neurons, and the sums of their gradient."""

    def __init__(self, synapses: Synapses, neurons: slice, space: Float[Tensor, "2 j m i"]) -> None:
        """All pieces work in the same `space`: to allocate it anew takes as long as the work."""
        w, sigma, mu, erev = (part[:, neurons].t() for part in synapses[:4])
        self.neurons, self.is_all = neurons, len(w) == synapses.w.shape[1]
        self.s, self.q = space[:, : len(w)]
        self.sigma = sigma.contiguous()[:, None]
        self.offset = (sigma * mu).neg_().contiguous()[:, None]
        self.pulls: Float[Tensor, "j p i"] = torch.stack([w * erev, w], 1)
        self.turned: Float[Tensor, "j i p"] = self.pulls.mT

    def begin_adjoint(self) -> None:
        """Sets the sums to 0: they have a place for each row, because to add up rows takes time."""
        self.by_q, self.by_q_v = torch.zeros_like(self.q), torch.zeros_like(self.q)
        self.by_s: Float[Tensor, "j p i"] = torch.zeros_like(self.pulls)

    def sum_into(
        self,
        sums: Float[Tensor, "n m p"],
        own: Float[Tensor, "n m p"],
        values: Float[Tensor, "m i"],
    ) -> None:
        """Sets these neurons of `sums` to what the values bring to them beside their own."""
        s = _first(self.s, values)
        torch.addcmul(self.offset, self.sigma, values, out=s).sigmoid_()
        if not self.is_all:
            own, sums = own[self.neurons], sums[self.neurons]
        torch.baddbmm(own, s, self.turned, out=sums)

    def adjoint(
        self, values: Float[Tensor, "m i"], grads: Float[Tensor, "n m p"]
    ) -> Float[Tensor, "m i"]:
        """The gradient of the values; adds to the sums what it is of the synapses."""
        if not self.is_all:
            grads = grads[self.neurons]
        s, q = _first(self.s, values), _first(self.q, values)
        torch.addcmul(self.offset, self.sigma, values, out=s).sigmoid_()
        self.by_s.baddbmm_(grads.mT, s)
        torch.bmm(grads, self.pulls, out=q)
        _times_slope(q, s, grad_input=q)
        _first(self.by_q, values).add_(q)
        _first(self.by_q_v, values).addcmul_(q, values)
        return torch.mul(q, self.sigma, out=s).sum(0)


def _first(space: Float[Tensor, "j m i"], values: Tensor) -> Tensor:
    return space if space.shape[1] == len(values) else space[:, : len(values)]


def _pieces(synapses: Synapses, rows: int) -> list[_Piece]:
    senders, receivers = synapses.w.shape
    width = min(receivers, max(1, PIECE // (rows * senders)))
    space = synapses.w.new_empty(2, width, rows, senders)
    return [
        _Piece(synapses, slice(start, start + width), space) for start in range(0, receivers, width)
    ]


def _joined(pieces: list[_Piece]) -> SynapseSums:
    q_v, q = (
        torch.cat([part.sum(1) for part in parts]).t()
        for parts in ([piece.by_q_v for piece in pieces], [piece.by_q for piece in pieces])
    )
    s_gn, s_gd = torch.cat([piece.by_s for piece in pieces]).unbind(1)
    return SynapseSums(q_v, q, s_gd.t(), s_gn.t())


def _rows_together(values: Tensor, synapses: Synapses) -> int:
    """As many as fit into a piece, since they differ in nothing but their values."""
    return min(len(values), max(4, PIECE // synapses.w.numel()))
