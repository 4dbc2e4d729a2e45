# ruff: noqa: ANN001, ANN201, ANN202 - Triton gives all that is not a constexpr its type
# mypy: ignore-errors
# One argument a line would make the signatures longer than the kernels.
# fmt: off
"""The loop of a CfC and its adjoint as Triton kernels: one program takes some rows through time.

Within a step a program goes through blocks of outputs, and through blocks of inputs for each. What
one stage hands to the next goes through global memory, with a barrier in between: the threads that
read it are not those that wrote it, but they are of the same program.

Everything is (time, rows, width) and contiguous. `line` numbers time and rows together: the state
before a step is at `line` of the trail, the state after it `rows` further. Pointers to what a
recurrence does not have are None. Products are in full fp32: tf32 keeps only three digits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from cauce.models.liquid.kernels.device_functions import activate, is_unmarked, sigmoid, tanh


@triton.jit(do_not_specialize=["steps", "rows"])
def forward_kernel(
    drive, trail, layers, outputs, recurrent, hidden, hidden_biases, heads, heads_bias, amplitude,
    rate, timespans, starts, frozen, steps, rows, NEURONS: tl.constexpr, HEADS: tl.constexpr,
    UNITS: tl.constexpr, DEPTH: tl.constexpr, PARTS: tl.constexpr, MODE: tl.constexpr,
    ACTIVATION: tl.constexpr, ROWS: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):
    """The states into `trail`, whose first is given, and a of each backbone layer into `layers`."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    is_row = row < rows
    line = row
    lines = rows.to(tl.int64) * steps
    for _ in range(steps):
        is_kept = is_unmarked(starts, line, is_row)
        if DEPTH == 0:
            _settle(
                trail, line, is_row, is_kept, trail, line, is_kept, recurrent, drive, line,
                amplitude, rate, timespans, frozen, rows, NEURONS, NEURONS, HEADS * NEURONS, MODE,
                ROWS, BLOCK_OUT, BLOCK_IN,
            )
        else:
            _layer(
                outputs, row, is_row, layers, line, trail, line, is_kept, recurrent, drive, line,
                UNITS, NEURONS, PARTS * UNITS, PARTS, ACTIVATION, ROWS, BLOCK_OUT, BLOCK_IN,
            )
            tl.debug_barrier()
            for layer in tl.static_range(1, DEPTH):
                below = outputs + (layer - 1) * rows.to(tl.int64) * UNITS
                _layer(
                    below + rows.to(tl.int64) * UNITS, row, is_row, layers, line + layer * lines,
                    below, row, is_row, hidden + (layer - 1) * PARTS * UNITS * UNITS,
                    hidden_biases + (layer - 1) * PARTS * UNITS, row, UNITS, UNITS, 0, PARTS,
                    ACTIVATION, ROWS, BLOCK_OUT, BLOCK_IN,
                )
                tl.debug_barrier()
            _settle(
                trail, line, is_row, is_kept, outputs + (DEPTH - 1) * rows.to(tl.int64) * UNITS,
                row, is_row, heads, heads_bias, row, amplitude, rate, timespans, frozen, rows,
                NEURONS, UNITS, 0, MODE, ROWS, BLOCK_OUT, BLOCK_IN,
            )
        tl.debug_barrier()
        line += rows


@triton.jit(do_not_specialize=["steps", "rows"])
def adjoint_kernel(
    states_grad, partials, slopes, carry, recurrent, hidden, heads, starts, frozen, steps, rows,
    NEURONS: tl.constexpr, HEADS: tl.constexpr, UNITS: tl.constexpr, DEPTH: tl.constexpr,
    PARTS: tl.constexpr, ROWS: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):
    """Turns derivatives into gradients in place; `carry`, 0 at first, ends as the first state's."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    is_row = row < rows
    lines = rows.to(tl.int64) * steps
    line = row + (lines - rows)
    for _ in range(steps):
        _enter(states_grad, partials, carry, row, line, is_row, NEURONS, HEADS, ROWS, BLOCK_OUT)
        tl.debug_barrier()
        if DEPTH == 0:
            _leave(
                carry, row, line, is_row, states_grad, partials, recurrent, starts, frozen, NEURONS,
                HEADS * NEURONS, ROWS, BLOCK_OUT, BLOCK_IN,
            )
        else:
            _descend(
                slopes, line + (DEPTH - 1) * lines, is_row, partials, line, heads, UNITS,
                HEADS * NEURONS, PARTS, ROWS, BLOCK_OUT, BLOCK_IN,
            )
            tl.debug_barrier()
            for above in tl.static_range(1, DEPTH):
                layer = DEPTH - 1 - above
                _descend(
                    slopes, line + layer * lines, is_row, slopes, line + (layer + 1) * lines,
                    hidden + layer * PARTS * UNITS * UNITS, UNITS, PARTS * UNITS, PARTS, ROWS,
                    BLOCK_OUT, BLOCK_IN,
                )
                tl.debug_barrier()
            _leave(
                carry, row, line, is_row, states_grad, slopes, recurrent, starts, frozen, NEURONS,
                PARTS * UNITS, ROWS, BLOCK_OUT, BLOCK_IN,
            )
        tl.debug_barrier()
        line -= rows


@triton.jit
def _layer(
    outputs, row, is_row, layers, line, inputs, input_line, is_input, weight, bias, bias_line,
    UNITS: tl.constexpr, INPUTS: tl.constexpr, BIAS_STRIDE: tl.constexpr, PARTS: tl.constexpr,
    ACTIVATION: tl.constexpr, ROWS: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):
    """One backbone layer: a into `layers`, what the activation makes of it into `outputs`."""
    for begin in range(0, UNITS, BLOCK_OUT):
        out = begin + tl.arange(0, BLOCK_OUT)
        is_place = is_row[:, None] & (out < UNITS)[None, :]
        place = line[:, None] * (PARTS * UNITS) + out[None, :]
        bias_place = bias_line[:, None] * BIAS_STRIDE + out[None, :]
        a = tl.load(bias + bias_place, mask=is_place, other=0.0)
        a = _product(
            a, inputs, input_line, is_input, weight, out, UNITS, INPUTS, INPUTS, 1, BLOCK_IN
        )
        tl.store(layers + place, a, mask=is_place)
        y = activate(a, ACTIVATION)
        if PARTS == 2:
            value = tl.load(bias + UNITS + bias_place, mask=is_place, other=0.0)
            value = _product(
                value, inputs, input_line, is_input, weight + UNITS * INPUTS, out, UNITS, INPUTS,
                INPUTS, 1, BLOCK_IN,
            )
            tl.store(layers + UNITS + place, value, mask=is_place)
            y *= value
        tl.store(outputs + row[:, None] * UNITS + out[None, :], y, mask=is_place)


@triton.jit
def _settle(
    trail, line, is_row, is_kept, inputs, input_line, is_input, weight, bias, bias_line, amplitude,
    rate, timespans, frozen, rows, NEURONS: tl.constexpr, INPUTS: tl.constexpr,
    BIAS_STRIDE: tl.constexpr, MODE: tl.constexpr, ROWS: tl.constexpr, BLOCK_OUT: tl.constexpr,
    BLOCK_IN: tl.constexpr,
):
    """The heads, and the state they give into the next line of the trail."""
    elapsed = tl.full((ROWS,), 1.0, tl.float32)
    if timespans is not None:
        elapsed = tl.load(timespans + line, mask=is_row, other=1.0)
    elapsed = elapsed[:, None]
    for begin in range(0, NEURONS, BLOCK_OUT):
        out = begin + tl.arange(0, BLOCK_OUT)
        is_place = is_row[:, None] & (out < NEURONS)[None, :]
        f1 = _head(
            0, inputs, input_line, is_input, weight, bias, bias_line, out, is_place, NEURONS,
            INPUTS, BIAS_STRIDE, BLOCK_IN,
        )
        if MODE == "pure":
            reach = tl.load(amplitude + out, mask=out < NEURONS, other=0.0)[None, :]
            speed = tl.load(rate + out, mask=out < NEURONS, other=0.0)[None, :]
            after = reach - reach * tl.exp(-elapsed * (speed + tl.abs(f1))) * f1
        else:
            f2 = _head(
                1, inputs, input_line, is_input, weight, bias, bias_line, out, is_place, NEURONS,
                INPUTS, BIAS_STRIDE, BLOCK_IN,
            )
            gate = _head(
                2, inputs, input_line, is_input, weight, bias, bias_line, out, is_place, NEURONS,
                INPUTS, BIAS_STRIDE, BLOCK_IN,
            )
            if timespans is not None:
                gate = gate * elapsed + _head(
                    3, inputs, input_line, is_input, weight, bias, bias_line, out, is_place,
                    NEURONS, INPUTS, BIAS_STRIDE, BLOCK_IN,
                )
            f1, f2, gate = tanh(f1), tanh(f2), sigmoid(gate)
            reach = f2 - f1 if MODE == "default" else f2
            after = f1 + gate * reach
        place = trail + line[:, None] * NEURONS + out[None, :]
        if frozen is not None:
            moves = is_unmarked(frozen, line, is_row)
            before = tl.load(place, mask=is_place & is_kept[:, None], other=0.0)
            after = tl.where(moves[:, None], after, before)
        tl.store(place + rows.to(tl.int64) * NEURONS, after, mask=is_place)


@triton.jit
def _head(
    HEAD: tl.constexpr, inputs, input_line, is_input, weight, bias, bias_line, out, is_place,
    NEURONS: tl.constexpr, INPUTS: tl.constexpr, BIAS_STRIDE: tl.constexpr, BLOCK_IN: tl.constexpr,
):
    """A block of one head."""
    place = bias_line[:, None] * BIAS_STRIDE + HEAD * NEURONS + out[None, :]
    return _product(
        tl.load(bias + place, mask=is_place, other=0.0), inputs, input_line, is_input,
        weight + HEAD * NEURONS * INPUTS, out, NEURONS, INPUTS, INPUTS, 1, BLOCK_IN,
    )


@triton.jit
def _enter(
    states_grad, partials, carry, row, line, is_row, NEURONS: tl.constexpr, HEADS: tl.constexpr,
    ROWS: tl.constexpr, BLOCK_OUT: tl.constexpr,
):
    """Adds what later steps carry back, and takes it to the heads.

    Several threads may hold copies of a small block: all must have read it before one writes it.
    """
    for begin in range(0, NEURONS, BLOCK_OUT):
        out = begin + tl.arange(0, BLOCK_OUT)
        is_place = is_row[:, None] & (out < NEURONS)[None, :]
        place = states_grad + line[:, None] * NEURONS + out[None, :]
        grad = tl.load(place, mask=is_place, other=0.0)
        grad += tl.load(carry + row[:, None] * NEURONS + out[None, :], mask=is_place, other=0.0)
        tl.debug_barrier()
        tl.store(place, grad, mask=is_place)
        for head in tl.static_range(HEADS):
            place = partials + line[:, None] * (HEADS * NEURONS) + head * NEURONS + out[None, :]
            tl.store(place, tl.load(place, mask=is_place, other=0.0) * grad, mask=is_place)


@triton.jit
def _descend(
    slopes, line, is_row, above, above_line, weight, UNITS: tl.constexpr, ABOVE: tl.constexpr,
    PARTS: tl.constexpr, ROWS: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):
    """From the gradient of what is above a backbone layer to that of its a."""
    for begin in range(0, UNITS, BLOCK_OUT):
        out = begin + tl.arange(0, BLOCK_OUT)
        is_place = is_row[:, None] & (out < UNITS)[None, :]
        grad = _product(
            tl.zeros((ROWS, BLOCK_OUT), tl.float32), above, above_line, is_row, weight, out, UNITS,
            ABOVE, 1, UNITS, BLOCK_IN,
        )
        for part in tl.static_range(PARTS):
            place = slopes + line[:, None] * (PARTS * UNITS) + part * UNITS + out[None, :]
            tl.store(place, tl.load(place, mask=is_place, other=0.0) * grad, mask=is_place)


@triton.jit
def _leave(
    carry, row, line, is_row, states_grad, above, recurrent, starts, frozen, NEURONS: tl.constexpr,
    ABOVE: tl.constexpr, ROWS: tl.constexpr, BLOCK_OUT: tl.constexpr, BLOCK_IN: tl.constexpr,
):
    """What a step carries back to the state before it."""
    is_kept = is_unmarked(starts, line, is_row)
    for begin in range(0, NEURONS, BLOCK_OUT):
        out = begin + tl.arange(0, BLOCK_OUT)
        is_place = is_row[:, None] & (out < NEURONS)[None, :]
        grad = _product(
            tl.zeros((ROWS, BLOCK_OUT), tl.float32), above, line, is_row, recurrent, out, NEURONS,
            ABOVE, 1, NEURONS, BLOCK_IN,
        )
        if frozen is not None:
            stays = (is_unmarked(frozen, line, is_row) == 0)[:, None]
            place = states_grad + line[:, None] * NEURONS + out[None, :]
            grad += tl.load(place, mask=is_place & stays, other=0.0)
        grad = tl.where(is_kept[:, None], grad, 0.0)
        tl.store(carry + row[:, None] * NEURONS + out[None, :], grad, mask=is_place)


@triton.jit
def _product(
    total, inputs, line, is_input, weight, out, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
    OUT_STRIDE: tl.constexpr, IN_STRIDE: tl.constexpr, BLOCK_IN: tl.constexpr,
):
    """`total` and the product of some lines of `inputs` with a block of a weight's outputs."""
    for begin in range(0, INPUTS, BLOCK_IN):
        into = begin + tl.arange(0, BLOCK_IN)
        x = tl.load(
            inputs + line[:, None] * INPUTS + into[None, :],
            mask=is_input[:, None] & (into < INPUTS)[None, :],
            other=0.0,
        )
        w = tl.load(
            weight + into[:, None] * IN_STRIDE + out[None, :] * OUT_STRIDE,
            mask=(into < INPUTS)[:, None] & (out < OUTPUTS)[None, :],
            other=0.0,
        )
        total = tl.dot(x, w, total, input_precision="ieee")
    return total
