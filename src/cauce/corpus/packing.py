"""Short documents share rows, so that little of what is computed is padding.

Best-fit decreasing (Johnson 1973): the largest document first, each into the row where it leaves
the least space. An encoder-decoder's document takes up source and target places of the same row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cauce.corpus.batches import Size, Width
from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused

SIDE_STEP = 8
"""An encoder-decoder's shorter side is rounded up to a multiple of it, which matrix units want."""


class Packing(NamedTuple):
    """Which documents share a row, and what the rows hold."""

    rows: list[tuple[int, ...]]
    """Indices of the documents, every one in one row."""
    capacities: list[Size]
    """Of each row."""
    width: Width
    """What `collate` needs to make batches of these rows: the capacities that occur."""
    fill: float
    """Share of all places that hold a token."""


def pack(items: Sequence[Tokens], capacity: int, *, is_encoder_decoder: bool) -> Packing:
    """Rows of at most `capacity` places, on either side, with every document once.

    A decoder's rows are all alike. Of an encoder-decoder the side with more tokens in all gets
    `capacity` places and the other as many as keep the proportion of the corpus, so that both fill
    up together. A document too long for the shorter side opens a row with `capacity` on both: it
    costs that row its proportion, and not every row. Packing the same again gives the same.

    Raises TrainingRefused for a document longer than `capacity`.
    """
    sizes = [_size(item, is_encoder_decoder) for item in items]
    _refuse_too_long(sizes, capacity)
    widest = Size(capacity, capacity if is_encoder_decoder else 0)
    usual = _in_proportion(sizes, capacity) if is_encoder_decoder else widest
    rows = _Rows(usual, widest)
    for index in sorted(range(len(sizes)), key=lambda i: rows.share(sizes[i]), reverse=True):
        rows.add(index, sizes[index])
    occurring = tuple(size for size in dict.fromkeys((usual, widest)) if size in rows.capacities)
    places = _total(rows.capacities)
    return Packing(
        rows=[tuple(members) for members in rows.members],
        capacities=rows.capacities,
        width=Width(fixed=occurring),
        fill=_total(sizes) / places if places else 1.0,
    )


class _Rows:
    """Rows being filled; which free spaces occur is kept as the bits of integers.

    Bit s of `_sources` says that some row has s source places left, bit t of `_targets[s]` that one
    of those has t target places left: finding the best row reads a few integers, however many rows.
    """

    def __init__(self, usual: Size, widest: Size) -> None:
        self.members: list[list[int]] = []
        self.capacities: list[Size] = []
        self._usual, self._widest = usual, widest
        self._weights = Size(max(usual.target, 1), usual.source)
        self._by_space: dict[Size, list[int]] = {}
        self._sources = 0
        self._targets = [0] * (widest.source + 1)

    def share(self, size: Size) -> int:
        """What the document takes of both capacities, in whole units; the largest goes first."""
        return self._weigh(size.source, size.target)

    def add(self, index: int, size: Size) -> None:
        """Puts the document where it leaves the least, in shares of the capacities, or opens a row.

        The row is the same each time: of equally good ones the last that was used.
        """
        space = self._tightest(size)
        if space is None:
            row = len(self.members)
            space = self._usual if _fits(size, self._usual) else self._widest
            self.members.append([])
            self.capacities.append(space)
        else:
            row = self._take(space)
        self.members[row].append(index)
        self._leave(row, Size(space.source - size.source, space.target - size.target))

    def _tightest(self, size: Size) -> Size | None:
        best: Size | None = None
        least = math.inf
        source, sources = size.source - 1, self._sources >> size.source
        while sources:
            step = (sources & -sources).bit_length()
            source, sources = source + step, sources >> step
            if self._weigh(source, size.target) >= least:
                break
            targets = self._targets[source] >> size.target
            if targets:
                target = size.target + (targets & -targets).bit_length() - 1
                left = self._weigh(source, target)
                if left < least:
                    best, least = Size(source, target), left
        return best

    def _take(self, space: Size) -> int:
        rows = self._by_space[space]
        row = rows.pop()
        if not rows:
            self._targets[space.source] ^= 1 << space.target
            if not self._targets[space.source]:
                self._sources ^= 1 << space.source
        return row

    def _leave(self, row: int, space: Size) -> None:
        self._by_space.setdefault(space, []).append(row)
        self._targets[space.source] |= 1 << space.target
        self._sources |= 1 << space.source

    def _weigh(self, source: int, target: int) -> int:
        """Share of the source capacity plus share of the target's, in whole units."""
        return source * self._weights.source + target * self._weights.target


def _size(item: Tokens, is_encoder_decoder: bool) -> Size:
    if is_encoder_decoder:
        target = sum(len(document.completion) for document in item.documents)
        return Size(item.length - target, target)
    return Size(item.length)


def _in_proportion(sizes: Sequence[Size], capacity: int) -> Size:
    sources = sum(size.source for size in sizes)
    targets = sum(size.target for size in sizes)
    larger = max(sources, targets, 1)
    return Size(*(_rounded_up(capacity * side / larger, capacity) for side in (sources, targets)))


def _rounded_up(places: float, limit: int) -> int:
    return min(limit, max(1, math.ceil(places / SIDE_STEP)) * SIDE_STEP)


def _fits(size: Size, space: Size) -> bool:
    return size.source <= space.source and size.target <= space.target


def _total(sizes: Iterable[Size]) -> int:
    return sum(size.source + size.target for size in sizes)


def _refuse_too_long(sizes: Sequence[Size], capacity: int) -> None:
    for number, size in enumerate(sizes):
        if max(size) > capacity:
            raise TrainingRefused(
                f"example {number} has {max(size)} tokens that must stand in one row; "
                f"training.pack_tokens is {capacity}, and nothing is cut.\n"
                f"Raise training.pack_tokens to {max(map(max, sizes))}, lower model.max_tokens so "
                "that long examples are left out, or unset training.pack_tokens."
            )
