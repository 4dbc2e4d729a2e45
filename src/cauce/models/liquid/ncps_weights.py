"""Weights of layers that were trained with ncps (its 1.0.1), under the names they have here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from cauce.models.liquid.cfc import CfC
from cauce.models.liquid.layer import LiquidLayer
from cauce.models.liquid.ltc import LTC
from cauce.models.liquid.memory import MixedMemory
from cauce.models.liquid.wired import WiredCfC

if TYPE_CHECKING:
    from jaxtyping import Int8

CFC_HEADS = ("ff1", "ff2", "time_a", "time_b")

NAMES_OF_MEMORY = {
    "lstm.input_map.weight": "input_weight",
    "lstm.input_map.bias": "input_bias",
    "lstm.recurrent_map.weight": "recurrent_weight",
}


def load_ncps(layer: LiquidLayer, weights: Mapping[str, Tensor]) -> None:
    """Puts the state dict of an `ncps.torch.CfC` or `LTC` of the same shape into `layer`.

    Input and output maps that an LTC was made without are the identity. Raises ValueError where a
    weight is missing, left over or of another shape, and where a mask is not that of the wiring.
    """
    left = dict(weights)
    taken = _translated(layer, left)
    needed = {name: tuple(weight.shape) for name, weight in layer.state_dict().items()}
    given = {name: tuple(weight.shape) for name, weight in taken.items()}
    wrong = sorted({*left, *(name for name, _ in needed.items() ^ given.items())})
    if wrong:
        raise ValueError(
            f"{', '.join(wrong[:4])}: missing, left over or of another shape; make the "
            f"{type(layer).__name__} with the sizes, mode and wiring that were trained"
        )
    layer.load_state_dict(taken)


def _translated(layer: LiquidLayer, left: dict[str, Tensor]) -> dict[str, Tensor]:
    """What `layer` needs, by its own names, taken out of `left`."""
    if isinstance(layer, MixedMemory):
        mine = {ours: left.pop(name) for name, ours in NAMES_OF_MEMORY.items() if name in left}
        inner = _translated(layer.layer, left)
        return mine | {f"layer.{name}": weight for name, weight in inner.items()}
    if isinstance(layer, WiredCfC):
        return {
            f"layers.{index}.{name}": weight
            for index, part in enumerate(layer.layers)
            for name, weight in _cfc(cast(CfC, part), left, f"rnn_cell.layer_{index}.").items()
        }
    if isinstance(layer, CfC):
        return _cfc(layer, left, "rnn_cell.")
    if isinstance(layer, LTC):
        return _ltc(layer, left, "rnn_cell.")
    raise ValueError(f"ncps has no {type(layer).__name__}; it has CfC and LTC")


def _cfc(layer: CfC, left: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    backbone = {name.split(".")[-2] for name in left if name.startswith(f"{prefix}backbone.")}
    stages = [[f"{prefix}backbone.{number}"] for number in sorted(backbone, key=int)]
    stages.append([prefix + name for name in CFC_HEADS[: layer.heads]])
    (first, bias), *deeper = [_stacked(names, left) for names in stages]
    mine = {
        "input_weight": first[:, : layer.input_size],
        "recurrent_weight": first[:, layer.input_size :],
        "bias": bias,
    }
    for index, (weight, hidden_bias) in enumerate(deeper[:-1]):
        mine |= {f"hidden_weights.{index}": weight, f"hidden_biases.{index}": hidden_bias}
    for weight, head_bias in deeper[-1:]:
        mine |= {"head_weight": weight, "head_bias": head_bias}
    for name, ours in (("A", "amplitude"), ("w_tau", "rate")):
        if prefix + name in left:
            mine[ours] = left.pop(prefix + name)[0]
    if layer.input_mask is not None:
        own = np.concatenate([layer.input_mask, np.ones((layer.units, layer.units), np.int8)])
        _refuse_other_mask(f"{prefix}sparsity_mask", left, own.T)
    return mine


def _ltc(layer: LTC, left: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    _refuse_other_mask(f"{prefix}sparsity_mask", left, layer.wiring.synapses)
    _refuse_other_mask(f"{prefix}sensory_sparsity_mask", left, layer.wiring.sensory_synapses)
    identity = {
        "input_w": torch.ones(layer.input_size),
        "input_b": torch.zeros(layer.input_size),
        "output_w": torch.ones(layer.output_size),
        "output_b": torch.zeros(layer.output_size),
    }
    names = [name for name in left if name.startswith(prefix)]
    return identity | {name.removeprefix(prefix): left.pop(name) for name in names}


def _stacked(linears: list[str], left: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weights and biases of linear layers, one below the other."""
    missing = [name for name in linears if f"{name}.weight" not in left]
    if missing:
        raise ValueError(f"there is no {missing[0]}.weight; another mode or depth was trained")
    weights = [left.pop(f"{name}.weight") for name in linears]
    return torch.cat(weights), torch.cat([left.pop(f"{name}.bias") for name in linears])


def _refuse_other_mask(name: str, left: dict[str, Tensor], own: Int8[np.ndarray, "i j"]) -> None:
    if name not in left:
        return
    theirs = left.pop(name).detach().cpu().numpy() != 0
    different = "shape" if theirs.shape != own.shape else int((theirs != (own != 0)).sum())
    if different:
        raise ValueError(
            f"{name} is not the mask of this layer's wiring (differing: {different}); make the "
            "layer with Wiring.from_masks of what was trained"
        )
