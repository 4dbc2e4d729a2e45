"""ROUGE (Lin 2004) of token lists: 0 to 1, equal to `rouge-score` wherever the tokens are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from cauce.evaluation.matching import lcs_length, lcs_positions, ngrams


class Overlap(NamedTuple):
    """Shared units as a share of the answer, of the reference, and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def rouge_n(reference: Sequence[str], answer: Sequence[str], n: int) -> Overlap:
    """ROUGE-n of two token lists."""
    expected, given = ngrams(reference, n), ngrams(answer, n)
    return _overlap((expected & given).total(), given.total(), expected.total())


def rouge_l(reference: Sequence[str], answer: Sequence[str]) -> Overlap:
    """ROUGE-L of two token lists: the longest common subsequence."""
    return _overlap(lcs_length(reference, answer), len(answer), len(reference))


def rouge_lsum(reference: Sequence[Sequence[str]], answer: Sequence[Sequence[str]]) -> Overlap:
    """ROUGE-Lsum: per reference sentence, the union of its LCS with every answer sentence."""
    left_given = Counter(token for sentence in answer for token in sentence)
    given_tokens, shared = left_given.total(), 0
    for sentence in reference:
        union = {i for candidate in answer for i in lcs_positions(sentence, candidate)}
        for i in sorted(union):
            if left_given[sentence[i]] > 0:
                left_given[sentence[i]] -= 1
                shared += 1
    return _overlap(shared, given_tokens, sum(map(len, reference)))


def _overlap(shared: int, given: int, expected: int) -> Overlap:
    if not shared:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = shared / given, shared / expected
    return Overlap(precision, recall, 2 * precision * recall / (precision + recall))
