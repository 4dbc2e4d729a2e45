"""Known works in one SQLite file, found by the words and numbers of a reference.

An inverted index holds what each work is filed under; a search reads the rarest of the terms of a
reference, so that its time hardly grows with the catalogue.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from cauce.knowledge.works.terms import terms_cited, terms_of
from cauce.knowledge.works.versions import are_versions, version_key
from cauce.records import Reference
from cauce.sources.registries.work import Work

CANDIDATES = 10
MOST_READ = 2000
"""Entries of the index that a search reads, the rarest terms first."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS works (
    row INTEGER PRIMARY KEY, doi TEXT UNIQUE, content TEXT, same TEXT, key TEXT,
    confirmed INTEGER);
CREATE INDEX IF NOT EXISTS works_same ON works (same);
CREATE INDEX IF NOT EXISTS works_key ON works (key);
CREATE TABLE IF NOT EXISTS terms (term TEXT, row INTEGER, PRIMARY KEY (term, row)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frequencies (term TEXT PRIMARY KEY, works INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    doi TEXT, other TEXT, PRIMARY KEY (doi, other)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retractions (doi TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_ENTRY = "SELECT content, same, confirmed, doi IN (SELECT doi FROM retractions) FROM works"


class Entry(NamedTuple):
    """A work of the catalogue."""

    work: Work
    same: str
    """Its set of versions, named after one of their DOIs."""
    confirmed: bool


class Catalogue:
    """The works in a file, or in memory; a context manager."""

    def __init__(self, path: Path | None = None) -> None:
        self._database = sqlite3.connect(path or ":memory:")
        self._database.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection to the file."""
        self._database.close()

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM works").fetchone()[0])

    def add(self, works: Iterable[Work], *, confirmed: bool = False) -> int:
        """Adds works, and returns how many were new; a confirmed one is never changed again.

        The fields of an unconfirmed work give way to later ones. What is said to be retracted, by
        the work or by a notice, stays flagged, whichever of them comes first.
        """
        before = len(self)
        with self._database:
            for work in works:
                retracted = [*work.retracts, *([work.doi] if work.retracted else [])]
                self._many("INSERT OR IGNORE INTO retractions VALUES (?)", retracted)
                self._put(work, confirmed)
        return len(self) - before

    def entry(self, doi: str) -> Entry | None:
        """The work with that DOI, as `normal_doi` spells it."""
        row = self._database.execute(f"{_ENTRY} WHERE doi = ?", (doi,)).fetchone()
        return _entry(row) if row else None

    def entries(self) -> Iterator[Entry]:
        """Every work, in the order in which they were added."""
        yield from map(_entry, self._database.execute(f"{_ENTRY} ORDER BY row"))

    def candidates(self, cited: Reference, most: int = CANDIDATES) -> list[Entry]:
        """The works that share the most, and the rarest, terms with a reference; best first."""
        total = self._database.execute("SELECT coalesce(max(row), 0) FROM works").fetchone()[0]
        read = 0
        weights: defaultdict[int, float] = defaultdict(float)
        for frequency, term in self._frequencies(sorted(terms_cited(cited))):
            if weights and read + frequency > MOST_READ:
                break
            read += frequency
            weight = math.log(1 + total / frequency)
            query = "SELECT row FROM terms WHERE term = ? LIMIT ?"
            for (row,) in self._database.execute(query, (term, MOST_READ)):
                weights[row] += weight
        best = heapq.nsmallest(most, weights, key=lambda row: (-weights[row], row))
        return [self._at(row) for row in best]

    def _frequencies(self, terms: list[str]) -> list[tuple[int, str]]:
        """How many works have each term, the rarest first, those of no work left out."""
        marks = ",".join("?" * len(terms))
        query = f"SELECT works, term FROM frequencies WHERE works > 0 AND term IN ({marks})"
        return sorted(self._database.execute(query, terms).fetchall())

    def _at(self, row: int) -> Entry:
        return _entry(self._database.execute(f"{_ENTRY} WHERE row = ?", (row,)).fetchone())

    def _put(self, work: Work, confirmed: bool) -> None:
        query = "SELECT row, confirmed FROM works WHERE doi = ?"
        row, is_confirmed = self._database.execute(query, (work.doi,)).fetchone() or (None, False)
        if is_confirmed:
            return
        if row is not None:
            self._forget(row)
        key = version_key(work.reference)
        content = work.model_dump_json(exclude_defaults=True)
        row = self._database.execute(
            "INSERT INTO works VALUES (?, ?, ?, ?, ?, ?)",
            (row, work.doi, content, work.doi, key, confirmed),
        ).lastrowid
        terms = sorted(terms_of(work.reference))
        self._database.executemany("INSERT INTO terms VALUES (?, ?)", ((t, row) for t in terms))
        self._many(
            "INSERT INTO frequencies VALUES (?, 1) ON CONFLICT DO UPDATE SET works = works + 1",
            terms,
        )
        self._join_versions(work, key)

    def _forget(self, row: int) -> None:
        terms = sorted(terms_of(self._at(row).work.reference))
        self._many("UPDATE frequencies SET works = works - 1 WHERE term = ?", terms)
        self._database.executemany(
            "DELETE FROM terms WHERE term = ? AND row = ?", ((term, row) for term in terms)
        )
        self._database.execute("DELETE FROM works WHERE row = ?", (row,))

    def _join_versions(self, work: Work, key: str) -> None:
        """One set of the work, of those it names, that name it, and that are the same by title."""
        pairs = [pair for doi in work.versions for pair in ((work.doi, doi), (doi, work.doi))]
        self._database.executemany("INSERT OR IGNORE INTO versions VALUES (?, ?)", pairs)
        named = "SELECT same FROM works WHERE doi IN (SELECT other FROM versions WHERE doi = ?)"
        sets = {same for (same,) in self._database.execute(named, (work.doi,))}
        if key:
            alike = map(_entry, self._database.execute(f"{_ENTRY} WHERE key = ?", (key,)))
            sets |= {e.same for e in alike if are_versions(e.work.reference, work.reference)}
        whole = min(sets | {work.doi})
        changes = ((whole, same) for same in sets | {work.doi})
        self._database.executemany("UPDATE works SET same = ? WHERE same = ?", changes)

    def _many(self, statement: str, values: Iterable[str]) -> None:
        self._database.executemany(statement, ((value,) for value in values))


def _entry(row: tuple[str, str, int, int]) -> Entry:
    content, same, confirmed, retracted = row
    work = Work.model_validate_json(content)
    return Entry(work.model_copy(update={"retracted": bool(retracted)}), same, bool(confirmed))
