"""Running text put together from marked-up pieces, and the sentences that cite in it.

Marks that stand beside one another (`[1], [2]`, `(Díaz 2019; Roe 2020)`, raised `1,2`) are one.
A range whose ends alone are marked up, or whose ends are in one mark, stands for every reference
from the first to the last in the order of the list.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cauce.records import CitationMark, CitingSentence, Span
from cauce.sources.articles.sentences import sentence_spans
from cauce.sources.cleaning import INVISIBLE

LONGEST_RANGE = 100
"""References that a range may stand for."""

_INVISIBLE = re.compile(f"[{re.escape(INVISIBLE)}]+")
_DASH = "[-‐‑‒–—−]"
_SEPARATOR = rf"[ ,;]{{0,4}}(?:{_DASH}|&|\b(?:and|y|e|to|cf\.?|see)\b)?[ ,;]{{0,4}}"
_BESIDE = re.compile(rf"{_SEPARATOR}|[)\]]{_SEPARATOR}[\[(]")
_TO = re.compile(rf"[\s\[\]]*(?:{_DASH}|\bto\b|\ba\b)[\s\[\]]*")
_RANGE = re.compile(rf"\D?(\d+)\s*(?:{_DASH}|\?)\s*(\d+)\D?")
_UNMARKED_END = re.compile(rf"\s?{_DASH}\s?(\d{{1,4}})(?=\s?[\]),;])")
_CLOSING = {"(": ")", "[": "]"}


class Cite(NamedTuple):
    """What a source marks up as one reference to the list, or several."""

    start: int
    end: int
    references: tuple[str, ...]


class RunningText:
    """Text that grows piece by piece with its white space folded, and the places where it cites."""

    def __init__(self) -> None:
        self.cites: list[Cite] = []
        self.raised: list[Span] = []
        """Raised pieces that cite nothing: notes, powers."""
        self.length = 0
        self._pieces: list[str] = []
        self._between = ""
        self._is_after_cite = False

    def __str__(self) -> str:
        return "".join(self._pieces)

    @property
    def last(self) -> str:
        """What was added last; empty where a line or a space was begun since."""
        return self._pieces[-1] if self._pieces and not self._between else ""

    def add(self, text: str) -> None:
        """Adds a piece; white space at its ends parts it from its neighbours."""
        if not text.isprintable():
            text = _INVISIBLE.sub("", text)
        words = text.split()
        if not words:
            self._between = self._between or (" " if text else "")
            return
        if text[0].isspace():
            self._between = self._between or " "
        self._join(" ".join(words))
        self._between = " " if text[-1].isspace() else ""

    def break_line(self) -> None:
        """Begins a line, unless the text is at the beginning of one."""
        self._between = "\n"

    def begin(self) -> int:
        """A place to give `cite` or `raise_from` once what is cited or raised has been added."""
        if self._between == " " and self._ending in ("[", "("):
            self._between = ""
        return len(self._pieces)

    def cite(self, begun: int, references: tuple[str, ...]) -> None:
        """Marks all that was added since `begun` as citing references."""
        self.cites.append(Cite(*self._since(begun), references))
        self._is_after_cite = True

    def raise_from(self, begun: int) -> None:
        """Marks all that was added since `begun` as raised."""
        self.raised.append(self._since(begun))

    @property
    def _ending(self) -> str:
        return self._pieces[-1][-1] if self._pieces else ""

    def _since(self, begun: int) -> Span:
        added = self._pieces[begun:]
        start = self.length - sum(map(len, added))
        is_parted = bool(added) and added[0][0].isspace()
        return Span(start + is_parted, self.length)

    def _join(self, text: str) -> None:
        if self._is_after_cite and self._between == " " and text[0] in ")].,;:":
            self._between = ""
        self._is_after_cite = False
        piece = self._between + text if self._pieces else text
        self._pieces.append(piece)
        self.length += len(piece)


class ReferenceList:
    """The ids of an article's references in the order of its list."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = tuple(ids)
        self._places = {id: place for place, id in enumerate(self.ids)}

    def __contains__(self, id: str) -> bool:
        return id in self._places

    def range(self, first: str, last: str, count: int) -> tuple[str, ...]:
        """From one reference to another; nothing where they are not `count` places apart."""
        start, end = self._places[first], self._places[last]
        return self.ids[start : end + 1] if end - start == count <= LONGEST_RANGE else ()

    def following(self, first: str, count: int) -> tuple[str, ...]:
        """A reference and the `count` after it; nothing where the list is shorter."""
        start = self._places[first]
        found = self.ids[start : start + count + 1]
        return found if len(found) == count + 1 and 0 < count <= LONGEST_RANGE else ()


def citing_sentences(
    section: str, running: RunningText, listed: ReferenceList
) -> Iterator[CitingSentence]:
    """The sentences of a section that cite references of the list, in order."""
    text = str(running)
    if not running.cites or not text:
        return
    marks = [mark for group in _groups(text, running.cites) for mark in _mark(text, group, listed)]
    places = [Span(mark.start, mark.end) for mark in marks]
    spans = sentence_spans(text, [*places, *running.raised])
    for span, held in itertools.groupby(marks, lambda mark: _holding(spans, mark)):
        yield CitingSentence(
            section=section,
            start=span.start,
            end=span.end,
            text=text[span.start : span.end],
            marks=tuple(held),
        )


def _holding(spans: Sequence[Span], mark: CitationMark) -> Span:
    return spans[bisect.bisect_left(spans, mark.end, key=lambda span: span.end)]


def _groups(text: str, cites: Sequence[Cite]) -> list[list[Cite]]:
    groups: list[list[Cite]] = []
    for cite in cites:
        if groups and _BESIDE.fullmatch(text, groups[-1][-1].end, cite.start):
            groups[-1].append(cite)
        else:
            groups.append([cite])
    return groups


def _mark(text: str, group: Sequence[Cite], listed: ReferenceList) -> Iterator[CitationMark]:
    """The mark that cites beside one another make, with the brackets around it."""
    references: list[str] = []
    end = group[-1].end
    for previous, cite in zip((None, *group), group, strict=False):
        if previous is not None and _TO.fullmatch(text, previous.end, cite.start):
            references += _between(text, previous, cite, listed)
        references += _within(text, cite, listed)
    unmarked = _UNMARKED_END.match(text, end)
    if unmarked:
        rest = _to_number(text, group[-1], int(unmarked[1]), listed)
        references += rest
        end = unmarked.end() if rest else end
    start, end = _with_brackets(text, group[0].start, end)
    found = tuple(dict.fromkeys(references))
    if found:
        yield CitationMark(start=start, end=end, references=found)


def _numbers(text: str, cite: Cite) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text[cite.start : cite.end])]


def _between(text: str, first: Cite, last: Cite, listed: ReferenceList) -> tuple[str, ...]:
    """The references of a range of numbers of which only the ends are marked up."""
    begin, end = _numbers(text, first), _numbers(text, last)
    if not begin or not end or not first.references or not last.references:
        return ()
    return listed.range(first.references[-1], last.references[0], end[0] - begin[-1])


def _within(text: str, cite: Cite, listed: ReferenceList) -> tuple[str, ...]:
    """What a cite stands for: its references, and those between where its text is a range."""
    printed = _RANGE.fullmatch(text, cite.start, cite.end)
    if not printed or not 0 < len(cite.references) < 3:
        return cite.references
    count = int(printed[2]) - int(printed[1])
    first, last = cite.references[0], cite.references[-1]
    found = listed.following(first, count) if first == last else listed.range(first, last, count)
    return found or cite.references


def _to_number(text: str, cite: Cite, last: int, listed: ReferenceList) -> tuple[str, ...]:
    """The references of a range whose last number is not marked up."""
    numbers = _numbers(text, cite)
    if not numbers or not cite.references:
        return ()
    return listed.following(cite.references[-1], last - numbers[-1])[1:]


def _with_brackets(text: str, start: int, end: int) -> Span:
    while (
        start and text[start - 1] in _CLOSING and text[end : end + 1] == _CLOSING[text[start - 1]]
    ):
        start, end = start - 1, end + 1
    return Span(start, end)
