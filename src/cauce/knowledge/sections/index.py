"""The sections that an assistant may cite, in one SQLite file: what `SectionStore` promises."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cauce.errors import DataRefused
from cauce.knowledge.sections.code_keys import looked_up_keys
from cauce.knowledge.sections.indexing import FORMAT
from cauce.knowledge.sections.ranking import nearest, word_counts
from cauce.knowledge.sections.store import (
    DocumentEntry,
    NameEntry,
    SectionEntry,
    Variant,
    most_printed,
    variant_of,
)
from cauce.records import Language

_DOCUMENT = "doc, source, documents.id, version, documents.title, language, subject, url"
_DOCUMENT += ", effective, makers"
_DOCUMENT_COLUMNS = 10
_SECTION = "sections.id, kind, sections.title, text"
_MAPPED_BYTES = 1 << 36
"""Pages are read where the system keeps them and not copied: half the time of a question."""


class Index:
    """Read access to an index that `build_index` wrote; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DataRefused(f"no section index at {path}.\nMake it with: cauce prepare RECIPE")
        self._connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, check_same_thread=False
        )
        self._connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
        found = self._format()
        if found != FORMAT:
            self.close()
            raise DataRefused(
                f"{path} is no index that this version reads (format {found}, not {FORMAT}).\n"
                "Make it again with: cauce prepare RECIPE"
            )

    def close(self) -> None:
        """Releases the file."""
        self._connection.close()

    def names(self) -> list[NameEntry]:
        """Every name in words (no codes) of every medicine, each once, as documents bring them."""
        rows = self._rows(
            "SELECT name, subject, scheme, min(rowid) FROM names GROUP BY name, subject"
            " ORDER BY min(rowid)"
        )
        return [NameEntry(*row[:3]) for row in rows]

    def names_of(self, group: str) -> list[NameEntry]:
        """The names in words of one medicine, each once."""
        rows = self._rows(
            "SELECT name, subject, scheme, min(rowid) FROM names WHERE subject = ?"
            " GROUP BY name ORDER BY min(rowid)",
            group,
        )
        return [NameEntry(*row[:3]) for row in rows]

    def coded(self, code: str) -> list[NameEntry]:
        """The medicines that bear this code, in any punctuation and zero padding.

        A package that no label lists is that of its product. One entry for each medicine.
        """
        exact, wider = looked_up_keys(code)
        return self._bearing(exact) or self._bearing(wider)

    def codes(self, document: DocumentEntry) -> dict[str, tuple[str, ...]]:
        """The document's codes by scheme, as its source gives them."""
        rows = self._rows("SELECT codes FROM documents WHERE doc = ?", document.doc)
        found = json.loads(rows[0][0]) if rows else {}
        return {scheme: tuple(values) for scheme, values in found.items()}

    def documents(self, group: str) -> list[DocumentEntry]:
        """The documents of a medicine, in the order of their keys."""
        rows = self._rows(
            f"SELECT {_DOCUMENT} FROM documents WHERE subject = ? ORDER BY source, id, language",
            group,
        )
        return [_document(row) for row in rows]

    def documents_named(self, name: str) -> set[int]:
        """`doc` of the documents that bear exactly this name, or this code as `coded` gives it."""
        found = {doc for (doc,) in self._rows("SELECT doc FROM names WHERE name = ?", name)}
        for key in looked_up_keys(name).exact:
            rows = self._rows("SELECT doc FROM codes WHERE key = ? AND code = ?", key, name)
            found |= {doc for (doc,) in rows}
        return found

    def sections(self, document: DocumentEntry, kind: str) -> list[SectionEntry]:
        """The document's sections of that kind that hold text, outermost first, then as printed."""
        rows = self._rows(
            f"SELECT {_SECTION} FROM sections JOIN bodies USING (body)"
            " WHERE doc = ? AND kind = ? ORDER BY depth, place",
            document.doc,
            kind,
        )
        return [SectionEntry(document, *row) for row in rows]

    def all_sections(self, document: DocumentEntry) -> list[SectionEntry]:
        """Every section of the document that holds text, as printed."""
        rows = self._rows(
            f"SELECT {_SECTION} FROM sections JOIN bodies USING (body)"
            " WHERE doc = ? ORDER BY place",
            document.doc,
        )
        return [SectionEntry(document, *row) for row in rows]

    def section(
        self, source: str, id: str, section_id: str, language: Language | None = None
    ) -> SectionEntry | None:
        """The section that a citation names; without a language that of the first there is."""
        rows = self._rows(
            f"SELECT {_DOCUMENT}, {_SECTION} FROM documents JOIN sections USING (doc)"
            " JOIN bodies USING (body) WHERE source = ? AND documents.id = ? AND sections.id = ?"
            " AND language = coalesce(?, language) ORDER BY language LIMIT 1",
            source,
            id,
            section_id,
            language,
        )
        return _section(rows[0]) if rows else None

    def variants(self, group: str, kind: str, language: Language, limit: int = 8) -> list[Variant]:
        """The distinct texts of a kind over a medicine's documents, the most printed first.

        Of two that as many documents print, the one of the newer document comes first.
        """
        holders = self._rows(
            "SELECT body, doc FROM documents JOIN sections USING (doc)"
            " WHERE subject = ? AND language = ? AND kind = ? AND body IS NOT NULL"
            " ORDER BY effective DESC, source, documents.id, place",
            group,
            language,
            kind,
        )
        return [
            variant_of(
                [self._holder(kind, *holders[place]) for place in printed.places],
                printed.documents,
            )
            for printed in most_printed(holders, limit)
        ]

    def search(self, document: DocumentEntry, question: str, limit: int = 3) -> list[SectionEntry]:
        """The document's sections nearest to the question's content words, best first."""
        return nearest(self.all_sections(document), question, limit)

    def sections_holding(self, word: str) -> int:
        """In how many distinct texts the word stands; a common word is not a misspelled name.

        Of a word with a hyphen, that of its rarest part.
        """
        return min(map(self._texts_with, word_counts(word)), default=0)

    def statistics(self) -> dict[str, int]:
        """Counts of documents, groups, names, sections and distinct texts."""
        return dict(self._rows("SELECT name, value FROM counts ORDER BY name"))

    def _format(self) -> int | str:
        try:
            return int(self._rows("PRAGMA user_version")[0][0])
        except sqlite3.DatabaseError as error:
            return str(error)

    def _rows(self, query: str, *values: object) -> list[Any]:
        return self._connection.execute(query, values).fetchall()

    def _bearing(self, keys: Iterable[str]) -> list[NameEntry]:
        found: dict[str, NameEntry] = {}
        for key in sorted(keys):
            for code, group, scheme, _ in self._rows(
                "SELECT code, subject, scheme, min(rowid) FROM codes WHERE key = ?"
                " GROUP BY subject ORDER BY min(rowid)",
                key,
            ):
                found.setdefault(group, NameEntry(code, group, scheme))
        return list(found.values())

    def _holder(self, kind: str, body: int, doc: int) -> SectionEntry:
        """The first section of that kind and body in the document."""
        rows = self._rows(
            f"SELECT {_DOCUMENT}, {_SECTION} FROM documents JOIN sections USING (doc)"
            " JOIN bodies USING (body) WHERE doc = ? AND kind = ? AND body = ?"
            " ORDER BY place LIMIT 1",
            doc,
            kind,
            body,
        )
        return _section(rows[0])

    def _texts_with(self, word: str) -> int:
        rows = self._rows("SELECT texts FROM words WHERE word = ?", word)
        return int(rows[0][0]) if rows else 0


def _document(row: tuple[Any, ...]) -> DocumentEntry:
    return DocumentEntry._make((*row[:-1], tuple(json.loads(row[-1]))))


def _section(row: tuple[Any, ...]) -> SectionEntry:
    return SectionEntry(_document(row[:_DOCUMENT_COLUMNS]), *row[_DOCUMENT_COLUMNS:])
