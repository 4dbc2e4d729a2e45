"""Which of a few labels a text has, by a table of weights small enough for the package.

A multinomial logistic regression over what stands in a text: its words, pairs of words, pieces of
words, the words it opens with, and cues that rules found in it. Features are hashed into rows of
small integers. `scripts/train_classifier.py` makes such a table.

Axes: f features of a text, r rows of the table, l labels.
"""

from __future__ import annotations

import functools
import importlib.resources
import itertools
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cauce.knowledge.words import fold

SCALES = {"bias": 0.5, "word": 1.0, "pair": 0.7, "piece": 0.3, "opening": 1.0, "cue": 1.5}
"""How much a feature of each family weighs before anything is learnt."""
_OPENING_WORDS = 4
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_PIECE_LETTERS = (3, 4, 5)
_LONGEST_WORD = 40
"""Letters of a word that is remembered; longer ones are seldom met twice."""


class Classifier:
    """Tells the labels of texts; the same text always gets the same probabilities."""

    def __init__(self, labels: Sequence[str], table: NDArray[np.int8], unit: float) -> None:
        """`table` is r x l; `unit` is what one of its steps is worth."""
        self.labels = tuple(labels)
        self._table, self._unit = table, unit

    def probabilities(self, text: str, cues: Iterable[str] = ()) -> dict[str, float]:
        """How likely each label is; they sum to one."""
        rows, weights = features(text, cues, rows=len(self._table))
        scores = weights @ self._table[rows] * self._unit
        raised = np.exp(scores - scores.max())
        shares = (raised / raised.sum()).tolist()
        return dict(zip(self.labels, shares, strict=True))

    @classmethod
    @functools.cache
    def load(cls, name: str) -> Classifier:
        """The classifier of that name that is part of the package."""
        return cls.read(importlib.resources.files("cauce") / f"data/safety/{name}.bin")

    @classmethod
    def read(cls, path: Path | importlib.resources.abc.Traversable) -> Classifier:
        """The classifier that `save` wrote."""
        header, _, table = path.read_bytes().partition(b"\n")
        said = json.loads(header)
        labels = said["labels"]
        rows = np.frombuffer(table, np.int8).reshape(-1, len(labels))
        return cls(labels, rows, said["unit"])

    def save(self, path: Path) -> None:
        """Writes a line of JSON, then a byte per weight, row by row."""
        header = {"labels": self.labels, "unit": self._unit}
        path.write_bytes(json.dumps(header).encode() + b"\n" + self._table.tobytes())


def features(
    text: str, cues: Iterable[str] = (), *, rows: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The rows of the table that a text touches, and their weights (f each), of length one."""
    found: dict[int, float] = {}
    for family, names in _families(text, cues):
        scale = SCALES[family]
        for name in names:
            row = zlib.crc32(f"{family} {name}".encode(errors="replace")) % rows
            found[row] = found.get(row, 0.0) + scale
    weights = np.fromiter(found.values(), float, len(found))
    order = np.argsort(np.fromiter(found, np.intp, len(found)))
    touched = np.fromiter(found, np.intp, len(found))[order]
    weights = weights[order]
    return touched, weights / np.sqrt(weights @ weights)


def _families(text: str, cues: Iterable[str]) -> Iterator[tuple[str, Iterable[str]]]:
    tokens = ["#" if token.isdigit() else token for token in _TOKEN.findall(fold(text))]
    ends = ["^", *tokens, "$"]
    opening = tokens[:_OPENING_WORDS]
    yield "bias", ("",)
    yield "word", set(tokens)
    yield "pair", {f"{first} {second}" for first, second in itertools.pairwise(ends)}
    yield "piece", frozenset().union(*map(_pieces, set(tokens)))
    yield "opening", {*opening, " ".join(opening[:2]), " ".join(opening)}
    yield "cue", set(cues)


def _pieces(token: str) -> frozenset[str]:
    """Runs of three to five letters of a longer word, with its ends marked."""
    return _remembered(token) if len(token) <= _LONGEST_WORD else _runs(token)


def _runs(token: str) -> frozenset[str]:
    if len(token) < 4:
        return frozenset()
    marked = f"<{token}>"
    return frozenset(
        marked[start : start + size]
        for size in _PIECE_LETTERS
        for start in range(len(marked) - size + 1)
    )


_remembered = functools.lru_cache(1 << 14)(_runs)
