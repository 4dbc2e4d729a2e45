"""Sentences of labels printed as running text, where headings, rows and references have no stop."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise

from cauce.knowledge.sentences import sentences
from cauce.records import Span

_NUMBERS = r"\(\s*\d{1,2}(?:\s?\.\s?\d{1,2})*(?:\s*,\s*\d{1,2}(?:\s?\.\s?\d{1,2})*)*\s*\)"
_LEADING_REFERENCE = re.compile(
    rf"(?:{_NUMBERS}|\[\s*see [^\]]*\])\s*\]?\s*\.?(?=\s|$)", re.IGNORECASE
)
_REFERENCE_WITHOUT_STOP = re.compile(
    r"\(\s*\d{1,2}\s?\.\s?\d{1,2}(?:\s*,\s*\d{1,2}(?:\s?\.\s?\d{1,2})*)*\s*\)"
    r"(?=\s+(?:[A-Z][a-z]|[•●∘▪◦]|\d{1,2}\.\d{1,2}\s[A-Z]))"
)
_HELD_TOGETHER = re.compile(rf"{_NUMBERS}|\[\s*see [^\][]{{1,200}}\]", re.IGNORECASE)
_HEADING = re.compile(r"(?<=[^\s(\[,]) (?=(\d{1,2})\.(\d{1,2}) +[A-Z][a-z]+)")
_BRACKETED = re.compile(r"\[[^\][]*\]")
_SPACE = re.compile(r"\s*")
_CAPTION = re.compile(r"(?:table|figure|tabla|figura)\s+\d+\s*[.:]?", re.IGNORECASE)


def pieces(text: str) -> list[Span]:
    """Spans of the sentences; one ends at its reference, and a table's number opens its caption.

    >>> text = "Select by mutation. ( 2.1 ) Adults: 50 mg ( 2.2 ) Renal: 20 mg. Table 2. Doses"
    >>> [span.of(text) for span in pieces(text)]
    ['Select by mutation. ( 2.1 )', 'Adults: 50 mg ( 2.2 )', 'Renal: 20 mg.', 'Table 2. Doses']
    """
    held = [match.span() for match in _HELD_TOGETHER.finditer(text)]
    starts = [span.start for span in sentences(text) if not _is_within(held, span.start)]
    starts = [start for start in (_after_reference(text, start) for start in starts) if start >= 0]
    starts += _starts_after_references(text)
    starts += _starts_of_headings(text)
    found = [
        _stripped(text, begin, end)
        for begin, end in pairwise([*sorted({*starts, *_first(text)}), len(text)])
    ]
    return _with_captions_joined(text, [span for span in found if span.end > span.start])


def _first(text: str) -> list[int]:
    """Where the text starts: nothing before a leading reference is lost."""
    return [len(text) - len(text.lstrip())] if text.strip() else []


def _after_reference(text: str, start: int) -> int:
    """`start`, or what follows the reference that stands there; -1 when nothing does."""
    found = _LEADING_REFERENCE.match(text, start)
    while found:
        start = _SPACE.match(text, found.end()).end()  # type: ignore[union-attr]
        found = _LEADING_REFERENCE.match(text, start)
    return start if start < len(text) else -1


def _starts_after_references(text: str) -> list[int]:
    """Where text goes on in capitals after a reference that no bracket holds."""
    held = [match.span() for match in _BRACKETED.finditer(text)]
    return [
        match.end() + 1
        for match in _REFERENCE_WITHOUT_STOP.finditer(text)
        if not _is_within(held, match.start())
    ]


def _is_within(spans: list[tuple[int, int]], place: int) -> bool:
    """True when the place lies inside one of the spans, which are in order and apart."""
    latest = bisect_left(spans, (place, 0)) - 1
    return latest >= 0 and place < spans[latest][1]


def _starts_of_headings(text: str) -> list[int]:
    """Where numbered headings stand within the text: 2.1, 2.2, 2.3, and no number out of turn."""
    latest: dict[str, int] = {}
    found: list[int] = []
    for match in _HEADING.finditer(text):
        chapter, number = match.group(1), int(match.group(2))
        if number == latest.get(chapter, 0) + 1:
            latest[chapter] = number
            found.append(match.end())
    return found


def _stripped(text: str, begin: int, end: int) -> Span:
    piece = text[begin:end]
    return Span(begin + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip()))


def _with_captions_joined(text: str, spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and _CAPTION.fullmatch(joined[-1].of(text)):
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined
