"""Token vectors that hold a little of the tokens before them.

Axes: b rows, t tokens, d width, k taps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import Module, Parameter

from cauce.models.foundation.convolution import causal_convolution
from cauce.models.foundation.places import Memory, Places

if TYPE_CHECKING:
    from jaxtyping import Float, Int


class LookupTable(nn.Embedding):
    """scale E[id]: under Adam, whose steps do not know the size of a weight, E moves `scale` times
    as fast as it would by itself.

    A table is looked up and never multiplied with: its weights cost no time, and each is learned
    from the few places where its token stands.
    """

    def __init__(self, vocabulary: int, width: int, *, scale: float = 1.0) -> None:
        super().__init__(vocabulary, width)
        self.scale = scale

    def forward(self, input: Int[Tensor, "b t"]) -> Float[Tensor, "b t d"]:
        """The vectors of these tokens."""
        return self.scale * super().forward(input)


class LiquidEmbedding(Module):
    """x_t = e_t + sum_k taps_k * e_{t-k}, depthwise, over `kernel` tokens of a document.

    e_t is the vector of token t. A convolution on top of each projection is Primer's (So et al.
    2021, arXiv 2109.08668); this is one at the very beginning. The taps start at 0, which is a
    plain embedding, and weight decay draws them back to it; with a `kernel` of 1 there are none.
    """

    def __init__(self, vocabulary: int, width: int, *, kernel: int = 1, scale: float = 1.0) -> None:
        super().__init__()
        if kernel < 1:
            raise ValueError(f"kernel is {kernel}; needed is 1, a plain embedding, or more")
        self.tokens = LookupTable(vocabulary, width, scale=scale)
        self.taps = Parameter(torch.empty(kernel, width)) if kernel > 1 else None
        self.reset_parameters()

    def put(self, vectors: Module) -> None:
        """Takes over the vectors of an `nn.Embedding`, as many as there are.

        Raises ValueError for another number: other parts have tables of the same tokens.
        """
        size = self.tokens.weight.shape
        if not isinstance(vectors, nn.Embedding) or vectors.weight.shape != size:
            raise ValueError(
                f"the model has vectors {tuple(size)} and was given {vectors}; "
                "needed is an nn.Embedding of that size: make a model for another vocabulary anew"
            )
        self.tokens.weight = vectors.weight

    def reset_parameters(self) -> None:
        """Sets the taps to those that change nothing."""
        if self.taps is not None:
            nn.init.zeros_(self.taps)

    def forward(
        self,
        ids: Int[Tensor, "b t"] | None,
        places: Places,
        memory: Memory | None = None,
        *,
        inputs_embeds: Float[Tensor, "b t d"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        """The vectors of these tokens, or of `inputs_embeds` in place of E[ids]."""
        embedded = self.tokens(ids) if inputs_embeds is None else inputs_embeds
        if self.taps is None:
            return embedded
        return embedded + causal_convolution(embedded, self.taps, places, memory)
