"""Liquid states in the cache of transformers: what `generate` keeps between two tokens.

They stand in one layer of the cache behind those of the attention layers; a Liquid Foundation model
keeps them with the memories of its own layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from torch import Tensor
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import Cache

from cauce.models.foundation.cache import FoundationCache
from cauce.models.foundation.config import LiquidFoundationConfig
from cauce.models.states import StatesLayer

States = dict[str, Tensor]
"""States (b s) of liquid layers, by the number of the decoder's layer."""


class LiquidStates(StatesLayer):  # type: ignore[no-untyped-call]
    """The state of every liquid layer of a model, by the number of its layer."""

    def __init__(self) -> None:
        super().__init__()
        self.states: States = {}

    def reset(self) -> None:
        """Forgets everything."""
        self.states.clear()

    def map(self, change: Callable[[Tensor], Tensor]) -> None:
        """Puts what `change` makes of each state in its place."""
        self.states = {layer: change(state) for layer, state in self.states.items()}


def new_cache(config: PreTrainedConfig) -> Cache:
    """An empty cache for a model with that config."""
    if isinstance(config, LiquidFoundationConfig):
        return FoundationCache()
    return DynamicCache(config=config)


def states_in(cache: Cache, config: PreTrainedConfig) -> States:
    """The liquid states of `cache`, by layer; empty in a new one. What is put in is kept there."""
    if isinstance(cache, FoundationCache):
        return cache.memory("liquid")
    found = [layer for layer in cache.layers if isinstance(layer, LiquidStates)]
    if not found:
        while len(cache.layers) < config.num_hidden_layers:
            replicate = cast(Any, cache.layer_class_to_replicate)
            cache.layers.append(replicate())
        found = [LiquidStates()]
        cache.layers.append(cast(Any, found[0]))
    return found[0].states
