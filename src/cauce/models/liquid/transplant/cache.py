"""Liquid states in the cache of transformers: what `generate` keeps between two tokens.

They stand in one layer of the cache behind those of the attention layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import Cache

from cauce.models.states import StatesLayer

if TYPE_CHECKING:
    from jaxtyping import Float


class LiquidStates(StatesLayer):  # type: ignore[no-untyped-call]
    """The state of every liquid layer of a model, by the number of its layer."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[int, Float[Tensor, "b s"]] = {}

    def reset(self) -> None:
        """Forgets everything."""
        self.states.clear()

    def map(self, change: Callable[[Tensor], Tensor]) -> None:
        """Puts what `change` makes of each state in its place."""
        self.states = {number: change(state) for number, state in self.states.items()}


def new_cache(config: PreTrainedConfig) -> DynamicCache:
    """An empty cache for a model with that config."""
    return DynamicCache(config=config)


def states_in(cache: Cache, config: PreTrainedConfig) -> dict[int, Float[Tensor, "b s"]]:
    """The liquid states of `cache`, by layer; empty in a new one. What is put in is kept there."""
    found = [layer for layer in cache.layers if isinstance(layer, LiquidStates)]
    if not found:
        while len(cache.layers) < config.num_hidden_layers:
            replicate = cast(Any, cache.layer_class_to_replicate)
            cache.layers.append(replicate())
        found = [LiquidStates()]
        cache.layers.append(cast(Any, found[0]))
    return found[0].states
