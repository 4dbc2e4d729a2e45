# ruff: noqa: ANN001, ANN201 - Triton gives all that is not a constexpr its type
# mypy: ignore-errors
"""What Triton's kernels share: functions exact to a few units in the last place, and marks."""

from __future__ import annotations

import triton
import triton.language as tl

from cauce.models.liquid.kernels import activations

LECUN_SCALE = tl.constexpr(activations.LECUN_SCALE)
LECUN_RATE = tl.constexpr(activations.LECUN_RATE)


@triton.jit
def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    small = tl.exp(-tl.abs(x))
    return tl.where(x < 0, small, 1.0) / (1.0 + small)


@triton.jit
def tanh(x):
    """The hyperbolic tangent; near 0 by its series, since the quotient loses its digits there."""
    small = tl.exp(-2.0 * tl.abs(x))
    far = (1.0 - small) / (1.0 + small)
    square = x * x
    series = -17.0 / 315.0 + square * (62.0 / 2835.0)
    series = 1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 + square * series))
    return tl.where(tl.abs(x) < 0.25, x * series, tl.where(x < 0, -far, far))


@triton.jit
def activate(x, NAME: tl.constexpr):
    """What the activation of that name makes of x."""
    if NAME == "lecun_tanh":
        y = tanh(x * LECUN_RATE) * LECUN_SCALE
    elif NAME == "tanh":
        y = tanh(x)
    elif NAME == "relu":
        y = tl.maximum(x, 0.0)
    elif NAME == "silu":
        y = x * sigmoid(x)
    elif NAME == "gelu":
        y = 0.5 * x * (1.0 + tl.math.erf(x * 0.7071067811865476))
    else:
        tl.static_assert(NAME == "gelu_tanh")
        y = x * sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))
    return y


@triton.jit
def is_unmarked(marks, line, is_row):
    """Which of the rows carry no mark; the marks may be None."""
    is_plain = is_row
    if marks is not None:
        is_plain = is_row & (tl.load(marks + line, mask=is_row, other=1) == 0)
    return is_plain
