"""Liquid states in the cache of transformers: what `generate` keeps between two tokens.

They stand in one layer of the cache behind those of the attention layers, so that beams are
reordered, repeated and forgotten with the keys and values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from torch import Tensor
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import Cache, CacheLayerMixin

if TYPE_CHECKING:
    from jaxtyping import Float, Int


class LiquidStates(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """The state of every liquid layer of a model, by the number of its layer."""

    is_compileable = False
    is_croppable = False
    """What was read cannot be unread: a state holds no earlier one."""
    supports_early_init = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.states: dict[int, Float[Tensor, "b s"]] = {}

    def reset(self) -> None:
        """Forgets everything."""
        self.states.clear()

    def reorder_cache(self, beam_idx: Int[Tensor, " b"]) -> None:
        """Each row goes on from the state of the row that `beam_idx` names."""
        self._map(lambda state: state.index_select(0, beam_idx.to(state.device)))

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keeps those rows."""
        self._map(lambda state: state[indices])

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each row becomes `repeats` rows."""
        self._map(lambda state: state.repeat_interleave(repeats, 0))

    def crop(self, tokens_to_remove: int) -> None:
        """Raises ValueError unless nothing is to be removed."""
        if tokens_to_remove:
            raise ValueError(
                f"{tokens_to_remove} tokens cannot be taken back from a liquid state; generate "
                "without assisted or speculative decoding"
            )

    def offload(self) -> None:
        """States are small and stay where they are."""

    def prefetch(self) -> None:
        """States are where they were."""

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """There are no keys and values."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Raises ValueError: attention has layers of its own."""
        raise ValueError("the layer of liquid states holds no keys and values")

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Nothing attends to states."""
        return query_length, 0

    def get_seq_length(self) -> int:
        """States have no length."""
        return 0

    def get_max_length(self) -> int:
        """States have no greatest length."""
        return -1

    def _map(self, change: Any) -> None:
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
