"""The folder of twins: each a person's record, kept for its owner alone and read by consent.

twins/
  access.jsonl      who read what for which purpose: one chained line each, and no content
  ana/              0700, its files 0600
    timeline.parquet
    consent.json    who agreed, to which purposes, until when
    sources.json    the files it was read from, with their SHA-256
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from cauce import audit
from cauce.errors import ConsentRefused, DataRefused, NotFound, UserError
from cauce.records import Record, Refusal
from cauce.runs import atomic_write, sha256_of_file
from cauce.twin.consent import Consent, Purpose, require
from cauce.twin.merging import merge
from cauce.twin.timeline import Timeline

TWINS = Path("twins")
LOG = "access.jsonl"
TIMELINE, CONSENT, SOURCES = "timeline.parquet", "consent.json", "sources.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_WHICH = "the id they have in them (a Patient's id, a table's column person): --person ID"

R = TypeVar("R", bound=Record)


class SourceFile(Record):
    """A file that the record was read from."""

    file: str
    """Its name, without the folder."""
    sha256: str


class Sources(Record):
    """What a twin is made of."""

    id: str
    """Drawn by chance: what stands for the twin in logs and in the manifests of runs."""
    persons: tuple[str, ...]
    """The ids that the files give to the person."""
    files: tuple[SourceFile, ...]


class Twin(NamedTuple):
    """A record that may be read for the purpose it was opened for."""

    name: str
    timeline: Timeline
    consent: Consent
    sources: Sources


class Added(NamedTuple):
    """What a reading of files brought to a twin."""

    twin: Twin
    new: int
    changed: int
    known: int
    others: int
    """People in the files who are not the twin's, and of whom nothing was kept."""
    refusals: tuple[Refusal, ...]


class Listed(NamedTuple):
    """What is told of a twin without reading it."""

    name: str
    id: str
    consent: Consent
    files: int
    is_expired: bool


def today() -> date:
    """The date in UTC, which consents are counted in."""
    return datetime.now(UTC).date()


def add_twin(
    name: str,
    paths: Sequence[Path],
    consent: Consent | None = None,
    *,
    persons: Sequence[str] = (),
    validate: bool = False,
    twins: Path = TWINS,
) -> Added:
    """Reads FHIR, CSV and a record of the PhysioNet challenge into the twin, new or old.

    Files read before may be read again: nothing is doubled. `persons` are the ids that the files
    give to the person, needed where they tell of several; `consent`, needed for a new twin,
    replaces the one there is; `validate` is that of `read_fhir`. Raises UserError.
    """
    folder = folder_of(name, twins)
    before = _kept(folder) if (folder / SOURCES).is_file() else None
    agreed = consent or (before.consent if before else None)
    if agreed is None:
        raise UserError(
            f"there is no twin {name!r} yet, and nobody's consent to a new one was given.\n"
            "Say who agrees, as what, to what and until when: --by, --as, --for, --until"
        )
    read = _read(paths, validate)
    ids = tuple(dict.fromkeys((*(before.sources.persons if before else ()), *persons)))
    own = _of_one_person(read, ids)
    merged = merge(before.timeline if before else None, own)
    files = {file.sha256: file for file in (*(before.sources.files if before else ()), *read.files)}
    sources = Sources(
        id=before.sources.id if before else secrets.token_hex(8),
        persons=tuple(dict.fromkeys((*ids, *(reading.person.id for reading in own)))),
        files=tuple(files.values()),
    )
    twin = Twin(name, merged.timeline, agreed, sources)
    _write(folder, twin)
    note(twins, "twin added to", sources.id)
    others = len({line.person.id for line in read.timelines} - set(sources.persons))
    return Added(twin, merged.new, merged.changed, merged.known, others, read.refusals)


def open_twin(name: str, purpose: Purpose, *, twins: Path = TWINS) -> Twin:
    """The record, where it was agreed to its use for `purpose` today.

    Each reading, and each that is refused, is a line of the log of accesses. Raises NotFound,
    ConsentRefused and ConsentExpired.
    """
    twin = kept(name, twins)
    try:
        require(twin.consent, purpose, name, today())
    except ConsentRefused as error:
        note(twins, "reading refused", twin.sources.id, purpose=purpose, why=type(error).__name__)
        raise
    note(twins, "twin read", twin.sources.id, purpose=purpose)
    return twin


def renew(
    name: str, until: date, purposes: Sequence[Purpose] = (), *, twins: Path = TWINS
) -> Consent:
    """The consent until another day and, where they are named, to other purposes."""
    folder = _existing(name, twins)
    before = _read_record(folder / CONSENT, Consent)
    changes = {"until": until, "given": today(), "purposes": tuple(purposes) or before.purposes}
    consent = before.model_copy(update=changes)
    _write_record(folder / CONSENT, consent)
    twin_id = _read_record(folder / SOURCES, Sources).id
    note(twins, "consent renewed", twin_id, purposes=list(consent.purposes), until=str(until))
    return consent


def list_twins(twins: Path = TWINS) -> Iterator[Listed]:
    """The twins by name, with their consents; no record is read."""
    for path in _all(twins):
        sources = _read_record(path, Sources)
        consent = _read_record(path.with_name(CONSENT), Consent)
        name, count = path.parent.name, len(sources.files)
        yield Listed(name, sources.id, consent, count, consent.has_expired(today()))


def folder_of(name: str, twins: Path = TWINS) -> Path:
    """Where the twin of that name stands or would; UserError where it is no safe name."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"a twin cannot be named {name!r}.\n"
            "Use small letters, digits, - and _, at most 64, a letter or digit first."
        )
    return twins / name


def kept(name: str, twins: Path = TWINS) -> Twin:
    """The twin, without regard to consent: for adding to it and for forgetting it alone."""
    return _kept(_existing(name, twins))


def note(twins: Path, event: str, twin_id: str, **details: object) -> audit.Entry:
    """Writes one line of the log of accesses."""
    _private_folder(twins)
    return audit.append(twins / LOG, event, {"twin": twin_id, **details})


class _Read(NamedTuple):
    timelines: list[Timeline]
    refusals: tuple[Refusal, ...]
    files: tuple[SourceFile, ...]


def _read(paths: Sequence[Path], validate: bool) -> _Read:
    """Tables and records one by one, and FHIR together, whose files refer to each other."""
    from cauce.sources.paths import matching_files
    from cauce.twin.csv_table import read_csv
    from cauce.twin.fhir import read_fhir
    from cauce.twin.fhir.files import ENDINGS

    timelines: list[Timeline] = []
    refusals: list[Refusal] = []
    names: dict[str, SourceFile] = {}
    for path in paths:
        files = matching_files(path, (*ENDINGS, *_TABLES))
        tables = [file for file in files if file.name.lower().endswith(_TABLES)]
        records = [file for file in files if file.suffix == ".txt"]
        is_fhir = len(tables) + len(records) < len(files)
        for found, refused in (
            *(read_csv(table) for table in tables),
            *(_record(record) for record in records),
            *([read_fhir(path, validate=validate)] if is_fhir else []),
        ):
            timelines += found
            refusals += refused
        names |= {str(f): SourceFile(file=f.name, sha256=sha256_of_file(f)) for f in files}
    named = [_without_folders(timeline, names) for timeline in timelines]
    return _Read(named, tuple(refusals), tuple(names.values()))


def _record(path: Path) -> tuple[list[Timeline], list[Refusal]]:
    """The person of a record of the PhysioNet challenge of 2012, and what is wrong with it."""
    from cauce.twin.physionet import challenge_timelines

    told = list(challenge_timelines(path))
    refusals = [one for one in told if isinstance(one, Refusal)]
    return [one for one in told if isinstance(one, Timeline)], refusals


def _without_folders(timeline: Timeline, names: Mapping[str, SourceFile]) -> Timeline:
    """Folders may tell who somebody is, and where on a machine a file stood is no one's origin."""
    events = (
        event.model_copy(
            update={
                "file": names[event.file].file if event.file in names else Path(event.file).name
            }
        )
        for event in timeline.events
    )
    return timeline.model_copy(update={"events": tuple(events)})


def _of_one_person(read: _Read, ids: Sequence[str]) -> list[Timeline]:
    """Those of the ids; of whoever is alone in them where no id is known."""
    found = {timeline.person.id for timeline in read.timelines}
    own = [timeline for timeline in read.timelines if timeline.person.id in (ids or found)]
    if not found:
        told = (f"{one.file}, {one.position}: {one.reason}" for one in read.refusals[:3])
        raise UserError(
            f"the files tell of nobody ({'; '.join(told) or 'there is nothing in them'}).\n"
            "Give a person's record: FHIR in JSON, or CSV with person, time, name, value and unit."
        )
    if not own:
        raise UserError(
            f"the files tell of {len(found)} people, none of whom is the twin's.\n"
            f"Give files of that person, or {_WHICH}"
        )
    if not ids and len(found) > 1:
        raise UserError(
            f"the files tell of {len(found)} people, and a twin is of one.\nGive {_WHICH}"
        )
    return own


def _all(twins: Path) -> list[Path]:
    return [
        path for path in sorted(twins.glob(f"*/{SOURCES}")) if _NAME.fullmatch(path.parent.name)
    ]


def _existing(name: str, twins: Path) -> Path:
    folder = folder_of(name, twins)
    if not (folder / SOURCES).is_file():
        names = ", ".join(path.parent.name for path in _all(twins))
        raise NotFound(
            f"no twin {name!r} under {twins}/ (twins there: {names or 'none yet'}).\n"
            f"Make one with: cauce twin add {name} FILE"
        )
    return folder


def _kept(folder: Path) -> Twin:
    from cauce.twin.parquet import read_timelines

    [timeline] = read_timelines(folder / TIMELINE)
    consent = _read_record(folder / CONSENT, Consent)
    return Twin(folder.name, timeline, consent, _read_record(folder / SOURCES, Sources))


def _write(folder: Path, twin: Twin) -> None:
    """The sources last: a folder without them is no twin yet."""
    from cauce.twin.parquet import write_timelines

    _private_folder(folder.parent)
    _private_folder(folder)
    _write_record(folder / CONSENT, twin.consent)
    write_timelines(folder / TIMELINE, [twin.timeline])
    _write_record(folder / SOURCES, twin.sources)


def _private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _write_record(path: Path, record: Record) -> None:
    with atomic_write(path, private=True) as stream:
        stream.write(record.model_dump_json(indent=2).encode() + b"\n")


def _read_record(path: Path, kind: type[R]) -> R:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (ValidationError, FileNotFoundError) as error:
        raise DataRefused(
            f"{path} is not there, or is not what cauce wrote.\n"
            f"Remove the folder {path.parent} and read the files of the person again."
        ) from error
