"""The known words that a misspelled one may stand for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST_FUZZY_LETTERS = 5
SHORTEST_TWO_TYPOS_LETTERS = 6
MOST_TYPOS = 2


class Near(NamedTuple):
    """A known word and in how many letters the misspelled one differs."""

    word: str
    typos: int


def allowed_typos(name: str) -> int:
    """How many letters of a name may differ: 1 of five, 2 of six or more, none of fewer."""
    if len(name) < SHORTEST_FUZZY_LETTERS:
        return 0
    return 1 if len(name) < SHORTEST_TWO_TYPOS_LETTERS else MOST_TYPOS


class NearWords:
    """Words by their length, so that a search compares those of nearly the same length only."""

    def __init__(self, words: Iterable[str]) -> None:
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for word in sorted(words):
            self._by_length[len(word)].append(word)

    def near(self, word: str) -> list[Near]:
        """The words within their allowed typos (optimal string alignment), nearest first."""
        if len(word) < SHORTEST_FUZZY_LETTERS:
            return []
        found: list[Near] = []
        for length in range(len(word) - MOST_TYPOS, len(word) + MOST_TYPOS + 1):
            allowed = allowed_typos(" " * length)
            choices = self._by_length.get(length)
            if allowed and choices:
                matches = process.extract(
                    word, choices, scorer=OSA.distance, score_cutoff=allowed, limit=None
                )
                found += [Near(name, int(typos)) for name, typos, _ in matches]
        return sorted(found, key=lambda near: (near.typos, near.word))
