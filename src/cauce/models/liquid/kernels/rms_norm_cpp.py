"""Rows divided by the root of their mean square in C++, turned or not, and the gradient.

Axes: n rows, d width, b rows of tokens, t tokens, h heads.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.native import address

if TYPE_CHECKING:
    from jaxtyping import Float

BLOCK = 64
"""Rows whose part in the weight's gradient is summed by itself."""


class Angles(NamedTuple):
    """Cosines and sines by which the heads of a token turn, (1 or b, 1, t, d/2)."""

    cosine: Tensor
    sine: Tensor


def normed(
    x: Float[Tensor, "*any d"], weight: Float[Tensor, " d"], epsilon: float
) -> Float[Tensor, "*any d"]:
    """x / sqrt(mean x^2 + epsilon) * weight."""
    result: Tensor = _RmsNorm.apply(x.contiguous(), weight, epsilon, None)  # type: ignore[no-untyped-call]
    return result


def normed_and_turned(
    x: Float[Tensor, "b t h d"], weight: Float[Tensor, " d"], epsilon: float, angles: Angles
) -> Float[Tensor, "b t h d"]:
    """The same, and then the i-th numbers of either half of each head turned as a pair."""
    kept = Angles(*(part.contiguous() for part in angles))
    result: Tensor = _RmsNorm.apply(x.contiguous(), weight, epsilon, kept)  # type: ignore[no-untyped-call]
    return result


class _RmsNorm(torch.autograd.Function):
    """Kept for the backward pass is what was given alone."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, epsilon: float, angles: Angles | None
    ) -> Tensor:
        to = torch.empty_like(x)
        call = _Call(x, weight, epsilon, angles)
        native.library().cauce_rms_norm_forward(ctypes.byref(call), address(to))
        ctx.epsilon = epsilon
        ctx.save_for_backward(x, weight, *(angles or ()))
        return to

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, *angles = ctx.saved_tensors
        grad, x_grad = grad.contiguous(), torch.empty_like(x)
        call = _Call(x, weight, ctx.epsilon, Angles(*angles) if angles else None)
        weight_grad = x.new_empty(-(-call.rows // BLOCK), len(weight))
        native.library().cauce_rms_norm_backward(
            ctypes.byref(call), *map(address, (grad, x_grad, weight_grad))
        )
        return x_grad, weight_grad.sum(0), None, None


class _Call(ctypes.Structure):
    """A call as rms_norm.cpp's struct of this name has it; the tensors must outlive it."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("rows", "width", "heads", "turns", "block")),
        ("threads", ctypes.c_int64),
        ("epsilon", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in ("x", "weight", "cosine", "sine")),
    )

    def __init__(self, x: Tensor, weight: Tensor, epsilon: float, angles: Angles | None) -> None:
        width = len(weight)
        super().__init__(
            x.numel() // width,
            width,
            x.shape[-2] if angles else 1,
            angles.cosine.numel() // (width // 2) if angles else 1,
            BLOCK,
            torch.get_num_threads(),
            epsilon,
            address(x),
            address(weight),
            *(map(address, angles or (None, None))),
        )
