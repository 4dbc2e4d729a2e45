"""Three ways from a question to the sentences that may answer it.

`question` looks among the questions that were made of sentences; `expanded` looks among the
sentences for the question, for what it asks and for what it is about, or for what a model writes
that is to be searched for; `topics` for what it is about alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from cauce.assistant.research.expanding import Expander
from cauce.assistant.settings import Way
from cauce.corpus.research.openings import OPENINGS
from cauce.corpus.research.phrases import key_phrases
from cauce.corpus.research.vocabulary import Vocabulary
from cauce.knowledge.library.library import Found, Library
from cauce.knowledge.passages.fusion import rank_score
from cauce.records import Language

LIMIT = 5
"""Sentences shown to the model and looked at."""
LOOKED_AT = 20
"""Sentences of each search whose ranks are fused."""
MOST_PHRASES = 4


class Finder:
    """Finds evidence in a library."""

    def __init__(self, library: Library, expander: Expander | None = None) -> None:
        self.library = library
        self._expander = expander
        self._vocabulary = Vocabulary(found.text for found in library.evidence.values())

    def find(
        self, question: str, language: Language, way: Way, *, without: str | None = None
    ) -> list[Found]:
        """At most `LIMIT` sentences, best first; none of the article `without`."""
        if way == "question":
            return self.library.by_question(question, LIMIT, without=without)
        found = [
            self.library.by_sentence(text, LOOKED_AT, without=without)
            for text in dict.fromkeys(self._searches(question, language, way))
        ]
        return fused(found)[:LIMIT]

    def expand(self, questions: Sequence[str]) -> None:
        """Lets the model, if there is one, write for many questions together; `find` is faster."""
        if self._expander is not None:
            self._expander(questions)

    def _searches(self, question: str, language: Language, way: Way) -> list[str]:
        """What is searched for; by rule where no model writes it, or it writes nothing of use."""
        topics = self.topics(question, language)
        if way == "topics":
            return [topics]
        written = self._expander([question])[0] if self._expander else []
        return [question, *(written or [topics, asked_plainly(question)])]

    def topics(self, question: str, language: Language) -> str:
        """What the question is about, in its own words: its key phrases, else all of it."""
        statement = asked_plainly(question)
        phrases = key_phrases(statement, MOST_PHRASES, self._vocabulary, language)
        return ", ".join(phrases) or statement


def fused(searches: Sequence[Sequence[Found]]) -> list[Found]:
    """The sentences of several searches, those that stand high in most of them first.

    A sentence keeps the cosine of the first search that found it.
    """
    first: dict[str, Found] = {}
    scores: dict[str, float] = {}
    for found in searches:
        for rank, one in enumerate(found, 1):
            first.setdefault(one.evidence.id, one)
            scores[one.evidence.id] = scores.get(one.evidence.id, 0.0) + rank_score(rank)
    ranked = sorted(first, key=lambda id: -scores[id])
    return [first[id]._replace(score=scores[id]) for id in ranked]


def asked_plainly(question: str) -> str:
    """The question without its opening: "Which studies show that X?" is X."""
    for by_language in OPENINGS.values():
        for openings in by_language.values():
            for opening in openings:
                before, after = opening.split("{}")
                if question.startswith(before) and question.endswith(after):
                    return question.removeprefix(before).removesuffix(after)
    return question
