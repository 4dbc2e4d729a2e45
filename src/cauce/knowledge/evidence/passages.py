"""The part of a section that answers a question, letter for letter."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from cauce.knowledge.evidence.pieces import pieces
from cauce.knowledge.sentences import sentences
from cauce.knowledge.words import stems
from cauce.records import Span

LONGEST_RUN_UP_CHARS = 160
"""In a sentence that is too long to quote whole, at most so much stands before what is sought."""
LONGEST_LIST_CHARS = 300
"""A list whose item is sought is quoted from its announcement when both fit in so much."""
SHORTEST_REST_CHARS = 60
"""A sentence that does not fit is entered only where the quote has room for so much of it."""
_STEM_CHARS = 5
_POINTERS = re.compile(
    r"\[\s*see [^\]]*\]|\((?:\s*see [^)]*|[\s\d.,]*)\)|^\W*\d+(?:\.\d+)*\W|\bsee \w+ \d[\d.]*",
    re.IGNORECASE,
)
_CAPTION = re.compile(r"\W*(?:tables?|tablas?)\s+\d", re.IGNORECASE)
_ANNOUNCES = re.compile(
    r"(?::|\b(?:table|tabla) \d+\b[^.]{0,200}|\b(?:the |la )?(?:following|siguiente)(?: \w+)?)"
    r"\s*(?:\(table \d+\))?[.:]?$",
    re.IGNORECASE,
)
_SAYS_SOMETHING = re.compile(r"\d|[a-z]\.$|\b(?:[Nn]one|NONE|[Nn]inguna)\b")
_FEWEST_WORDS = 6
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
    is_bonus: bool = False
    """It counts only where the first of what is wanted stands too."""


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
    spans = tuple(pieces(text))
    return flat(text), spans, tuple(span.start for span in spans)


def wanted_stems(found: Iterable[str], weight: int = 1) -> tuple[Wanted, ...]:
    """Any inflected form of the stems, as `cauce.knowledge.words.stem` makes them."""
    forms = [
        re.escape(stem) if len(stem) >= _STEM_CHARS else rf"{re.escape(stem)}(?=(?:e?s)?\b)"
        for stem in sorted(found)
    ]
    if not forms:
        return ()
    return (Wanted(re.compile(rf"\b({'|'.join(forms)})"), weight, is_each=True),)


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
    if not wanted:
        return _opening(text, limit_chars)
    return passage_at(text, best_place(text, wanted), limit_chars)


def _opening(text: str, limit_chars: int) -> str:
    """Whole sentences from the start; more than that only where they are but a heading."""
    spans = sentences(text)
    if not spans:
        return ""
    if spans[0].end - spans[0].start > limit_chars:
        return _cut(text, spans[0], spans[0].start, limit_chars)
    start, end = spans[0].start, _end_of_whole(spans, limit_chars)
    if end < spans[-1].end and is_heading(text[start:end]):
        end = _end_within(text, start, end, spans[-1].end, limit_chars)
    return text[start:end]


def is_heading(text: str) -> bool:
    """True of a heading, a caption or a pointer to another place, which say nothing themselves.

    >>> is_heading("Table 4: Dose Adjustments [see Dosage (2.3)]"), is_heading("Take 20 mg daily.")
    (True, False)
    """
    rest = _POINTERS.sub(" ", text).strip()
    count = len(rest.split())
    if _CAPTION.match(text):
        return count < 4 * _FEWEST_WORDS and not re.search(r"\d ?m?c?g\b|\. [A-Z]", rest)
    return count < _FEWEST_WORDS and not _SAYS_SOMETHING.search(rest)


def best_place(text: str, wanted: Sequence[Wanted]) -> Place:
    """The sentence that holds most of what is wanted, the first of equals; score 0 for none."""
    plain, _, starts = _read(text)
    held: dict[int, dict[tuple[int, str], int]] = {}
    for number, one in enumerate(wanted):
        for match in one.pattern.finditer(plain):
            # A pattern that starts on a stop between sentences belongs to the one before.
            sentence = max(0, bisect_right(starts, match.start()) - 1)
            if one.is_bonus and (0, "") not in held.get(sentence, ()):
                continue
            key = (number, match.group(1) if one.is_each else "")
            held.setdefault(sentence, {}).setdefault(key, match.start())
    places = [
        Place(sum(wanted[number].weight for number, _ in hits), sentence, _first_hit(hits, wanted))
        for sentence, hits in held.items()
    ]
    if starts and 0 not in held:
        places.append(Place(0, 0, starts[0]))
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
    return _fill(text, spans[_announcing(text, spans, place.sentence) :], limit_chars)


def _announcing(text: str, spans: Sequence[Span], sentence: int) -> int:
    """The sentence that announces the list of which this is an item near its start, or itself.

    Examples belong to what stands before them.
    """
    end = spans[sentence].end
    if text.startswith("Example", spans[sentence].start):
        fitting = (n for n in range(sentence) if end - spans[n].start <= LONGEST_LIST_CHARS)
        return next(fitting, sentence)
    for before in range(sentence - 1, -1, -1):
        if end - spans[before].start > LONGEST_LIST_CHARS:
            break
        if text[spans[before].end - 1] == ":":
            return before
    return sentence


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
    """Whole sentences; into one that does not fit where those before only announce it."""
    start, end = spans[0].start, _end_of_whole(spans, limit_chars)
    if end == spans[-1].end:
        return text[start:end]
    if is_heading(text[start:end]):
        return text[start : _end_within(text, start, end, spans[-1].end, limit_chars)]
    if _ANNOUNCES.search(text, start, end):
        whole = end
        end = _end_within(text, start, end, spans[-1].end, limit_chars)
        if end == whole:
            end = max((span.end for span in spans if span.end < whole), default=whole)
    return text[start:end]


def _end_of_whole(spans: Sequence[Span], limit_chars: int) -> int:
    start, end = spans[0].start, spans[0].end
    for span in spans:
        if span.end - start > limit_chars:
            break
        end = span.end
    return end


def _end_within(text: str, start: int, end: int, last: int, limit_chars: int) -> int:
    """The last row or space within the limit; `end` when too little would be added to it."""
    if start + limit_chars - end < SHORTEST_REST_CHARS:
        return end
    furthest = min(start + limit_chars, last)
    if furthest == last:
        return last
    row = text.rfind("\n", end + SHORTEST_REST_CHARS, furthest)
    space = text.rfind(" ", end + SHORTEST_REST_CHARS, furthest)
    return max(row, end) if row > 0 else max(space, end)
