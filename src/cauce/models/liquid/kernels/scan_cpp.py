"""The loop of a linear recurrence in C++, and its gradient.

Axes: b rows, t time, d width.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.native import address

if TYPE_CHECKING:
    from jaxtyping import Float


def forward(
    factors: Float[Tensor, "b t d"], terms: Float[Tensor, "b t d"]
) -> Float[Tensor, "b t d"]:
    """All x_t with x_t = factors_t x_{t-1} + terms_t, starting from 0."""
    factors, terms = factors.contiguous(), terms.contiguous()
    solved = torch.empty_like(terms)
    native.library().cauce_scan_forward(*_sizes(terms), *map(address, (factors, terms, solved)))
    return solved


def backward(
    factors: Float[Tensor, "b t d"], solved: Float[Tensor, "b t d"], grad: Float[Tensor, "b t d"]
) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b t d"]]:
    """The gradients of factors and terms."""
    factors, grad = factors.contiguous(), grad.contiguous()
    factors_grad, terms_grad = torch.empty_like(grad), torch.empty_like(grad)
    native.library().cauce_scan_backward(
        *_sizes(grad), *map(address, (factors, solved, grad, factors_grad, terms_grad))
    )
    return factors_grad, terms_grad


def _sizes(values: Tensor) -> tuple[ctypes.c_int64 | int, ...]:
    return (*map(ctypes.c_int64, values.shape), torch.get_num_threads())
