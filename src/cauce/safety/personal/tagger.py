"""Which tokens of a line are personal data: a linear-chain conditional random field.

A token's label has the score of the rows it touches, and a pair of neighbours that of their two
labels; what is given is how likely each label is, all labellings of the line counted (Lafferty,
McCallum and Pereira 2001). `scripts/make_personal.py` makes the table.

Axes: t tokens of a line, r rows of the table, l labels.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OUTSIDE = "O"


class Tagged(NamedTuple):
    """What a line's tokens are."""

    labels: list[str]
    """The likeliest labelling: `O`, or a kind behind `B-` where a span begins and `I-` within."""
    certainties: list[float]
    """How likely each token is of that kind."""


class Tagger:
    """Labels of tokens by the rows they touch."""

    def __init__(
        self, labels: Sequence[str], table: NDArray[np.int8], moves: Floats, unit: float
    ) -> None:
        """`table` is r x l in steps of `unit`; `moves` is l x l, from a label to the next."""
        self.labels = tuple(labels)
        self.rows = len(table)
        self._saved = table
        self._table = table.astype(np.float32) * np.float32(unit)
        self._moves, self._unit = moves, unit
        kinds = [label.partition("-")[2] for label in labels]
        self._alike = np.array([[one == other for other in kinds] for one in kinds])

    def tag(self, rows: Sequence[Sequence[int]], *, eagerness: float = 0.0) -> Tagged:
        """The labels of a line whose tokens touch `rows`.

        `eagerness` is taken from the score of what is no personal data: more is found, and more of
        it wrongly.
        """
        if not rows:
            return Tagged([], [])
        flat = np.fromiter((row for own in rows for row in own), np.intp)
        starts = np.cumsum([0, *map(len, rows[:-1])])
        scores = np.add.reduceat(self._table[flat], starts, axis=0)
        scores[:, self.labels.index(OUTSIDE)] -= eagerness
        path = self._best(scores)
        certainties = (self._shares(scores) * self._alike[path]).sum(1)
        return Tagged([self.labels[label] for label in path], certainties.tolist())

    def _best(self, scores: Floats) -> NDArray[np.intp]:
        """The likeliest labelling (Viterbi)."""
        back = np.zeros(scores.shape, np.intp)
        reached = scores[0]
        for place in range(1, len(scores)):
            ways = reached[:, None] + self._moves
            back[place] = ways.argmax(0)
            reached = ways.max(0) + scores[place]
        path = np.zeros(len(scores), np.intp)
        path[-1] = reached.argmax()
        for place in range(len(scores) - 1, 0, -1):
            path[place - 1] = back[place, path[place]]
        return path

    def _shares(self, scores: Floats) -> Floats:
        """How likely each label of each token is (forward-backward)."""
        here = np.exp(scores - scores.max(1, keepdims=True))
        moves = np.exp(self._moves)
        forward, backward = np.empty_like(here), np.empty_like(here)
        forward[0] = here[0] / here[0].sum()
        for place in range(1, len(here)):
            row = (forward[place - 1] @ moves) * here[place]
            forward[place] = row / row.sum()
        backward[-1] = 1
        for place in range(len(here) - 2, -1, -1):
            row = moves @ (backward[place + 1] * here[place + 1])
            backward[place] = row / row.sum()
        both = forward * backward
        return np.asarray(both / both.sum(1, keepdims=True), np.float32)

    @classmethod
    @functools.cache
    def load(cls) -> Tagger:
        """The tagger that is part of the package."""
        return cls.read(importlib.resources.files("cauce") / "data/safety/personal.bin")

    @classmethod
    def read(cls, path: Path | importlib.resources.abc.Traversable) -> Tagger:
        """The tagger that `save` wrote."""
        header, _, table = path.read_bytes().partition(b"\n")
        said = json.loads(header)
        rows = np.frombuffer(zlib.decompress(table), np.int8).reshape(-1, len(said["labels"]))
        return cls(said["labels"], rows, np.array(said["moves"], np.float32), said["unit"])

    def save(self, path: Path) -> None:
        """Writes a line of JSON, then, packed by zlib, a byte per weight, row by row."""
        moves = [[round(float(score), 4) for score in row] for row in self._moves]
        header = {"labels": self.labels, "unit": self._unit, "moves": moves}
        path.write_bytes(
            json.dumps(header).encode() + b"\n" + zlib.compress(self._saved.tobytes(), 9)
        )
