"""The RG-LRU with its gradient (Griffin, De et al. 2024, arXiv 2402.19427).

    a = exp(-speed sigmoid(g_a))                      how much of the state is kept
    h = a h + sqrt(1 - a^2) sigmoid(g_x) x            so that the size of h is that of x

In torch that is some twenty operations over whole tensors, each of which waits for memory, and a
scan. In C++ it is one loop each way, which computes the gates again in the backward pass: 8 ms
forward and backward for 8 rows of 512 steps, 256 wide, on one core, instead of 32 (2026-11).

Axes: b rows, t time, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.models.liquid.kernels.backends import choose_backend
from cauce.models.liquid.kernels.scan import differentiable_scan

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

LEAST = 1e-12
"""Of 1 - a^2: its root has no gradient at 0, which a gate that is shut would meet."""


# A compiler cannot see into the loop in C++.
@torch.compiler.disable  # type: ignore[untyped-decorator]
def rg_lru_recurrence(
    values: Float[Tensor, "b t d"],
    gates: tuple[Float[Tensor, "b t d"], Float[Tensor, "b t d"]],
    speed: Float[Tensor, " d"],
    state: Float[Tensor, "b d"] | None = None,
    *,
    starts: Bool[Tensor, "b t"] | None = None,
) -> Float[Tensor, "b t d"]:
    """The states h after each step, with gradients for x, (g_a, g_x), the speed and the state.

    `state` is that before the first step, 0 when None; it is dropped where `starts` is True.
    Raises ValueError for shapes or dtypes that do not fit the values.
    """
    _refuse_unfit(values, gates, speed, state, starts)
    if choose_backend(values.device, values.dtype) == "cpp":
        from cauce.models.liquid.kernels import rg_lru_cpp

        return rg_lru_cpp.recurrence(values, gates, speed, state, starts)
    # a - 1 comes first, as it keeps the digits that a near 1 loses.
    less_one = torch.expm1(-speed * torch.sigmoid(gates[0]))
    factors = less_one + 1
    scale = (-less_one * (factors + 1)).clamp(min=LEAST).sqrt()
    if starts is not None:
        factors = factors.masked_fill(starts[..., None], 0.0)
    solved: Tensor = differentiable_scan(factors, scale * torch.sigmoid(gates[1]) * values, state)
    return solved


def _refuse_unfit(
    values: Tensor,
    gates: tuple[Tensor, Tensor],
    speed: Tensor,
    state: Tensor | None,
    starts: Tensor | None,
) -> None:
    """A loop over memory must not be led beyond it."""
    rows, time, width = values.shape
    for name, tensor, dtype, shape in (
        ("gates[0]", gates[0], values.dtype, (rows, time, width)),
        ("gates[1]", gates[1], values.dtype, (rows, time, width)),
        ("speed", speed, values.dtype, (width,)),
        ("state", state, values.dtype, (rows, width)),
        ("starts", starts, torch.bool, (rows, time)),
    ):
        if tensor is not None and (tensor.dtype, tensor.shape) != (dtype, shape):
            raise ValueError(
                f"{name} is {tensor.dtype} of shape {tuple(tensor.shape)}; needed is {dtype} of "
                f"shape {shape}, as the values are"
            )
