"""Passages by their vectors: the nearest by the signs of their axes are compared by cosine.

A vector of d axes is kept as d bits, its signs, and as d float16. The share of equal signs is an
estimate of the angle (Charikar 2002, 10.1145/509907.509965): a whole index is passed over in
popcounts, and cosines are exact for what they leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Integers = NDArray[np.integer]

LEAST_COMPARED = 2048
"""Passages whose cosine is computed at least; an index of fewer is compared whole."""
COMPARED_SHARE = 0.02
"""Of a larger index. Of the ten nearest by the cosines of MiniLM, 0.987 are among them; of a
hundredth 0.960 (4,034 sentences and titles, 2026)."""
VECTORS, SIGNS = "vectors.f16", "signs.u64"
_BITS = 64


class VectorIndex:
    """The unit vectors of passages, in a folder."""

    def __init__(self, folder: Path, axes: int) -> None:
        self._vectors = _mapped(folder / VECTORS, np.float16, axes)
        signs = _mapped(folder / SIGNS, np.uint64, -(-axes // _BITS))
        self._signs = np.ascontiguousarray(signs.T)

    def search(self, vector: Floats, limit: int, *, without: Sequence[int] = ()) -> list[int]:
        """The numbers of the `limit` nearest passages, best first, none of them in `without`."""
        differing = np.zeros(len(self._vectors), np.uint16)
        for passages, word in zip(self._signs, _signs(vector[None])[0], strict=True):
            differing += np.bitwise_count(passages ^ word)
        differing[list(without)] = np.iinfo(np.uint16).max
        compared = max(LEAST_COMPARED, int(COMPARED_SHARE * len(differing)))
        numbers = _least(differing, compared)
        numbers = numbers[differing[numbers] <= len(vector)]
        cosines = self.cosines(vector, numbers)
        best = np.lexsort((numbers, -cosines))[:limit]
        return [int(number) for number in numbers[best]]

    def cosines(self, vector: Floats, numbers: Integers) -> Floats:
        """Of the vector and each of those passages, to the precision of float16."""
        rows = self._vectors[numbers].astype(np.float32)
        cosines: Floats = rows @ vector
        return cosines


def write_vectors(folder: Path, batches: Iterable[Floats]) -> None:
    """Writes what `VectorIndex` reads, in the order of the rows."""
    with (folder / VECTORS).open("wb") as vectors, (folder / SIGNS).open("wb") as signs:
        for rows in batches:
            vectors.write(rows.astype(np.float16).tobytes())
            signs.write(_signs(rows).tobytes())


def _signs(rows: Floats) -> NDArray[np.uint64]:
    """Which axes are positive, one bit an axis, filled up with zeros."""
    bits = np.packbits(rows > 0, axis=1)
    return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)


def _least(values: Integers, count: int) -> Integers:
    """Where the `count` least values are, in the order of the places."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.sort(np.argpartition(values, count)[:count])


def _mapped(path: Path, dtype: type[np.generic], columns: int) -> NDArray[Any]:
    """The rows of a file, mapped into memory; a file of none cannot be."""
    if path.stat().st_size == 0:
        return np.zeros((0, columns), dtype)
    return np.memmap(path, dtype, "r").reshape(-1, columns)
