"""Attention of each token to a window before it in C++, and its gradient.

Axes: b rows, t tokens, h query heads, g groups (key and value heads), w width of a head, u of a
value.
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


def window_attention(
    query: Float[Tensor, "b t h w"],
    key: Float[Tensor, "b t g w"],
    value: Float[Tensor, "b t g u"],
    *,
    window: int,
    begins: Int[Tensor, "b t"] | None,
) -> Float[Tensor, "b t h u"]:
    """softmax(q k^T / sqrt(w)) v over the `window` tokens up to each one.

    `begins` says for each token at which its document does; nothing before it is seen. Raises
    ValueError for sizes that do not fit each other.
    """
    rows, tokens, heads, width = query.shape
    sizes = (rows, tokens, key.shape[2])
    if key.shape != (*sizes, width) or value.shape[:3] != sizes or heads % sizes[2]:
        raise ValueError(
            f"queries are {tuple(query.shape)}, keys {tuple(key.shape)} and values "
            f"{tuple(value.shape)}; needed are as many rows and tokens, and heads that share groups"
        )
    given = [tensor.contiguous() for tensor in (query, key, value)]
    places = None if begins is None else begins.long().contiguous()
    taken: Tensor = _WindowAttention.apply(window, places, *given)  # type: ignore[no-untyped-call]
    return taken


class _WindowAttention(torch.autograd.Function):
    """Kept for the backward pass are what was given and taken, and a number for each query."""

    @staticmethod
    def forward(ctx: Any, window: int, begins: Tensor | None, *given: Tensor) -> Tensor:
        query, _, value = given
        taken = query.new_empty(*query.shape[:3], value.shape[3])
        totals = query.new_empty(query.shape[:3])
        call = _Call(window, begins, given)
        native.library().cauce_window_attention_forward(
            ctypes.byref(call), address(taken), address(totals)
        )
        ctx.window = window
        ctx.save_for_backward(begins, taken, totals, *given)
        return taken

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        begins, taken, totals, *given = ctx.saved_tensors
        grad = grad.contiguous()
        grads = list(map(torch.empty_like, given))
        native.library().cauce_window_attention_backward(
            ctypes.byref(_Call(ctx.window, begins, given)),
            (ctypes.c_void_p * 3)(*map(address, (taken, totals, grad))),
            (ctypes.c_void_p * 3)(*map(address, grads)),
        )
        return None, None, *grads


class _Call(ctypes.Structure):
    """A call as window_attention.cpp's struct of this name has it; the tensors must outlive it."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("rows", "tokens", "heads", "groups")),
        *((name, ctypes.c_int64) for name in ("width", "value_width", "window", "threads")),
        *((name, ctypes.c_void_p) for name in ("query", "key", "value", "begins")),
    )

    def __init__(self, window: int, begins: Tensor | None, given: Any) -> None:
        query, key, value = given
        super().__init__(
            *query.shape[:3],
            key.shape[2],
            query.shape[3],
            value.shape[3],
            window,
            torch.get_num_threads(),
            *map(address, given),
            address(begins),
        )
