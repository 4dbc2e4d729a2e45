"""The part of a section that answers a question, letter for letter."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cauce.knowledge.sentences import Span, sentences
from cauce.knowledge.words import stems

LONGEST_RUN_UP_CHARS = 160
"""In a sentence that is too long to quote whole, at most so much stands before what is sought."""
_STEM_CHARS = 5
_PLAIN = {
    ord(letter): base[0]
    for letter in map(chr, range(0xC0, 0x250))
    if len(base := unicodedata.normalize("NFKD", letter)) > 1 and not base[1:].isalpha()
}


class Wanted(NamedTuple):
    """What the passage should speak of; it counts once in a sentence."""

    pattern: re.Pattern[str]
    weight: int = 1
    is_each: bool = False
    """Each distinct text that the pattern's first group matches counts once instead."""


class Place(NamedTuple):
    """Where a passage should start: a sentence, and in it the first of what was sought."""

    score: int
    sentence: int
    hit: int


def flat(text: str) -> str:
    """`text` in lower case without accents, and just as long: places in it are places in `text`.

    >>> flat("Riñón: ÁREA"), len(flat("İ"))
    ('rinon: area', 1)
    """
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    return lowered if lowered.isascii() else lowered.translate(_PLAIN)


@lru_cache(maxsize=64)
def _read(text: str) -> tuple[str, tuple[Span, ...], tuple[int, ...]]:
    spans = tuple(sentences(text))
    return flat(text), spans, tuple(span.start for span in spans)


def wanted_stems(found: Iterable[str]) -> tuple[Wanted, ...]:
    """Any inflected form of the stems, as `cauce.knowledge.words.stem` makes them."""
    forms = [
        re.escape(stem) if len(stem) >= _STEM_CHARS else rf"{re.escape(stem)}(?=(?:e?s)?\b)"
        for stem in sorted(found)
    ]
    return (Wanted(re.compile(rf"\b({'|'.join(forms)})"), is_each=True),) if forms else ()


def passage(
    text: str, limit_chars: int, question: str = "", known: frozenset[str] = frozenset()
) -> str:
    """A contiguous part of `text` of at most `limit_chars`, made of whole sentences where they fit.

    It opens the section, unless words of `question` beyond `known` (stems of the medicine's name
    and of the section's subject) stand elsewhere: then it starts with the sentence that holds most
    of them. A first sentence that is too long is cut at a space.

    >>> text = "Adults take 20 mg a day. Children need less. In renal impairment take 10 mg a day."
    >>> passage(text, 60, "dose in renal impairment")
    'In renal impairment take 10 mg a day.'
    """
    wanted = wanted_stems(stems(question) - known) if question else ()
    return passage_at(text, best_place(text, wanted), limit_chars)


def best_place(text: str, wanted: Sequence[Wanted]) -> Place:
    """The sentence that holds most of what is wanted, the first of equals; score 0 for none."""
    plain, _, starts = _read(text)
    held: dict[int, dict[tuple[int, str], int]] = {}
    for number, one in enumerate(wanted):
        for match in one.pattern.finditer(plain):
            # A pattern that starts on a stop between sentences belongs to the one before.
            sentence = max(0, bisect_right(starts, match.start()) - 1)
            key = (number, match.group(1) if one.is_each else "")
            held.setdefault(sentence, {}).setdefault(key, match.start())
    places = (
        Place(sum(wanted[number].weight for number, _ in hits), sentence, _first_hit(hits, wanted))
        for sentence, hits in held.items()
    )
    return max(places, key=lambda place: (place.score, -place.sentence), default=Place(0, 0, 0))


def _first_hit(hits: dict[tuple[int, str], int], wanted: Sequence[Wanted]) -> int:
    """Where the weightiest of the hits stands."""
    return min((-wanted[number].weight, start) for (number, _), start in hits.items())[1]


def passage_at(text: str, place: Place, limit_chars: int) -> str:
    """Whole sentences from the place on; of one that is too long, the part about the hit."""
    _, spans, _ = _read(text)
    if not spans:
        return ""
    span = spans[place.sentence]
    if span.end - span.start > limit_chars:
        return _cut(text, span, place.hit, limit_chars)
    return _fill(text, spans[place.sentence :], limit_chars)


def _cut(text: str, span: Span, hit: int, limit_chars: int) -> str:
    """A part of one long sentence: its start, or where the hit stands beyond, a run-up to it."""
    start = span.start
    if hit - start > limit_chars - LONGEST_RUN_UP_CHARS:
        earliest = max(start, hit - min(LONGEST_RUN_UP_CHARS, limit_chars // 4))
        start = text.find(" ", earliest, hit) + 1 or hit
    end = min(start + limit_chars, span.end)
    cut = text.rfind(" ", start, end) if end < span.end else end
    return text[start : cut if cut > start else end]


def _fill(text: str, spans: Sequence[Span], limit_chars: int) -> str:
    start, end = spans[0].start, spans[0].end
    for span in spans:
        if span.end - start > limit_chars:
            break
        end = span.end
    return text[start:end]
