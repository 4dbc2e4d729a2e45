"""What is held out must not have been trained: exact and near copies are found by their tokens.

Two examples are near when their sets of shingles (runs of five tokens) share at least 0.8 of their
union (Jaccard; Broder 1997), both as they are and without scaffold. Scaffold is a shingle of the
chat template, of a system prompt or of a question's wording: one in more than 5 % of the examples,
and in more than ten of them (in more than half of fewer than twenty; never one in two only).

Every pair that is near is found, and no other: candidates come from an index of each example's
rarest shingles (the prefix filter of Bayardo et al. 2007) and are then compared exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cauce.corpus.tokens import Tokens
from cauce.errors import LeakageFound

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

    Integers = NDArray[np.int64]

SHINGLE = 5
"""Tokens of a shingle. One changed token in 100 leaves 0.90 of the union shared, two 0.81."""

NEAR = 0.8
"""The similarity from which examples are near. Between the splits of the recipes, drawn with eight
seeds, the nearest legitimate pair has 0.69 (openFDA's boilerplate; 2026-11-21)."""

SCAFFOLD_SHARE = 0.05
"""Share of the examples beyond which a shingle is no longer what one of them is about."""

Key = tuple[tuple[int, ...], tuple[int, ...]]


class Overlap(NamedTuple):
    """A held-out example and the training example most like it, by their places."""

    held_out: int
    train: int
    similarity: float
    """1 for an exact copy, else the lesser Jaccard of those with and without scaffold."""


def refuse_overlap(
    train: Sequence[Tokens],
    held_out: Sequence[Tokens],
    *,
    name: str = "validation",
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> None:
    """Raises LeakageFound when an example of `held_out`, the split called `name`, was trained.

    With a `tokenizer` the error shows how that example ends.
    """
    found = find_overlaps(train, held_out)
    if not found:
        return
    first = found[0]
    likeness = (
        "an exact copy of" if first.similarity == 1 else f"{first.similarity:.2f} the same as"
    )
    raise LeakageFound(
        f"{len(found)} of {len(held_out)} {name} examples stand in training too: number "
        f"{first.held_out} is {likeness} training example {first.train}"
        f"{_ending(held_out[first.held_out], tokenizer)}.\n"
        "What is measured would have been learned by heart. Remove them from one of the two, or "
        "give the documents they come from the same group, which `cauce prepare` keeps together."
    )


def find_overlaps(train: Sequence[Tokens], held_out: Sequence[Tokens]) -> list[Overlap]:
    """The held-out examples that have an exact or a near copy in `train`, each with its nearest."""
    trained: dict[Key, int] = {}
    for place, item in enumerate(train):
        trained.setdefault(_key(item), place)
    asked = dict.fromkeys(map(_key, held_out))
    copies = {key: (trained[key], 1.0) for key in asked if key in trained}
    copies |= _near_copies(trained, [key for key in asked if key not in copies])
    return [
        Overlap(place, *copies[key])
        for place, key in enumerate(map(_key, held_out))
        if key in copies
    ]


def _near_copies(trained: Mapping[Key, int], others: Sequence[Key]) -> dict[Key, tuple[int, float]]:
    """Of each of `others` that is near a trained example: that example's place and how near."""
    if not trained or not others:
        return {}
    places = list(trained.values())
    everything = _Shingles.of([prompt + completion for prompt, completion in (*trained, *others)])
    content = everything.without_scaffold()
    index = _PrefixIndex.of(content, rows=len(places))
    copies = {}
    for row, key in enumerate(others, len(places)):
        near = [
            (min(content.similarity(row, other), everything.similarity(row, other)), -other)
            for other in index.candidates(content.row(row))
        ]
        similarity, other = max(near, default=(0.0, 0))
        if similarity >= NEAR:
            copies[key] = (places[-other], similarity)
    return copies


@dataclass(frozen=True)
class _Shingles:
    """A set of shingles per row, each a number, the rarer the lower; `ids[starts[row]:...]`."""

    ids: Integers
    starts: Integers
    frequency: Integers
    """Rows that hold each shingle."""

    @classmethod
    def of(cls, rows: Sequence[tuple[int, ...]]) -> _Shingles:
        """The shingles of rows of tokens; a row shorter than a shingle is one, filled up."""
        lengths = np.array([max(len(row), SHINGLE) for row in rows])
        flat = np.fromiter(chain.from_iterable(map(_filled_up, rows)), np.int64, lengths.sum())
        owner = np.repeat(np.arange(len(rows)), lengths)
        is_within = owner[: len(owner) - SHINGLE + 1] == owner[SHINGLE - 1 :]
        _, ids, counts = np.unique(
            _numbered(flat)[is_within], return_inverse=True, return_counts=True
        )
        ids = np.argsort(np.argsort(counts, kind="stable"))[ids]
        pairs = np.sort(owner[: len(is_within)][is_within] * len(counts) + ids)
        pairs = pairs[np.diff(pairs, prepend=-1) > 0]
        owner, ids = np.divmod(pairs, len(counts))
        starts = np.searchsorted(owner, np.arange(len(rows) + 1))
        return cls(ids, starts, np.bincount(ids, minlength=len(counts)))

    def row(self, row: int) -> Integers:
        """The shingles of a row, sorted."""
        return self.ids[self.starts[row] : self.starts[row + 1]]

    def without_scaffold(self) -> _Shingles:
        """The same rows with what is about them alone."""
        rows = len(self.starts) - 1
        limit = max(SCAFFOLD_SHARE * rows, min(10, rows / 2), 2)
        is_content = self.frequency[self.ids] <= limit
        starts = np.concatenate([[0], np.cumsum(is_content)])[self.starts]
        return _Shingles(self.ids[is_content], starts, self.frequency)

    def similarity(self, row: int, other: int) -> float:
        """The Jaccard of two rows; 0 where both are empty."""
        one, two = self.row(row), self.row(other)
        common = len(np.intersect1d(one, two, assume_unique=True))
        return common / max(len(one) + len(two) - common, 1)


@dataclass(frozen=True)
class _PrefixIndex:
    """Which rows have a shingle among their rarest: near rows have one of these in common."""

    ids: Integers
    """Sorted."""
    rows: Integers
    """The row of each of `ids`."""

    @classmethod
    def of(cls, shingles: _Shingles, *, rows: int) -> _PrefixIndex:
        """The index of the first `rows` rows."""
        prefixes = [_prefix(shingles.row(row)) for row in range(rows)]
        ids = np.concatenate(prefixes)
        owner = np.repeat(np.arange(rows), list(map(len, prefixes)))
        order = np.argsort(ids, kind="stable")
        return cls(ids[order], owner[order])

    def candidates(self, row: Integers) -> Iterator[int]:
        """The indexed rows that may be near `row`, each once."""
        prefix = _prefix(row)
        starts = np.searchsorted(self.ids, prefix, "left")
        ends = np.searchsorted(self.ids, prefix, "right")
        found = [self.rows[start:end] for start, end in zip(starts, ends, strict=True)]
        yield from np.unique(np.concatenate([*found, np.empty(0, np.int64)])).tolist()


def _prefix(row: Integers) -> Integers:
    """The rarest shingles of a row, so many that a near row cannot lack all of them."""
    return row[: len(row) - math.ceil(NEAR * len(row) - 1e-9) + 1]


def _numbered(flat: Integers) -> Integers:
    """A number for the shingle that starts at each place: equal exactly where the tokens are."""
    tokens = flat - flat.min()
    base = int(tokens.max()) + 1
    places = len(flat) - SHINGLE + 1
    numbers: Integers = tokens[:places]
    for offset in range(1, SHINGLE):
        if (int(numbers.max()) + 1) * base >= 2**63:
            _, numbers = np.unique(numbers, return_inverse=True)
        numbers = numbers * base + tokens[offset : offset + places]
    return numbers


def _filled_up(row: tuple[int, ...]) -> tuple[int, ...]:
    return row + (-1,) * (SHINGLE - len(row))


def _key(item: Tokens) -> Key:
    return tuple(item.prompt), tuple(item.completion)


def _ending(item: Tokens, tokenizer: PreTrainedTokenizerBase | None) -> str:
    if tokenizer is None:
        return ""
    text = " ".join(str(tokenizer.decode([*item.prompt, *item.completion])).split())
    return f", which ends {text[-80:]!r}"
