"""An append-only log in which every line holds the hash of the line before it.

    {"before":"0000...","details":{},"event":"started","number":1,"time":"2026-05-04T08:00:00.000000Z"}
    {"before":"5f1c...","details":{"round":1},"event":"round begun","number":2,"time":"..."}

What the chain alone shows: any change that does not rewrite all the lines behind it. What it
cannot show: lines cut off the end, a change of the last line, and a log that someone wrote anew
from some line on. A signed `LogHead`, kept on another machine, shows these too, up to its own line.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from cauce.errors import DataRefused, NotFound
from cauce.records import Record
from cauce.runs import sync_directory
from cauce.signatures import canonical

NO_LINE = "0" * 64
"""Stands for the hash of the line before the first."""
TORN = "incomplete line removed"
"""Event written when the machine had stopped in the middle of a line."""
_BLOCK_BYTES = 1 << 16


class Entry(Record):
    """One line."""

    number: int = Field(ge=1)
    time: str
    """UTC, ISO 8601, with microseconds."""
    event: str = Field(min_length=1)
    details: dict[str, Any]
    before: str
    """SHA-256 of the line before, without its end of line."""


class LogHead(Record):
    """How far a log had come at some time."""

    entries: int = Field(ge=1)
    sha256: str
    """Of the last line, without its end of line."""
    time: str


class Fault(NamedTuple):
    """The first line that cannot be right."""

    line: int
    """From 1; one more than there are when lines are missing at the end."""
    reason: str
    text: str
    """The line as it stands in the file."""


class Verdict(NamedTuple):
    """What a look through a log found."""

    entries: int
    """Lines that are right, from the first on."""
    sha256: str
    """Of the last of them."""
    fault: Fault | None


def append(path: Path, event: str, details: Mapping[str, Any] | None = None) -> Entry:
    """Writes one line, which is on the disk when this returns; writers wait for each other.

    `details` holds values of JSON, numbers finite. The file is made where there is none, for its
    owner alone. Raises DataRefused when its last line is no line of a log.
    """
    with _locked(path) as descriptor:
        last, torn = _last_line(descriptor)
        if torn:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - len(torn))
            lost = {"bytes": len(torn), "sha256": _sha256(torn)}
            last = _line(_write(descriptor, path, last, TORN, lost))
        return _write(descriptor, path, last, event, dict(details or {}))


def head_of(path: Path) -> LogHead:
    """How far the log has come; DataRefused where its chain is broken or it holds no line."""
    verdict = verify(path)
    if verdict.fault is not None or not verdict.entries:
        reason = f"line {verdict.fault.line}: {verdict.fault.reason}" if verdict.fault else "empty"
        raise DataRefused(
            f"{path} cannot be vouched for, {reason}.\n"
            "Find out who changed it, and keep the file as it is until then."
        )
    return LogHead(entries=verdict.entries, sha256=verdict.sha256, time=_now())


def chain(events: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[tuple[Entry, ...], LogHead]:
    """The entries of a log that is made at once, all of this moment, and its head.

    `events` are at least one event with its details, in order.
    """
    made: list[Entry] = []
    before, time = NO_LINE, _now()
    for number, (event, details) in enumerate(events, 1):
        made.append(
            Entry(number=number, time=time, event=event, details=dict(details), before=before)
        )
        before = _sha256(_line(made[-1]))
    return tuple(made), LogHead(entries=len(made), sha256=before, time=time)


def verify_entries(entries: Iterable[Entry], head: LogHead | None = None) -> Verdict:
    """The same as `verify`, of entries that are no lines of a file."""
    return _look_through((_line(entry) + b"\n" for entry in entries), head)


def verify(path: Path, head: LogHead | None = None) -> Verdict:
    """Reads the log through; without `head`, what the module's text names cannot be seen.

    The signature of `head` is for the caller to check. Raises NotFound.
    """
    if not path.is_file():
        raise NotFound(f"no log {path}.\nName a file of JSON lines that cauce wrote.")
    with path.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        return _look_through(stream, head)


def _look_through(lines: Iterable[bytes], head: LogHead | None) -> Verdict:
    before, number = NO_LINE, 0
    for number, line in enumerate(lines, 1):
        sha256 = _sha256(line.removesuffix(b"\n"))
        reason = _fault_of(line, number, before)
        if not reason and head is not None and number == head.entries and sha256 != head.sha256:
            reason = (
                f"lines 1 to {number} are not those that were signed: some were rewritten, or "
                "another file was signed"
            )
        if reason:
            text = line.decode(errors="replace").rstrip("\n")
            return Verdict(number - 1, before, Fault(number, reason, text))
        before = sha256
    if head is not None and number < head.entries:
        missing = f"the log ends after line {number}, and {head.entries} lines were signed"
        return Verdict(number, before, Fault(number + 1, missing, ""))
    return Verdict(number, before, None)


def _fault_of(line: bytes, number: int, before: str) -> str:
    """What is wrong with the line in its place; empty where nothing is."""
    if not line.endswith(b"\n"):
        return "the line is not complete"
    try:
        entry = Entry.model_validate_json(line)
    except ValidationError:
        return "this is no line of a log"
    if entry.number != number:
        return (
            f"line {number} says that it is number {entry.number}: lines were taken, put or moved"
        )
    if entry.before != before and number == 1:
        return "it does not begin a log: it was changed, or lines before it were taken"
    if entry.before != before:
        return f"it does not follow line {number - 1}: one of the two was changed"
    if _line(entry) + b"\n" != line:
        return "it is not written as cauce writes a line"
    return ""


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """A descriptor of the file that no other writer has at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
        if is_new:
            sync_directory(path.parent)
    finally:
        os.close(descriptor)


def _last_line(descriptor: int) -> tuple[bytes, bytes]:
    """The last complete line with its end, and what stands behind it where a write was cut off."""
    start = os.fstat(descriptor).st_size
    tail = b""
    while start and tail.count(b"\n") < 2:
        size = min(_BLOCK_BYTES, start)
        start -= size
        tail = os.pread(descriptor, size, start) + tail
    complete, end, torn = tail.rpartition(b"\n")
    return complete.rpartition(b"\n")[2] + end, torn


def _write(descriptor: int, path: Path, last: bytes, event: str, details: dict[str, Any]) -> Entry:
    try:
        number = Entry.model_validate_json(last).number if last else 0
    except ValidationError as error:
        raise DataRefused(
            f"the last line of {path} is no line of a log, so nothing can follow it.\n"
            "Keep that file for whoever looks into it, move it away, and start again."
        ) from error
    before = _sha256(last.removesuffix(b"\n")) if last else NO_LINE
    entry = Entry(number=number + 1, time=_now(), event=event, details=details, before=before)
    line = _line(entry) + b"\n"
    written = os.write(descriptor, line)
    if written != len(line):
        raise OSError(f"{written} of {len(line)} bytes were written to {path}")
    os.fsync(descriptor)
    return entry


def _line(entry: Entry) -> bytes:
    return canonical(entry.model_dump(mode="json"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
