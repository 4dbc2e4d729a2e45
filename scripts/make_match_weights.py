"""Makes `src/cauce/data/match-weights.json`: how much each agreement speaks for a work.

    python -m scripts.make_match_weights FOLDER    # the folder of the shared inputs

Every pair of a reference and a candidate is an example of a logistic regression, from the articles
that `benchmarks.scholar.matching` does not report on. Prints precision and recall on these same
articles, from which the threshold was chosen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from benchmarks.scholar.matching import SEED, THRESHOLDS, Trial, halves, outcomes, rates, trial

from cauce.knowledge.logistic import logistic_weights
from cauce.knowledge.works.comparing import Fields, Printed
from cauce.knowledge.works.weights import evidence

WEIGHTS = Path(__file__).resolve().parents[1] / "src" / "cauce" / "data" / "match-weights.json"
TRIALS = 3
"""Each draws other near duplicates and errors for the same works."""
STRENGTH = 1.0
"""Of the squared weights in what is minimised."""


class Example(NamedTuple):
    """What agrees between a reference and a candidate, and whether it is the one."""

    names: list[str]
    is_right: bool


def main() -> None:
    tuned_on, _ = halves(Path(sys.argv[1]))
    trials = [trial(tuned_on, SEED + 1 + number) for number in range(TRIALS)]
    weights = {
        name: _fitted(example for each in trials for example in _examples(each, name == "fields"))
        for name in ("fields", "strings")
    }
    WEIGHTS.write_text(json.dumps(weights, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    answered = outcomes(trial(tuned_on, SEED))
    for threshold in THRESHOLDS:
        print(threshold, rates(answered, threshold))


def _examples(asked: Trial, are_fields: bool) -> Iterable[Example]:
    for question in asked.questions:
        if question.style == "both" or are_fields != (question.style == "fields"):
            continue
        mine = Fields(question.cited) if are_fields else Printed(question.cited.raw)
        for entry in asked.catalogue.candidates(question.cited):
            names = evidence(mine.compare(Fields(entry.work.reference)))
            yield Example(names, entry.same == question.same)


def _fitted(examples: Iterable[Example]) -> dict[str, float]:
    """The log odds that explain which candidates are right."""
    known = list(examples)
    names = sorted({name for example in known for name in example.names})
    column = {name: place for place, name in enumerate(names)}
    x = np.zeros((len(known), len(names)))
    for row, example in enumerate(known):
        x[row, [column[name] for name in example.names]] = 1.0
    y = np.array([example.is_right for example in known], dtype=float)
    w = logistic_weights(x, y, [STRENGTH * (name != "") for name in names])
    return {name: round(float(weight), 2) for name, weight in zip(names, w, strict=True)}


if __name__ == "__main__":
    main()
