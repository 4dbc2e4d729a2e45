"""Makes a table of `cauce.safety.classifier` from texts with their labels; needs scipy.

Axes: n texts, r rows of the table, l labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from cauce.safety.classifier import Classifier, features

Floats = np.ndarray[Any, np.dtype[np.float64]]
STEPS = 200


def lines_of(folder: Path) -> Iterator[str]:
    """The lines of every author's file of texts."""
    for path in sorted(folder.glob("*.tsv")):
        yield from path.read_text("utf-8").splitlines()


class Labelled(NamedTuple):
    """A text to learn from."""

    text: str
    label: str
    cues: tuple[str, ...] = ()
    """What the rules found in it."""
    weight: float = 1.0
    """How many texts it counts for."""


def train(known: Sequence[Labelled], *, penalty: float = 0.01, rows: int = 1 << 15) -> Classifier:
    """The likeliest weights under `penalty`, which is what half the square of a weight costs.

    Labels in alphabetical order; the same texts give the same table, to the bit.
    """
    labels = sorted({one.label for one in known})
    inputs = _matrix(known, rows)
    wanted = np.array([[one.label == label for label in labels] for one in known], float)
    counts = np.array([[one.weight] for one in known])
    used = np.unique(inputs.indices)
    inputs = inputs[:, used]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(-1, len(labels))
        scores = inputs @ weights
        scores -= scores.max(1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(1, keepdims=True)
        likely = float((counts * wanted * np.log(shares + 1e-12)).sum())
        slope = inputs.T @ (counts * (shares - wanted)) + penalty * weights
        return float(penalty / 2 * (weights**2).sum()) - likely, np.asarray(slope).ravel()

    start = np.zeros(len(used) * len(labels))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    weights = np.zeros((rows, len(labels)))
    weights[used] = found.x.reshape(-1, len(labels))
    unit = float(np.abs(weights).max() / 127)
    return Classifier(labels, np.rint(weights / unit).astype(np.int8), unit)


def _matrix(known: Sequence[Labelled], rows: int) -> Any:
    """n x r, a text a row."""
    found = [features(one.text, one.cues, rows=rows) for one in known]
    columns = np.concatenate([touched for touched, _ in found])
    values = np.concatenate([weights for _, weights in found])
    starts = np.cumsum([0, *(len(touched) for touched, _ in found)])
    return csr_matrix((values, columns, starts), shape=(len(known), rows))
