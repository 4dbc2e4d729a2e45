"""What of a person could be left in files, and a search for it.

Searched for: the ids of the person and of the resources, the full name in either order, whole
texts that are long, numbers of seven digits or more, and the files that the record was read from.
Looked into: every file as it stands, packed ones (gzip, xz, bz2, zip), tables of Parquet and of
SQLite, and the names of the files. Not seen: tensors, pictures, encrypted files, and what is too
short to be told from chance, which is counted.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import re
import sqlite3
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, cast

from cauce.twin.timeline import Timeline

_BLOCK, _OVERLAP = 1 << 24, 4096
_RUN = re.compile(rb"[0-9a-z]{4,}")
"""Neighbouring letters and digits, by which most traces are found in one pass."""
_KEY = re.compile(r"(?<![^ .,;:()/+_-])[0-9a-z]{4,}(?![^ .,;:()/+_-])")
"""The same in a text, where no way of writing it down glues something to it."""
SHORTEST_ID, LONGEST_TEXT, FEWEST_DIGITS, SHORTEST_TEXT = 8, 400, 7, 40
_GAP = rb"[^0-9a-z]{1,3}"


class Trace(NamedTuple):
    """Something to look for."""

    kind: str
    """`id`, `name`, `text`, `number` or `file`."""
    key: bytes
    """A run of letters and digits that stands in every form of it; empty where there is none."""
    pattern: re.Pattern[bytes]
    """In small letters."""


class Traces(NamedTuple):
    """All there is to look for."""

    by_key: dict[bytes, list[Trace]]
    too_short: int
    """Ids that are too short to be told from chance."""

    @property
    def in_all(self) -> int:
        """How many different things are looked for."""
        return sum(len(traces) for traces in self.by_key.values())


class Hit(NamedTuple):
    """A file in which something of the person stands."""

    path: Path
    kinds: tuple[str, ...]


class Search(NamedTuple):
    """What a search looked into and found."""

    files: int
    bytes: int
    hits: tuple[Hit, ...]


def traces_of(timeline: Timeline, persons: Iterable[str] = (), files: Iterable[str] = ()) -> Traces:
    """What would tell that something of the record is left."""
    resources = (event.origin.partition("/")[2] for event in timeline.events)
    ids = {*persons, timeline.person.id, *(one for one in resources if one)}
    numbers = {repr(event.value) for event in timeline.events if event.value is not None}
    texts = {event.text for event in timeline.events if len(event.text) >= SHORTEST_TEXT}
    wanted = [
        *(_trace("id", [one]) for one in ids if len(one) >= SHORTEST_ID),
        *(_trace("number", [one]) for one in numbers if _digits(one) >= FEWEST_DIGITS),
        *(_trace("text", [one[:LONGEST_TEXT]]) for one in texts),
        *(_trace("file", [one]) for one in {*files} if len(one) >= SHORTEST_ID),
        *(_trace("name", words) for words in _orders(timeline.person.name)),
    ]
    by_key: dict[bytes, list[Trace]] = {}
    for trace in wanted:
        by_key.setdefault(trace.key, []).append(trace)
    return Traces(by_key, sum(0 < len(one) < SHORTEST_ID for one in ids))


def search(places: Sequence[Path], traces: Traces, *, but: Sequence[Path] = ()) -> Search:
    """Looks through the files and folders, save what lies under `but`; links are not followed.

    A file that cannot be read raises its OSError: what was not looked into is not clean.
    """
    files = size = 0
    hits: list[Hit] = []
    for path in _files(places, but):
        files += 1
        size += path.lstat().st_size
        if kinds := _kinds_in(path, traces):
            hits.append(Hit(path, tuple(sorted(kinds))))
    return Search(files, size, tuple(hits))


def _files(places: Sequence[Path], but: Sequence[Path]) -> Iterator[Path]:
    left_out = {path.absolute() for path in but}
    for top in places:
        if top.is_file():
            yield top
        for folder, names, files in os.walk(top):
            names[:] = sorted(n for n in names if (Path(folder) / n).absolute() not in left_out)
            yield from (Path(folder) / name for name in sorted(files))


def _kinds_in(path: Path, traces: Traces) -> set[str]:
    kinds = _look(str(path).encode("utf-8", "surrogateescape"), traces)
    if path.is_symlink():
        return kinds
    with path.open("rb") as stream:
        kinds |= _look_through(stream, traces)
    for text in _unpacked(path):
        kinds |= _look_through(text, traces)
    return kinds


def _look_through(stream: IO[bytes], traces: Traces) -> set[str]:
    kinds: set[str] = set()
    before = b""
    while block := stream.read(_BLOCK):
        kinds |= _look(before + block, traces)
        before = block[-_OVERLAP:]
    return kinds


def _look(content: bytes, traces: Traces) -> set[str]:
    content = content.lower()
    kinds: set[str] = set()
    for key in {b"", *_RUN.findall(content)} & traces.by_key.keys():
        for trace in traces.by_key[key]:
            if trace.kind not in kinds and trace.pattern.search(content):
                kinds.add(trace.kind)
    return kinds


def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    """What the file holds besides its own bytes; nothing where it is no such file."""
    with path.open("rb") as stream:
        head = stream.read(16)
    if head.startswith(b"\x1f\x8b"):
        with gzip.open(path) as packed:
            yield cast("IO[bytes]", packed)
    elif head.startswith(b"\xfd7zXZ"):
        with lzma.open(path) as packed_xz:
            yield cast("IO[bytes]", packed_xz)
    elif head.startswith(b"BZh"):
        with bz2.open(path) as packed_bz2:
            yield cast("IO[bytes]", packed_bz2)
    elif head.startswith(b"PK") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    yield member
    elif head.startswith(b"PAR1"):
        yield from _parquet_rows(path)
    elif head.startswith(b"SQLite format 3"):
        yield from _sqlite_rows(path)


def _parquet_rows(path: Path) -> Iterator[IO[bytes]]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield io.BytesIO(_written(batch.to_pylist()))


def _sqlite_rows(path: Path) -> Iterator[IO[bytes]]:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')
            while some := rows.fetchmany(1000):
                yield io.BytesIO(_written(some))
    finally:
        connection.close()


def _written(rows: object) -> bytes:
    return json.dumps(rows, ensure_ascii=False, default=str).encode()


def _digits(number: str) -> int:
    return len(number.partition("e")[0].replace(".", "").strip("-0"))


def _trace(kind: str, words: Sequence[str]) -> Trace:
    """What is found by the words, one behind the other, in whatever letters they stand."""
    keys = [key for word in words for key in _KEY.findall(word.lower())]
    key = max(keys, key=len, default="").encode()
    return Trace(kind, key, re.compile(_GAP.join(_exact(word) for word in words)))


def _exact(text: str) -> bytes:
    """A pattern of the text, as UTF-8 and as JSON escapes it."""
    forms = {text, text.lower(), text.upper(), unicodedata.normalize("NFD", text)}
    forms |= {json.dumps(form)[1:-1] for form in forms}
    escaped = {re.escape(form.encode().lower()) for form in forms}
    return b"(?<![0-9a-z])(?:" + b"|".join(sorted(escaped)) + b")(?![0-9a-z])"


def _orders(name: str) -> Iterator[list[str]]:
    """The words of a name as it is told and family name first; none where it is one word."""
    words = re.findall(r"\w[\w'’-]*", name)
    if len(words) > 1:
        yield from (words, [*words[1:], words[0]], [words[-1], *words[:-1]])
