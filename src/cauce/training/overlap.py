"""What is held out must not have been trained: exact and near copies are found by their tokens.

Two examples are near when their sets of shingles (runs of five tokens) share at least 0.8 of their
union (Jaccard; Broder 1997), both as they are and without scaffold. Scaffold is a shingle of the
chat template, of a system prompt or of a question's wording: one in more than 5 % of the examples,
and in more than ten of them (in more than half of fewer than twenty; never one in two only).

Every pair that is near is found, and no other. Of a training example that is near a held-out one,
0.8 of the shingles stand in what is held out: a first reading, some examples at a time, keeps those
alone, which in 13 million tokens of novels are none. Candidates come from an index of each kept
example's rarest shingles (the prefix filter of Bayardo et al. 2007) and are then compared exactly.
Shingles are told apart by 64 bits, in which two of ten million are alike once in 400,000 corpora.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

ROWS_AT_ONCE = 2_000
"""Training examples read together; of 512 tokens each they take 60 MB."""


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
    trained: dict[bytes, int] = {}
    for place, item in enumerate(train):
        trained.setdefault(_key(item), place)
    keys = [_key(item) for item in held_out]
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    copies = {key: (trained[key], 1.0) for key in first if key in trained}
    asked = sorted(place for key, place in first.items() if key not in copies)
    near = _near_copies(
        _Rows(train, list(trained.values())), [_joined(held_out[place]) for place in asked]
    )
    copies |= {keys[asked[row]]: found for row, found in near.items()}
    return [Overlap(place, *copies[key]) for place, key in enumerate(keys) if key in copies]


class _Rows(NamedTuple):
    """The training examples of which no two are the same."""

    items: Sequence[Tokens]
    places: list[int]

    def chunks(self) -> Iterator[tuple[list[int], _Hashed]]:
        """The places and shingles of some examples at a time."""
        for start in range(0, len(self.places), ROWS_AT_ONCE):
            chosen = self.places[start : start + ROWS_AT_ONCE]
            yield chosen, _Hashed.of([_joined(self.items[place]) for place in chosen])


def _near_copies(train: _Rows, others: Sequence[Integers]) -> dict[int, tuple[int, float]]:
    """Of each row of `others` that is near a training example: its place there and how near."""
    if not train.places or not others:
        return {}
    asked = _Hashed.of(others)
    places, kept = _candidates(train, np.unique(asked.hashes))
    if not places:
        return {}
    known, frequency = _frequencies(train, _Hashed.joined([*kept, asked]), asked)
    everything = _Shingles.of(
        _Hashed.joined([*kept, asked]), known, frequency, examples=len(train.places) + len(others)
    )
    content = everything.without_scaffold()
    index = _PrefixIndex.of(content, rows=len(places))
    copies = {}
    for row in range(len(others)):
        mine = len(places) + row
        near = [
            (min(content.similarity(mine, other), everything.similarity(mine, other)), -other)
            for other in index.candidates(content.row(mine))
        ]
        similarity, other = max(near, default=(0.0, 0))
        if similarity >= NEAR:
            copies[row] = (places[-other], similarity)
    return copies


def _candidates(train: _Rows, wanted: Integers) -> tuple[list[int], list[_Hashed]]:
    """The training examples of which so many shingles are `wanted` that one may be near."""
    places: list[int] = []
    kept: list[_Hashed] = []
    for chosen, hashed in train.chunks():
        found = np.add.reduceat(_is_among(hashed.hashes, wanted), hashed.starts[:-1])
        is_candidate = found >= NEAR * np.diff(hashed.starts) - 1e-9
        places += [place for place, is_one in zip(chosen, is_candidate, strict=True) if is_one]
        kept += [hashed.row(row) for row in np.flatnonzero(is_candidate).tolist()]
    return places, kept


def _frequencies(train: _Rows, rows: _Hashed, asked: _Hashed) -> tuple[Integers, Integers]:
    """The shingles of `rows`, sorted, and how many of all examples hold each."""
    known = np.unique(rows.hashes)
    frequency = np.bincount(np.searchsorted(known, asked.hashes), minlength=len(known))
    for _, hashed in train.chunks():
        held = hashed.hashes[_is_among(hashed.hashes, known)]
        frequency += np.bincount(np.searchsorted(known, held), minlength=len(known))
    return known, frequency


def _is_among(hashes: Integers, wanted: Integers) -> NDArray[np.bool_]:
    places = np.searchsorted(wanted, hashes)
    places[places == len(wanted)] = 0
    return np.asarray(wanted[places] == hashes)


@dataclass(frozen=True)
class _Hashed:
    """The shingles of rows, those of a row sorted and each once; `hashes[starts[row]:...]`."""

    hashes: Integers
    starts: Integers

    @classmethod
    def of(cls, rows: Sequence[Integers]) -> _Hashed:
        """The shingles of rows of tokens; a row shorter than a shingle is one, filled up."""
        filled = [_filled_up(row) for row in rows]
        owner = np.repeat(np.arange(len(rows)), [len(row) for row in filled])
        is_within = owner[: len(owner) - SHINGLE + 1] == owner[SHINGLE - 1 :]
        hashes = _hashes(np.concatenate(filled))[is_within]
        owner = owner[: len(is_within)][is_within]
        order = np.lexsort((hashes, owner))
        hashes, owner = hashes[order], owner[order]
        is_first = np.append(True, (np.diff(hashes) != 0) | (np.diff(owner) != 0))
        counts = np.bincount(owner[is_first], minlength=len(rows))
        return cls(hashes[is_first], np.concatenate([[0], np.cumsum(counts)]))

    @classmethod
    def joined(cls, parts: Sequence[_Hashed]) -> _Hashed:
        """The rows of all parts."""
        counts = np.concatenate([np.diff(part.starts) for part in parts])
        hashes = np.concatenate([part.hashes for part in parts])
        return cls(hashes, np.concatenate([[0], np.cumsum(counts)]))

    def row(self, row: int) -> _Hashed:
        """One row of them."""
        start, end = self.starts[row : row + 2]
        return _Hashed(self.hashes[start:end], np.array([0, end - start]))


@dataclass(frozen=True)
class _Shingles:
    """A set of shingles per row, each a number, the rarer the lower; `ids[starts[row]:...]`."""

    ids: Integers
    starts: Integers
    frequency: Integers
    """Examples that hold each shingle."""
    examples: int
    """How many there are, of which the rows are some."""

    @classmethod
    def of(
        cls, hashed: _Hashed, known: Integers, frequency: Integers, *, examples: int
    ) -> _Shingles:
        """The rows by numbers; `frequency` is that of each of the `known`, sorted shingles."""
        order = np.argsort(frequency, kind="stable")
        number = np.empty(len(known), np.int64)
        number[order] = np.arange(len(known))
        ids = number[np.searchsorted(known, hashed.hashes)]
        owner = np.repeat(np.arange(len(hashed.starts) - 1), np.diff(hashed.starts))
        ids = ids[np.lexsort((ids, owner))]
        return cls(ids, hashed.starts, frequency[order], examples)

    def row(self, row: int) -> Integers:
        """The shingles of a row, sorted."""
        return self.ids[self.starts[row] : self.starts[row + 1]]

    def without_scaffold(self) -> _Shingles:
        """The same rows with what is about them alone."""
        limit = max(SCAFFOLD_SHARE * self.examples, min(10, self.examples / 2), 2)
        is_content = self.frequency[self.ids] <= limit
        starts = np.concatenate([[0], np.cumsum(is_content)])[self.starts]
        return _Shingles(self.ids[is_content], starts, self.frequency, self.examples)

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


def _hashes(flat: Integers) -> Integers:
    """The shingle that starts at each place, as a number of 64 bits."""
    mixed = _mixed(flat.astype(np.uint64))
    places = len(flat) - SHINGLE + 1
    numbers = np.zeros(places, np.uint64)
    for offset in range(SHINGLE):
        numbers = numbers * np.uint64(0x9E3779B97F4A7C15) + mixed[offset : offset + places]
    return numbers.view(np.int64)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each number scattered over 64 bits (the finaliser of SplitMix64, Steele et al. 2014)."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _filled_up(row: Integers) -> Integers:
    short = SHINGLE - len(row)
    return np.append(row, [-1] * short) if short > 0 else row


def _joined(item: Tokens) -> Integers:
    """What the example is compared by: its tokens; where it shows images, these alone."""
    if not item.images:
        return np.array([*item.prompt, *item.completion], dtype=np.int64)
    digests = (hashlib.blake2b(image.encode()).digest() for image in item.images)
    return np.frombuffer(b"".join(digests), dtype=np.int64)


def _key(item: Tokens) -> bytes:
    """Different for different examples, also where only the seam between the parts differs."""
    parts = np.array([len(item.prompt), *item.prompt, *item.completion], dtype=np.int64)
    shown = "".join(item.images).encode()
    return hashlib.blake2b(parts.tobytes() + shown, digest_size=16).digest()


def _ending(item: Tokens, tokenizer: PreTrainedTokenizerBase | None) -> str:
    if tokenizer is None:
        return ""
    text = " ".join(str(tokenizer.decode([*item.prompt, *item.completion])).split())
    return f", which ends {text[-80:]!r}"
