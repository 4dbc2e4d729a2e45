"""The random field against all labellings of a short line, counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cauce.safety.personal.tagger import Tagger

LABELS = ("O", "B-NOMBRE", "I-NOMBRE", "B-FECHA")
DRAW = np.random.default_rng(0)
TABLE = DRAW.integers(-60, 60, (16, len(LABELS))).astype(np.int8)
MOVES = DRAW.normal(0, 1, (len(LABELS), len(LABELS))).astype(np.float32)
UNIT = 0.03
ROWS = [[0, 3], [5], [7, 7, 9], [1, 15]]


def weight(path: tuple[int, ...], eagerness: float) -> float:
    """Of a labelling, as the definition says."""
    own = sum(
        TABLE[row, label] * UNIT for label, rows in zip(path, ROWS, strict=True) for row in rows
    )
    moved = sum(MOVES[before, after] for before, after in itertools.pairwise(path))
    return float(own + moved - eagerness * path.count(0))


@pytest.mark.parametrize("eagerness", [0.0, 1.5])
def test_the_labelling_and_its_certainties_are_those_of_all_counted(eagerness):
    paths = list(itertools.product(range(len(LABELS)), repeat=len(ROWS)))
    weights = np.array([weight(path, eagerness) for path in paths])
    best = paths[int(weights.argmax())]
    shares = np.exp(weights) / np.exp(weights).sum()
    tagged = Tagger(LABELS, TABLE, MOVES, UNIT).tag(ROWS, eagerness=eagerness)
    assert tagged.labels == [LABELS[label] for label in best]
    for place, label in enumerate(best):
        kind = LABELS[label][1:]
        alike = [LABELS[path[place]][1:] == kind for path in paths]
        assert tagged.certainties[place] == pytest.approx(shares[alike].sum(), abs=1e-5)


def test_what_was_saved_tags_the_same(tmp_path):
    tagger = Tagger(LABELS, TABLE, MOVES, UNIT)
    tagger.save(tmp_path / "x.bin")
    read = Tagger.read(tmp_path / "x.bin")
    assert read.rows == 16
    assert read.tag(ROWS).labels == tagger.tag(ROWS).labels
    assert read.tag(ROWS).certainties == pytest.approx(tagger.tag(ROWS).certainties, abs=1e-3)


def test_a_line_without_tokens_has_no_labels():
    assert Tagger(LABELS, TABLE, MOVES, UNIT).tag([]) == ([], [])
