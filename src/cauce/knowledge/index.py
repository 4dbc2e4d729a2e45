"""The sections that an assistant may cite, in one SQLite file with full-text search."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cauce.errors import DataRefused
from cauce.knowledge.words import content_words
from cauce.records import Citation, Document, Language, Section

_SCHEMA = """
CREATE TABLE documents (
    doc INTEGER PRIMARY KEY, source TEXT, id TEXT, version TEXT, title TEXT, language TEXT,
    subject TEXT, url TEXT, UNIQUE (source, id, language));
CREATE TABLE names (name TEXT, subject TEXT, doc INTEGER, scheme TEXT);
CREATE INDEX names_by_name ON names (name);
CREATE TABLE sections (
    section INTEGER PRIMARY KEY, doc INTEGER, id TEXT, kind TEXT, title TEXT, body TEXT,
    depth INTEGER);
CREATE INDEX sections_of_doc ON sections (doc, kind);
CREATE INDEX documents_of_subject ON documents (subject);
CREATE VIRTUAL TABLE search USING fts5 (
    title, body, content='sections', content_rowid='section',
    tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (search, row);
"""


class NameEntry(NamedTuple):
    """One name or code of a medicine."""

    name: str
    group: str
    scheme: str = "generic"
    """`brand` or `generic`; of a code what it is one of: `ndc`, `nregistro`, `atc`, `set_id`..."""


class DocumentEntry(NamedTuple):
    """What the index knows of a document besides its sections."""

    doc: int
    source: str
    id: str
    version: str
    title: str
    language: Language
    group: str
    url: str


class SectionEntry(NamedTuple):
    """A section as it is cited: `body` is what may be quoted of it."""

    document: DocumentEntry
    id: str
    kind: str
    title: str
    body: str

    def cite(self, quote: str) -> Citation:
        """A citation of `quote`, which must stand letter for letter in the section."""
        if quote not in self.body:
            raise DataRefused(
                f"{self.document.source}/{self.document.id}/{self.id} does not hold the quote "
                f"{quote[:60]!r}.\nQuote the section's own characters."
            )
        return Citation(
            source=self.document.source,
            id=self.document.id,
            version=self.document.version,
            section=self.id,
            quote=quote,
            start=self.body.index(quote),
            title=f"{self.document.title} · {self.title}",
            url=self.document.url,
        )


def body_of(section: Section) -> str:
    """The section's text, in which sources leave the cells of its tables; else its tables' rows."""
    if section.text:
        return section.text
    lines: list[str] = []
    for table in section.tables:
        lines += [table.caption] if table.caption else []
        lines += [" | ".join(row) for row in table.rows]
    return "\n".join(lines)


def build_index(path: Path, documents: Iterable[Document]) -> int:
    """Number of sections written to a new index at `path`."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial)
    with connection:
        connection.executescript(_SCHEMA)
        for document in documents:
            _add(connection, document)
        connection.execute("INSERT INTO search (search) VALUES ('rebuild')")
        connection.execute("INSERT INTO search (search) VALUES ('optimize')")
    (count,) = connection.execute("SELECT count(*) FROM sections").fetchone()
    connection.close()
    partial.replace(path)
    return int(count)


def _add(connection: sqlite3.Connection, document: Document) -> None:
    cursor = connection.execute(
        "INSERT INTO documents (source, id, version, title, language, subject, url)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            document.source,
            document.id,
            document.version,
            document.title,
            document.language,
            document.group,
            document.url,
        ),
    )
    doc = cursor.lastrowid
    names = document.names
    # One substance of a combination is not a name of the combination.
    substances = names.substances if len(names.substances) == 1 else ()
    called = dict.fromkeys(names.brands, "brand")
    called |= dict.fromkeys((*substances, *names.generics), "generic")
    connection.executemany(
        "INSERT INTO names VALUES (?, ?, ?, ?)",
        [(name, document.group, doc, scheme) for name, scheme in called.items()],
    )
    parents = {section.id: section for section in document.sections}
    connection.executemany(
        "INSERT INTO sections (doc, id, kind, title, body, depth) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                doc,
                section.id,
                section.kind,
                section.title,
                body_of(section),
                _depth(section, parents),
            )
            for section in document.sections
        ],
    )


def _depth(section: Section, parents: dict[str, Section]) -> int:
    depth = 0
    while section.parent is not None and depth < len(parents):
        section, depth = parents[section.parent], depth + 1
    return depth


class Index:
    """Read access to an index that `build_index` wrote; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DataRefused(f"no section index at {path}.\nMake it with: cauce prepare RECIPE")
        self._connection = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, check_same_thread=False
        )

    def close(self) -> None:
        """Releases the file."""
        self._connection.close()

    def names(self) -> list[NameEntry]:
        """Every name of every medicine, each once."""
        rows = self._connection.execute(
            "SELECT name, subject, scheme FROM names GROUP BY name, subject ORDER BY min(rowid)"
        )
        return [NameEntry(*row) for row in rows]

    def documents(self, group: str) -> list[DocumentEntry]:
        """The documents of a substance, in the order of their keys."""
        rows = self._connection.execute(
            "SELECT doc, source, id, version, title, language, subject, url FROM documents"
            " WHERE subject = ? ORDER BY source, id, language",
            (group,),
        )
        return [DocumentEntry(*row) for row in rows]

    def documents_named(self, name: str) -> set[int]:
        """The documents that bear exactly this name."""
        rows = self._connection.execute("SELECT doc FROM names WHERE name = ?", (name,))
        return {doc for (doc,) in rows}

    def sections(self, document: DocumentEntry, kind: str) -> list[SectionEntry]:
        """The document's sections of that kind that hold text, outermost first, then as printed."""
        rows = self._connection.execute(
            "SELECT id, kind, title, body FROM sections WHERE doc = ? AND kind = ? AND body != ''"
            " ORDER BY depth, section",
            (document.doc, kind),
        )
        return [SectionEntry(document, *row) for row in rows]

    def search(self, document: DocumentEntry, question: str, limit: int = 3) -> list[SectionEntry]:
        """The document's sections nearest to the question's content words (BM25), best first."""
        terms = dict.fromkeys(content_words(question))
        if not terms:
            return []
        rows = self._connection.execute(
            "SELECT sections.id, kind, sections.title, sections.body FROM search"
            " JOIN sections ON sections.section = search.rowid"
            " WHERE search MATCH ? AND sections.doc = ? ORDER BY rank LIMIT ?",
            (" OR ".join(f'"{term}"' for term in terms), document.doc, limit),
        )
        return [SectionEntry(document, *row) for row in rows]

    def sections_holding(self, word: str) -> int:
        """In how many sections the word stands; a common word is not a misspelled name."""
        row = self._connection.execute(
            "SELECT doc FROM vocabulary WHERE term = ?", (word,)
        ).fetchone()
        return int(row[0]) if row else 0

    def statistics(self) -> dict[str, int]:
        """Counts of documents, substances, names and sections."""
        (text,) = self._connection.execute(
            "SELECT json_object('documents', (SELECT count(*) FROM documents),"
            " 'groups', (SELECT count(DISTINCT subject) FROM documents),"
            " 'names', (SELECT count(*) FROM names),"
            " 'sections', (SELECT count(*) FROM sections))"
        ).fetchone()
        statistics: dict[str, int] = json.loads(text)
        return statistics
