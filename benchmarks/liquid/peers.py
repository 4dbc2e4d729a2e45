"""Layers of ncps, and ours beside them with the same weights."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch
from torch.nn import Module

from cauce.models.liquid import LTC, CfC, LiquidLayer, MixedMemory, WiredCfC, Wiring, load_ncps
from cauce.models.liquid.kernels.cfc import Mode
from cauce.models.liquid.ltc import Constraint

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import ncps.torch
    import ncps.wirings

BACKBONE = 128
"""Width of the backbone of a fully connected CfC."""

UNFOLDS = 6
"""Solver steps of an LTC."""


class Pair(NamedTuple):
    """Two layers that compute the same."""

    ours: LiquidLayer
    theirs: Module
    is_mixed: bool = False


def cfc(inputs: int, units: int, *, mode: Mode = "default", **options: Any) -> Pair:
    """A fully connected CfC."""
    options = {"backbone_units": BACKBONE, **options}
    torch.manual_seed(0)
    theirs = ncps.torch.CfC(inputs, units, mode=mode, **options)
    return _paired(CfC(inputs, units, mode=mode, **options), theirs)


def wired_cfc(inputs: int, units: int, *, mode: Mode = "default") -> Pair:
    """A CfC wired as a circuit in which one neuron in four is a motor neuron."""
    wiring = circuit(units)
    torch.manual_seed(0)
    theirs = ncps.torch.CfC(inputs, wiring, mode=mode)
    return _paired(WiredCfC(_wiring_of(wiring), mode=mode), theirs)


def ltc(inputs: int, units: int, *, is_full: bool = True, is_implicit: bool = True) -> Pair:
    """An LTC, fully connected or wired as a circuit."""
    wiring = ncps.wirings.FullyConnected(units) if is_full else circuit(units)
    torch.manual_seed(0)
    theirs = ncps.torch.LTC(inputs, wiring, implicit_param_constraints=is_implicit)
    constraint: Constraint = "implicit" if is_implicit else "explicit"
    return _paired(LTC(_wiring_of(wiring), constraint=constraint), theirs)


def mixed(pair: Pair, inputs: int, units: Any) -> Pair:
    """The CfC of a pair with an LSTM before each step; `units` are what ncps makes it of."""
    torch.manual_seed(0)
    theirs = ncps.torch.CfC(inputs, units, mixed_memory=True)
    return _paired(MixedMemory(pair.ours), theirs, is_mixed=True)


def circuit(units: int) -> Any:
    """The wiring of ncps in which one neuron in four is a motor neuron."""
    return ncps.wirings.AutoNCP(units, units // 4)


def ltc_bytes_per_token(inputs: int, units: int) -> int:
    """What ncps' LTC keeps: three numbers for each possible synapse in each solver step."""
    return 12 * units * (UNFOLDS * units + inputs)


def _wiring_of(theirs: Any) -> Wiring:
    layers = [theirs.get_neurons_of_layer(layer) for layer in range(theirs.num_layers)]
    return Wiring.from_masks(
        theirs.sensory_adjacency_matrix, theirs.adjacency_matrix, theirs.output_dim, layers
    )


def _paired(ours: LiquidLayer, theirs: Module, *, is_mixed: bool = False) -> Pair:
    load_ncps(ours, theirs.state_dict())
    return Pair(ours, theirs, is_mixed)
