"""Documents without personal data: what is made of them names nobody."""

from __future__ import annotations

from collections.abc import Iterator
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
    sections = tuple(_masked_section(section) for section in document.sections)
    return document.model_copy(update={"title": mask(document.title), "sections": sections})


def _masked_section(section: Section) -> Section:
    tables = tuple(_masked_table(table) for table in section.tables)
    return section.model_copy(update={"text": mask(section.text), "tables": tables})


def _masked_table(table: Table) -> Table:
    rows = tuple(tuple(mask(cell) for cell in row) for row in table.rows)
    return Table(caption=mask(table.caption), rows=rows)
