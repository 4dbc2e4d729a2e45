"""Beginnings that are kept: the longest is found, room is bounded, and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from transformers import DynamicCache

from cauce.models.batching import Engine
from cauce.models.kept_prefixes import SHORTEST, KeptPrefixes
from cauce.models.row import Settings
from models.decoders import decoder_with

COLUMN_BYTES = 2 * 4 * 3
"""Of keys and values of 3 floats."""


def cache_of(columns: int) -> DynamicCache:
    cache = DynamicCache()
    cache.update(torch.ones(1, 1, columns, 3), torch.ones(1, 1, columns, 3), 0)
    return cache


def test_the_longest_beginning_is_found_and_stays_as_it_was():
    kept = KeptPrefixes(10_000)
    kept.keep((1, 2), cache_of(2))
    kept.keep((1, 2, 3), cache_of(3))
    kept.keep((7,), cache_of(1))
    found, cache = kept.longest((1, 2, 3, 4))
    assert found == cache.get_seq_length() == 3
    cache.update(torch.zeros(1, 1, 1, 3), torch.zeros(1, 1, 1, 3), 0)
    cache.layers[0].keys.zero_()
    _, again = kept.longest((1, 2, 3))
    assert again.layers[0].keys.tolist() == torch.ones(1, 1, 3, 3).tolist()
    assert kept.longest((2, 1)) == (0, None)
    assert kept.tokens_saved == 6


def test_the_least_recently_used_go_and_what_is_too_large_never_comes():
    kept = KeptPrefixes(5 * COLUMN_BYTES)
    kept.keep((1, 1), cache_of(2))
    kept.keep((2, 2), cache_of(2))
    kept.longest((1, 1))
    kept.keep((3, 3), cache_of(2))
    assert kept.bytes == 4 * COLUMN_BYTES
    assert [kept.longest((one, one))[0] for one in (1, 2, 3)] == [2, 0, 2]
    kept.keep((4,) * 6, cache_of(6))
    assert kept.longest((4,) * 6) == (0, None)


def test_prompts_part_where_they_first_differ():
    kept = KeptPrefixes(1000)
    rules = tuple(range(SHORTEST))
    assert kept.parting((*rules, 99), 0) == 0
    assert kept.parting((*rules, 98), 0) == SHORTEST
    assert kept.parting((*rules, 97), SHORTEST) == SHORTEST
    assert kept.parting((*rules[:-1], 97), 0) == 0


@pytest.mark.parametrize("cache", ["llama", "foundation"])
def test_answers_are_the_same_with_and_without(cache):
    loaded = decoder_with(cache)
    begun = [(5 * place) % 200 + 10 for place in range(2 * SHORTEST)]
    prompts = [[*begun, 20 + last] for last in range(4)] + [[*begun, 23]]
    found = []
    for most in (0, 1 << 20):
        with Engine(loaded, prefix_bytes=most) as engine:
            found.append([engine.generate(ids, Settings(8)) for ids in prompts])
            assert engine.prefixes.tokens_saved == (3 * len(begun) if most else 0)
            assert 0 <= engine.prefixes.bytes <= most
    assert found[0] == found[1]
