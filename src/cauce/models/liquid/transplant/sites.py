"""Where the MLP blocks of a decoder are, whatever its architecture calls their parts.

Axes: d model width, f hidden width of the MLP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import Dropout, Identity, Module, ModuleList
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from cauce.errors import UserError
from cauce.models.foundation.config import LiquidFoundationConfig

if TYPE_CHECKING:
    from jaxtyping import Float


class Shape(NamedTuple):
    """The names of an MLP's linear layers; `gate` is the one whose output is activated, if two."""

    into: str
    out: str
    gate: str | None = None
    home: str | None = None
    """What the layer calls the MLP, where its attention has linear layers of the same names."""

    @property
    def parts(self) -> list[str]:
        """The names of the linear layers."""
        return [name for name in (self.into, self.out, self.gate) if name]


SHAPES = (
    Shape("up_proj", "down_proj", "gate_proj"),
    Shape("c_fc", "c_proj"),
    Shape("fc1", "fc2"),
    Shape("fc_in", "fc_out"),
    Shape("dense_h_to_4h", "dense_4h_to_h"),
    Shape("up_proj", "down_proj"),
    Shape("value", "output", "gate", home="feed_forward"),
    Shape("value", "output", home="feed_forward"),
)
"""Llama, Mistral, Qwen, Gemma, Phi-3 and their kin; GPT-2; BioGPT, OPT, Phi; GPT-J, CodeGen;
GPT-NeoX, Bloom, Falcon; Nemotron, Starcoder; Liquid Foundation with SwiGLU and with squared ReLU.
"""


class Weights(NamedTuple):
    """What an MLP computes with, as linear layers keep it: (outputs, inputs)."""

    into: Float[Tensor, "f d"]
    into_bias: Float[Tensor, " f"]
    out: Float[Tensor, "d f"]
    out_bias: Float[Tensor, " d"]
    gate: Float[Tensor, "f d"] | None
    gate_bias: Float[Tensor, " f"] | None


@dataclass
class Site:
    """One MLP block of a decoder: read, watched and replaced here."""

    number: int
    """Of the layer it belongs to, from 0."""
    layer: Module
    """The layer of the decoder."""
    name: str
    """Of the MLP in the layer; empty where the layer holds the linear layers itself."""
    shape: Shape

    @property
    def mlp(self) -> Module:
        """What holds the linear layers."""
        return getattr(self.layer, self.name) if self.name else self.layer

    @property
    def weights(self) -> Weights:
        """Weights and biases (0 where there are none), each (outputs, inputs)."""
        gate = self.shape.gate
        return Weights(
            *_linear(getattr(self.mlp, self.shape.into)),
            *_linear(getattr(self.mlp, self.shape.out)),
            *(_linear(getattr(self.mlp, gate)) if gate else (None, None)),
        )

    @property
    def activation(self) -> Module:
        """What is applied to the hidden values, or to those of the gate."""
        found = [
            part
            for part in self.mlp.children()
            if type(part).__module__ in ("transformers.activations", "torch.nn.modules.activation")
        ]
        if len(found) != 1:
            raise UserError(
                f"layer {self.number} has {len(found)} activations where an MLP has one: its MLP "
                "cannot be read.\nUse model.liquid.init=distil."
            )
        return found[0]

    @property
    def dropout(self) -> float:
        """The share that the MLP drops of its output itself."""
        return next((part.p for part in self.mlp.children() if isinstance(part, Dropout)), 0.0)

    def whole(self) -> Module:
        """The MLP as one module that maps the layer's inputs to its outputs."""
        if self.name:
            return self.mlp
        parts = (getattr(self.mlp, self.shape.into), self.activation)
        return nn.Sequential(*parts, getattr(self.mlp, self.shape.out))

    def replace(self, block: Module) -> None:
        """Puts `block` where the MLP was."""
        if self.name:
            setattr(self.layer, self.name, block)
            return
        activation = self.activation
        [name] = [name for name, part in self.layer.named_children() if part is activation]
        setattr(self.layer, self.shape.into, block)
        setattr(self.layer, name, Identity())
        setattr(self.layer, self.shape.out, Identity())
        if hasattr(self.layer, "activation_dropout"):
            self.layer.activation_dropout = 0.0  # type: ignore[assignment]

    def watch(
        self, tell: Callable[[int, Tensor, Tensor], None]
    ) -> list[torch.utils.hooks.RemovableHandle]:
        """Calls `tell(number, inputs, outputs)` at each pass through the MLP; returns the hooks."""
        if self.name:
            return [
                self.mlp.register_forward_hook(
                    lambda _, inputs, output: tell(self.number, inputs[0], output)
                )
            ]
        seen: list[Tensor] = []
        into, out = getattr(self.mlp, self.shape.into), getattr(self.mlp, self.shape.out)
        return [
            into.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])),
            out.register_forward_hook(lambda *passed: tell(self.number, seen.pop(), passed[2])),
        ]


def find_sites(model: PreTrainedModel) -> list[Site]:
    """The MLP of each layer of a decoder, in order.

    Raises UserError for an encoder-decoder, for compressed text, and where a layer has none that is
    known.
    """
    if model.config.is_encoder_decoder:
        raise UserError(
            f"{type(model).__name__} is an encoder-decoder; liquid layers replace the MLPs of "
            "decoders.\nUse GPT-2, Llama, Mistral or another decoder, or unset model.liquid."
        )
    is_own = isinstance(model.config, LiquidFoundationConfig)
    if is_own and model.config.compressed_layers is not None:
        raise UserError(
            f"layers {model.config.compressed_layers} of {type(model).__name__} read compressed "
            "text; the state of a liquid layer follows tokens.\n"
            "Use a model without compressed_layers, or unset model.liquid."
        )
    return [_site(model, number, layer) for number, layer in enumerate(decoder_layers(model))]


def decoder_layers(model: PreTrainedModel) -> list[Module]:
    """The layers of a decoder, in order."""
    count = model.config.num_hidden_layers
    stacks = [part for part in model.modules() if isinstance(part, ModuleList)]
    fitting = [stack for stack in stacks if len(stack) == count]
    if not fitting:
        raise UserError(
            f"{type(model).__name__} has no list of {count} layers, as its config says.\n"
            "Its MLPs cannot be found; unset model.liquid."
        )
    return list(fitting[0])


def _site(model: PreTrainedModel, number: int, layer: Module) -> Site:
    homes = [("", layer), *layer.named_children()]
    for shape in SHAPES:
        for name, home in homes:
            parts = [getattr(home, part, None) for part in shape.parts]
            is_home = shape.home in (None, name)
            if is_home and all(isinstance(part, nn.Linear | Conv1D) for part in parts):
                return Site(number, layer, name, shape)
    known = "; ".join(", ".join(shape.parts) for shape in SHAPES)
    raise UserError(
        f"layer {number} of {type(model).__name__} has no MLP of a known shape, but "
        f"{', '.join(name for name, _ in layer.named_children())}.\nKnown are: {known}."
    )


def _linear(layer: Module) -> tuple[Tensor, Tensor]:
    assert isinstance(layer, nn.Linear | Conv1D)
    weight = layer.weight.detach()
    weight = weight.t() if isinstance(layer, Conv1D) else weight
    bias = getattr(layer, "bias", None)
    return weight, weight.new_zeros(len(weight)) if bias is None else bias.detach()
