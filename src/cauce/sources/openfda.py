"""Drug labels of openFDA: bulk partitions from disk, or the live API."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from pydantic import Field

from cauce.records import Document, Record, Refusal
from cauce.sources.openfda_api import pages
from cauce.sources.openfda_record import document_of
from cauce.sources.paths import matching_files, open_bytes, today

ENDINGS = (".json.zip", ".json", ".json.gz", ".jsonl", ".jsonl.gz")


class _Placed(NamedTuple):
    """A record and where it stands, or a fault found there."""

    position: str
    record: Any
    fault: str = ""


class OpenFdaSource(Record):
    """Labels of medicines sold in the United States, as openFDA gives them (CC0)."""

    kind: Literal["openfda"] = "openfda"
    path: Path | None = None
    """File, folder or glob of `.json.zip`, `.json` or `.jsonl` files (`.gz` allowed); without it
    the live API is asked."""
    search: str = ""
    """Query in openFDA's syntax, for the live API: `openfda.generic_name:ibuprofen`."""
    limit: int | None = Field(default=None, ge=1)
    """Most records to read, counted before any is refused; None reads all."""
    page_size: int = Field(default=100, ge=1, le=1000)
    """Records per request; a hundred labels are about 16 MB."""
    url: str = "https://api.fda.gov/drug/label.json"
    """Where the live API answers."""

    def inputs(self) -> tuple[Path, ...]:
        """The files that are read; none when the live API is asked."""
        return matching_files(self.path, ENDINGS) if self.path else ()

    def documents(self, scratch: Path | None = None) -> Iterator[Document | Refusal]:
        """Each label as a Document, or the reason why it is refused.

        `scratch` is a folder where pages of the live API are kept until the fetch is over.
        """
        retrieved = today()
        for file, placed in itertools.islice(self._records(scratch), self.limit):
            if placed.fault:
                yield Refusal(file=file, position=placed.position, reason=placed.fault)
            else:
                yield document_of(
                    placed.record, file=file, position=placed.position, retrieved=retrieved
                )

    def _records(self, scratch: Path | None) -> Iterator[tuple[str, _Placed]]:
        if self.path:
            for file in self.inputs():
                for placed in _file_records(file):
                    yield str(file), placed
            return
        page_size = min(self.page_size, self.limit or self.page_size)
        for number, page in enumerate(pages(self.url, self.search, page_size, scratch)):
            for index, record in enumerate(page.records):
                yield self.url, _Placed(f"page {number}, results[{index}]", record)


def _file_records(path: Path) -> Iterator[_Placed]:
    """Records of a file one at a time; damage ends the file with a fault, not the run."""
    try:
        with contextlib.ExitStack() as stack:
            for name, stream in _open(path, stack):
                lines = name.lower().removesuffix(".gz").endswith((".jsonl", ".ndjson"))
                yield from _line_records(stream) if lines else _array_records(stream)
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError) as error:
        yield _Placed("the archive", None, f"damaged: {error}")


def _open(path: Path, stack: contextlib.ExitStack) -> Iterator[tuple[str, IO[bytes]]]:
    name = path.name.lower()
    if name.endswith(".zip"):
        archive = stack.enter_context(zipfile.ZipFile(path))
        for member in archive.namelist():
            if member.lower().endswith((".json", ".jsonl")):
                yield member, stack.enter_context(archive.open(member))
    else:
        yield path.name, stack.enter_context(open_bytes(path))


def _line_records(stream: IO[bytes]) -> Iterator[_Placed]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            yield _Placed(f"line {number}", json.loads(line))
        except ValueError as error:
            yield _Placed(f"line {number}", None, f"not JSON: {error}")


def _array_records(stream: IO[bytes]) -> Iterator[_Placed]:
    """Elements of `results` (the shape of the API and of its exports), or of a bare array."""
    import ijson

    buffered = _Rewound(stream)
    prefix = "item" if buffered.first_byte() == b"[" else "results.item"
    count = 0
    try:
        for record in ijson.items(buffered, prefix, use_float=True):
            yield _Placed(f"results[{count}]", record)
            count += 1
    except ijson.JSONError as error:
        yield _Placed(f"results[{count}]", None, f"not JSON from here on: {error}")
    if not count:
        yield _Placed("the whole file", None, "no element of `results` found")


class _Rewound:
    """A stream whose first bytes were looked at and are given again."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._pending = stream.read(4096)

    def first_byte(self) -> bytes:
        """The first byte that is neither white space nor a byte order mark."""
        return self._pending.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]

    def read(self, size: int = -1) -> bytes:
        """The next bytes, those looked at first."""
        if size != 0 and self._pending:
            pending, self._pending = self._pending, b""
            return pending
        return self._stream.read(size)
