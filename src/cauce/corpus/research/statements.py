"""What a sentence claims, without what only joins it to its article."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cauce.corpus.research.lexicon import FINITE
from cauce.corpus.research.wording import (
    CONCESSIONS,
    CONNECTIVES,
    FRAMES,
    NEGATIONS,
    TAILS,
)
from cauce.records import Language

FEWEST_WORDS = 5
"""Of a shortened statement."""

_GOES_ON = re.compile(r"(?:and|or|y|o|e|it|they|he|she)\b")
_CONDITION = re.compile(
    r"(?:although|though|while|whereas|despite|given|because|if|when|as|since|to|until|unless|once|"
    r"after|before|by|in order|aunque|porque|si|cuando|como|para|al|tras)\b",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(
    r"(?:in|on|at|for|from|with|within|among|during|of|under|en|entre|desde|durante|con|de)\b",
    re.IGNORECASE,
)
UNFINISHED = re.compile(
    r"\b(?:of|by|in|from|to|with|and|or|the|as|that|than|for|on|at|de|por|en|con|y|el|la|que|a),?"
    r"[\s.;:]*$"
)
"""Ends with a word that needs another behind it."""
_ASIDE = re.compile(r"\s*\([^()]*\)|\s*\[[^\[\]]*\]")


def statement_of(sentence: str, language: Language) -> str:
    """The sentence without its connective, its reporting frame and what stands in brackets.

    >>> statement_of("However, it has been shown that USUV (a flavivirus) infects birds.", "en")
    'USUV infects birds.'
    """
    text = plain = _without_asides(sentence)
    while (shorter := _without_opening(text, language)) != text:
        text = shorter
    is_shorter = text != plain and text[:2].islower()
    return text[:1].upper() + text[1:] if is_shorter else text


def _without_asides(text: str) -> str:
    while (shorter := _ASIDE.sub("", text)) != text:
        text = shorter
    return text


def _without_opening(text: str, language: Language) -> str:
    if joined := CONNECTIVES[language].match(text):
        text = text[joined.end() :]
    framed = FRAMES[language].match(text)
    if framed and not NEGATIONS[language].search(framed[0]):
        text = text[framed.end() :]
    conceded = CONCESSIONS[language].match(text)
    rest = text[conceded.end() :] if conceded else ""
    is_whole = has_finite_verb(rest.partition(",")[0], language) and not _GOES_ON.match(rest)
    return rest if is_whole else text


def shortened(statement: str, language: Language) -> Iterator[str]:
    """The statement, and then each shorter one that its first clauses make, longest first.

    None where it begins with a condition, behind which "that" reads badly.
    """
    if _CONDITION.match(statement):
        return
    yield statement
    for tail in reversed(list(TAILS[language].finditer(statement))):
        head = statement[: tail.start()]
        if len(head.split()) >= FEWEST_WORDS and _is_whole(head, language):
            yield f"{head}."


def _is_whole(text: str, language: Language) -> bool:
    """Whether a clause was not cut before its verb, nor within a list or behind an aside."""
    last = text.rpartition(",")[2].split()
    return (
        has_finite_verb(text, language)
        and not UNFINISHED.search(text)
        and (len(last) > 3 or last[0] in ("and", "or", "y", "e", "o"))
        and (not _PREPOSITION.match(text) or "," in text)
    )


def has_finite_verb(text: str, language: Language) -> bool:
    """Whether one of the verbs that articles often use, or an auxiliary, stands in the text."""
    return bool(FINITE[language].search(text))
