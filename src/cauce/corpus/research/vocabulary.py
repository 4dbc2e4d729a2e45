"""What the texts at hand tell of their own words: how rare each is, and how it is spelled."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from cauce.corpus.research.lexicon import STOPS, VERBS

TOKEN = re.compile(
    r"\b(?:in (?:situ|vitro|vivo|silico)|de novo)\b|\b[A-Z][a-z]?\.(?= [a-z])|"
    r"[^\W_]+(?:[-'’′][^\W_]+)*\+?|[^\w\s]"
)
"""A word, a Latin phrase, the short name of a genus ("Cx. neavei"), or a mark of punctuation."""

_ENDS = frozenset(".?!:")
_WEAK = STOPS["en"] | STOPS["es"] | VERBS["en"] | VERBS["es"]


class Vocabulary:
    """Counts of the words of a corpus, by spelling and by what follows them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._count: Counter[str] = Counter()
        self._inner: Counter[str] = Counter()
        self._before_content: Counter[str] = Counter()
        for text in texts:
            self._add(text)
        self._total = max(1, sum(self._count.values()))

    def _add(self, text: str) -> None:
        tokens = TOKEN.findall(text)
        lower = [token.lower() for token in tokens]
        self._count.update(lower)
        for place, token in enumerate(tokens):
            if place and tokens[place - 1] not in _ENDS:
                self._inner[token] += 1
            after = lower[place + 1] if place + 1 < len(tokens) else "."
            if after[0].isalpha() and after not in _WEAK:
                self._before_content[lower[place]] += 1

    def information(self, word: str) -> float:
        """How much a word tells, in nats: the rarer in the corpus, the more."""
        return math.log(self._total / max(1, self._count[word.lower()]))

    def is_known(self, word: str) -> bool:
        """Whether the corpus says a word more than twice."""
        return self._count[word.lower()] > 2

    def inner_spelling(self, word: str) -> str | None:
        """A sentence's first word as it is spelled inside one; None where the corpus cannot tell.

        Names and acronyms keep their capitals.
        """
        lowered = word[:1].lower() + word[1:]
        if word != word.capitalize() or lowered.lower() in _WEAK:
            return word if word != word.capitalize() else lowered
        if self._inner[lowered] == self._inner[word] == 0:
            return None
        return lowered if self._inner[lowered] >= self._inner[word] else word

    def is_modifier(self, word: str) -> bool:
        """Whether a word nearly always stands before another, as English adjectives do."""
        count = self._count[word.lower()]
        return count >= 4 and self._before_content[word.lower()] > 0.75 * count
