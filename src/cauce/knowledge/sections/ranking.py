"""Which of a document's sections are nearest to a question: BM25 over that document alone.

Robertson & Zaragoza 2009, doi:10.1561/1500000019, with the sections of the one document as the
collection: a word that stands in all of them tells none apart, however rare it is elsewhere. Its
cost does not grow with the number of documents.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from cauce.knowledge.sections.store import SectionEntry
from cauce.knowledge.words import content_words, fold

SATURATION = 1.2
LENGTH_WEIGHT = 0.75

_WORD = re.compile(r"[^\W_]+")
_OTHER_THAN_WORDS = bytes(set(range(0x80)) - {*b"0123456789abcdefghijklmnopqrstuvwxyz"})
_SPACED = bytes.maketrans(_OTHER_THAN_WORDS, b" " * len(_OTHER_THAN_WORDS))


def word_counts(text: str) -> Counter[str]:
    """How often each folded word stands in the text; letters and digits make words.

    >>> word_counts("Ácido ácido 5-ASA")
    Counter({'acido': 2, '5': 1, 'asa': 1})
    """
    counts: Counter[str] = Counter()
    for piece, count in Counter(_pieces(text)).items():
        for word in _words(piece):
            counts[word] += count
    return counts


def distinct_words(text: str) -> set[bytes]:
    """The keys of `word_counts` in UTF-8, at a third of the cost."""
    pieces = set(_pieces(text))
    if text.isascii():
        return pieces
    others = [piece for piece in pieces if not piece.isascii()]
    pieces.difference_update(others)
    pieces.update(word.encode() for piece in others for word in _words(piece))
    return pieces


def _pieces(text: str) -> list[bytes]:
    """The text in UTF-8, cut at the ASCII characters that are of no word."""
    return unicodedata.normalize("NFC", text.lower()).encode().translate(_SPACED).split()


def _words(piece: bytes) -> list[str]:
    word = piece.decode()
    return [word] if word.isascii() else [fold(part) for part in _WORD.findall(word)]


def nearest(sections: Sequence[SectionEntry], question: str, limit: int) -> list[SectionEntry]:
    """At most `limit` sections that hold a content word of the question, best first."""
    terms = {part for word in content_words(question) for part in _WORD.findall(word)}
    if not terms:
        return []
    counts = [word_counts(f"{section.title} {section.body}") for section in sections]
    lengths = [sum(count.values()) for count in counts]
    mean = sum(lengths) / max(1, len(lengths))
    weights = {term: _weight(len(counts), sum(term in count for count in counts)) for term in terms}
    scores = [
        sum(
            weights[term] * _saturated(count[term], length / mean)
            for term in terms
            if term in count
        )
        for count, length in zip(counts, lengths, strict=True)
    ]
    order = sorted(range(len(sections)), key=lambda place: -scores[place])
    return [sections[place] for place in order[:limit] if scores[place] > 0]


def _weight(sections: int, holding: int) -> float:
    return math.log(1 + (sections - holding + 0.5) / (holding + 0.5))


def _saturated(count: int, relative_length: float) -> float:
    return count / (count + SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative_length))
