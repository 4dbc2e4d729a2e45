# ruff: noqa: ANN001, ANN201, ANN202 - Triton gives all that is not a constexpr its type
# mypy: ignore-errors
# One argument a line would make the signatures longer than the kernels.
# fmt: off
"""The synapses of an LTC as Triton kernels: their two sums, and the gradients of these.

Synapses come packed, (4, i, j): x and y with sigmoid = 1 / (1 + 2^(x v + y)), then w E and w, which
are 0 where there is no synapse. A sum over them is taken elementwise, in a block of (rows, i, j)
that is folded at its end only: there is a sigmoid for each synapse and row, and no product.

Axes: m rows, each a `line` of contiguous values; i sending neurons, j receiving ones.
"""

from __future__ import annotations

import triton
import triton.language as tl

NEGATIVE_LN_2 = tl.constexpr(-0.6931471805599453)


@triton.jit(do_not_specialize=["rows"])
def sums_kernel(
    values, packed, current, conductance, rows, SENDERS: tl.constexpr, RECEIVERS: tl.constexpr,
    ROWS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """The two sums for a block of (m, j)."""
    line = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    is_row = line < rows
    out = tl.program_id(1) * BLOCK_J + tl.arange(0, BLOCK_J)
    is_place = is_row[:, None] & (out < RECEIVERS)[None, :]
    place = line[:, None] * RECEIVERS + out[None, :]
    by_current, by_conductance = sums_of(
        values, line, is_row, packed, out, SENDERS, RECEIVERS, ROWS, BLOCK_I, BLOCK_J
    )
    tl.store(current + place, by_current, mask=is_place)
    tl.store(conductance + place, by_conductance, mask=is_place)


@triton.jit(do_not_specialize=["rows"])
def values_grad_kernel(
    values, packed, current_grad, conductance_grad, values_grad, rows, SENDERS: tl.constexpr,
    RECEIVERS: tl.constexpr, ROWS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """The gradient of the values for a block of (m, i)."""
    line = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    is_row = line < rows
    sender = tl.program_id(1) * BLOCK_I + tl.arange(0, BLOCK_I)
    is_place = is_row[:, None] & (sender < SENDERS)[None, :]
    place = line[:, None] * SENDERS + sender[None, :]
    v = tl.load(values + place, mask=is_place, other=0.0)
    grad = values_grad_of(
        v, current_grad, conductance_grad, line, is_row, packed, sender, SENDERS, RECEIVERS, ROWS,
        BLOCK_I, BLOCK_J,
    )
    tl.store(values_grad + place, grad, mask=is_place)


@triton.jit(do_not_specialize=["rows", "share"])
def synapse_sums_kernel(
    values, packed, current_grad, conductance_grad, sums, rows, share, SENDERS: tl.constexpr,
    RECEIVERS: tl.constexpr, ROWS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """q v, q, s gd and s gn for a block of (i, j), summed over one share of the rows."""
    sender = tl.program_id(0) * BLOCK_I + tl.arange(0, BLOCK_I)
    out = tl.program_id(1) * BLOCK_J + tl.arange(0, BLOCK_J)
    x, y, pull, w = _synapses(packed, sender, out, SENDERS, RECEIVERS)
    q_v = tl.zeros((BLOCK_I, BLOCK_J), tl.float32)
    q_sum = tl.zeros((BLOCK_I, BLOCK_J), tl.float32)
    s_gd = tl.zeros((BLOCK_I, BLOCK_J), tl.float32)
    s_gn = tl.zeros((BLOCK_I, BLOCK_J), tl.float32)
    first = tl.program_id(2).to(tl.int64) * share
    for begin in range(0, share, ROWS):
        line = first + begin + tl.arange(0, ROWS)
        is_row = (line < rows) & (begin + tl.arange(0, ROWS) < share)
        v_place = line[:, None] * SENDERS + sender[None, :]
        v = tl.load(values + v_place, is_row[:, None] & (sender < SENDERS)[None, :], other=0.0)
        place = line[:, None] * RECEIVERS + out[None, :]
        is_place = is_row[:, None] & (out < RECEIVERS)[None, :]
        gn = tl.load(current_grad + place, mask=is_place, other=0.0)[:, None, :]
        gd = tl.load(conductance_grad + place, mask=is_place, other=0.0)[:, None, :]
        s = 1.0 / (1.0 + tl.exp2(x[None] * v[:, :, None] + y[None]))
        q = (gn * pull[None] + gd * w[None]) * (s * (1.0 - s))
        q_v += tl.sum(q * v[:, :, None], 0)
        q_sum += tl.sum(q, 0)
        s_gd += tl.sum(s * gd, 0)
        s_gn += tl.sum(s * gn, 0)
    is_place = (sender < SENDERS)[:, None] & (out < RECEIVERS)[None, :]
    place = sums + sender[:, None] * RECEIVERS + out[None, :]
    place += tl.program_id(2).to(tl.int64) * (4 * SENDERS * RECEIVERS)
    tl.store(place, q_v, mask=is_place)
    tl.store(place + SENDERS * RECEIVERS, q_sum, mask=is_place)
    tl.store(place + 2 * SENDERS * RECEIVERS, s_gd, mask=is_place)
    tl.store(place + 3 * SENDERS * RECEIVERS, s_gn, mask=is_place)


@triton.jit
def sums_of(
    values, line, is_row, packed, out, SENDERS: tl.constexpr, RECEIVERS: tl.constexpr,
    ROWS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """The two sums over all senders, for some rows and a block of receivers."""
    current = tl.zeros((ROWS, BLOCK_I, BLOCK_J), tl.float32)
    conductance = tl.zeros((ROWS, BLOCK_I, BLOCK_J), tl.float32)
    for begin in range(0, SENDERS, BLOCK_I):
        sender = begin + tl.arange(0, BLOCK_I)
        x, y, pull, w = _synapses(packed, sender, out, SENDERS, RECEIVERS)
        place = values + line[:, None] * SENDERS + sender[None, :]
        v = tl.load(place, mask=is_row[:, None] & (sender < SENDERS)[None, :], other=0.0)
        s = 1.0 / (1.0 + tl.exp2(x[None] * v[:, :, None] + y[None]))
        current += s * pull[None]
        conductance += s * w[None]
    return tl.sum(current, 1), tl.sum(conductance, 1)


@triton.jit
def values_grad_of(
    v, current_grad, conductance_grad, line, is_row, packed, sender, SENDERS: tl.constexpr,
    RECEIVERS: tl.constexpr, ROWS: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_J: tl.constexpr,
):
    """The gradient of some values, a block of senders, from those of the two sums."""
    total = tl.zeros((ROWS, BLOCK_I, BLOCK_J), tl.float32)
    for begin in range(0, RECEIVERS, BLOCK_J):
        out = begin + tl.arange(0, BLOCK_J)
        x, y, pull, w = _synapses(packed, sender, out, SENDERS, RECEIVERS)
        is_place = is_row[:, None] & (out < RECEIVERS)[None, :]
        place = line[:, None] * RECEIVERS + out[None, :]
        gn = tl.load(current_grad + place, mask=is_place, other=0.0)[:, None, :]
        gd = tl.load(conductance_grad + place, mask=is_place, other=0.0)[:, None, :]
        s = 1.0 / (1.0 + tl.exp2(x[None] * v[:, :, None] + y[None]))
        total += (gn * pull[None] + gd * w[None]) * (s * (1.0 - s)) * x[None]
    return tl.sum(total, 2) * NEGATIVE_LN_2


@triton.jit
def _synapses(packed, sender, out, SENDERS: tl.constexpr, RECEIVERS: tl.constexpr):
    """A block of the four parts of the synapses."""
    mask = (sender < SENDERS)[:, None] & (out < RECEIVERS)[None, :]
    place = packed + sender[:, None] * RECEIVERS + out[None, :]
    return (
        tl.load(place, mask=mask, other=0.0),
        tl.load(place + SENDERS * RECEIVERS, mask=mask, other=0.0),
        tl.load(place + 2 * SENDERS * RECEIVERS, mask=mask, other=0.0),
        tl.load(place + 3 * SENDERS * RECEIVERS, mask=mask, other=0.0),
    )
