"""The gated short convolution in C++, and its gradient: one pass over memory each.

Axes: b rows, t tokens, d width, k taps.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.native import address

if TYPE_CHECKING:
    from jaxtyping import Float, Int


def gated_convolution(
    values: Float[Tensor, "b t d"],
    gates: tuple[Float[Tensor, "b t d"], Float[Tensor, "b t d"]],
    taps: Float[Tensor, "k d"],
    positions: Int[Tensor, "b t"] | None,
) -> Float[Tensor, "b t d"]:
    """gates_1 * conv(gates_0 * values), of rows without a past; `positions` begin documents.

    Raises ValueError for sizes that do not fit each other.
    """
    if not values.shape == gates[0].shape == gates[1].shape or taps.shape[1:] != values.shape[2:]:
        raise ValueError(
            f"values are {tuple(values.shape)}, gates {[tuple(gate.shape) for gate in gates]} and "
            f"taps {tuple(taps.shape)}; needed are gates like the values, and taps as wide"
        )
    given = [tensor.contiguous() for tensor in (values, *gates, taps)]
    places = None if positions is None else positions.long().contiguous()
    mixed: Tensor = _GatedConvolution.apply(places, *given)  # type: ignore[no-untyped-call]
    return mixed


class _GatedConvolution(torch.autograd.Function):
    """Kept for the backward pass is what was given alone."""

    @staticmethod
    def forward(ctx: Any, positions: Tensor | None, *given: Tensor) -> Tensor:
        to = torch.empty_like(given[0])
        call = _Call(positions, given)
        native.library().cauce_gated_convolution_forward(ctypes.byref(call), address(to))
        ctx.save_for_backward(positions, *given)
        return to

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        positions, *given = ctx.saved_tensors
        grad = grad.contiguous()
        values, input_gate, output_gate = map(torch.empty_like, given[:3])
        taps = grad.new_empty(len(grad), *given[3].shape)
        grads = (ctypes.c_void_p * 4)(*map(address, (values, input_gate, output_gate, taps)))
        native.library().cauce_gated_convolution_backward(
            ctypes.byref(_Call(positions, given)), address(grad), grads
        )
        return None, values, input_gate, output_gate, taps.sum(0)


class _Call(ctypes.Structure):
    """A call as gated_convolution.cpp's struct of this name has it; the tensors must outlive it."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("rows", "steps", "width", "count", "threads")),
        *((name, ctypes.c_void_p) for name in ("values", "input_gate", "output_gate")),
        *((name, ctypes.c_void_p) for name in ("taps", "positions")),
    )

    def __init__(self, positions: Tensor | None, given: Any) -> None:
        super().__init__(
            *given[0].shape,
            len(given[3]),
            torch.get_num_threads(),
            *map(address, given),
            address(positions),
        )
