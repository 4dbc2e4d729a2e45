"""A CfC that computes what an MLP computes, and has a recurrence that can grow from there.

With y = act(W x + b) (or act(G x + b) (U x + c)) for a backbone, an MLP is M y + m. The CfC gets

    f1 = tanh(alpha (M y + m)),  f2 = 0,  s = sigmoid(-6) = 0.0025,  h = f1 (1 - s)

and the block's output is h / (alpha (1 - s)), which is the MLP's as far as tanh(alpha z) is
alpha z. Each channel has an alpha of its own, by how large its outputs are on random tokens: models
have a few channels with outputs hundreds of times those of the others, which tanh would cut off.
The weights on the state are 0 and have a gradient.

Axes: d model width, f hidden width of the MLP.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast, get_args

import torch
from torch import Tensor
from transformers import PreTrainedModel

from cauce.errors import UserError
from cauce.models.liquid.cfc import CfC
from cauce.models.liquid.kernels.activations import Activation
from cauce.models.liquid.transplant.block import Form, LiquidBlock, Scale
from cauce.models.liquid.transplant.sites import Site, Weights

if TYPE_CHECKING:
    from jaxtyping import Float

REACH = 0.05
"""Of alpha z at the largest output on random tokens, from where tanh bends by a thousandth. On text
outputs were up to 3 times as large. The smaller it is, the slower the recurrence grows."""

ROWS, TOKENS = 8, 64
"""Random tokens on which outputs are measured."""

TIME_BIAS = -6.0

ACTIVATIONS: dict[str, Activation] = {
    "GELUActivation": "gelu",
    "NewGELUActivation": "gelu_tanh",
    "GELUTanh": "gelu_tanh",
    "PytorchGELUTanh": "gelu_tanh",
    "SiLUActivation": "silu",
    "GELU": "gelu",
    "SiLU": "silu",
    "ReLU": "relu",
    "Tanh": "tanh",
}
"""Ours by the class names of transformers and torch."""


def form_of(site: Site) -> Form:
    """The shape that a CfC needs to compute what the MLP of `site` does.

    Raises UserError for an activation that a CfC does not have.
    """
    name = type(site.activation).__name__
    if name not in ACTIVATIONS:
        raise UserError(
            f"the MLP of layer {site.number} has the activation {name}; a CfC that preserves it "
            f"has {', '.join(get_args(Activation))}.\nSet model.liquid.init to distil."
        )
    weights = site.weights
    return Form(ACTIVATIONS[name], len(weights.into), is_gated=weights.gate is not None)


@torch.no_grad()
def largest_outputs(
    model: PreTrainedModel, sites: Sequence[Site]
) -> dict[int, Float[Tensor, " d"]]:
    """The size of each channel's largest output on random tokens, of each MLP by its layer."""
    largest: dict[int, Tensor] = {}

    def remember(number: int, _inputs: Tensor, outputs: Tensor) -> None:
        largest[number] = outputs.abs().reshape(-1, outputs.shape[-1]).amax(0)

    draws = torch.Generator().manual_seed(0)
    tokens = torch.randint(model.config.vocab_size, (ROWS, TOKENS), generator=draws)
    if isinstance(model.config.bos_token_id, int):
        tokens[:, 0] = model.config.bos_token_id
    hooks = [hook for site in sites for hook in site.watch(remember)]
    is_training = model.training
    try:
        model.train(False)
        model(input_ids=tokens.to(model.device), use_cache=False)
    finally:
        model.train(is_training)
        for hook in hooks:
            hook.remove()
    return largest


@torch.no_grad()
def preserve(block: LiquidBlock, weights: Weights, largest: Float[Tensor, " d"]) -> None:
    """Gives a block of the MLP's form the weights with which it computes the MLP.

    `largest` is the size of the MLP's largest output in each channel, so far as it is known.
    """
    alpha = (REACH / largest.clamp(min=REACH)).to(weights.out)
    cfc, scale = cast(CfC, block.liquid), cast(Scale, block.expand)
    units = cfc.units
    gates = [weights.gate] if weights.gate is not None else []
    biases = [weights.gate_bias] if weights.gate_bias is not None else []
    cfc.input_weight.copy_(torch.cat([*gates, weights.into]))
    cfc.bias.copy_(torch.cat([*biases, weights.into_bias]))
    cfc.recurrent_weight.zero_()
    cfc.head_weight.zero_()
    cfc.head_bias.zero_()
    cfc.head_weight[:units] = alpha[:, None] * weights.out
    cfc.head_bias[:units] = alpha * weights.out_bias
    cfc.head_bias[3 * units :] = TIME_BIAS
    kept = 1 - 1 / (1 + math.exp(-TIME_BIAS))
    scale.weight.copy_(1 / (alpha * kept))
    scale.bias.zero_()
