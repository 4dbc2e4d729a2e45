"""chrF (Popović 2015, 2017), 0 to 100, equal to `sacrebleu`."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import NamedTuple

from cauce.evaluation.matching import Counts, ngrams

_ASCII_MARKS = frozenset(string.punctuation)
_CHARACTERS = 6
"""Longest n-gram of characters."""


def chrf(reference: str, answer: str, *, word_order: int = 0) -> float:
    """chrF2: character 1- to 6-grams without spaces; chrF2++ with `word_order=2`."""
    return _f2(_shares(reference, answer, word_order))


def corpus_chrf(references: Sequence[str], answers: Sequence[str], *, word_order: int = 0) -> float:
    """chrF2 of all answers together; it is not the mean of their chrF2s."""
    sums = [_Shared(0, 0, 0)] * (_CHARACTERS + word_order)
    for reference, answer in zip(references, answers, strict=True):
        own = _shares(reference, answer, word_order)
        sums = [_Shared(*map(sum, zip(*pair, strict=True))) for pair in zip(sums, own, strict=True)]
    return _f2(sums)


class _Shared(NamedTuple):
    """n-grams of one order: those shared, the answer's and the reference's."""

    same: int
    given: int
    expected: int

    @classmethod
    def of(cls, expected: Counts, given: Counts) -> _Shared:
        """The answer's count only where the reference has any, as `sacrebleu` sums them."""
        if not expected:
            return cls(0, 0, 0)
        return cls((expected & given).total(), given.total(), expected.total())


def _shares(reference: str, answer: str, word_order: int) -> list[_Shared]:
    """By order, those of characters first."""
    expected, given = "".join(reference.split()), "".join(answer.split())
    counts = [(ngrams(expected, n), ngrams(given, n)) for n in range(1, _CHARACTERS + 1)]
    expected_words, given_words = _split_punctuation(reference), _split_punctuation(answer)
    for n in range(1, word_order + 1):
        counts.append((ngrams(expected_words, n), ngrams(given_words, n)))
    return [_Shared.of(*pair) for pair in counts]


def _f2(shares: Sequence[_Shared]) -> float:
    """F2 of the precisions and recalls averaged over the orders that both sides have."""
    both = [order for order in shares if order.given and order.expected]
    if not any(order.same for order in both):
        return 0.0
    precision = sum(order.same / order.given for order in both) / len(both)
    recall = sum(order.same / order.expected for order in both) / len(both)
    return 100 * 5 * precision * recall / (4 * precision + recall)


def _split_punctuation(text: str) -> list[str]:
    """Words with one ASCII mark at their end, or else at their start, cut off, as chrF++ does."""
    tokens: list[str] = []
    for word in text.split():
        if len(word) > 1 and word[-1] in _ASCII_MARKS:
            tokens += [word[:-1], word[-1]]
        elif len(word) > 1 and word[0] in _ASCII_MARKS:
            tokens += [word[0], word[1:]]
        else:
            tokens.append(word)
    return tokens
