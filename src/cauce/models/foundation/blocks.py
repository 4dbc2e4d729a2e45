"""A block: tokens exchange something, then each makes something of it; and a stack of blocks.

Axes: b rows, t tokens, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import Module, ModuleList, Parameter
from transformers.modeling_layers import GradientCheckpointingLayer

from cauce.corpus.tokens import IGNORED
from cauce.models.foundation.attention import CrossAttention, Encoded, WindowAttention
from cauce.models.foundation.compression import Compression
from cauce.models.foundation.config import LiquidFoundationConfig, Mixer
from cauce.models.foundation.convolution import GatedConvolution
from cauce.models.foundation.deformable import DeformableConvolution
from cauce.models.foundation.experts import Experts
from cauce.models.foundation.feed_forward import SquaredRelu, SwiGlu
from cauce.models.foundation.memory import RecurrentMemory, make_recurrence
from cauce.models.foundation.norm import RmsNorm
from cauce.models.foundation.places import Memory, Places

if TYPE_CHECKING:
    from jaxtyping import Float, Int

FEED_FORWARDS = {"swiglu": SwiGlu, "relu2": SquaredRelu}


class Block(GradientCheckpointingLayer):  # type: ignore[no-untyped-call]
    """x + mixer(norm(x)), then x + feed_forward(norm(x)) (pre-norm: arXiv 2002.04745)."""

    def __init__(
        self,
        config: LiquidFoundationConfig,
        kind: Mixer,
        *,
        has_experts: bool = False,
        is_causal: bool = True,
        reads_encoder: bool = False,
    ) -> None:
        super().__init__()
        width, epsilon = config.hidden_size, config.rms_norm_eps
        self.mixer_norm = RmsNorm(width, epsilon)
        self.mixer = _mixer(config, kind, is_causal=is_causal)
        self.cross: CrossAttention | None = None
        if reads_encoder:
            self.cross_norm = RmsNorm(width, epsilon)
            self.cross = CrossAttention(config)
        self.norm = RmsNorm(width, epsilon)
        self.feed_forward: Module = (
            _experts(config)
            if has_experts
            else FEED_FORWARDS[config.feed_forward](width, config.intermediate_size)
        )

    def forward(
        self,
        hidden: Float[Tensor, "b t d"],
        places: Places,
        memory: Memory | None = None,
        encoded: Encoded | None = None,
    ) -> Float[Tensor, "b t d"]:
        """The tokens after the block; its mixer's state goes on from `memory` and into it."""
        hidden = hidden + self.mixer(self.mixer_norm(hidden), places, memory)
        if self.cross is not None and encoded is not None:
            hidden = hidden + self.cross(self.cross_norm(hidden), encoded, memory)
        normed = self.norm(hidden)
        if isinstance(self.feed_forward, Experts):
            output: Tensor = hidden + self.feed_forward(normed, places.is_real)
        else:
            output = hidden + self.feed_forward(normed)
        return output


class Stack(Module):
    """The blocks of a decoder, some of the middle ones perhaps over compressed text.

    With `shortcuts` the embedded tokens are added anew before each block, every channel in a share
    of its own that starts at 0; not to chunks, whose shares stay unused.
    """

    def __init__(self, config: LiquidFoundationConfig) -> None:
        super().__init__()
        self.layers = ModuleList(
            Block(
                config,
                kind,
                has_experts=number in config.expert_layers,
                reads_encoder=config.is_encoder_decoder,
            )
            for number, kind in enumerate(config.mixers)
        )
        self.shortcuts: Parameter | None = None
        if config.shortcuts:
            self.shortcuts = Parameter(torch.empty(config.depth, config.hidden_size))
        self.reset_parameters()
        self.inner = range(0)
        self.compression: Compression | None = None
        if config.compressed_layers is not None:
            self.inner = range(*config.compressed_layers)
            self.compression = Compression(
                config.hidden_size,
                ratio=config.compression_ratio,
                ratio_weight=config.compression_weight,
                reconstruction_weight=config.reconstruction_weight,
            )

    def forward(
        self,
        hidden: Float[Tensor, "b t d"],
        places: Places,
        memories: Sequence[Memory] | None = None,
        *,
        states: list[Tensor] | None = None,
        encoded: Encoded | None = None,
    ) -> Float[Tensor, "b t d"]:
        """The tokens after all blocks.

        `memories` are those of the blocks, and last that of the compression. Into `states` goes
        what each block put out; blocks over compressed text put out what it expands to.
        """
        embedded = hidden
        for number in range(len(self.layers)):
            if self.shortcuts is not None and number not in self.inner:
                hidden = torch.addcmul(hidden, embedded, self.shortcuts[number])
            if self.compression is not None and number == self.inner.start:
                hidden = self._compressed(self.compression, hidden, places, memories)
            elif number not in self.inner:
                memory = None if memories is None else memories[number]
                hidden = self.layers[number](hidden, places, memory, encoded)
            if states is not None:
                states.append(hidden)
        return hidden

    def reset_parameters(self) -> None:
        """Closes the shortcuts."""
        if self.shortcuts is not None:
            nn.init.zeros_(self.shortcuts)

    def _compressed(
        self,
        compression: Compression,
        hidden: Tensor,
        places: Places,
        memories: Sequence[Memory] | None,
    ) -> Tensor:
        def middle(chunks: Tensor, where: Places, inner: Sequence[Memory] | None) -> Tensor:
            for step, number in enumerate(self.inner):
                memory = None if inner is None else inner[step]
                chunks = self.layers[number](chunks, where, memory)
            return chunks

        own, inner = None, None
        if memories is not None:
            own, inner = memories[-1], memories[self.inner.start : self.inner.stop]
        expanded: Tensor = compression(hidden, places, own, middle, inner)
        return expanded


def auxiliary_loss(part: Module) -> Tensor | None:
    """The sum of what routers and compression of `part` ask for besides the likelihood, if any."""
    found = [
        module.auxiliary
        for module in part.modules()
        if isinstance(module, Experts | Compression) and module.auxiliary is not None
    ]
    return sum(found[1:], found[0]) if found else None


def with_auxiliary(
    loss: Tensor, auxiliary: Tensor | None, targets: Int[Tensor, "b t"], options: dict[str, Any]
) -> Tensor:
    """The loss and what is asked for besides.

    With `num_items_in_batch`, the targets of an update of which these are a part, `auxiliary`
    counts as much as that part does.
    """
    if auxiliary is None:
        return loss
    items = options.get("num_items_in_batch")
    return loss + auxiliary * (1 if items is None else (targets != IGNORED).sum() / items)


def _mixer(config: LiquidFoundationConfig, kind: Mixer, *, is_causal: bool) -> Module:
    width = config.hidden_size
    if kind == "convolution":
        return GatedConvolution(width, kernel=config.conv_kernel, is_causal=is_causal)
    if kind == "attention":
        return WindowAttention(config, is_causal=is_causal)
    if kind == "deformable":
        return DeformableConvolution(
            width,
            kernel=config.conv_kernel,
            reach=config.deformable_reach,
            groups=config.num_attention_heads,
        )
    return RecurrentMemory(make_recurrence(config.memory, width), width)


def _experts(config: LiquidFoundationConfig) -> Experts:
    return Experts(
        config.hidden_size,
        config.intermediate_size // config.experts_per_token,
        config.num_experts,
        per_token=config.experts_per_token,
        confidence=config.expert_confidence,
        feed_forward=config.feed_forward,
        z_weight=config.router_z_weight,
    )
