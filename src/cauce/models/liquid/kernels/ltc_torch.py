"""The loop of an LTC in pure torch: the truth that the other backends are held to.

Synapses are taken in pieces that stay in cache. Where most neurons are connected a piece is all
pairs of some, laid out (j, m, i), so that the sums over i are products of matrices; where few are
it is a list of synapses (m, e), whose ends are gathered and whose sums are scattered. What a small
layer costs is mostly the calls of torch: all that the gradient needs to know of the synapses is
computed for many unfolds together, and one product is left for each.

Axes: t time, b rows, k unfolds, i sending neurons, j receiving ones, n neurons, m any rows,
e synapses that there are, p current and conductance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels.ltc import LTCGradients, Membrane, Synapses, SynapseSums, Trail

if TYPE_CHECKING:
    from jaxtyping import Float, Int

PIECE = 2**17
"""Synapses times rows computed together."""

SPARSE = 0.3
"""Up to this share of the pairs, synapses are taken one by one."""

_times_slope = torch.ops.aten.sigmoid_backward.grad_input
"""Multiplies a gradient by s (1 - s) in one pass."""


def sums(
    values: Float[Tensor, "m i"], synapses: Synapses
) -> tuple[Float[Tensor, "m j"], Float[Tensor, "m j"]]:
    """See `LTCLoop.sums`."""
    rows = _rows_together(len(values), synapses)
    pieces = _pieces(synapses, rows)
    both = values.new_empty(2, len(values), synapses.w.shape[1])
    for some, result in zip(torch.split(values, rows), torch.split(both, rows, 1), strict=True):
        added = values.new_zeros(synapses.w.shape[1], len(some), 2)
        for piece in pieces:
            piece.add_to(added, some)
        result.copy_(added.permute(2, 1, 0))
    return both[0], both[1]


def sums_adjoint(
    values: Float[Tensor, "m i"],
    current_grad: Float[Tensor, "m j"],
    conductance_grad: Float[Tensor, "m j"],
    synapses: Synapses,
) -> tuple[Float[Tensor, "m i"], SynapseSums]:
    """See `LTCLoop.sums_adjoint`."""
    rows = _rows_together(len(values), synapses)
    pieces = _pieces(synapses, rows)
    for piece in pieces:
        piece.begin_adjoint()
    values_grad = torch.zeros_like(values)
    slopes = torch.stack([current_grad, conductance_grad], 1)
    ones = torch.ones_like(current_grad)
    for some, slope, one, result in zip(
        *(torch.split(part, rows) for part in (values, slopes, ones, values_grad)), strict=True
    ):
        for piece in pieces:
            piece.linearise(some, slope)
            piece.add_back(one, result, slice(len(some)))
            piece.collect(one)
    return values_grad, _joined(pieces, synapses)


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
    inertia = membrane.rates[..., None] * membrane.capacitance
    own = torch.stack([membrane.current, membrane.conductance + inertia], -1).transpose(1, 2)
    for step in range(time):
        before = trail.before[step if keeps_trail else 0]
        before[0] = state
        if flow.starts is not None:
            before[0].masked_fill_(flow.starts[step, :, None], 0.0)
        added.copy_(own[step])
        after = [*before.unbind()[1:], states[step]]
        for v, sums, above, below, result in zip(
            before, added, current, divisors, after, strict=True
        ):
            for piece in pieces:
                piece.add_to(sums, v)
            torch.addcmul(above, inertia[step], v, out=result).div_(below)
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
    unfolds, rows = trail.before.shape[1:3]
    together = min(unfolds, max(1, PIECE // (rows * _number(synapses))))
    pieces = _pieces(synapses, together * rows)
    for piece in pieces:
        piece.begin_adjoint()
    capacitance, rates = membrane
    current, conductance, inertia = (torch.empty_like(states) for _ in range(3))
    carry = torch.zeros_like(states[0])
    received = carry.new_empty(unfolds + 1, *carry.shape)
    for step in range(len(states) - 1, -1, -1):
        grad = states_grad[step] + carry
        carry, frozen = torch.zeros_like(grad), flow.frozen
        if frozen is not None:
            carry = grad.masked_fill(~frozen[step, :, None], 0.0)
            grad = grad.masked_fill(frozen[step, :, None], 0.0)
        received[-1] = grad
        before = trail.before[step]
        after = torch.cat([before[1:], states[None, step]])
        shares = trail.divisors[step].reciprocal()
        slopes = torch.stack([shares, -after * shares], 2)
        shares *= rates[step, :, None] * capacitance
        for end in range(unfolds, 0, -together):
            start = max(0, end - together)
            some = slice(start, end)
            part = _Unfolds(before[some], slopes[some], shares[some], received[start : end + 1])
            _pass_back(part, pieces)
        grads = slopes.mul_(received[1:, :, None])
        current[step], conductance[step] = grads.sum(0).unbind(1)
        torch.sum((before - after).mul_(grads[:, :, 0]), 0, out=inertia[step])
        carry += received[0]
        if flow.starts is not None:
            carry.masked_fill_(flow.starts[step, :, None], 0.0)
    return LTCGradients(carry, current, conductance, inertia, _joined(pieces, synapses))


class _Unfolds(NamedTuple):
    """Some unfolds of a step."""

    before: Float[Tensor, "k b n"]
    slopes: Float[Tensor, "k b p n"]
    """Of v after each, by what current and conductance the synapses add."""
    shares: Float[Tensor, "k b n"]
    """Its slope by v before."""
    received: Float[Tensor, "k+1 b n"]
    """The gradient of v before each, to be filled, and that of v after the last."""


def _pass_back(unfolds: _Unfolds, pieces: list[_Piece] | list[_SparsePiece]) -> None:
    """Fills `received`, and adds to the sums of the pieces."""
    before, slopes, shares, received = unfolds
    rows = before.shape[1]
    grads = received.unbind()
    # more pieces than one only if there is one unfold: each is done with before the next one
    for piece in pieces:
        piece.linearise(before.flatten(0, 1), slopes.flatten(0, 1))
        for number in range(len(before) - 1, -1, -1):
            grad, below = grads[number + 1], grads[number]
            if piece is pieces[0]:
                torch.mul(grad, shares[number], out=below)
            piece.add_back(grad, below, slice(number * rows, (number + 1) * rows))
        piece.collect(received[1:].flatten(0, 1))


class _Piece:
    """The synapses from all into some neurons, and the sums of their gradient."""

    def __init__(self, synapses: Synapses, neurons: slice, space: Float[Tensor, "3 j m i"]) -> None:
        """All pieces work in the same `space`: to allocate it anew takes as long as the work."""
        w, sigma, mu, erev = (part[:, neurons].t() for part in synapses[:4])
        self.neurons, self.is_all = neurons, len(w) == synapses.w.shape[1]
        self.space = space[:, : len(w)]
        self.sigma = sigma.contiguous()[:, None]
        self.offset = (sigma * mu).neg_().contiguous()[:, None]
        self.pulls: Float[Tensor, "j p i"] = torch.stack([w * erev, w], 1)
        self.turned: Float[Tensor, "j i p"] = self.pulls.mT

    def add_to(self, sums: Float[Tensor, "n m p"], values: Float[Tensor, "m i"]) -> None:
        """Adds to these neurons of `sums` what the values bring to them."""
        s = self.space[0, :, : len(values)]
        torch.addcmul(self.offset, self.sigma, values, out=s).sigmoid_()
        (sums if self.is_all else sums[self.neurons]).baddbmm_(s, self.turned)

    def begin_adjoint(self) -> None:
        """Sets the sums to 0."""
        self.by_q, self.by_q_v = torch.zeros_like(self.sigma), torch.zeros_like(self.sigma)
        self.by_s: Float[Tensor, "j p i"] = torch.zeros_like(self.pulls)

    def linearise(self, values: Float[Tensor, "m i"], slopes: Float[Tensor, "m p n"]) -> None:
        """Finds what a change of each value changes where current and conductance have `slopes`.

        Both are needed again by what is called next.
        """
        self.values, self.slopes = values, _copied(slopes[..., self.neurons].permute(2, 1, 0))
        self.s, self.q, self.change = self.space[:, :, : len(values)]
        torch.addcmul(self.offset, self.sigma, values, out=self.s).sigmoid_()
        torch.bmm(self.slopes.mT, self.pulls, out=self.q)
        _times_slope(self.q, self.s, grad_input=self.q)
        torch.mul(self.q, self.sigma, out=self.change)

    def add_back(
        self, grads: Float[Tensor, "b n"], result: Float[Tensor, "b i"], rows: slice
    ) -> None:
        """Adds to `result` the gradient of those rows of the values, from that of the neurons."""
        change = self.change[:, rows].transpose(0, 1)
        result[:, None].baddbmm_(grads[:, None, self.neurons], change)

    def collect(self, grads: Float[Tensor, "m n"]) -> None:
        """Adds to the sums what is of the synapses, from the gradient of the neurons."""
        by_neuron: Float[Tensor, "j 1 m"] = _copied(grads[:, self.neurons].t()[:, None])
        self.by_s.baddbmm_(self.slopes.mul_(by_neuron), self.s)
        self.by_q.baddbmm_(by_neuron, self.q)
        self.by_q_v.baddbmm_(by_neuron, self.q.mul_(self.values))

    def put_into(self, total: Float[Tensor, "4 i j"]) -> None:
        """Writes the sums, in the order of `SynapseSums`, to their places in those of all."""
        sums = torch.cat([self.by_q_v, self.by_q, self.by_s.flip(1)], 1)
        total[:, :, self.neurons] = sums.permute(1, 2, 0)


class _SparsePiece:
    """As `_Piece`, of the listed synapses only."""

    def __init__(self, synapses: Synapses, ends: Int[Tensor, "2 e"]) -> None:
        """`ends` are the sender and the receiver of each."""
        self.senders, self.receivers = ends
        w, sigma, mu, erev = (part[self.senders, self.receivers] for part in synapses[:4])
        self.sigma, self.offset = sigma, (sigma * mu).neg_()
        self.pulls: Float[Tensor, "p e"] = torch.stack([w * erev, w])

    # torch gathers and scatters along two axes eight times as fast as along three

    def add_to(self, sums: Float[Tensor, "n m p"], values: Float[Tensor, "m i"]) -> None:
        """See `_Piece.add_to`."""
        sent = values.index_select(1, self.senders)
        s = torch.addcmul(self.offset, self.sigma, sent, out=sent).sigmoid_()
        brought = (s[:, None] * self.pulls).flatten(0, 1)
        sums.view(len(sums), -1).t().index_add_(1, self.receivers, brought)

    def begin_adjoint(self) -> None:
        """See `_Piece.begin_adjoint`."""
        self.by_q, self.by_q_v = torch.zeros_like(self.sigma), torch.zeros_like(self.sigma)
        self.by_s = torch.zeros_like(self.pulls)

    def linearise(self, values: Float[Tensor, "m i"], slopes: Float[Tensor, "m p n"]) -> None:
        """See `_Piece.linearise`."""
        self.sent = values.index_select(1, self.senders)
        self.s = torch.addcmul(self.offset, self.sigma, self.sent).sigmoid_()
        slopes = slopes.flatten(0, 1).index_select(1, self.receivers)
        self.slopes: Float[Tensor, "m p e"] = slopes.view(len(values), 2, -1)
        self.q = (self.slopes * self.pulls).sum(1)
        _times_slope(self.q, self.s, grad_input=self.q)
        self.change = self.q * self.sigma

    def add_back(
        self, grads: Float[Tensor, "b n"], result: Float[Tensor, "b i"], rows: slice
    ) -> None:
        """See `_Piece.add_back`."""
        grads = grads.index_select(1, self.receivers).mul_(self.change[rows])
        result.index_add_(1, self.senders, grads)

    def collect(self, grads: Float[Tensor, "m n"]) -> None:
        """See `_Piece.collect`."""
        grads = grads.index_select(1, self.receivers)
        self.by_s += self.slopes.mul_(self.s.mul_(grads)[:, None]).sum(0)
        self.by_q += self.q.mul_(grads).sum(0)
        self.by_q_v += self.q.mul_(self.sent).sum(0)

    def put_into(self, total: Float[Tensor, "4 i j"]) -> None:
        """See `_Piece.put_into`."""
        s_gn, s_gd = self.by_s
        sums = torch.stack([self.by_q_v, self.by_q, s_gd, s_gn])
        total[:, self.senders, self.receivers] = sums


def _copied(matrices: Float[Tensor, "j r m"]) -> Float[Tensor, "j r m"]:
    """Contiguous, axes of length 1 too: products of others take eight times as long."""
    return matrices.clone(memory_format=torch.contiguous_format)


def _pieces(synapses: Synapses, rows: int) -> list[_Piece] | list[_SparsePiece]:
    ends = _ends_if_sparse(synapses)
    if ends is not None:
        lists = torch.split(ends, max(1, PIECE // rows), 1)
        return [_SparsePiece(synapses, some) for some in lists]
    senders, receivers = synapses.w.shape
    width = min(receivers, max(1, PIECE // (rows * senders)))
    space = synapses.w.new_empty(3, width, rows, senders)
    return [
        _Piece(synapses, slice(start, start + width), space) for start in range(0, receivers, width)
    ]


def _ends_if_sparse(synapses: Synapses) -> Int[Tensor, "2 e"] | None:
    if synapses.mask is None:
        return None
    ends = synapses.mask.nonzero().t().contiguous()
    return ends if ends.shape[1] <= SPARSE * synapses.mask.numel() else None


def _joined(pieces: list[_Piece] | list[_SparsePiece], synapses: Synapses) -> SynapseSums:
    total = synapses.w.new_zeros(4, *synapses.w.shape)
    for piece in pieces:
        piece.put_into(total)
    return SynapseSums(*total)


def _rows_together(rows: int, synapses: Synapses) -> int:
    """As many as fit into a piece."""
    return min(rows, max(4, PIECE // _number(synapses)))


def _number(synapses: Synapses) -> int:
    """Of those that are computed."""
    ends = _ends_if_sparse(synapses)
    return synapses.w.numel() if ends is None else max(1, ends.shape[1])
