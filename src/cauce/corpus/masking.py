"""Documents without personal data: what is made of them names nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from cauce.records import Document, Section, Table
from cauce.runs import read_records, write_records
from cauce.safety.personal.finding import mask


def write_masked(documents: Path, masked: Path) -> int:
    """Writes the documents to `masked` without personal data; returns how many were changed."""
    changed: list[str] = []
    write_records(masked, _clean(documents, changed))
    return len(changed)


def _clean(documents: Path, changed: list[str]) -> Iterator[Document]:
    """Each document masked; the keys of those that this changed are added to `changed`."""
    for document in read_records(documents, Document):
        clean = masked_document(document)
        if clean != document:
            changed.append(document.key)
        yield clean


def masked_document(document: Document) -> Document:
    """The document with its title, its texts and its tables masked; headings and names stay."""
    return with_texts(document, mask).model_copy(update={"title": mask(document.title)})


def with_texts(document: Document, change: Callable[[str], str]) -> Document:
    """The document with every text and every cell of its sections as `change` makes them."""

    def changed(table: Table) -> Table:
        rows = tuple(tuple(change(cell) for cell in row) for row in table.rows)
        return Table(caption=change(table.caption), rows=rows)

    def section(old: Section) -> Section:
        tables = tuple(changed(table) for table in old.tables)
        return old.model_copy(update={"text": change(old.text), "tables": tables})

    return document.model_copy(update={"sections": tuple(map(section, document.sections))})
