"""An embedding without weights: a text is the sum of directions that its words hash to."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def hashing(axes: int = 96, seed: int = 0) -> Embed:
    """Texts to unit vectors; the same for the same words."""

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([_vector(text) for text in texts], np.float32).reshape(-1, axes)

    def _vector(text: str) -> NDArray[np.float32]:
        words = re.findall(r"\w+", text.lower()) or [""]
        rows = [
            np.random.default_rng((seed, zlib.crc32(word.encode()))).standard_normal(axes)
            for word in words
        ]
        total = np.sum(rows, axis=0)
        return (total / np.linalg.norm(total)).astype(np.float32)

    return embed
