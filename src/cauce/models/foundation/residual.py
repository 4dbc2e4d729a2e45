"""The last matrix of every part, whose output is added to what flows through the network.

Axes: d width, f hidden width.
"""

from __future__ import annotations

from torch import nn


class ResidualOutput(nn.Linear):
    """A linear map without bias, drawn by `output_initializer_range` and not as other matrices.

    At 0 the network begins as its embedding and its head alone, and every part grows from there
    (Zhang et al. 2019, arXiv 1901.09321).
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(inputs, width, bias=False)
