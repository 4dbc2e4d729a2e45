"""A team's own files: text (packed too), Markdown, CSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

from cauce.errors import MissingExtra
from cauce.records import Document, Language, Record, Refusal, Section, Split
from cauce.sources.cleaning import clean_text, one_line
from cauce.sources.medicines import kind_of_heading
from cauce.sources.paths import UNPACKING_FAULTS, matching_files, open_bytes, today
from cauce.sources.rows import Columns, Origin, document_of_row
from cauce.sources.steps import Step

PLAIN = (".txt", ".txt.gz", ".txt.xz")
TEXTS = (*PLAIN, ".md", ".markdown")
TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".jsonl", ".jsonl.gz", ".parquet")
MOST_CHARACTERS_IN_CELL = 100_000_000

_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"\s{0,3}(```|~~~)")


class FilesSource(Record):
    """Documents out of files on disk; what a row's columns mean is said in `columns`."""

    kind: Literal["files"] = "files"
    path: Path
    """File, folder or glob of text, Markdown, CSV, TSV, JSON lines or Parquet files."""
    columns: Columns = Columns()
    """For files of rows."""
    cleaning: tuple[Step, ...] = ()
    """Steps for texts from the web, beside white space: `escapes`, `entities`, `nfc`, `urls`.
    What each of them changed is counted."""
    separator: str = ""
    """What stands between the texts of one file, such as `"\\n\\n"`, a blank line: each becomes a
    document. Where it is empty a file of text is one document."""
    split: Split | None = None
    """The split of a text corpus that all of it is for; null lets the prepare stage draw."""
    language: Language = "en"
    """Of the texts; the files do not tell."""
    licence: str = ""
    """Under which terms the texts may be reused; goes with every document."""

    def inputs(self) -> tuple[Path, ...]:
        """The files that are read."""
        return matching_files(self.path, TEXTS + TABLES)

    def documents(self) -> Iterator[Document | Refusal]:
        """Each text and each row as a Document, or the reason why it is refused."""
        for item in self._items(today()):
            is_named = self.split is not None and isinstance(item, Document)
            yield item.model_copy(update={"split": self.split}) if is_named else item

    def _items(self, retrieved: str) -> Iterator[Document | Refusal]:
        for path in self.inputs():
            name = self._name(path)
            try:
                if name.lower().endswith(TABLES):
                    yield from self._rows(path, name, retrieved)
                else:
                    yield from self._texts(path, name, retrieved)
            except UNPACKING_FAULTS as error:
                yield Refusal(file=str(path), position="the whole file", reason=f"packed: {error}")
            except UnicodeDecodeError as error:
                reason = f"not UTF-8: {error.reason} ({error.object[error.start]:#04x})"
                yield Refusal(file=str(path), position=f"byte {error.start}", reason=reason)

    def _name(self, path: Path) -> str:
        """The file's path below the folder that was asked for."""
        return path.relative_to(self.path).as_posix() if self.path.is_dir() else path.name

    def _texts(self, path: Path, name: str, retrieved: str) -> Iterator[Document | Refusal]:
        with open_bytes(path) as stream:
            text = stream.read().decode("utf-8-sig")
        if not self.separator:
            whole = self._document(text, name, retrieved)
            yield whole or _no_text(path, "the whole file")
            return
        for number, piece in enumerate(text.split(self.separator), 1):
            document = self._document(piece, name, retrieved, number=f"#{number}")
            yield document or _no_text(path, f"text {number}")

    def _document(
        self, text: str, name: str, retrieved: str, *, number: str = ""
    ) -> Document | None:
        """The text as a document, or None where it says nothing."""
        is_markdown = not name.lower().endswith(PLAIN)
        sections = markdown_sections(text) if is_markdown else _plain_section(text)
        if not sections:
            return None
        return Document(
            source="files",
            id=f"{name}{number}",
            version="1",
            title=sections[0].title or f"{_stem(name)}{number}",
            language=self.language,
            sections=sections,
            group=f"{name}{number}",
            licence=self.licence,
            retrieved=retrieved,
        )

    def _rows(self, path: Path, name: str, retrieved: str) -> Iterator[Document | Refusal]:
        for position, row in _read_rows(path):
            if not isinstance(row, dict):
                yield Refusal(file=str(path), position=position, reason=str(row))
                continue
            origin = Origin(
                source="files",
                file=str(path),
                position=position,
                row_id=f"{name}#{position.split()[-1]}",
                language=self.language,
                licence=self.licence,
                retrieved=retrieved,
            )
            yield document_of_row(row, self.columns, origin)


def _no_text(path: Path, place: str) -> Refusal:
    return Refusal(file=str(path), position=place, reason="no text")


def _stem(name: str) -> str:
    """The file's name without its folders and endings."""
    return Path(name.removesuffix(".gz").removesuffix(".xz")).stem


def _plain_section(text: str) -> tuple[Section, ...]:
    cleaned = clean_text(text)
    return (Section(id="text", kind="other", title="", text=cleaned),) if cleaned else ()


def markdown_sections(text: str) -> tuple[Section, ...]:
    """A section for each heading, nested by level; ids are the headings' numbers (`1`, `1.2`).

    What stands before the first heading is section `0`. Headings inside code fences are text.
    """
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    children: dict[str, int] = {}
    for level, title, body in _blocks(text):
        while above and above[-1][0] >= level:
            above.pop()
        parent = above[-1][1] if above else None
        section_id = "0"
        if level:
            children[parent or ""] = children.get(parent or "", 0) + 1
            section_id = ".".join(filter(None, (parent, str(children[parent or ""]))))
            above.append((level, section_id))
        kind = kind_of_heading(title)
        content = clean_text(body)
        sections.append(Section(id=section_id, kind=kind, title=title, text=content, parent=parent))
    held = {section.parent for section in sections}
    return tuple(
        section if section.text or section.id in held
        else section.model_copy(update={"text": section.title})
        for section in sections
        if section.text or section.title
    )  # fmt: skip


def _blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """Level, title and body of each heading; level 0 for what comes before the first."""
    level, title, body, fenced = 0, "", list[str](), False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading:
            yield level, title, "\n".join(body)
            level, title, body = len(heading.group(1)), one_line(heading.group(2)), []
        else:
            body.append(line)
    yield level, title, "\n".join(body)


def _read_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Position and row (or the fault there) of a file of rows."""
    name = path.name.lower()
    if name.endswith(".parquet"):
        yield from _parquet_rows(path)
        return
    with open_bytes(path) as stream:
        if name.removesuffix(".gz").endswith(".jsonl"):
            yield from _json_rows(stream)
        else:
            yield from _csv_rows(stream, "\t" if ".tsv" in name else ",")


def _json_rows(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            row = f"not JSON: {error}"
        yield f"line {number}", row if isinstance(row, dict | str) else "not a JSON object"


def _csv_rows(stream: IO[bytes], delimiter: str) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(MOST_CHARACTERS_IN_CELL)
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text, delimiter=delimiter)
        for row in reader:
            surplus = row.pop(None, None)
            found = f"{len(surplus)} cells more than there are columns" if surplus else row
            yield f"line {reader.line_num}", found


def _parquet_rows(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(f"reading {path.name}", "hub") from error
    number = 0
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=256):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row
