"""Rows of a table (CSV, JSON lines, Parquet, a hub data set) into Documents, by column names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from cauce.records import Document, Language, Names, Record, Refusal, Section
from cauce.sources.cleaning import clean_text, one_line
from cauce.sources.images import ImageRefused, read_image
from cauce.sources.medicines import substance_group


class Columns(Record):
    """Which column of a row holds what."""

    sections: Mapping[str, str] = Field(default={"text": "other"}, min_length=1)
    """Column to the kind of section that it becomes: `{"indications": "use"}`."""
    id: str = ""
    """Column that identifies the row for good; empty numbers the rows."""
    title: str = ""
    version: str = ""
    substances: str = ""
    """Column of active substances: a list, or names parted by semicolons."""
    group: str = ""
    """Column whose value a split keeps together; empty uses the substances, else the id."""
    image: str = ""
    """Column of the path of an image, relative to the file; it becomes part of the document."""


class Origin(Record):
    """Where a row stands, and what is the same for all rows beside it."""

    source: str
    file: str
    position: str
    row_id: str
    """Identifies the row when no column does."""
    language: Language
    licence: str
    retrieved: str


def document_of_row(row: Mapping[str, Any], columns: Columns, origin: Origin) -> Document | Refusal:
    """The row as a Document with a section for each column asked for and not empty."""
    wanted = [*columns.sections, columns.id, columns.title, columns.version]
    wanted += [columns.substances, columns.group, columns.image]
    missing = [name for name in wanted if name and name not in row]
    if missing:
        reason = f"no column {', '.join(missing)}; the row has {', '.join(map(str, row))}"
        return Refusal(file=origin.file, position=origin.position, reason=reason)
    sections = tuple(
        Section(id=name, kind=kind, title=_title_of_column(name), text=text)
        for name, kind in columns.sections.items()
        if (text := clean_text(_string(row[name])))
    )
    if not sections:
        reason = f"nothing in {', '.join(columns.sections)}"
        return Refusal(file=origin.file, position=origin.position, reason=reason)
    try:
        image = read_image(_string(row[columns.image]), Path(origin.file)) if columns.image else ""
    except ImageRefused as error:
        return Refusal(file=origin.file, position=origin.position, reason=str(error))
    row_id = one_line(_string(row[columns.id])) if columns.id else origin.row_id
    substances = _names(row[columns.substances]) if columns.substances else ()
    group = one_line(_string(row[columns.group])) if columns.group else substance_group(substances)
    return Document(
        source=origin.source,
        id=row_id,
        version=one_line(_string(row[columns.version])) if columns.version else "1",
        title=one_line(_string(row[columns.title])) if columns.title else row_id,
        language=origin.language,
        sections=sections,
        images=(image,) if image else (),
        names=Names(substances=substances),
        group=group or row_id,
        licence=origin.licence,
        retrieved=origin.retrieved,
    )


def _title_of_column(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()


def _string(value: Any) -> str:
    if value is None:
        return ""
    return "\n".join(map(_string, value)) if isinstance(value, (list, tuple)) else str(value)


def _names(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, (list, tuple)) else _string(value).split(";")
    return tuple(cleaned for name in names if (cleaned := one_line(_string(name))))
