"""Liquid layers: continuous-time recurrences that are fast, exact, and fit into language models."""

from __future__ import annotations

from cauce.models.liquid.cfc import CfC
from cauce.models.liquid.kernels.backends import use_backend
from cauce.models.liquid.layer import LiquidLayer
from cauce.models.liquid.lrc import LrcSSM
from cauce.models.liquid.ltc import LTC
from cauce.models.liquid.memory import MixedMemory
from cauce.models.liquid.ncps_weights import load_ncps
from cauce.models.liquid.wired import WiredCfC
from cauce.models.liquid.wiring import NCP, AutoNCP, FullyConnected, Random, Wiring

__all__ = [
    "LTC",
    "NCP",
    "AutoNCP",
    "CfC",
    "FullyConnected",
    "LiquidLayer",
    "LrcSSM",
    "MixedMemory",
    "Random",
    "WiredCfC",
    "Wiring",
    "load_ncps",
    "use_backend",
]
