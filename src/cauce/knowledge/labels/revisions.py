"""The versions of a document that a run keeps, and what changed from one to another."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cauce.errors import DataRefused
from cauce.knowledge.labels.differences import Difference, Sentence, align, sentences_of
from cauce.knowledge.sections.store import DocumentEntry, SectionStore, body_of
from cauce.records import Document

_PLACE = re.compile(r"-\d+$")
"""What tells the repeats of one field apart; a new edition counts them anew."""

_ID = re.compile(rb'"id":\s?"([^"]+)"')
"""The first of a line is the document's: its sections come after it."""


class Part(NamedTuple):
    """One section of an edition: what it is compared by, its title and its text."""

    id: str
    title: str
    body: str


class Edition(NamedTuple):
    """One version of a document."""

    version: str
    effective: str
    parts: tuple[Part, ...]


class Revision(NamedTuple):
    """What changed from one edition to the next; sections of a difference are those of `titles`."""

    before: Edition
    after: Edition
    differences: tuple[Difference, ...]

    @property
    def titles(self) -> dict[str, str]:
        """The title of each section, as the newer edition prints it where it has it."""
        parts = (*reversed(self.before.parts), *reversed(self.after.parts))
        return {part.id: part.title for part in parts}


def stored_edition(store: SectionStore, document: DocumentEntry) -> Edition:
    """The version of the document that the store holds: the newest."""
    parts = (Part(_place(part.id), part.title, part.body) for part in store.all_sections(document))
    return Edition(document.version, document.effective, tuple(parts))


def older_editions(history: Path, documents: Sequence[DocumentEntry]) -> dict[int, list[Edition]]:
    """By `doc`, the versions that were set aside for a newer one, oldest first.

    The file is read once; the lines of other documents are passed over unread.
    """
    wanted = {_key(document): document.doc for document in documents}
    kept: dict[int, list[Edition]] = {}
    for older in _versions(history, {document.id.encode() for document in documents}):
        doc = wanted.get((older.source, older.id, older.language))
        if doc is not None:
            kept.setdefault(doc, []).append(_edition(older))
    return kept


def _versions(history: Path, ids: Container[bytes]) -> Iterator[Document]:
    """The documents with those ids, in the order of the file; none when there is no file."""
    if not history.is_file():
        return
    with history.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            found = _ID.search(line)
            if not found or found[1] not in ids:
                continue
            try:
                yield Document.model_validate_json(line)
            except ValueError as error:
                raise DataRefused(
                    f"{history}, line {number}: not a Document.\n"
                    "Fetch the sources again: cauce fetch RECIPE"
                ) from error


def _key(document: DocumentEntry) -> tuple[str, str, str]:
    return document.source, document.id, document.language


def _edition(document: Document) -> Edition:
    parts = (
        Part(_place(section.id), section.title, body)
        for section in document.sections
        if (body := body_of(section))
    )
    return Edition(document.version, document.effective, tuple(parts))


def _place(section_id: str) -> str:
    return _PLACE.sub("", section_id)


def revision(before: Edition, after: Edition) -> Revision:
    """What the sentences of `after` add to, take from, change and move of those of `before`.

    Sections are matched by id, in whatever order they come; a sentence that went from one section
    to another is told as moved.
    """
    order = {part.id: place for place, part in reversed([*enumerate(before.parts)])}
    old = _sentences(before.parts)
    new = _sentences(sorted(after.parts, key=lambda part: order.get(part.id, len(order))))
    return Revision(before, after, tuple(align(old, new)))


def _sentences(parts: Sequence[Part]) -> list[Sentence]:
    found = {part.id: list[Sentence]() for part in parts}
    for part in parts:
        found[part.id] += sentences_of(part.body, part.id)
    return [sentence for of_part in found.values() for sentence in of_part]
