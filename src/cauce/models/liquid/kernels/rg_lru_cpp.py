"""The loop of an RG-LRU in C++: gates and state in one pass, and their gradients in another.

Axes: b rows, t time, d width.
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
    from jaxtyping import Bool, Float


def recurrence(
    values: Float[Tensor, "b t d"],
    gates: tuple[Float[Tensor, "b t d"], Float[Tensor, "b t d"]],
    speed: Float[Tensor, " d"],
    state: Float[Tensor, "b d"] | None,
    starts: Bool[Tensor, "b t"] | None,
) -> Float[Tensor, "b t d"]:
    """See `rg_lru_recurrence`."""
    begin = torch.zeros_like(values[:, 0]) if state is None else state
    given = [tensor.contiguous() for tensor in (values, *gates, speed, begin)]
    marks = None if starts is None else starts.contiguous()
    states: Tensor = _RgLru.apply(marks, *given)  # type: ignore[no-untyped-call]
    return states


class _RgLru(torch.autograd.Function):
    """Kept for the backward pass are the tensors given and the states."""

    @staticmethod
    def forward(ctx: Any, starts: Tensor | None, *given: Tensor) -> Tensor:
        states = torch.empty_like(given[0])
        native.library().cauce_rg_lru_forward(ctypes.byref(_Call(starts, given)), address(states))
        ctx.save_for_backward(starts, states, *given)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        starts, states, *given = ctx.saved_tensors
        grad = grad.contiguous()
        values, decay, of_input, _, state = map(torch.empty_like, given)
        speed = torch.empty_like(state)
        grads = (ctypes.c_void_p * 5)(*map(address, (values, decay, of_input, speed, state)))
        native.library().cauce_rg_lru_backward(
            ctypes.byref(_Call(starts, given)), address(states), address(grad), grads
        )
        return None, values, decay, of_input, speed.sum(0), state


class _Call(ctypes.Structure):
    """A call as rg_lru.cpp's struct of this name has it; the tensors must outlive it."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("rows", "steps", "width", "threads")),
        *((name, ctypes.c_void_p) for name in ("values", "decay_drive", "input_drive")),
        *((name, ctypes.c_void_p) for name in ("speed", "state", "starts")),
    )

    def __init__(self, starts: Tensor | None, given: Any) -> None:
        super().__init__(
            *given[0].shape, torch.get_num_threads(), *map(address, given), address(starts)
        )
