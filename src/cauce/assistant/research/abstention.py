"""When the evidence is too far from the question to be shown: a threshold set on questions kept.

Validation questions are asked twice: of the whole library, and of the library without the article
that each was made of, in which no answer stands. A logistic regression of what the search says
tells right from wrong first evidence; the threshold lets through one in twenty of the second kind.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cauce.knowledge.library.library import Found
from cauce.knowledge.logistic import logistic, logistic_weights
from cauce.knowledge.words import stems
from cauce.records import Record

MOST_ANSWERED_WITHOUT = 0.05
"""Share of unanswerable questions that may be answered."""
LEAST_THRESHOLD = 0.5
"""More often right than wrong, whatever the kept questions say."""
RIDGE = 0.1
FEWEST_SHARED = 2
"""Words of the question, by their stems, that stand in the first sentence."""
CLOSE_COSINE = 0.6
FEATURES = ("overlap", "overlap with the next", "cosine", "agreement")


class Abstention(Record):
    """What is asked of the evidence before it is shown."""

    weights: tuple[float, ...]
    """Of `FEATURES`, and of 1."""
    threshold: float
    """Least probability that the first evidence is right."""

    def probability(self, question: str, found: Sequence[Found]) -> float:
        """That the first sentence answers the question; 0 where none was found."""
        if not found:
            return 0.0
        return float(logistic(np.dot(features_of(question, found), self.weights)))

    def answers(self, question: str, found: Sequence[Found]) -> bool:
        """Whether the evidence is good enough to be shown.

        One word in common is chance, unless it is all that was asked or the meaning is close.
        """
        if not found or self.probability(question, found) < self.threshold:
            return False
        asked = stems(question)
        shared = len(asked & stems(found[0].evidence.text))
        return shared >= min(FEWEST_SHARED, len(asked)) or found[0].cosine >= CLOSE_COSINE

    @classmethod
    def fitted(
        cls, asked: Sequence[tuple[str, Sequence[Found], bool]], withheld: Sequence[bool]
    ) -> Abstention:
        """Fitted to questions with what was found and whether its first is right.

        `withheld` says of each whether the library was searched without its article.
        """
        rows = np.array([features_of(question, found) for question, found, _ in asked])
        right = np.array([right for *_, right in asked], dtype=float)
        weights = logistic_weights(rows, right, RIDGE)
        probabilities = logistic(rows @ weights)
        without = probabilities[np.array(withheld, dtype=bool)]
        passed = np.quantile(without, 1 - MOST_ANSWERED_WITHOUT) if len(without) else 0.0
        threshold = max(float(np.nextafter(passed, 1.0)), LEAST_THRESHOLD)
        return cls(weights=tuple(weights.tolist()), threshold=threshold)


def features_of(question: str, found: Sequence[Found]) -> list[float]:
    """What tells good evidence: words shared, by the next too, meaning, and works in common."""
    if not found:
        return [0.0, 0.0, 0.0, 0.0, 1.0]
    shared = [_overlap(question, one) for one in found[:2]]
    works = {*found[0].evidence.dois}
    agreement = sum(bool(works & {*one.evidence.dois}) for one in found[1:3])
    return [shared[0], shared[1] if shared[1:] else 0.0, found[0].cosine, float(agreement), 1.0]


def _overlap(question: str, found: Found) -> float:
    """Share of the question's content words that stand in the sentence."""
    asked = stems(question)
    return len(asked & stems(found.evidence.text)) / max(1, len(asked))
