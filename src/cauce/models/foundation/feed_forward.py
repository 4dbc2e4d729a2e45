"""What each token makes of itself between two exchanges with others.

Axes: b rows, t tokens, d width, f hidden width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import Module
from torch.nn.functional import relu, silu

from cauce.models.foundation.residual import ResidualOutput

if TYPE_CHECKING:
    from jaxtyping import Float


class SwiGlu(Module):
    """W_o (silu(W_g x) * W_v x) (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.value = nn.Linear(width, hidden, bias=False)
        self.output = ResidualOutput(hidden, width)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """Of each token by itself."""
        output: Tensor = self.output(silu(self.gate(x)) * self.value(x))
        return output


class SquaredRelu(Module):
    """W_o max(0, W_v x)^2 (So et al. 2021, arXiv 2109.08668)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.value = nn.Linear(width, hidden, bias=False)
        self.output = ResidualOutput(hidden, width)

    def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t d"]:
        """Of each token by itself."""
        output: Tensor = self.output(relu(self.value(x)).square())
        return output
