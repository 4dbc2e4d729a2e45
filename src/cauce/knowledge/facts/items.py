"""The single statements of a section: its headings, list items and sentences, as spans.

Labels reach a reader with their lists, headings and tables run together in one line; what a person
saw as separate is cut apart again here. Every character but space stands in exactly one item.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from cauce.knowledge.sentences import sentences
from cauce.records import Span

BULLETS = "•●○◦▪‣∙■□➢►·∘⁃"
_BULLET = re.compile(rf"(?:[{BULLETS}]|[-–—](?=\s|[A-ZÁÉÍÓÚÑ]))\s*")
_LIST_MARK = re.compile(rf"\s*(?=[{BULLETS}]\s*[^\s\d])|\s+(?=[–—-]\s[A-ZÁÉÍÓÚÑ])")
_NUMBERED = re.compile(
    r"(?<![(,;\[–-])(?<![Ss]ee)(?<!and)(?<!Section)(?<!Sections)(?<!Table)(?<!sección)"
    r"(?:\s|^)(?=\d{1,2}\.\d{1,2}(?:\.\d{1,2})?\.?\s+[A-ZÁÉÍÓÚÑ¿][\w®-]{2,})"
)
_TABLE_LABEL = (
    r"Clinical (?:Impact|Effects?|Implications?|Rationale|Recommendations?|Comments?)"
    r"|Prevention (?:or|and) Management|Intervention|Examples?|Impacto clínico|Ejemplos?"
)
_LABEL = re.compile(rf"\s(?=(?:{_TABLE_LABEL})\s*(?::|\s[A-Z]))")
_TABLE = re.compile(r"(?<![(\w])\s(?=(?:Table|Tabla) \d+[.:]\s)|\s(?=WARNINGS?:)")
_CAPITALS = re.compile(
    r"(?:(?<=\s)|^)(?:(?=[^\sa-záéíóúñ]*+(?<=[A-ZÁÉÍÓÚÑ:,)]))[^\sa-záéíóúñ\d]{2,}+\s+"
    r"(?:(?:and|or|of|the|in|with)\s)?+){2,}+(?=[A-ZÁÉÍÓÚÑ][a-záéíóúñ-]+ )"
)
_LINE_END = re.compile(r"\n")
LONGEST_ABBREVIATION = 6
"""Capitals all of shorter words are a list of abbreviations, not a title."""
_HEADING_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,2})+\.?\s+(?=[A-ZÁÉÍÓÚÑ¿])")
_TITLE_RUN = re.compile(
    r"(?:[A-ZÁÉÍÓÚÑ][\w®™/'’,-]*|of|or|and|in|for|with|on|the|to|by|from|a|de|y|en|con|-|–"
    r"|\([^)]*\))"
    r"(?:\s+(?:[A-ZÁÉÍÓÚÑ0-9][\w®™/'’,:-]*|of|or|and|in|for|with|on|the|to|by|from|a|-|–"
    r"|\([^)]*\)))*"
    r"\s+(?=[a-záéíóúñ(≥<>\d])"
)
_OPENERS = frozenset(
    """
    Do The In If When Avoid Administer Patients Monitor For Use Discontinue Advise Because
    Concomitant Concurrent Coadministration Co-administration Reduce Adjust There This These It
    Take Consider Based No Not Although While During After Before Since As An A Increase Initiate
    Start Give Withhold Obtain Prior Some Any All Each Once Table Tables Store Do: Swallow
    """.split()  # noqa: SIM905
)
_SMALL = frozenset("of or and in for with on the to by from a - –".split())  # noqa: SIM905


class Item(NamedTuple):
    """One statement: where it stands, and what it was for the eye."""

    span: Span
    role: Literal["heading", "bullet", "sentence"]


def items_of(text: str) -> list[Item]:
    """The headings, list items and sentences of `text`, in order.

    >>> text = "7.1 Digoxin When given together, watch it. • Alcohol: avoid • Milk (7.2)"
    >>> [(item.role, item.span.of(text)) for item in items_of(text)]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('heading', '7.1 Digoxin'), ('sentence', 'When given together, watch it.'),
     ('bullet', 'Alcohol: avoid'), ('bullet', 'Milk (7.2)')]
    """
    items: list[Item] = []
    for chunk in _chunks(text):
        items += _items_of_chunk(text, chunk)
    return items


def _chunks(text: str) -> Iterator[Span]:
    """The parts between the marks of lists, headings and tables."""
    cuts = {0, len(text)}
    for pattern in (_LIST_MARK, _NUMBERED, _LABEL, _TABLE, _LINE_END):
        cuts |= {match.end() for match in pattern.finditer(text)}
    for match in _CAPITALS.finditer(text):
        if max(map(len, match.group().split())) >= LONGEST_ABBREVIATION:
            cuts |= {match.start(), match.end()}
    ordered = sorted(cuts)
    for start, end in itertools.pairwise(ordered):
        if text[start:end].strip():
            yield Span(start, end)


def _items_of_chunk(text: str, chunk: Span) -> Iterator[Item]:
    piece = chunk.of(text)
    mark = _BULLET.match(piece.lstrip())
    start = chunk.start + len(piece) - len(piece.lstrip()) + (mark.end() if mark else 0)
    body = text[start : chunk.end]
    role: Literal["bullet", "sentence"] = "bullet" if mark else "sentence"
    for number, found in enumerate(sentences(body)):
        span = Span(start + found.start, start + found.end)
        cut = _heading_end(span.of(text)) if number == 0 and not mark else 0
        if cut:
            yield Item(_trimmed(text, span.start, span.start + cut), "heading")
        if span.start + cut < span.end:
            yield Item(_trimmed(text, span.start + cut, span.end), role)


def _trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return Span(start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip()))


def _heading_end(sentence: str) -> int:
    """Where the heading that opens a sentence ends; 0 when none does, its length when it is one."""
    number = _HEADING_NUMBER.match(sentence)
    start = number.end() if number else 0
    run = _TITLE_RUN.match(sentence, start)
    if run is None:
        return len(sentence) if number and not sentence.endswith(".") else 0
    words = list(re.finditer(r"\S+", sentence[: run.end()]))
    words = [word for word in words if word.start() >= start]
    openers = [
        word
        for before, word in itertools.pairwise(words)
        if word.group() in _OPENERS
        and before.group() not in _SMALL
        and not before.group().endswith(",")
    ]
    if openers:
        return openers[0].start() if number or len(words) > 2 else 0
    capitals = [word for word in words[1:] if word.group() not in _SMALL]
    return capitals[-1].start() if number and capitals else 0
