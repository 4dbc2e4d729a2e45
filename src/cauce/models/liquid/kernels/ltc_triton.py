"""The loop of an LTC on CUDA by Triton: one kernel for all time, a program for each row or a few.

A program reads all synapses in each unfold, so where neurons are many a single multiprocessor takes
longer for them than a launch costs: there each unfold is a launch, and spreads over the GPU.

The gradients of the synapses come from a second kernel that is parallel over the synapses and goes
through all rows and unfolds, from gn and gd of each: one sigmoid more for each synapse. The sums of
each program's own, 4 n^2 numbers, would have to go through memory in each unfold instead, and
atomic additions would give other digits in each run.

Axes: t time, b rows, k unfolds, i sending neurons, j receiving ones, n neurons, m any rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import triton_kernels
from cauce.models.liquid.kernels.ltc import LTCGradients, Membrane, Synapses, SynapseSums, Trail
from cauce.models.liquid.kernels.triton_kernels import LAUNCH, launching_on, plain, power_of_two

if TYPE_CHECKING:
    from jaxtyping import Float

PROGRAMS = 128
"""Programs that run at once, about: what a big GPU has in multiprocessors."""

TILE = 4096
"""Synapses times rows that a program computes together: sixteen for each of its threads."""

MOST_TOGETHER = 256
"""Neurons up to which one kernel takes all of time. By arithmetic, not measured: an unfold moves
16 n^2 bytes into a multiprocessor at some 100 GB/s, and a launch takes some 10 us."""

LEAST_SHARE = 256
"""Rows that a program of the synapses' sums goes through at least."""


def sums(
    values: Float[Tensor, "m i"], synapses: Synapses
) -> tuple[Float[Tensor, "m j"], Float[Tensor, "m j"]]:
    """See `LTCLoop.sums`."""
    triton_kernels.refuse_unfit(values)
    from cauce.models.liquid.kernels.synapses_device import sums_kernel

    senders, receivers = synapses.w.shape
    blocks = _blocks(len(values), senders, receivers)
    both = values.new_empty(2, len(values), receivers)
    grid = (_ceil(len(values), blocks["ROWS"]), _ceil(receivers, blocks["BLOCK_J"]))
    with launching_on(values.device):
        sums_kernel[grid](
            plain(values),
            _pack(synapses),
            both[0],
            both[1],
            len(values),
            SENDERS=senders,
            RECEIVERS=receivers,
            **blocks,
            **LAUNCH,
        )
    return both[0], both[1]


def sums_adjoint(
    values: Float[Tensor, "m i"],
    current_grad: Float[Tensor, "m j"],
    conductance_grad: Float[Tensor, "m j"],
    synapses: Synapses,
) -> tuple[Float[Tensor, "m i"], SynapseSums]:
    """See `LTCLoop.sums_adjoint`."""
    triton_kernels.refuse_unfit(values)
    from cauce.models.liquid.kernels.synapses_device import values_grad_kernel

    senders, receivers = synapses.w.shape
    blocks = _blocks(len(values), senders, receivers)
    packed, values_grad = _pack(synapses), values.new_empty(values.shape)
    given = plain(values), packed, plain(current_grad), plain(conductance_grad)
    grid = (_ceil(len(values), blocks["ROWS"]), _ceil(senders, blocks["BLOCK_I"]))
    with launching_on(values.device):
        values_grad_kernel[grid](
            *given,
            values_grad,
            len(values),
            SENDERS=senders,
            RECEIVERS=receivers,
            **blocks,
            **LAUNCH,
        )
    return values_grad, _synapse_sums(*given)


def forward(
    membrane: Membrane,
    state: Float[Tensor, "b n"],
    synapses: Synapses,
    flow: Flow,
    unfolds: int,
    keeps_trail: bool,
) -> tuple[Float[Tensor, "t b n"], Trail | None]:
    """See `LTCLoop.forward`."""
    triton_kernels.refuse_unfit(state)
    from cauce.models.liquid.kernels.ltc_device import forward_kernel, unfold_kernel

    steps, rows, neurons = membrane.current.shape
    trail = state.new_empty(steps + 1, rows, neurons)
    trail[0] = state
    before = state.new_empty(steps if keeps_trail else 1, unfolds, rows, neurons)
    divisors = torch.empty_like(before) if keeps_trail else None
    given = [trail, before, divisors, _pack(synapses), *(plain(part) for part in membrane)]
    given += [plain(flow.starts), plain(flow.frozen)]
    widths = {"NEURONS": neurons, "UNFOLDS": unfolds}
    with launching_on(state.device):
        if neurons <= MOST_TOGETHER:
            blocks = _blocks(rows, neurons, neurons)
            grid: tuple[int, ...] = (_ceil(rows, blocks["ROWS"]),)
            forward_kernel[grid](*given, steps, rows, **widths, **blocks, **LAUNCH)
        else:
            blocks = {"ROWS": 4, "BLOCK_I": 64, "BLOCK_J": 16}
            grid = _ceil(rows, 4), _ceil(neurons, 16)
            for step, unfold in product(range(steps), range(unfolds)):
                unfold_kernel[grid](
                    *given, step, unfold, rows, **widths, IS_FIRST=unfold == 0, **blocks, **LAUNCH
                )
    return trail[1:], None if divisors is None else Trail(before, divisors)


def adjoint(
    states_grad: Float[Tensor, "t b n"],
    states: Float[Tensor, "t b n"],
    trail: Trail,
    membrane: tuple[Float[Tensor, " n"], Float[Tensor, "t b"]],
    synapses: Synapses,
    flow: Flow,
) -> LTCGradients:
    """See `LTCLoop.adjoint`."""
    triton_kernels.refuse_unfit(states_grad)
    packed, carry = _pack(synapses), torch.zeros_like(states[0])
    gn, gd = torch.empty_like(trail.before), torch.empty_like(trail.before)
    entering = [plain(states_grad), plain(states)]
    folding = [*trail, packed, *(plain(part) for part in membrane)]
    marks = [plain(flow.starts), plain(flow.frozen)]
    with launching_on(states.device):
        _run_adjoint([*entering, *folding, *marks, carry, gn, gd], trail.before.shape)
    lines = (part.flatten(0, 2) for part in (gn, gd))
    by_synapse = _synapse_sums(trail.before.flatten(0, 2), packed, *lines)
    return LTCGradients(carry, gn.sum(1), gd.sum(1), _inertia(gn, states, trail), by_synapse)


def _run_adjoint(given: list[Tensor | None], shape: Sequence[int]) -> None:
    """Launches what `adjoint_kernel` does with `given`, for a trail of that shape."""
    from cauce.models.liquid.kernels.ltc_device import adjoint_kernel, enter_kernel, fold_kernel

    steps, unfolds, rows, neurons = shape
    widths = {"NEURONS": neurons, "UNFOLDS": unfolds}
    if neurons <= MOST_TOGETHER:
        blocks = _blocks(rows, neurons, neurons)
        grid: tuple[int, ...] = (_ceil(rows, blocks["ROWS"]),)
        adjoint_kernel[grid](*given, steps, rows, **widths, **blocks, **LAUNCH)
        return
    states_grad, states, _, divisors, *_, frozen, carry, gn, gd = given
    blocks = {"ROWS": 4, "BLOCK_I": 16, "BLOCK_J": 64}
    grid = _ceil(rows, 4), _ceil(neurons, 16)
    for step, unfold in product(reversed(range(steps)), reversed(range(unfolds))):
        if unfold == unfolds - 1:
            enter_kernel[grid](
                *(states_grad, states, divisors, frozen, carry, gn, gd, step, rows),
                **widths,
                ROWS=4,
                BLOCK_I=16,
                **LAUNCH,
            )
        fold_kernel[grid](
            *given, step, unfold, rows, **widths, IS_FIRST=unfold == 0, **blocks, **LAUNCH
        )


def _inertia(
    gn: Float[Tensor, "t k b n"], states: Float[Tensor, "t b n"], trail: Trail
) -> Float[Tensor, "t b n"]:
    """The gradient of c r: gn times the change of v, summed over the unfolds.

    The change is taken before the product: it gets small, and the gradient of c is made of it.
    """
    before = trail.before.unbind(1)
    total = torch.zeros_like(states)
    for begun, after, grad in zip(before, (*before[1:], states), gn.unbind(1), strict=True):
        total.addcmul_(begun - after, grad)
    return total


def _synapse_sums(
    values: Float[Tensor, "m i"],
    packed: Float[Tensor, "4 i j"],
    current_grad: Float[Tensor, "m j"],
    conductance_grad: Float[Tensor, "m j"],
) -> SynapseSums:
    """The sums over m, whose shares are computed side by side and added in their order."""
    from cauce.models.liquid.kernels.synapses_device import synapse_sums_kernel

    _, senders, receivers = packed.shape
    block_i, block_j = power_of_two(senders, 8, 16), power_of_two(receivers, 8, 32)
    tiles = _ceil(senders, block_i), _ceil(receivers, block_j)
    shares = min(_ceil(4 * PROGRAMS, tiles[0] * tiles[1]), _ceil(len(values), LEAST_SHARE))
    totals = values.new_empty(shares, 4, senders, receivers)
    with launching_on(values.device):
        synapse_sums_kernel[(*tiles, shares)](
            values,
            packed,
            current_grad,
            conductance_grad,
            totals,
            len(values),
            _ceil(len(values), shares),
            SENDERS=senders,
            RECEIVERS=receivers,
            ROWS=4,
            BLOCK_I=block_i,
            BLOCK_J=block_j,
            **LAUNCH | {"num_warps": 4},
        )
    return SynapseSums(*totals.sum(0))


def _pack(synapses: Synapses) -> Float[Tensor, "4 i j"]:
    """As the kernels read them."""
    w, sigma, mu, erev, _ = synapses
    x = sigma / -math.log(2)
    return torch.stack([x, -x * mu, w * erev, w]).detach()


def _blocks(rows: int, senders: int, receivers: int) -> dict[str, int]:
    """Few rows for each program as long as there are not more of them than can run at once."""
    together = power_of_two(_ceil(rows, PROGRAMS), 1, 4)
    block_j = power_of_two(receivers, 8, 64)
    block_i = power_of_two(senders, 8, TILE // (together * block_j))
    return {"ROWS": together, "BLOCK_I": block_i, "BLOCK_J": block_j}


def _ceil(whole: int, part: int) -> int:
    return -(-whole // part)
