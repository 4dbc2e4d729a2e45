"""Which questions are asked: rules that hold for a template's question and for a model's alike.

A question is accepted when no citation is left in it, when its names and numbers stand in the
sentence, when it finds the sentence again among the first three, when it is neither a copy of the
sentence nor far from it, and when no question before it is nearly the same. Leaving out generated
questions that do not lead back is worth up to 16 % in retrieval (Doc2Query--, 2301.03266).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cauce.corpus.research.near import NearQuestions
from cauce.corpus.research.ranking import Ranker
from cauce.corpus.research.wording import AUTHORS, MARK
from cauce.knowledge.claims.numbers import unsupported_numbers
from cauce.knowledge.words import fold
from cauce.records import Language
from cauce.sources.dois import dois_in

WORST_RANK = 3
LEAST_OVERLAP, MOST_OVERLAP = 0.35, 0.8
"""Share of the question's words that stand in the sentence. One that says the whole sentence (mean
0.82) finds it without fail, and would measure nothing."""

_WORD = re.compile(r"[^\W_]+")
_CITATION = re.compile(
    rf"[{MARK}{AUTHORS}]|\[\d|\bet al\b|\bdoi\b|\((?:[^()]*\W)?(?:1[89]|20)\d\d[a-z]?\)|"
    r"\b[A-Z]\w+ (?:and|&|y) [A-Z]\w+,? (?:1[89]|20)\d\d|https?:"
)
_ONE_QUESTION = re.compile(r"[^?¿\n]*\?|¿[^?¿\n]*\?")
_NAME = re.compile(r"\S*(?:[^\W\d_]\d|\d[^\W\d_]|(?<=\w)[A-ZÀ-Þ])\S*|(?<=[^.?!] )[A-ZÀ-Þ]\S*")


class Accepted(NamedTuple):
    """What was measured of a question that may be asked."""

    rank: int
    overlap: float


class Acceptance:
    """The rules, with the sentences to rank and the questions accepted so far."""

    def __init__(self, ranker: Ranker) -> None:
        self._ranker = ranker
        self._near = NearQuestions()

    def judge(self, question: str, sentence: str, place: int, language: Language) -> Accepted | str:
        """Rank and overlap of a question, or the reason not to ask it.

        `sentence` is the one at `place` of the ranker, without its marks.
        """
        overlap = word_overlap(question, sentence)
        if not _ONE_QUESTION.fullmatch(question):
            return "not one question"
        if _CITATION.search(question) or dois_in(question):
            return "a citation is left in it"
        if unknown_names(question, sentence):
            return "a name that the sentence lacks"
        if unsupported_numbers(question, [sentence], language):
            return "a number that the sentence lacks"
        if overlap < LEAST_OVERLAP:
            return "too far from the sentence"
        if overlap > MOST_OVERLAP:
            return "a copy of the sentence"
        if (rank := self._ranker.rank(question, place)) > WORST_RANK:
            return "does not find the sentence"
        return Accepted(rank, overlap)

    def take(self, question: str) -> bool:
        """Whether no question taken before is nearly the same; then this one is taken."""
        return self._near.add(question)


def word_overlap(question: str, sentence: str) -> float:
    """Share of the question's words, each once, that stand in the sentence."""
    asked, known = (set(_WORD.findall(fold(text))) for text in (question, sentence))
    return len(asked & known) / max(1, len(asked))


def unknown_names(question: str, sentence: str) -> tuple[str, ...]:
    """Words of a question with a capital or a digit inside it that the sentence lacks."""
    known = set(_WORD.findall(fold(sentence)))
    named = [word for found in _NAME.findall(question) for word in _WORD.findall(fold(found))]
    return tuple(dict.fromkeys(word for word in named if word not in known))
