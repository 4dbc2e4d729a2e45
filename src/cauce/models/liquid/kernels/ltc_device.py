# ruff: noqa: ANN001, ANN201, ANN202 - Triton gives all that is not a constexpr its type
# mypy: ignore-errors
# One argument a line would make the signatures longer than the kernels.
# fmt: off
"""The loop of an LTC and its adjoint as Triton kernels.

In `forward_kernel` and `adjoint_kernel` one program takes some rows through time. What the neurons
of an unfold hand to the next goes through global memory, with a barrier in between: the threads
that read it are not those that wrote it, but they are of the same program. The other kernels are
one turn of those loops: a launch is their barrier, and the neurons spread over programs too.

Everything is (time, rows, width) and contiguous, synapses are packed as in synapses_device.py.
`line` numbers time and rows together, `last` and `unfold_line` time, unfolds and rows. Pointers to
what there is not are None.

Axes: t time, b rows of the batch, k unfolds, i sending neurons, j receiving ones.
"""

from __future__ import annotations

import triton
import triton.language as tl

from cauce.models.liquid.kernels.device_functions import is_unmarked
from cauce.models.liquid.kernels.synapses_device import sums_of, values_grad_of


@triton.jit(do_not_specialize=["steps", "rows"])
def forward_kernel(
    trail, before, divisors, packed, current, conductance, capacitance, rates, starts, frozen,
    steps, rows, NEURONS: tl.constexpr, UNFOLDS: tl.constexpr, ROWS: tl.constexpr,
    BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """The states into `trail`, whose first is given, and what each unfold leaves.

    Without `divisors`, `before` is room for one step, overwritten by the next.
    """
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    is_row = row < rows
    line = row
    unfold_line = row
    for _ in range(steps):
        is_kept = is_unmarked(starts, line, is_row)
        for begin in range(0, NEURONS, BLOCK_J):
            _begin(
                trail, before, line, is_kept, unfold_line, is_row, begin + tl.arange(0, BLOCK_J),
                NEURONS,
            )
        tl.debug_barrier()
        for unfold in range(UNFOLDS):
            for begin in range(0, NEURONS, BLOCK_J):
                _unfold(
                    before, unfold_line, is_row, before, divisors, unfold_line, unfold, trail, line,
                    is_kept, is_row, packed, current, conductance, capacitance, rates, frozen, rows,
                    begin + tl.arange(0, BLOCK_J), NEURONS, UNFOLDS, ROWS, BLOCK_I, BLOCK_J,
                )
            tl.debug_barrier()
            unfold_line += rows
        line += rows
        if divisors is None:
            unfold_line = row


@triton.jit(do_not_specialize=["step", "unfold", "rows"])
def unfold_kernel(
    trail, before, divisors, packed, current, conductance, capacitance, rates, starts, frozen, step,
    unfold, rows, NEURONS: tl.constexpr, UNFOLDS: tl.constexpr, IS_FIRST: tl.constexpr,
    ROWS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """One unfold of one step, for a block of (b, j): as the loop of `forward_kernel`."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    is_row = row < rows
    line = row + rows.to(tl.int64) * step
    unfold_line = row + rows.to(tl.int64) * unfold
    if divisors is not None:
        unfold_line += rows.to(tl.int64) * step * UNFOLDS
    out = tl.program_id(1) * BLOCK_J + tl.arange(0, BLOCK_J)
    is_kept = is_unmarked(starts, line, is_row)
    if IS_FIRST:
        _begin(trail, before, line, is_kept, unfold_line, is_row, out, NEURONS)
        _unfold(
            trail, line, is_kept, before, divisors, unfold_line, unfold, trail, line, is_kept,
            is_row, packed, current, conductance, capacitance, rates, frozen, rows, out, NEURONS,
            UNFOLDS, ROWS, BLOCK_I, BLOCK_J,
        )
    else:
        _unfold(
            before, unfold_line, is_row, before, divisors, unfold_line, unfold, trail, line,
            is_kept, is_row, packed, current, conductance, capacitance, rates, frozen, rows, out,
            NEURONS, UNFOLDS, ROWS, BLOCK_I, BLOCK_J,
        )


@triton.jit(do_not_specialize=["steps", "rows"])
def adjoint_kernel(
    states_grad, states, before, divisors, packed, capacitance, rates, starts, frozen, carry,
    current_grads, conductance_grads, steps, rows, NEURONS: tl.constexpr, UNFOLDS: tl.constexpr,
    ROWS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """gn and gd of each unfold; `carry`, 0 at first, ends as the gradient of the first state."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    is_row = row < rows
    line = row + rows.to(tl.int64) * (steps - 1)
    last = row + rows.to(tl.int64) * (steps * UNFOLDS - 1)
    for _ in range(steps):
        for begin in range(0, NEURONS, BLOCK_I):
            _enter(
                states_grad, states, divisors, frozen, carry, current_grads, conductance_grads, row,
                line, last, is_row, begin + tl.arange(0, BLOCK_I), NEURONS,
            )
        tl.debug_barrier()
        for _ in range(UNFOLDS - 1):
            for begin in range(0, NEURONS, BLOCK_I):
                _fold(
                    before, divisors, last, rows, line, is_row, packed, capacitance, rates,
                    current_grads, conductance_grads, begin + tl.arange(0, BLOCK_I), NEURONS, ROWS,
                    BLOCK_I, BLOCK_J,
                )
            tl.debug_barrier()
            last -= rows
        for begin in range(0, NEURONS, BLOCK_I):
            _leave(
                before, last, line, row, is_row, packed, capacitance, rates, states_grad, starts,
                frozen, carry, current_grads, conductance_grads, begin + tl.arange(0, BLOCK_I),
                NEURONS, ROWS, BLOCK_I, BLOCK_J,
            )
        tl.debug_barrier()
        last -= rows
        line -= rows


@triton.jit(do_not_specialize=["step", "unfold", "rows"])
def fold_kernel(
    states_grad, states, before, divisors, packed, capacitance, rates, starts, frozen, carry,
    current_grads, conductance_grads, step, unfold, rows, NEURONS: tl.constexpr,
    UNFOLDS: tl.constexpr, IS_FIRST: tl.constexpr, ROWS: tl.constexpr, BLOCK_I: tl.constexpr,
    BLOCK_J: tl.constexpr,
):
    """From one unfold of a step to the one before it, or out of the step, for a block of (b, i)."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    is_row = row < rows
    line = row + rows.to(tl.int64) * step
    last = row + rows.to(tl.int64) * (step * UNFOLDS + unfold)
    neuron = tl.program_id(1) * BLOCK_I + tl.arange(0, BLOCK_I)
    if IS_FIRST:
        _leave(
            before, last, line, row, is_row, packed, capacitance, rates, states_grad, starts,
            frozen, carry, current_grads, conductance_grads, neuron, NEURONS, ROWS, BLOCK_I,
            BLOCK_J,
        )
    else:
        _fold(
            before, divisors, last, rows, line, is_row, packed, capacitance, rates, current_grads,
            conductance_grads, neuron, NEURONS, ROWS, BLOCK_I, BLOCK_J,
        )


@triton.jit(do_not_specialize=["step", "rows"])
def enter_kernel(
    states_grad, states, divisors, frozen, carry, current_grads, conductance_grads, step, rows,
    NEURONS: tl.constexpr, UNFOLDS: tl.constexpr, ROWS: tl.constexpr, BLOCK_I: tl.constexpr,
):
    """gn and gd of the last unfold of one step, for a block of (b, i)."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    line = row + rows.to(tl.int64) * step
    last = row + rows.to(tl.int64) * (step * UNFOLDS + UNFOLDS - 1)
    neuron = tl.program_id(1) * BLOCK_I + tl.arange(0, BLOCK_I)
    _enter(
        states_grad, states, divisors, frozen, carry, current_grads, conductance_grads, row, line,
        last, row < rows, neuron, NEURONS,
    )


@triton.jit
def _begin(trail, before, line, is_kept, unfold_line, is_row, out, NEURONS: tl.constexpr):
    """Puts what a step begins from to where its first unfold reads it."""
    is_out = (out < NEURONS)[None, :]
    place = trail + line[:, None] * NEURONS + out[None, :]
    v = tl.load(place, mask=is_kept[:, None] & is_out, other=0.0)
    place = before + unfold_line[:, None] * NEURONS + out[None, :]
    tl.store(place, v, mask=is_row[:, None] & is_out)


@triton.jit
def _unfold(
    source, source_line, is_source, before, divisors, unfold_line, unfold, trail, line, is_kept,
    is_row, packed, current, conductance, capacitance, rates, frozen, rows, out,
    NEURONS: tl.constexpr, UNFOLDS: tl.constexpr, ROWS: tl.constexpr, BLOCK_I: tl.constexpr,
    BLOCK_J: tl.constexpr,
):
    """One unfold: v after it to where the next one reads it, that of the last into the trail."""
    is_out = (out < NEURONS)[None, :]
    is_place = is_row[:, None] & is_out
    numerator, divisor = sums_of(
        source, source_line, is_source, packed, out, NEURONS, NEURONS, ROWS, BLOCK_I, BLOCK_J
    )
    place = line[:, None] * NEURONS + out[None, :]
    unfold_place = unfold_line[:, None] * NEURONS + out[None, :]
    rate = tl.load(rates + line, mask=is_row, other=1.0)[:, None]
    inertia = rate * tl.load(capacitance + out, mask=out < NEURONS, other=1.0)[None, :]
    v_place = source + source_line[:, None] * NEURONS + out[None, :]
    v = tl.load(v_place, mask=is_source[:, None] & is_out, other=0.0)
    numerator += tl.load(current + place, mask=is_place, other=0.0) + inertia * v
    divisor += tl.load(conductance + place, mask=is_place, other=0.0) + inertia
    if divisors is not None:
        tl.store(divisors + unfold_place, divisor, mask=is_place)
    v = numerator / divisor
    step = rows.to(tl.int64) * NEURONS
    if unfold + 1 < UNFOLDS:
        tl.store(before + step + unfold_place, v, mask=is_place)
    else:
        if frozen is not None:
            moves = is_unmarked(frozen, line, is_row)
            begun = tl.load(trail + place, mask=is_kept[:, None] & is_out, other=0.0)
            v = tl.where(moves[:, None], v, begun)
        tl.store(trail + step + place, v, mask=is_place)


@triton.jit
def _enter(
    states_grad, states, divisors, frozen, carry, current_grads, conductance_grads, row, line, last,
    is_row, neuron, NEURONS: tl.constexpr,
):
    """gn and gd of the last unfold of a step, from what later steps and the loss want."""
    moves = is_unmarked(frozen, line, is_row)
    is_place = is_row[:, None] & (neuron < NEURONS)[None, :]
    place = line[:, None] * NEURONS + neuron[None, :]
    grad = tl.load(carry + row[:, None] * NEURONS + neuron[None, :], mask=is_place, other=0.0)
    grad += tl.load(states_grad + place, mask=is_place, other=0.0)
    after = tl.load(states + place, mask=is_place, other=0.0)
    _divide(
        tl.where(moves[:, None], grad, 0.0), after, divisors,
        last[:, None] * NEURONS + neuron[None, :], is_place, current_grads, conductance_grads,
    )


@triton.jit
def _fold(
    before, divisors, last, rows, line, is_row, packed, capacitance, rates, current_grads,
    conductance_grads, neuron, NEURONS: tl.constexpr, ROWS: tl.constexpr, BLOCK_I: tl.constexpr,
    BLOCK_J: tl.constexpr,
):
    """From gn and gd of an unfold to those of the one before it."""
    is_place = is_row[:, None] & (neuron < NEURONS)[None, :]
    place = last[:, None] * NEURONS + neuron[None, :]
    v = tl.load(before + place, mask=is_place, other=0.0)
    grad = _before_grad(
        v, last, line, is_row, packed, capacitance, rates, current_grads, conductance_grads, neuron,
        is_place, NEURONS, ROWS, BLOCK_I, BLOCK_J,
    )
    _divide(
        grad, v, divisors, place - rows.to(tl.int64) * NEURONS, is_place, current_grads,
        conductance_grads,
    )


@triton.jit
def _leave(
    before, last, line, row, is_row, packed, capacitance, rates, states_grad, starts, frozen, carry,
    current_grads, conductance_grads, neuron, NEURONS: tl.constexpr, ROWS: tl.constexpr,
    BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """What a step carries back to the state before it, in the place of what it was given."""
    is_place = is_row[:, None] & (neuron < NEURONS)[None, :]
    v_place = last[:, None] * NEURONS + neuron[None, :]
    v = tl.load(before + v_place, mask=is_place, other=0.0)
    grad = _before_grad(
        v, last, line, is_row, packed, capacitance, rates, current_grads, conductance_grads, neuron,
        is_place, NEURONS, ROWS, BLOCK_I, BLOCK_J,
    )
    place = carry + row[:, None] * NEURONS + neuron[None, :]
    if frozen is not None:
        passes = is_place & (is_unmarked(frozen, line, is_row) == 0)[:, None]
        grad += tl.load(place, mask=passes, other=0.0)
        passed = states_grad + line[:, None] * NEURONS + neuron[None, :]
        grad += tl.load(passed, mask=passes, other=0.0)
    is_kept = is_unmarked(starts, line, is_row)
    tl.store(place, tl.where(is_kept[:, None], grad, 0.0), mask=is_place)


@triton.jit
def _before_grad(
    v, last, line, is_row, packed, capacitance, rates, current_grads, conductance_grads, neuron,
    is_place, NEURONS: tl.constexpr, ROWS: tl.constexpr, BLOCK_I: tl.constexpr,
    BLOCK_J: tl.constexpr,
):
    """The gradient of v before an unfold, from gn and gd of it."""
    grad = values_grad_of(
        v, current_grads, conductance_grads, last, is_row, packed, neuron, NEURONS, NEURONS, ROWS,
        BLOCK_I, BLOCK_J,
    )
    place = last[:, None] * NEURONS + neuron[None, :]
    inertia = tl.load(rates + line, mask=is_row, other=0.0)[:, None]
    inertia *= tl.load(capacitance + neuron, mask=neuron < NEURONS, other=0.0)[None, :]
    return grad + inertia * tl.load(current_grads + place, mask=is_place, other=0.0)


@triton.jit
def _divide(grad, after, divisors, place, is_place, current_grads, conductance_grads):
    """gn and gd of an unfold, from the gradient of v after it."""
    gn = grad / tl.load(divisors + place, mask=is_place, other=1.0)
    tl.store(current_grads + place, gn, mask=is_place)
    tl.store(conductance_grads + place, -after * gn, mask=is_place)
