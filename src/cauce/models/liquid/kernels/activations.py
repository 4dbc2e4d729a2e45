"""The activations of a CfC's backbone with their derivatives, both from the same input."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from jaxtyping import Float

Activation = Literal["lecun_tanh", "tanh", "relu", "silu", "gelu", "gelu_tanh"]

LECUN_SCALE, LECUN_RATE = 1.7159, 0.666


class _Formula(NamedTuple):
    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


def activate(name: Activation, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """What the activation makes of `x`."""
    return _FORMULAS[name].value(x)


def slope(name: Activation, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The derivative of the activation at `x`."""
    return _FORMULAS[name].slope(x)


def _lecun_slope(x: Tensor) -> Tensor:
    return _tanh_slope(LECUN_RATE * x).mul_(LECUN_SCALE * LECUN_RATE)


def _tanh_slope(x: Tensor) -> Tensor:
    return x.tanh().square_().neg_().add_(1)


def _silu_slope(x: Tensor) -> Tensor:
    share = x.sigmoid()
    return share * (1 + x * (1 - share))


def _gelu_slope(x: Tensor) -> Tensor:
    density = torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + torch.erf(x / math.sqrt(2))) + x * density


def _gelu_tanh_slope(x: Tensor) -> Tensor:
    root, cube = math.sqrt(2 / math.pi), 0.044715
    inner = torch.tanh(root * (x + cube * x**3))
    return 0.5 * (1 + inner) + 0.5 * x * (1 - inner**2) * root * (1 + 3 * cube * x**2)


_FORMULAS: dict[Activation, _Formula] = {
    "lecun_tanh": _Formula(lambda x: (LECUN_RATE * x).tanh_().mul_(LECUN_SCALE), _lecun_slope),
    "tanh": _Formula(torch.tanh, _tanh_slope),
    "relu": _Formula(torch.relu, lambda x: (x > 0).to(x.dtype)),
    "silu": _Formula(functional.silu, _silu_slope),
    "gelu": _Formula(functional.gelu, _gelu_slope),
    "gelu_tanh": _Formula(lambda x: functional.gelu(x, approximate="tanh"), _gelu_tanh_slope),
}
