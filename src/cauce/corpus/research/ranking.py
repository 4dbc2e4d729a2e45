"""Whether a question leads back to its sentence: BM25 over the sentences at hand.

Robertson & Zaragoza 2009, doi:10.1561/1500000019.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from cauce.knowledge.sections.ranking import LENGTH_WEIGHT, SATURATION, word_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Ranker(Protocol):
    """An index of sentences, each known by its place."""

    def rank(self, question: str, place: int) -> int:
        """The rank, from 1, at which the question finds the sentence at `place`."""
        ...


class SentenceIndex:
    """BM25 over sentences that are kept in memory, about 200 bytes each."""

    def __init__(self, sentences: Sequence[str]) -> None:
        postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths = np.zeros(len(sentences), np.float32)
        for place, sentence in enumerate(sentences):
            counts = word_counts(sentence)
            lengths[place] = counts.total()
            for word, count in counts.items():
                postings[word].append((place, count))
        norms = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * lengths / max(lengths.mean(), 1))
        self._size = len(sentences)
        self._postings = {word: self._weighed(found, norms) for word, found in postings.items()}

    def _weighed(
        self, postings: Sequence[tuple[int, int]], norms: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Where a word stands, and what it adds to the score of each place."""
        rows = np.array([place for place, _ in postings])
        counts = np.array([count for _, count in postings], np.float32)
        rarity = math.log(1 + (self._size - len(rows) + 0.5) / (len(rows) + 0.5))
        return rows, rarity * counts * (SATURATION + 1) / (counts + norms[rows])

    def rank(self, question: str, place: int) -> int:
        """The rank, from 1, at which the question finds the sentence; equals share the first."""
        scores = np.zeros(self._size, np.float32)
        for word in word_counts(question):
            if word in self._postings:
                rows, weights = self._postings[word]
                scores[rows] += weights
        return 1 + int((scores > scores[place]).sum())
