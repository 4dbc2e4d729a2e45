"""A CfC that computes what an MLP computes, and has a recurrence that can grow from there.

With y = act(W x + b) (or act(G x + b) (U x + c)) for a backbone, an MLP is M y + m. The CfC gets

    f1 = r tanh((M y + m) / r),  f2 = 0,  s = sigmoid(-6) = 0.0025,  h = f1 (1 - s)

and the block's output is h / (1 - s), which is the MLP's as long as that is small beside the reach
r. All weights are the MLP's own, so that a step of an optimizer means what it meant to the MLP. The
weights on the state are 0 and have a gradient.

Axes: d model width, f hidden width of the MLP.
"""

from __future__ import annotations

import math
from typing import cast, get_args

import torch

from cauce.errors import UserError
from cauce.models.liquid.cfc import CfC
from cauce.models.liquid.kernels.activations import Activation
from cauce.models.liquid.transplant.block import Form, LiquidBlock, Scale
from cauce.models.liquid.transplant.sites import Site, Weights

REACH = 1e4
"""Large models have a few outputs of some thousand; of one of 1,000 tanh takes 0.3 %. The loss of a
Llama of 4 M weights changed by 0.009 nats at 50, by 8e-5 at 500."""

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
    is_gated = weights.gate is not None
    return Form(ACTIVATIONS[name], len(weights.into), is_gated=is_gated, reach=REACH)


@torch.no_grad()
def preserve(block: LiquidBlock, weights: Weights) -> None:
    """Gives a block of the MLP's form the weights with which it computes the MLP."""
    cfc, scale = cast(CfC, block.liquid), cast(Scale, block.expand)
    units = cfc.units
    gates = [weights.gate] if weights.gate is not None else []
    biases = [weights.gate_bias] if weights.gate_bias is not None else []
    cfc.input_weight.copy_(torch.cat([*gates, weights.into]))
    cfc.bias.copy_(torch.cat([*biases, weights.into_bias]))
    cfc.recurrent_weight.zero_()
    cfc.head_weight.zero_()
    cfc.head_bias.zero_()
    cfc.head_weight[:units] = weights.out
    cfc.head_bias[:units] = weights.out_bias
    cfc.head_bias[3 * units :] = TIME_BIAS
    scale.weight.fill_(1 + math.exp(TIME_BIAS))
    scale.bias.zero_()
