"""Makes `src/cauce/data/router/weights.bin`: what the questions of `router_questions` teach.

    python scripts/make_router.py            # writes the table
    python scripts/make_router.py --check    # each author's questions by what the others teach

Needs numpy and scipy. The held-out questions of `benchmarks/medicines` are never read here, nor the
set `fourth` of its `lay_questions.txt`.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from cauce.assistant.router import KINDS, MEDICINE, ROWS, blanked, features
from cauce.corpus.questions import QUESTIONS

ROOT = Path(__file__).resolve().parents[1]
QUESTION_FILES = sorted((ROOT / "scripts" / "router_questions").glob("*.tsv"))
LAY_QUESTIONS = ROOT / "benchmarks" / "medicines" / "lay_questions.txt"
WEIGHTS = ROOT / "src" / "cauce" / "data" / "router" / "weights.bin"
Weights = np.ndarray[Any, np.dtype[np.float64]]

STRENGTH = 0.05
"""Weight of the squared weights in what is minimised: by leaving each author out, 2026-11."""
STEPS = 60

SETTLED = ("settled", "templates")
"""Authors of what must come out right: each question counts three times. `settled` is what
`tests/assistant/test_routing.py` asks."""


class Example(NamedTuple):
    """A question, who wrote it, and the kinds that answer it, each as right as the others."""

    author: str
    language: str
    question: str
    kinds: tuple[str, ...]
    are_alternatives: bool


def examples() -> Iterator[Example]:
    """Every question to learn from."""
    for path in QUESTION_FILES:
        for line in path.read_text("utf-8").splitlines():
            kinds, language, question = line.split("\t")
            yield Example(path.stem, language, _unnamed(question), tuple(kinds.split("+")), False)
    yield from _lay_examples()
    for kind, wordings in QUESTIONS.items():
        for language, questions in wordings.items():
            for question in questions:
                text = question.replace("{name}", MEDICINE)
                yield Example("templates", language, text, (kind,), False)


def _unnamed(question: str) -> str:
    return question.replace("{m}", MEDICINE)


def _lay_examples() -> Iterator[Example]:
    part = ""
    for line in LAY_QUESTIONS.read_text("utf-8").splitlines():
        if line.startswith("## "):
            part = line.removeprefix("## ")
        elif not line.startswith("#") and part != "fourth":
            told, _, question = line.partition(" | ")
            kinds = tuple(re.split(r"[/+]", told.replace("-", "none")))
            yield Example("lay_questions", "", question, kinds, "/" in told)


def learn(known: Sequence[Example]) -> Weights:
    """Weights, rows by kinds, of the likeliest logistic regression with a penalty on its squares.

    Solved in the space that the questions span: there are fewer of them than rows.
    """
    inputs = _matrix(example.question for example in known)
    right = np.array([[kind in example.kinds for kind in KINDS] for example in known])
    targets = right / right.sum(1, keepdims=True)
    alternatives = np.array([[example.are_alternatives] for example in known])
    counts = np.array([[3.0 if example.author in SETTLED else 1.0] for example in known])
    values, vectors = np.linalg.eigh(inputs @ inputs.T)
    kept = values > 1e-7 * values[-1]
    reduced = vectors[:, kept] * np.sqrt(values[kept])

    def loss(flat: Weights) -> tuple[float, Weights]:
        weights = flat.reshape(-1, len(KINDS))
        scores = reduced @ weights
        scores -= scores.max(1, keepdims=True)
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        among = shares * right + 1e-12
        wanted = np.where(alternatives, among / among.sum(1, keepdims=True), targets)
        likely = np.where(
            alternatives[:, 0],
            np.log(among.sum(1)),
            (targets * np.log(shares + 1e-12)).sum(1),
        )
        slope = reduced.T @ (counts * (shares - wanted)) + STRENGTH * weights
        return float(
            STRENGTH / 2 * (weights**2).sum() - (counts[:, 0] * likely).sum()
        ), slope.ravel()

    start = np.zeros(reduced.shape[1] * len(KINDS))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    solved = found.x.reshape(-1, len(KINDS))
    return np.asarray(inputs.T @ (vectors[:, kept] / np.sqrt(values[kept]) @ solved))


def _matrix(questions: Iterable[str]) -> Weights:
    """A row per question, each of length one."""
    found = [features(blanked(question)) for question in questions]
    matrix = np.zeros((len(found), ROWS))
    for row, touched in zip(matrix, found, strict=True):
        row[list(touched)] = list(touched.values())
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))


def table(weights: Weights, known: Sequence[Example]) -> bytes:
    """The file: a line with the digest of what was learnt and the unit, then a byte per weight."""
    unit = float(np.abs(weights).max() / 127)
    rounded = np.rint(weights / unit).astype(np.int8)
    return f"{digest(known)} {unit:.9g}\n".encode() + rounded.tobytes()


def digest(known: Sequence[Example]) -> str:
    """Tells one set of examples, as their features show them, from another."""
    told = ((example.kinds, features(blanked(example.question))) for example in known)
    seen = "".join(f"{kinds} {sorted(found.items())}\n" for kinds, found in told)
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def check(known: Sequence[Example]) -> None:
    """Prints the share of each author's questions that the others' place right."""
    for author in dict.fromkeys(example.author for example in known):
        others = [example for example in known if example.author != author]
        own = [example for example in known if example.author == author]
        scores = _matrix(example.question for example in own) @ learn(others)
        best = [KINDS[column] for column in scores.argmax(1)]
        right = sum(
            kind in example.kinds and (example.are_alternatives or len(example.kinds) == 1)
            for kind, example in zip(best, own, strict=True)
        )
        print(f"{author:>16} {right / len(own):.3f} of {len(own)}")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        check(list(examples()))
    else:
        everything = list(examples())
        WEIGHTS.write_bytes(table(learn(everything), everything))
        print(f"{WEIGHTS.relative_to(ROOT)}: {WEIGHTS.stat().st_size} bytes")
