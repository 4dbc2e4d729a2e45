"""Citing sentences as CSV: `Context`, `Title`, `Year`, `DOIs`, one sentence a row.

Cells of a sentence that cites several works hold one value a line. Where its DOIs are not as many
as its titles, nothing tells which DOI is whose, and the row is refused.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from typing import NamedTuple

from cauce.records import CitationMark, CitingSentence, Document, Reference, Refusal, Section
from cauce.sources.articles.document import Article, Given, Part, document_of
from cauce.sources.articles.printed import printed_form
from cauce.sources.cleaning import one_line
from cauce.sources.dois import normal_doi

_COLUMNS = ("context", "title", "year", "dois")
_MOST_CHARACTERS_IN_CELL = 100_000_000


class _Row(NamedTuple):
    sentence: str
    works: tuple[Reference, ...]


def table_documents(data: bytes, given: Given) -> Iterator[Document | Refusal]:
    """The file as one Document, and a Refusal for each row that cannot be read."""
    file = str(given.path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"not XML, PDF or UTF-8: {error.reason}"
        yield Refusal(file=file, position=f"byte {error.start}", reason=reason)
        return
    rows: list[_Row] = []
    for position, row in _rows(text):
        if isinstance(row, str):
            yield Refusal(file=file, position=position, reason=row)
        else:
            rows.append(row)
    if rows:
        yield document_of(_article(rows), given)


def _rows(text: str) -> Iterator[tuple[str, _Row | str]]:
    csv.field_size_limit(_MOST_CHARACTERS_IN_CELL)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if "context" not in names or "title" not in names:
        found = ", ".join(filter(None, names))[:80] or "nothing"
        needed = "Context, Title, Year, DOIs"
        yield "line 1", f"neither XML nor PDF, and no CSV with {needed}: it begins with {found}"
        return
    reader.fieldnames = names
    for row in reader:
        yield f"line {reader.line_num}", _row({name: row.get(name) or "" for name in _COLUMNS})


def _row(cells: dict[str, str]) -> _Row | str:
    """A row's sentence and works, or what is wrong with it."""
    sentence = one_line(cells["context"])
    titles, years, dois = (_lines(cells[name]) for name in _COLUMNS[1:])
    if not sentence:
        return "no Context"
    if not titles and not dois:
        return "neither Title nor DOIs"
    for name, values in (("Year", years), ("DOIs", dois)):
        if titles and values and len(values) != len(titles):
            return f"{len(titles)} in Title but {len(values)} in {name}: which is whose is not told"
    works = itertools.zip_longest(titles, years, dois, fillvalue="")
    return _Row(
        sentence,
        tuple(
            Reference(id="", title=title, year=year[:4], doi=normal_doi(doi))
            for title, year, doi in works
        ),
    )


def _lines(cell: str) -> list[str]:
    return [one_line(each) for each in cell.splitlines() if each.strip()]


def _article(rows: list[_Row]) -> Article:
    """The sentences as one text; a work cited in several rows is one reference."""
    references: dict[str, Reference] = {}
    citing: list[CitingSentence] = []
    start = 0
    for row in rows:
        cited = []
        for work in row.works:
            key = work.doi or f"{work.title.casefold()} {work.year}"
            found = references.get(key) or work.model_copy(update={"id": f"r{len(references) + 1}"})
            references[key] = found
            cited.append(found.id)
        end = start + len(row.sentence)
        mark = CitationMark(start=end, end=end, references=tuple(dict.fromkeys(cited)))
        citing.append(
            CitingSentence(section="0", start=start, end=end, text=row.sentence, marks=(mark,))
        )
        start = end + 1
    text = "\n".join(row.sentence for row in rows)
    section = Section(id="0", kind="other", title="", text=text)
    return Article(
        work=Reference(id=""),
        parts=(Part(section, tuple(citing)),),
        references=tuple(map(printed_form, references.values())),
    )
