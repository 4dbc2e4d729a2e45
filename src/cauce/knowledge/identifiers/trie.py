"""A tree of token sequences in compressed sparse rows: which tokens may follow a beginning.

States are numbered level by level, children in the order of their labels, so the children of a
state are neighbours and one number a state tells where they are:

    abc, abd, x      state   0     1 2     3     4 5
                     label         a x     b     c d
                     first   1     3 4     4     6 6 6

A million DOIs over bytes take 5 bytes for each of their ten million states.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cauce.errors import DataRefused
from cauce.runs import atomic_write

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.integer]

ROOT = 0
NOWHERE = -1


@dataclass(frozen=True, eq=False)
class IdentifierTrie:
    """Exactly the sequences that it was made of; states are numbers from `ROOT` on."""

    labels: Integers
    """The token by which each state is reached; of the root, 0."""
    first: Integers
    """The first child of each state; one more number ends the last state's children."""
    inner_ends: Integers
    """States at which a sequence ends and a longer one goes on, ascending."""

    @classmethod
    def of(cls, sequences: Iterable[Sequence[int]]) -> IdentifierTrie:
        """The tree of these sequences: token ids, or the bytes of strings.

        Raises DataRefused where there is none, or an empty one.
        """
        ordered = sorted({it if isinstance(it, bytes) else tuple(it) for it in sequences})
        if not ordered or not ordered[0]:
            found = "an empty identifier" if ordered else "no identifier"
            raise DataRefused(f"{found} was given.\nName at least one, of one token or more.")
        levels = list(_levels(ordered))
        counts = np.concatenate([level.children for level in levels])
        first = np.ones(len(counts) + 1, np.int32)
        np.cumsum(counts, out=first[1:])
        first[1:] += 1
        labels = np.concatenate([level.labels for level in levels])
        sizes = np.cumsum([0, *(len(level.labels) for level in levels)])
        ends = [level.ends + start for level, start in zip(levels, sizes, strict=False)]
        every_end = np.concatenate(ends)
        inner = every_end[first[every_end] < first[every_end + 1]].astype(np.int32)
        return cls(labels, first, inner)

    def __len__(self) -> int:
        """How many states there are."""
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        """Memory of the tree."""
        return self.labels.nbytes + self.first.nbytes + self.inner_ends.nbytes

    def children(self, state: int) -> Integers:
        """The tokens that may follow, ascending; the state of the first is `first[state]`."""
        return self.labels[self.first[state] : self.first[state + 1]]

    def step(self, state: int, token: int) -> int:
        """The state after one more token; `NOWHERE` where no identifier goes on with it."""
        start, end = int(self.first[state]), int(self.first[state + 1])
        found = bisect_left(self.labels, token, start, end)
        return found if found < end and self.labels[found] == token else NOWHERE

    def is_end(self, state: int) -> bool:
        """Whether an identifier ends here, though a longer one may go on."""
        if self.first[state] == self.first[state + 1]:
            return True
        place = bisect_left(self.inner_ends, state)
        return place < len(self.inner_ends) and int(self.inner_ends[place]) == state

    def __contains__(self, sequence: Sequence[int]) -> bool:
        state = ROOT
        for token in sequence:
            state = self.step(state, token)
            if state == NOWHERE:
                return False
        return state != ROOT and self.is_end(state)

    def save(self, path: Path) -> None:
        """Writes the tree, whole or not at all."""
        with atomic_write(path) as stream:
            np.savez(stream, labels=self.labels, first=self.first, inner_ends=self.inner_ends)

    @classmethod
    def load(cls, path: Path) -> IdentifierTrie:
        """The tree that `save` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["labels"], arrays["first"], arrays["inner_ends"])


class _Level(NamedTuple):
    """The states at one depth, in order."""

    labels: Integers
    children: Integers
    """How many each has."""
    ends: Integers
    """Which of them end a sequence."""


def _levels(ordered: Sequence[Sequence[int]]) -> Iterable[_Level]:
    """The states at each depth of sequences that are sorted and distinct, from the root down."""
    lengths = np.fromiter(map(len, ordered), np.int64, len(ordered))
    starts = np.cumsum(lengths) - lengths
    flat = _joined(ordered, int(lengths.sum()))
    rows, state_of = np.arange(len(ordered)), np.zeros(len(ordered), np.int64)
    labels, ends = np.zeros(1, flat.dtype), np.empty(0, np.int64)
    depth = 0
    while len(rows):
        tokens = flat[starts[rows] + depth]
        is_new = np.ones(len(rows), bool)
        is_new[1:] = (state_of[1:] != state_of[:-1]) | (tokens[1:] != tokens[:-1])
        yield _Level(labels, np.bincount(state_of[is_new], minlength=len(labels)), ends)
        reached = np.cumsum(is_new) - 1
        depth += 1
        is_over = lengths[rows] == depth
        labels, ends = tokens[is_new], reached[is_over]
        rows, state_of = rows[~is_over], reached[~is_over]
    yield _Level(labels, np.zeros(len(labels), np.int64), ends)


def _joined(ordered: Sequence[Sequence[int]], size: int) -> Integers:
    if isinstance(ordered[0], bytes):
        return np.frombuffer(b"".join(ordered), np.uint8)  # type: ignore[arg-type]
    return np.fromiter(chain.from_iterable(ordered), np.int32, size)
