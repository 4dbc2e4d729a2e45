"""Documents written into one SQLite file, each distinct text once, without holding them in memory.

Labels of repackagers repeat the texts of the maker: a text is stored under its digest and sections
point at it. The file is written beside its place and put there whole, so that an interrupted build
leaves no index; the same documents give the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cauce.errors import DataRefused
from cauce.knowledge.sections.code_keys import codes_of, stored_keys
from cauce.knowledge.sections.ranking import distinct_words
from cauce.knowledge.sections.store import body_of, called, depth_of
from cauce.records import Document
from cauce.runs import sync_directory

FORMAT = 2
"""Raised when a file of an older build can no longer be read."""

_SETTINGS = """
PRAGMA page_size = 8192;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
PRAGMA temp_store = FILE;
"""
_TABLES = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE documents (
    doc INTEGER PRIMARY KEY, source TEXT, id TEXT, version TEXT, title TEXT, language TEXT,
    subject TEXT, url TEXT, effective TEXT, makers TEXT, codes TEXT,
    UNIQUE (source, id, language));
CREATE TABLE names (name TEXT, subject TEXT, doc INTEGER, scheme TEXT);
CREATE TABLE codes (key TEXT, code TEXT, subject TEXT, doc INTEGER, scheme TEXT);
CREATE TABLE bodies (body INTEGER PRIMARY KEY, text TEXT);
CREATE TABLE sections (
    doc INTEGER, kind TEXT, depth INTEGER, place INTEGER, id TEXT, title TEXT, body INTEGER,
    PRIMARY KEY (doc, kind, depth, place)) WITHOUT ROWID;
CREATE TABLE words (word TEXT PRIMARY KEY, texts INTEGER) WITHOUT ROWID;
CREATE TABLE counts (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TEMP TABLE digests (digest BLOB PRIMARY KEY, body INTEGER) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX documents_by_subject ON documents (subject, source, id, language);
CREATE INDEX names_by_name ON names (name);
CREATE INDEX names_by_subject ON names (subject);
CREATE INDEX codes_by_key ON codes (key);
INSERT INTO counts SELECT 'documents', count(*) FROM documents;
INSERT INTO counts SELECT 'groups', count(DISTINCT subject) FROM documents;
INSERT INTO counts SELECT 'names', count(*) FROM names;
INSERT INTO counts SELECT 'sections', count(*) FROM sections;
INSERT INTO counts SELECT 'texts', count(*) FROM bodies;
"""


def build_index(path: Path, documents: Iterable[Document]) -> int:
    """Number of sections written to a new index at `path`.

    Raises DataRefused when two documents have the same source, id and language.
    """
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as connection:
            connection.executescript(_SETTINGS + _TABLES)
            sections = _write(connection, documents)
        _put(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return sections


def _write(connection: sqlite3.Connection, documents: Iterable[Document]) -> int:
    words: Counter[bytes] = Counter()
    sections = 0
    connection.execute("BEGIN")
    for doc, document in enumerate(documents, 1):
        try:
            _write_names(connection, doc, document)
        except sqlite3.IntegrityError as error:
            raise DataRefused(
                f"{document.key} stands twice among the documents to index.\n"
                "Bring them together with: cauce fetch RECIPE (it keeps the newest version)"
            ) from error
        sections += _write_sections(connection, doc, document, words)
    connection.executemany(
        "INSERT INTO words VALUES (?, ?)",
        ((word.decode(), texts) for word, texts in sorted(words.items())),
    )
    connection.execute("COMMIT")
    connection.executescript(_INDEXES)
    return sections


def _write_names(connection: sqlite3.Connection, doc: int, document: Document) -> None:
    names, group = document.names, document.group
    connection.execute(
        "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            doc,
            document.source,
            document.id,
            document.version,
            document.title,
            document.language,
            group,
            document.url,
            document.effective,
            json.dumps(names.makers, ensure_ascii=False),
            json.dumps(names.codes, ensure_ascii=False),
        ),
    )
    connection.executemany(
        "INSERT INTO names VALUES (?, ?, ?, ?)",
        [(name, group, doc, scheme) for name, scheme in called(document).items()],
    )
    connection.executemany(
        "INSERT INTO codes VALUES (?, ?, ?, ?, ?)",
        [
            (key, code.value, group, doc, code.scheme)
            for code in codes_of(document)
            for key in sorted(stored_keys(code))
        ],
    )


def _write_sections(
    connection: sqlite3.Connection, doc: int, document: Document, words: Counter[bytes]
) -> int:
    parents = {section.id: section for section in document.sections}
    connection.executemany(
        "INSERT INTO sections VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                doc,
                section.kind,
                depth_of(section, parents),
                place,
                section.id,
                section.title,
                _stored(connection, body_of(section), words),
            )
            for place, section in enumerate(document.sections)
        ],
    )
    return len(document.sections)


def _stored(connection: sqlite3.Connection, text: str, words: Counter[bytes]) -> int | None:
    """Number of the text, which is stored when it is new; None of an empty one."""
    if not text:
        return None
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    known = connection.execute("SELECT body FROM digests WHERE digest = ?", (digest,)).fetchone()
    if known:
        return int(known[0])
    body = connection.execute("INSERT INTO bodies (text) VALUES (?)", (text,)).lastrowid
    connection.execute("INSERT INTO digests VALUES (?, ?)", (digest, body))
    words.update(distinct_words(text))
    return body


def _put(partial: Path, path: Path) -> None:
    """Moves the finished file to its place in a way that survives a power cut."""
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(path)
    sync_directory(path.parent)
