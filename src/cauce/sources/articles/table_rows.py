"""A row of a table of citing sentences: its sentence, its works, and what is wrong with its cells.

A cell that cannot be read is told as a fault, and the rest of the row is kept: a work needs a title
or a DOI, a row a sentence and a work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from typing import NamedTuple

from cauce.records import Reference
from cauce.sources.articles.document import Fault
from cauce.sources.cleaning import one_line
from cauce.sources.dois import normal_doi

_PRINTED_NAMES = {"title": "Title", "year": "Year", "dois": "DOIs"}
_BETWEEN_DOIS = re.compile(r"(?<!:)[;,|\s]+(?=https?:|doi:|10\.\d)|[;|]\s+", re.IGNORECASE)
_YEAR_CELL = re.compile(r"((?:1[5-9]|20)\d\d)(?:\.0|[a-z]|-\d\d(?:-\d\d)?)?")
"""Tables that passed through floating point hold `2001.0`."""
_NO_TITLE = re.compile(
    r"(?:no|without|missing|unknown) title(?: (?:found|available|given))?"
    r"|title (?:not (?:found|available)|missing|unknown)|untitled|not (?:found|available)"
    r"|unknown|none|null|nan|n/?a|(?:sin|no hay) t[íi]tulo|t[íi]tulo no encontrado|[\W_]+",
    re.IGNORECASE,
)
_NUMBERS = r"\[\s?\d{1,4}(?:\s?[-‐‑‒–—,;]\s?\d{1,4})*\s?\]"
_MARK = re.compile(
    rf"{_NUMBERS}(?:\s?[-‐‑‒–—,;]?\s?{_NUMBERS})*|\([^()]*\)"
    r"|(?<=[^\W\d_]{4}[.,;])\d{1,3}(?:[,–-]\d{1,3})*(?=\s|$)"
)
"""Numbers in brackets, anything in round ones, and what were raised numbers after a stop."""
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")


class Row(NamedTuple):
    """A sentence and the works that it cites."""

    line: int
    """Of the file, on which the row begins."""
    article: str
    """A DOI in lower case, or any name; empty where nothing tells."""
    sentence: str
    works: tuple[Reference, ...]


class _Columns(NamedTuple):
    """The values of a row, as many in each column."""

    values: dict[str, list[str]]
    faults: list[Fault]


def row_of(line: int, cells: Mapping[str, str]) -> Iterator[Row | Fault]:
    """The faults of a row's cells, then the row, where a sentence and a work are left of it."""
    position = f"line {line}"
    sentence = one_line(cells["context"])
    if not sentence:
        yield Fault(position, "no Context")
        return
    columns, faults = _columns(position, cells)
    yield from faults
    works = []
    count = max(map(len, columns.values()), default=0)
    for number in range(count):
        place = f"{position}, work {number + 1} of {count}" if count > 1 else position
        for read in _work(place, {name: values[number] for name, values in columns.items()}):
            if isinstance(read, Fault):
                yield read
            else:
                works.append(read)
    if works:
        article = one_line(cells.get("article", ""))
        yield Row(line, normal_doi(article) or article, sentence, tuple(works))
    else:
        yield Fault(position, "neither Title nor DOIs: the row is left out")


def _columns(position: str, cells: Mapping[str, str]) -> _Columns:
    """The columns that hold as many values as the DOIs are, or else the titles.

    Blank lines count where this makes the numbers equal; elsewhere they are taken out.
    """
    read = {name: _values(name, cells[name]) for name in _PRINTED_NAMES if name in cells}
    told = {name: values for name, values in read.items() if any(values)}
    if len({len(values) for values in told.values()}) > 1:
        told = {name: list(filter(None, values)) for name, values in told.items()}
    leading = "dois" if "dois" in told else "title"
    count = len(told.get(leading, ()))
    kept = {name: values for name, values in told.items() if len(values) == count or not count}
    reasons = [f"no {_PRINTED_NAMES[name]}" for name in read if name not in told]
    reasons += [
        f"{len(told[name])} in {_PRINTED_NAMES[name]} but {count} in {_PRINTED_NAMES[leading]}: "
        "which is whose is not told"
        for name in told
        if name not in kept
    ]
    return _Columns(kept, [Fault(position, reason) for reason in reasons])


def _values(name: str, cell: str) -> list[str]:
    """The values of a cell in order, empty ones too."""
    lines = [one_line(each) for each in cell.split("\n")]
    if name != "dois":
        return lines
    return [doi for each in lines for doi in _BETWEEN_DOIS.split(each)]


def _work(position: str, cells: Mapping[str, str]) -> Iterator[Reference | Fault]:
    """The faults of a work's cells, then the work, where it has a title or a DOI."""
    if not any(cells.values()):
        return
    year = _YEAR_CELL.fullmatch(cells.get("year", ""))
    title = cells.get("title", "")
    work = Reference(
        id="",
        title="" if _NO_TITLE.fullmatch(title) else title,
        year=year[1] if year else "",
        doi=normal_doi(cells.get("dois", "")),
    )
    read = {"title": work.title, "year": work.year, "dois": work.doi}
    for name, cell in cells.items():
        if not read[name]:
            printed = _PRINTED_NAMES[name]
            yield Fault(position, f"{printed} holds none: {cell[:80]}" if cell else f"no {printed}")
    if work.title or work.doi:
        yield work


def marks_in(sentence: str, years: Set[str]) -> list[tuple[int, int]]:
    """Where a sentence prints its marks; round brackets are one where they hold a cited year."""
    return [
        found.span()
        for found in _MARK.finditer(sentence)
        if found[0][0] != "(" or not years.isdisjoint(_YEAR.findall(found[0]))
    ]
