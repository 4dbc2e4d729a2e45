"""Documents of all sources brought into a folder: newest version of each, history, refusals.

Each source is first written to a file of its own beside a small index (key, version, place), so
no text is held in memory; the index then decides which version is newest and the lines are copied
in order. A source that was read to its end is not read again when a fetch is resumed after a kill.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from cauce.records import Document, Refusal
from cauce.runs import atomic_write, fingerprint, write_json
from cauce.sources.arxiv import ArxivSource
from cauce.sources.cima import CimaSource
from cauce.sources.files import FilesSource
from cauce.sources.hub import HubSource
from cauce.sources.openfda import OpenFdaSource
from cauce.sources.steps import Step, clean_document

PROGRESS_EVERY = 500


class ReadableSource(Protocol):
    """What `fetch` asks of a source; every Record with a `kind` and these two methods is one."""

    def inputs(self) -> tuple[Path, ...]:
        """The local files that are read, so that a change of them is noticed."""
        ...

    def documents(self) -> Iterator[Document | Refusal]:
        """Everything the source gives, one at a time, the same in every reading."""
        ...

    def model_dump_json(self) -> str:
        """The source's options as JSON."""
        ...


class _Entry(NamedTuple):
    """Where one staged document stands, and what is counted of it."""

    key: str
    version: str
    effective: str
    digest: str
    file: str
    offset: int
    length: int
    source: str
    language: str
    licence: str
    sections: int
    tables: int

    @property
    def order(self) -> tuple[list[int], str]:
        """Sorts versions: numbers by value ("9" before "10"), then the date."""
        return [int(digits) for digits in re.findall(r"\d+", self.version)], self.effective


def fetch(
    sources: Sequence[ReadableSource], folder: Path, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Writes documents.jsonl, history.jsonl and refused.jsonl; returns the counts of them.

    Where a source asks for steps of cleaning, `cleaned` says how often each changed a text.
    """
    staging = folder / ".staging"
    staging.mkdir(parents=True, exist_ok=True)
    entries: list[_Entry] = []
    refused: list[bytes] = []
    cleaned: Counter[str] = Counter()
    for number, source in enumerate(sources):
        place = staging / f"{number:03d}"
        _stage(source, place, progress)
        entries += [_Entry(*json.loads(line)) for line in _lines(place / "index.jsonl")]
        refused += _lines(place / "refused.jsonl")
        cleaned.update(json.loads((place / "cleaned.json").read_bytes()))
    newest, history, repeated, clashes = _by_age(entries)
    refused += [refusal.model_dump_json().encode() for refusal in clashes]
    _copy(staging, newest, folder / "documents.jsonl")
    _copy(staging, history, folder / "history.jsonl")
    with atomic_write(folder / "refused.jsonl") as stream:
        stream.writelines(line.rstrip(b"\n") + b"\n" for line in refused)
    shutil.rmtree(staging)
    summary = _summary(newest, len(history), len(refused), repeated)
    return {**summary, "cleaned": dict(sorted(cleaned.items()))} if cleaned else summary


def _stage(source: ReadableSource, place: Path, progress: Callable[[str], None]) -> None:
    """Reads one source into `place`, unless that was done with the same options and files."""
    done = place / "done.json"
    state = _state(source)
    if done.is_file() and json.loads(done.read_bytes()) == state:
        progress(f"source {place.name}: already read")
        return
    scratch = place / f"scratch-{state}"
    if place.is_dir() and not scratch.is_dir():
        shutil.rmtree(place)
    scratch.mkdir(parents=True, exist_ok=True)
    live = source if isinstance(source, OpenFdaSource | CimaSource | ArxivSource) else None
    items = live.documents(scratch) if live else source.documents()
    steps = source.cleaning if isinstance(source, FilesSource | HubSource) else ()
    changed: Counter[Step] = Counter(dict.fromkeys(steps, 0))
    counts = _write_stage(_cleaned(items, steps, changed) if steps else items, place, progress)
    write_json(place / "cleaned.json", changed)
    write_json(done, state)
    progress(f"source {place.name}: {counts['documents']} documents, {counts['refused']} refused")


def _cleaned(
    items: Iterable[Document | Refusal], steps: Sequence[Step], changed: Counter[Step]
) -> Iterator[Document | Refusal]:
    for item in items:
        yield clean_document(item, steps, changed) if isinstance(item, Document) else item


def _state(source: ReadableSource) -> str:
    files = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in source.inputs()]
    return fingerprint(source.model_dump_json(), files)


def _write_stage(
    items: Iterable[Document | Refusal], place: Path, progress: Callable[[str], None]
) -> Counter[str]:
    counts: Counter[str] = Counter()
    with (
        (place / "documents.jsonl").open("wb") as documents,
        (place / "index.jsonl").open("wb") as index,
        (place / "refused.jsonl").open("wb") as refused,
    ):
        for item in items:
            if isinstance(item, Refusal):
                counts["refused"] += 1
                refused.write(item.model_dump_json().encode() + b"\n")
                continue
            counts["documents"] += 1
            entry = _write_document(item, documents, place.name)
            index.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            if counts["documents"] % PROGRESS_EVERY == 0:
                progress(f"source {place.name}: {counts['documents']} documents so far")
    return counts


def _write_document(document: Document, stream: IO[bytes], file: str) -> _Entry:
    line = document.model_dump_json(exclude_defaults=True).encode() + b"\n"
    offset = stream.tell()
    stream.write(line)
    content = line.replace(f'"retrieved":"{document.retrieved}"'.encode(), b"")
    return _Entry(
        key=document.key,
        version=document.version,
        effective=document.effective,
        digest=hashlib.sha256(content).hexdigest()[:16],
        file=file,
        offset=offset,
        length=len(line),
        source=document.source,
        language=document.language,
        licence=document.licence,
        sections=len(document.sections),
        tables=sum(len(section.tables) for section in document.sections),
    )


class _Ages(NamedTuple):
    newest: list[_Entry]
    history: list[_Entry]
    repeated: int
    clashes: list[Refusal]


def _by_age(entries: Sequence[_Entry]) -> _Ages:
    """Newest and older documents, both sorted by key; of equal versions the first read is kept."""
    ages = _Ages([], [], 0, [])
    repeated = 0
    ordered = sorted(entries, key=lambda entry: (entry.key, entry.order))
    for _, versions in itertools.groupby(ordered, key=lambda entry: entry.key):
        kept: list[_Entry] = []
        for entry in versions:
            if not kept or entry.order != kept[-1].order:
                kept.append(entry)
            elif entry.digest == kept[-1].digest:
                repeated += 1
            else:
                ages.clashes.append(_clash(entry))
        ages.newest.append(kept[-1])
        ages.history.extend(kept[:-1])
    return ages._replace(repeated=repeated)


def _clash(entry: _Entry) -> Refusal:
    return Refusal(
        file=f"source {entry.file}",
        position=f"{entry.key} version {entry.version}",
        reason="another text with the same id and version was read before it",
    )


def _copy(staging: Path, entries: Sequence[_Entry], target: Path) -> None:
    names = sorted({entry.file for entry in entries})
    streams = {name: (staging / name / "documents.jsonl").open("rb") for name in names}
    try:
        with atomic_write(target) as output:
            for entry in entries:
                streams[entry.file].seek(entry.offset)
                output.write(streams[entry.file].read(entry.length))
    finally:
        for stream in streams.values():
            stream.close()


def _summary(newest: Sequence[_Entry], history: int, refused: int, repeated: int) -> dict[str, Any]:
    return {
        "documents": len(newest),
        "history": history,
        "refused": refused,
        "repeated": repeated,
        "sections": sum(entry.sections for entry in newest),
        "tables": sum(entry.tables for entry in newest),
        "by_source": dict(sorted(Counter(entry.source for entry in newest).items())),
        "by_language": dict(sorted(Counter(entry.language for entry in newest).items())),
        "licences": sorted({entry.licence for entry in newest if entry.licence}),
    }


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream
