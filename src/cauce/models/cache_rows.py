"""Rows of transformers' caches, put side by side and taken apart between two tokens.

A cache of several rows is as if their prompts had been padded on the left to the same width:
shorter rows have empty columns before them, which attention masks hide. Recurrent states have no
columns, and their rows stand beside each other as they are.

Axes: b rows, h heads, s columns, w width of a head.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import (
    Cache,
    DynamicLayer,
    DynamicSlidingWindowLayer,
    LinearAttentionAndFullAttentionLayer,
    LinearAttentionAndSlidingWindowAttentionLayer,
    LinearAttentionCacheLayerMixin,
    LinearAttentionLayer,
)

from cauce.models.foundation.attention import NOWHERE
from cauce.models.foundation.cache import FoundationCache
from cauce.models.liquid.transplant.cache import LiquidStates

Change = Callable[[Sequence[Tensor]], Tensor]
"""What becomes of one tensor of a cache, and of those at the same place of others."""

COLUMNS = {"keys": 2, "values": 2, "positions": 1}
"""The axis of what a Liquid Foundation model keeps for each column."""


KNOWN = (
    DynamicLayer,
    DynamicSlidingWindowLayer,
    LinearAttentionLayer,
    LinearAttentionAndFullAttentionLayer,
    LinearAttentionAndSlidingWindowAttentionLayer,
    LiquidStates,
)


class UnknownCache(Exception):
    """A layer of a cache whose rows nobody here knows how to take apart."""


def copied(cache: Cache) -> Cache:
    """Another cache with the same rows: what is read into one does not change the other."""
    return _changed([cache], lambda tensors: tensors[0].clone())


def joined(caches: Sequence[Cache]) -> Cache:
    """One cache with the rows of all, in their order; the given ones are not to be used again.

    Raises UnknownCache for the layers of a model that is not known here.
    """
    return caches[0] if len(caches) == 1 else _changed(caches, _side_by_side)


def narrowed(cache: Cache, columns: int, rows: slice = slice(None)) -> Cache:
    """Those rows of the cache, and of its columns the last ones; it is a view, as a slice is."""
    kept = _changed([cache], lambda tensors: tensors[0][rows])
    for layer in kept.layers:
        if isinstance(layer, DynamicSlidingWindowLayer):
            layer.cumulative_length = min(layer.cumulative_length, columns)
        if isinstance(layer, DynamicLayer) and layer.keys is not None:
            first = max(0, layer.keys.shape[-2] - columns)
            layer.keys = layer.keys[:, :, first:]
            layer.values = cast(Tensor, layer.values)[:, :, first:]
    if isinstance(kept, FoundationCache):
        kept.advance(min(0, columns - kept.get_seq_length()))
        _narrow_memories(kept, columns)
    return kept


def size_bytes(cache: Cache) -> int:
    """What the tensors of a cache take up."""
    sizes: list[int] = []

    def add(tensors: Sequence[Tensor]) -> Tensor:
        sizes.append(tensors[0].numel() * tensors[0].element_size())
        return tensors[0]

    _changed([cache], add)
    return sum(sizes)


def _changed(caches: Sequence[Cache], change: Change) -> Cache:
    """A copy of the first cache in which each tensor is what `change` makes of all caches'."""
    made = copy.copy(caches[0])
    made.layers = [copy.copy(layer) for layer in made.layers]
    if isinstance(made, FoundationCache):
        return _changed_memories(cast(Sequence[FoundationCache], caches), change)
    for place, layer in enumerate(made.layers):
        _change_layer(layer, [cache.layers[place] for cache in caches], change)
    return made


def _change_layer(layer: Any, given: Sequence[Any], change: Change) -> None:
    if type(layer) not in KNOWN:
        raise UnknownCache(type(layer).__name__)
    if isinstance(layer, LiquidStates):
        layer.states = _changed_map([it.states for it in given], change)
    if isinstance(layer, LinearAttentionCacheLayerMixin):
        layer.conv_states = _changed_map([it.conv_states for it in given], change)
        layer.recurrent_states = _changed_map([it.recurrent_states for it in given], change)
    if isinstance(layer, DynamicLayer) and layer.keys is not None:
        layer.keys = change([it.keys for it in given])
        layer.values = change([it.values for it in given])
    if isinstance(layer, DynamicSlidingWindowLayer):
        layer.cumulative_length = max(it.cumulative_length for it in given)


def _changed_map(given: Sequence[Mapping[Any, Any]], change: Change) -> dict[Any, Any]:
    return {
        name: None if tensor is None else change([it[name] for it in given])
        for name, tensor in given[0].items()
    }


def _changed_memories(caches: Sequence[FoundationCache], change: Change) -> FoundationCache:
    made = FoundationCache()
    made.advance(max(cache.get_seq_length() for cache in caches))
    for name, memory in caches[0].by_part().items():
        for key in memory:
            given = [cache.memory(name)[key] for cache in caches]
            if key == "positions":
                # A column that is added is nowhere; what `change` adds is zero.
                made.memory(name)[key] = change([it - NOWHERE for it in given]) + NOWHERE
            else:
                made.memory(name)[key] = change(given)
    return made


def _narrow_memories(cache: FoundationCache, columns: int) -> None:
    if cache.memory("compression"):
        return  # Its rows are at different chunks, for which memories have to be of fixed size.
    for memory in cache.by_part().values():
        for key, axis in COLUMNS.items():
            if key in memory:
                size = memory[key].shape[axis]
                memory[key] = memory[key].narrow(axis, max(0, size - columns), min(size, columns))


def _side_by_side(tensors: Sequence[Tensor]) -> Tensor:
    """The rows of all; where one has fewer columns than others, zeros stand before them."""
    sizes = [max(tensor.shape[axis] for tensor in tensors) for axis in range(1, tensors[0].ndim)]
    return torch.cat([_filled(tensor, sizes) for tensor in tensors])


def _filled(tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    missing = [size - own for size, own in zip(sizes, tensor.shape[1:], strict=True)]
    if not any(missing):
        return tensor
    return pad(tensor, [side for size in reversed(missing) for side in (size, 0)])
