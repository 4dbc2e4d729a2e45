"""Citation marks in running text, and the references that each stands for.

Four ways to cite are known: numbers in square brackets, raised numbers, author and year, and
numbers in round brackets. An article is read by the one that cites the most of its references.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cauce.records import CitationMark, Reference
from cauce.sources.articles.pdf.flow import Passage

_DASH = "[-–—−‐‑]"
_LIST = rf"\d{{1,4}}(?:\s*(?:[,;]|{_DASH}|\band\b|\by\b|&)\s*\d{{1,4}})*"
_PLACE = r"(?:,\s*(?:pp?|pages?|ch|chap|fig|sec|sect|§|theorem|p[áa]gs?)\b\.?[^\[\]]{0,30})?"
_BRACKETED = re.compile(rf"\[\s*({_LIST}){_PLACE}\s*\](?:\s*{_DASH}\s*\[\s*(\d{{1,4}})\s*\])?")
_ROUND = re.compile(rf"\(\s*({_LIST}){_PLACE}\s*\)")
_RAISED = re.compile(_LIST)
_RANGE = re.compile(rf"(\d+)(?:\s*({_DASH})\s*(\d+))?")
_UNIT_BEFORE = re.compile(r"(?:\d|(?<![^\W\d_])[^\W\d_]{1,2})$")
_LONGEST_RANGE = 100

_YEAR = re.compile(r"(?<![\d.:/])((?:1[6-9]|20)\d\d)([a-z](?:\s*,\s*[a-z]\b)*)?(?![\w])")
_GROUP = re.compile(r"[(\[]([^()\[\]]*?(?:1[6-9]|20)\d\d[a-z]?[^()\[\]]*)[)\]]")
_TOKEN = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")
_BETWEEN_AUTHORS = {
    "and",
    "y",
    "e",
    "et",
    "al",
    "others",
    "otros",
    "colleagues",
    "colaboradores",
    "col",
    "cols",
    "s",
}
_INTRODUCES = {
    "see",
    "cf",
    "also",
    "reviewed",
    "in",
    "by",
    "and",
    "e",
    "g",
    "i",
    "eg",
    "ie",
    "as",
    "véase",
    "ver",
    "según",
}
_LONGEST_NARRATIVE = 120


class Cited(NamedTuple):
    """What a text may cite a reference by."""

    id: str
    label: str
    """The number it bears, or its place in the list."""
    families: tuple[tuple[str, ...], ...]
    """The words of each author's family name, folded."""
    year: str
    suffix: str
    """The `a` of 2020a."""


def cited_by(references: Sequence[Reference], labels: Sequence[str]) -> list[Cited]:
    """The keys of references in the order of the list; empty labels are their places."""
    return [
        _cited(reference, label or str(place))
        for place, (reference, label) in enumerate(zip(references, labels, strict=True), 1)
    ]


def _cited(reference: Reference, label: str) -> Cited:
    names = [author.partition(",")[0] for author in reference.authors]
    names = names or [re.split(r"[,.(:]", reference.raw, maxsplit=1)[0]]
    found = _YEAR.search(reference.raw, max(reference.raw.find(reference.year), 0))
    year = reference.year or (found[1] if found else "")
    suffix = found[2] or "" if found and found[1] == year else ""
    return Cited(reference.id, label, tuple(map(_words, names)), year, suffix)


def citation_marks(passages: Sequence[Passage], cited: Sequence[Cited]) -> list[list[CitationMark]]:
    """The marks of each passage, read in the one way that cites the most references."""
    ways = (
        [list(_bracketed(passage, cited)) for passage in passages],
        [list(_raised(passage, cited)) for passage in passages],
        [list(_author_years(passage.text, cited)) for passage in passages],
        [list(_round(passage, cited)) for passage in passages],
    )
    return max(ways, key=_references_in)


def _references_in(marks: list[list[CitationMark]]) -> int:
    return len({id for held in marks for mark in held for id in mark.references})


def _bracketed(passage: Passage, cited: Sequence[Cited]) -> Iterator[CitationMark]:
    for found in _BRACKETED.finditer(passage.text):
        numbers = f"{found[1]}-{found[2]}" if found[2] else found[1]
        yield from _mark(found.start(), found.end(), _numbered(numbers, cited))


def _round(passage: Passage, cited: Sequence[Cited]) -> Iterator[CitationMark]:
    for found in _ROUND.finditer(passage.text):
        yield from _mark(found.start(), found.end(), _numbered(found[1], cited))


def _raised(passage: Passage, cited: Sequence[Cited]) -> Iterator[CitationMark]:
    text = passage.text
    for start, end in _merged(passage.raised, text):
        printed = text[start:end].strip(" ,;[]()")
        if _RAISED.fullmatch(printed) and not _UNIT_BEFORE.search(text[:start]):
            yield from _mark(start, end, _numbered(printed, cited))


def _merged(spans: Sequence[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Raised pieces with nothing but spaces between them as one."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and not text[merged[-1][1] : start].strip():
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _mark(start: int, end: int, ids: list[str]) -> Iterator[CitationMark]:
    if ids:
        yield CitationMark(start=start, end=end, references=tuple(dict.fromkeys(ids)))


def _numbered(printed: str, cited: Sequence[Cited]) -> list[str]:
    """The ids of numbers and ranges; none where a number is no reference's."""
    by_label = {each.label: each.id for each in cited}
    ids: list[str] = []
    for first, dash, last in _RANGE.findall(printed):
        end = int(last) if dash else int(first)
        numbers = range(int(first), end + 1)
        if not 0 < len(numbers) <= _LONGEST_RANGE or any(str(n) not in by_label for n in numbers):
            return []
        ids += [by_label[str(number)] for number in numbers]
    return ids


def _author_years(text: str, cited: Sequence[Cited]) -> Iterator[CitationMark]:
    for group in _GROUP.finditer(text):
        start, ids = group.start(), list[str]()
        names = ""
        end = 0
        for year in _YEAR.finditer(group[1]):
            between = group[1][end : year.start()].rpartition(";")[2]
            end = year.end()
            if _TOKEN.search(between) and not set(_words(between)) <= {"and", "y"}:
                names = between
            if names:
                ids += _named(names, year, cited, is_whole=True)
                continue
            before = text[max(0, group.start() - _LONGEST_NARRATIVE) : group.start()]
            ids += _named(before, year, cited, is_whole=False)
        yield from _mark(start, group.end(), ids)


def _named(names: str, year: re.Match[str], cited: Sequence[Cited], *, is_whole: bool) -> list[str]:
    """The reference whose first author opens the names; none where several fit equally."""
    suffixes = re.findall(r"[a-z]", year[2] or "") or [""]
    tokens = _TOKEN.findall(names)
    places: dict[int, list[Cited]] = {}
    for each in cited:
        if each.year == year[1] and each.suffix in (*suffixes, ""):
            place = _place(tokens, each.families[0], is_whole=is_whole)
            if place is not None:
                places.setdefault(place, []).append(each)
    if not places:
        return []
    place = min(places)
    fitting = _narrowed(places[place], tokens[place:])
    return [each.id for each in fitting] if len(fitting) <= len(suffixes) else []


def _place(tokens: list[str], family: tuple[str, ...], *, is_whole: bool) -> int | None:
    """Where a family name stands among the names of a citation; None where it does not open it."""
    words = [_fold(token) for token in tokens]
    for place in range(len(words) - len(family) + 1):
        if not family or tuple(words[place : place + len(family)]) != family:
            continue
        before, after = tokens[:place], tokens[place + len(family) :]
        if is_whole and all(token.islower() or _fold(token) in _INTRODUCES for token in before):
            return place
        if not is_whole and all(
            not token.islower() or _fold(token) in _BETWEEN_AUTHORS for token in after
        ):
            return place
    return None


def _narrowed(fitting: list[Cited], tokens: list[str]) -> list[Cited]:
    """Those that also fit in how many authors are named and who the second is."""
    if len(fitting) < 2:
        return fitting
    words = {_fold(token) for token in tokens}
    count = 3 if "al" in words else 2 if words & {"and", "y", "e"} or len(tokens) > 1 else 1
    same = [each for each in fitting if min(len(each.families), 3) == count]
    if count == 2:
        same = [each for each in same if set(each.families[1]) <= words]
    return same or fitting


def _words(name: str) -> tuple[str, ...]:
    return tuple(_fold(token) for token in _TOKEN.findall(name))


def _fold(text: str) -> str:
    """Without accents, case and apostrophes."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[’'-]", "", plain).casefold()
