"""Questions that are nearly the same, found without comparing each with each."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from cauce.knowledge.words import words

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = 0.7
"""Estimated Jaccard of word shingles from which two questions are nearly the same."""

_SHINGLE = 3
"""Words of a shingle."""
_BANDS, _ROWS = 24, 4
"""Of a signature: 24 bands of 4 values miss one pair in 700 whose Jaccard is NEAR."""


class NearQuestions:
    """Questions by the MinHash of their word shingles (Broder 1997), in bands."""

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        size = (_BANDS * _ROWS, 1)
        self._factors = draw.integers(0, 2**63, size, np.uint64) * np.uint64(2) + np.uint64(1)
        self._terms = draw.integers(0, 2**63, size, np.uint64)
        self._signatures: list[NDArray[np.uint64]] = []
        self._bands: defaultdict[bytes, list[int]] = defaultdict(list)

    def add(self, question: str) -> bool:
        """Whether the question is near none that was added before; then it is added."""
        signature = self._signature(question)
        keys = [
            bytes([band]) + signature[band * _ROWS : (band + 1) * _ROWS].tobytes()
            for band in range(_BANDS)
        ]
        others = {place for key in keys for place in self._bands.get(key, ())}
        if any((self._signatures[place] == signature).mean() >= NEAR for place in others):
            return False
        for key in keys:
            self._bands[key].append(len(self._signatures))
        self._signatures.append(signature)
        return True

    def _signature(self, question: str) -> NDArray[np.uint64]:
        """The least value of the shingles under each of the permutations."""
        said = words(question)
        shingles = {
            " ".join(said[start : start + _SHINGLE])
            for start in range(max(1, len(said) - _SHINGLE + 1))
        }
        hashed = [hashlib.blake2b(it.encode(), digest_size=8).digest() for it in sorted(shingles)]
        values = np.frombuffer(b"".join(hashed), np.uint64)
        mixed: NDArray[np.uint64] = (values * self._factors + self._terms) >> np.uint64(16)
        return np.asarray(mixed.min(axis=1))
