"""Whether a report of trust, or a log of the served assistant, is still what cauce wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from cauce import audit
from cauce.errors import DataRefused, NotFound
from cauce.report.trust.dossier import Dossier, dumped, read_dossier, written_by
from cauce.report.trust.served import FOLLOWS, MonthBefore
from cauce.report.trust.writing import DATA, PAGES
from cauce.runs import sha256_of_file


class Verdict(NamedTuple):
    """What a look through found."""

    entries: int
    """Entries that follow each other, from the first on."""
    sha256: str
    """Of the last of them."""
    faults: tuple[str, ...]
    """What cannot be right, in words; empty where nothing is wrong."""
    unseen: tuple[str, ...]
    """What could not be looked at, in words."""


class _Seen(NamedTuple):
    faults: tuple[str, ...]
    unseen: tuple[str, ...]


def verify_report(path: Path, head: audit.LogHead | None = None) -> Verdict:
    """Looks a `trust.json`, its page, its card and its run through; or a log, `*.jsonl`.

    A report's folder stands for the `trust.json` in it. `head` is one that was signed or noted down
    before; its signature is for the caller to check. Raises NotFound.
    """
    file = path / DATA if path.is_dir() else path
    if not file.is_file():
        raise NotFound(f"no report {file}.\nMake one with: cauce report RUN --trust")
    verdict = _of_log(file, head) if file.suffix == ".jsonl" else _of_dossier(file, head)
    if head is not None:
        return verdict
    unsigned = "without a signed head, what was written anew from some entry to the end"
    if file.suffix == ".jsonl":
        unsigned += ", lines cut off its end, and a change of its last line"
    return verdict._replace(unseen=(*verdict.unseen, unsigned))


def _of_log(path: Path, head: audit.LogHead | None) -> Verdict:
    found = audit.verify(path, head)
    faults = [] if found.fault is None else [f"line {found.fault.line}: {found.fault.reason}"]
    before = _look_at_month_before(path) if found.entries else _Seen((), ())
    return Verdict(found.entries, found.sha256, (*faults, *before.faults), before.unseen)


def _look_at_month_before(path: Path) -> _Seen:
    """The month that the log's first line names ended as that line says."""
    with path.open("rb") as stream:
        first = audit.Entry.model_validate_json(stream.readline())
    if first.event != FOLLOWS:
        return _Seen((), ())
    try:
        before = MonthBefore.model_validate(first.details)
    except ValidationError:
        return _Seen(("line 1: it does not name the month before",), ())
    file = path.parent / before.file
    if not file.is_file():
        return _Seen((), (f"{before.file}, which is not here",))
    return _Seen(tuple(_log_faults(file, before)), ())


def _log_faults(path: Path, head: audit.LogHead) -> Iterator[str]:
    fault = audit.verify(path, head).fault
    if fault is not None:
        yield f"{path.name}, line {fault.line}: {fault.reason}"


def _of_dossier(path: Path, head: audit.LogHead | None) -> Verdict:
    content = path.read_bytes()
    try:
        dossier = read_dossier(content, str(path))
    except DataRefused as error:
        return Verdict(0, audit.NO_LINE, (str(error).splitlines()[0],), ())
    faults = [*_chain_faults(dossier, head)]
    if not faults and content != dumped(dossier):
        faults.append(f"{path.name} is not written as cauce writes it")
    if faults:
        return Verdict(0, audit.NO_LINE, tuple(faults), ())
    unseen: list[str] = []
    for place in (_look_at_pages(path, dossier), _look_at_run(path.parent.parent, dossier)):
        faults += place.faults
        unseen += place.unseen
    return Verdict(dossier.head.entries, dossier.head.sha256, tuple(faults), tuple(unseen))


def _chain_faults(dossier: Dossier, head: audit.LogHead | None) -> Iterator[str]:
    found = audit.verify_entries(dossier.entries, dossier.head)
    ends = audit.LogHead(
        entries=found.entries or 1, sha256=found.sha256, time=dossier.entries[-1].time
    )
    if found.fault is not None:
        yield f"entry {found.fault.line}: {found.fault.reason}"
    elif ends != dossier.head:
        yield f"entry {found.entries} is not the one that the head names"
    if head is not None and head != dossier.head:
        yield f"its head is {dossier.head.sha256}, and {head.sha256} was signed"


def _look_at_pages(path: Path, dossier: Dossier) -> _Seen:
    """Page and card beside the `trust.json` say what it says."""
    is_written_alike = dossier.cover.written_by == written_by()
    faults, unseen = [], []
    for name, written in PAGES.items():
        page = path.parent / name
        if not page.is_file():
            unseen.append(f"{name}, which is not here")
        elif dossier.head.sha256.encode() not in page.read_bytes():
            faults.append(f"{name} shows another head: it is of another report, or was changed")
        elif not is_written_alike:
            unseen.append(f"{name} word for word: other versions of the packages wrote it")
        elif page.read_bytes() != written(dossier).encode():
            faults.append(f"{name} does not say what {path.name} says: it was changed")
    return _Seen(tuple(faults), tuple(unseen))


def _look_at_run(run: Path, dossier: Dossier) -> _Seen:
    """The files that were read are as they were, and the logs begin as they did."""
    faults, absent = [], []
    for read in dossier.files:
        if not (run / read.path).is_file():
            absent.append(read.path)
        elif sha256_of_file(run / read.path) != read.sha256:
            faults.append(f"{read.path} is not the file that was read: it was changed since")
    for mark in dossier.logs:
        if (run / mark.path).is_file():
            faults += _log_faults(run / mark.path, mark.head)
        else:
            absent.append(mark.path)
    unseen = (f"files of the run, which are not here: {', '.join(absent)}",) if absent else ()
    return _Seen(tuple(faults), unseen)
