"""Four hospitals whose texts are made: three write by one grammar, a small fourth by another.

A grammar says of each of 16 words which four may follow it and how often. Both use the same words,
so that what one has learned is wrong at the other. The base model has read the words, among 84
more, in no order.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import torch
from torch import Tensor

WORDS, OF_GRAMMAR, IN_TEXT = 100, 16, 9
FOLLOWERS = (0.4, 0.3, 0.2, 0.1)
SIZES = {"north": 300, "east": 300, "south": 300, "small": 24}
"""Texts to learn from; one in six is the site's validation split."""
TESTED = 60


class SiteTexts(NamedTuple):
    """Byte ids of texts, one a row, all equally long."""

    train: Tensor
    validation: Tensor
    test: Tensor


def words() -> list[str]:
    """Of four letters, the same in every study."""
    chance = random.Random(0)
    syllables = [first + second for first in "bcdfglmnprst" for second in "aeiou"]
    found = {"".join(chance.sample(syllables, 2)): None for _ in range(2 * WORDS)}
    return list(found)[:WORDS]


def unordered_texts(count: int, *, seed: int) -> Tensor:
    """What the base model reads."""
    chance = random.Random(seed)
    return _bytes([chance.choices(words(), k=IN_TEXT) for _ in range(count)])


def made_sites(seed: int) -> dict[str, SiteTexts]:
    """The four sites of one study; grammars and texts are those of the seed."""
    chance = random.Random(seed)
    common, other = _grammar(chance), _grammar(chance)
    found = {}
    for site, size in SIZES.items():
        grammar = other if site == "small" else common
        held_out = size // 6
        texts = _bytes([_text(grammar, chance) for _ in range(size + TESTED)])
        parts = torch.split(texts, [size - held_out, held_out, TESTED])
        found[site] = SiteTexts(*parts)
    return found


def _grammar(chance: random.Random) -> dict[str, list[str]]:
    used = words()[:OF_GRAMMAR]
    return {word: chance.sample(used, len(FOLLOWERS)) for word in used}


def _text(grammar: dict[str, list[str]], chance: random.Random) -> list[str]:
    text = [chance.choice(list(grammar))]
    while len(text) < IN_TEXT:
        text += chance.choices(grammar[text[-1]], FOLLOWERS)
    return text


def _bytes(texts: list[list[str]]) -> Tensor:
    return torch.tensor([list(" ".join(text).encode()) for text in texts])
