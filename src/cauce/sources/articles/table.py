"""Citing sentences as CSV: `Context`, `Title`, `Year`, `DOIs`, one sentence a row.

Cells of a sentence that cites several works hold one value a line; DOIs may also stand in one line
with `;`, `,`, `|` or spaces between them. A column `Article`, where there is one, tells which
article the sentence is from, by its DOI or by any name: its rows are one Document and one group.
Without it each sentence is its own, so that a split may part any two.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from cauce.records import CitationMark, CitingSentence, Document, Reference, Refusal, Section
from cauce.sources.articles.document import Article, Fault, Given, Part, document_of
from cauce.sources.articles.printed import printed_form
from cauce.sources.articles.table_rows import Row, marks_in, row_of
from cauce.sources.cleaning import one_line
from cauce.sources.dois import normal_doi

_COLUMNS = ("article", "context", "title", "year", "dois")
_MOST_CHARACTERS_IN_CELL = 100_000_000


def table_documents(data: bytes, given: Given) -> Iterator[Document | Refusal]:
    """A Document an article, and a Refusal for each row or cell that cannot be read."""
    file = str(given.path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"not XML, PDF or UTF-8: {error.reason}"
        yield Refusal(file=file, position=f"byte {error.start}", reason=reason)
        return
    articles: dict[str, list[Row]] = {}
    for found in _rows(text):
        if isinstance(found, Fault):
            yield Refusal(file=file, position=found.position, reason=found.reason)
        else:
            key = found.article or f"sentence {found.sentence.casefold()}"
            articles.setdefault(key, []).append(found)
    for rows in articles.values():
        yield _document(rows, given)


def _rows(text: str) -> Iterator[Row | Fault]:
    lines = _cells(text)
    _, header = next(lines, (1, []))
    names = [] if isinstance(header, csv.Error) else [one_line(name).lower() for name in header]
    if "context" not in names or "title" not in names:
        found = ", ".join(filter(None, names))[:80] or "nothing"
        needed = "Context, Title, Year, DOIs"
        reason = f"neither XML nor PDF, and no CSV with {needed}: it begins with {found}"
        yield Fault("line 1", reason)
        return
    for line, cells in lines:
        position = f"line {line}"
        if isinstance(cells, csv.Error):
            yield Fault(position, f"no row of CSV: {cells}")
        elif len(cells) != len(names):
            yield Fault(position, f"{len(cells)} cells under {len(names)} columns")
        else:
            told = {name: cell for name, cell in zip(names, cells, strict=True) if name in _COLUMNS}
            yield from row_of(line, told)


def _cells(text: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Each row that is not blank, or what is wrong with it, and the line that it begins on."""
    csv.field_size_limit(_MOST_CHARACTERS_IN_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, error
        else:
            if cells:
                yield line, cells


def _document(rows: list[Row], given: Given) -> Document:
    """The article of some rows, known by its DOI, or by the line of its first row."""
    name, line = rows[0].article, rows[0].line
    document = document_of(_article(rows), given, line)
    told = {} if document.work and document.work.doi else {"group": name or document.id}
    return document.model_copy(update=told)


def _article(rows: list[Row]) -> Article:
    """The sentences as one text; a work cited in several rows is one reference."""
    references: dict[str, Reference] = {}
    cited: dict[str, dict[str, None]] = {}
    for row in rows:
        for work in row.works:
            key = work.doi or f"{work.title.casefold()} {work.year}"
            found = references.get(key) or work.model_copy(update={"id": f"r{len(references) + 1}"})
            references[key] = found
            cited.setdefault(row.sentence, {})[found.id] = None
    name = rows[0].article
    doi = normal_doi(name)
    section = Section(id="0", kind="other", title="", text="\n".join(cited))
    return Article(
        work=Reference(id="", title="" if doi else name, doi=doi),
        parts=(Part(section, tuple(_citing(cited, references))),),
        references=tuple(map(printed_form, references.values())),
    )


def _citing(
    cited: dict[str, dict[str, None]], references: dict[str, Reference]
) -> Iterator[CitingSentence]:
    """Each sentence with its marks; nothing tells which of several marks is whose work."""
    years = {work.id: work.year for work in references.values()}
    start = 0
    for sentence, ids in cited.items():
        end = start + len(sentence)
        printed = marks_in(sentence, {years[id] for id in ids})
        marks = tuple(
            CitationMark(start=start + first, end=start + last, references=tuple(ids))
            for first, last in printed or [(len(sentence), len(sentence))]
        )
        yield CitingSentence(section="0", start=start, end=end, text=sentence, marks=marks)
        start = end + 1
