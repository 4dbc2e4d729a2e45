"""A twin is removed everywhere, what could be left of it is searched for, and a receipt is kept.

The receipt is a line of the log of accesses: sizes, counts, and the paths as HMAC-SHA-256 under a
key that is handed out once and kept nowhere, so that the line alone tells nothing. With the key,
`check_receipt` shows that a twin of that name was removed, and is not there.

Files are removed and not overwritten: what a solid-state disk or a copying file system writes over
a file lands elsewhere, so overwriting would prove nothing. Copies, backups and snapshots outside
the folder are out of reach.
"""

from __future__ import annotations

import hmac
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cauce import audit
from cauce.errors import DataRefused, NotForgotten, NotFound
from cauce.records import Record
from cauce.runs import Run, atomic_write, sha256_of_file, sync_directory
from cauce.twin.store import LOG, SOURCES, TWINS, Twin, folder_of, kept, list_twins, note
from cauce.twin.traces import Hit, Search, Traces, search, traces_of

FORGOTTEN = "twin forgotten"
_GONE = ".removed-"
_KEY = re.compile(r"[0-9a-fA-F]{64}")
RECIPE = "recipe.yaml"
SEARCHED = ("runs", "logs")
"""Folders beside the twins that are searched with them, as are the files there."""


class Removed(Record):
    """A file that is gone."""

    path: str
    """HMAC of its path within the home, `twins/ana/timeline.parquet`."""
    bytes: int


class Receipt(Record):
    """What was removed, where was searched, and what was found."""

    twin: str
    removed: tuple[Removed, ...]
    runs_removed: int
    runs_withdrawn: int
    """Runs that learned from the twin and are refused until they are trained anew."""
    files_searched: int
    bytes_searched: int
    looked_for: int
    """Different ids, names, texts and numbers."""
    too_short: int
    """Ids that could not be told from chance, and were not looked for."""
    originals: int
    """Files beside the twins that the record was read from: the person's own, left to them."""
    hits: int
    """Other files in which something of the person is left; 0 proves what it says."""


class Forgotten(NamedTuple):
    """What was done, for whoever asked."""

    receipt: Receipt
    key: str
    """Hexadecimal; kept nowhere."""
    sources: tuple[str, ...]
    """Names of the files the record was read from, which are not cauce's to remove."""
    hits: tuple[Hit, ...]


class Left(NamedTuple):
    """What forgetting a twin would touch, and what of the person stands elsewhere."""

    runs: tuple[Path, ...]
    hits: tuple[Hit, ...]
    files_searched: int
    looked_for: int
    """Different ids, names, texts and numbers."""
    too_short: int
    """Ids that could not be told from chance, and were not looked for."""


def preview(name: str, *, twins: Path = TWINS) -> Left:
    """The same search while everything is still there; the twin and its runs are left out."""
    twin = kept(name, twins)
    runs = tuple(run.path for run in runs_of(twin.sources.id, twins.parent))
    own = [folder_of(name, twins), *runs]
    traces = _traces(twin)
    searched = search(_places(twins), traces, but=own)
    hits = (*_found(searched, twin, twins).hits, *_named(name, twins, but=runs))
    return Left(runs, hits, searched.files, traces.in_all, traces.too_short)


def forget(name: str, *, with_runs: bool = False, twins: Path = TWINS) -> Forgotten:
    """Removes the twin and searches the home for the person; the receipt goes into the log.

    Runs that learned from the twin are removed `with_runs`; else they are refused from now on until
    they are trained without it. What is left is in `hits`: `refuse_what_is_left` raises for it.
    """
    _sweep(twins)
    twin = kept(name, twins)
    home, key = twins.parent, secrets.token_hex(32)
    runs = runs_of(twin.sources.id, home)
    folders = [folder_of(name, twins), *(run.path for run in runs if with_runs)]
    removed = [file for folder in folders for file in _remove(folder, home, key)]
    if not with_runs:
        for run in runs:
            withdraw(run, twin)
    traces = _traces(twin)
    searched = search(_places(twins), traces)
    hits, originals = _found(searched, twin, twins)
    hits += _named(name, twins)
    receipt = Receipt(
        twin=twin.sources.id,
        removed=tuple(removed),
        runs_removed=len(runs) if with_runs else 0,
        runs_withdrawn=0 if with_runs else len(runs),
        files_searched=searched.files,
        bytes_searched=searched.bytes,
        looked_for=traces.in_all,
        too_short=traces.too_short,
        originals=originals,
        hits=len(hits),
    )
    note(twins, FORGOTTEN, twin.sources.id, **receipt.model_dump(mode="json", exclude={"twin"}))
    sources = tuple(file.file for file in twin.sources.files)
    return Forgotten(receipt, key, sources, hits)


def refuse_what_is_left(found: Forgotten) -> None:
    """Raises NotForgotten where the search found something; the message names the files."""
    if found.hits:
        raise NotForgotten(
            f"the twin is removed, and something of the person is left in {_told(found.hits)}.\n"
            "Remove those files, or what they hold; cauce twin forget NAME --preview tells of them "
            "before a twin is removed."
        )


def expired(twins: Path = TWINS) -> tuple[str, ...]:
    """The names of the twins whose consent has ended."""
    return tuple(listed.name for listed in list_twins(twins) if listed.is_expired)


def runs_of(twin_id: str, home: Path) -> list[Run]:
    """The runs that learned from the twin, as their manifests say."""
    return [run for run in Run.list(home / "runs") if twin_id in run.manifest.get("twins", [])]


def withdraw(run: Run, twin: Twin) -> None:
    """From now on `Run.open` refuses the run, until a training writes other twins into it.

    Its recipe names the twin by its id henceforth.
    """
    gone = run.manifest.get("forgotten_twins", [])
    run.update_manifest(forgotten_twins=[*gone, twin.sources.id])
    recipe = _recipe(run)
    if twin.name in recipe.get("data", ()):
        ids = {twin.name: twin.sources.id}
        recipe["data"] = [ids.get(one, one) for one in recipe["data"]]
        with atomic_write(run.path / RECIPE, private=True) as stream:
            stream.write(yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False).encode())


def check_receipt(name: str, key: str, *, twins: Path = TWINS) -> Receipt:
    """The receipt of a twin of that name that was forgotten, and of which nothing is there now.

    `key` is the one that was handed out. Raises NotFound where the log holds no such receipt, and
    DataRefused where the log was changed or a twin of the name is there.
    """
    folder = folder_of(name, twins)
    fault = audit.verify(twins / LOG).fault
    if fault is not None or folder.exists():
        reason = f"line {fault.line}: {fault.reason}" if fault else f"{folder} is there"
        raise DataRefused(
            f"the receipt cannot be vouched for, {reason}.\n"
            "Find out who changed it, or whether the person was added again."
        )
    mark = _mark(folder / SOURCES, twins.parent, key) if _KEY.fullmatch(key) else ""
    for line in (twins / LOG).read_bytes().splitlines():
        entry = audit.Entry.model_validate_json(line)
        if entry.event == FORGOTTEN:
            receipt = Receipt.model_validate(entry.details)
            if mark in {file.path for file in receipt.removed}:
                return receipt
    raise NotFound(
        f"{twins / LOG} holds no receipt of a twin {name!r} under that key.\n"
        "Give the name and the key that forgetting printed."
    )


def _traces(twin: Twin) -> Traces:
    """With the start of the digests that the twin's page prints of the files."""
    files = [one for file in twin.sources.files for one in (file.file, file.sha256[:16])]
    return traces_of(twin.timeline, twin.sources.persons, files)


def _places(twins: Path) -> list[Path]:
    """The twins, the runs, the logs, and the files that lie beside them."""
    home = twins.parent
    beside = sorted(path for path in home.iterdir() if path.is_file())
    return [twins, *(home / name for name in SEARCHED), *beside]


def _named(name: str, twins: Path, but: Sequence[Path] = ()) -> tuple[Hit, ...]:
    """The recipes of runs whose data the twin is, by the name that it has here."""
    runs = [run for run in Run.list(twins.parent / "runs") if run.path not in but]
    return tuple(
        Hit(run.path / RECIPE, ("twin",)) for run in runs if name in _recipe(run).get("data", ())
    )


def _recipe(run: Run) -> dict[str, Any]:
    """What the run's recipe says; nothing where it has none."""
    path = run.path / RECIPE
    return dict(yaml.safe_load(path.read_text("utf-8"))) if path.is_file() else {}


class _Found(NamedTuple):
    hits: tuple[Hit, ...]
    originals: int


def _found(searched: Search, twin: Twin, twins: Path) -> _Found:
    """What was found, without the files that the record was read from, which are counted.

    Two people's records may come from one file, or hold the same long text: alone, neither counts
    in another twin, nor a text in a file beside the twins, which may be what another was read from.
    """
    known = {file.sha256 for file in twin.sources.files}
    hits = [hit for hit in searched.hits if not _is_shared(hit, twins)]
    left = tuple(hit for hit in hits if sha256_of_file(hit.path) not in known)
    return _Found(left, len(hits) - len(left))


def _is_shared(hit: Hit, twins: Path) -> bool:
    if twins in hit.path.parents:
        return {*hit.kinds} <= {"text", "number", "file"}
    return hit.path.parent == twins.parent and {*hit.kinds} <= {"text", "number"}


def _remove(folder: Path, home: Path, key: str) -> Iterator[Removed]:
    """Takes the folder out of sight first, so that no half of it is ever a twin."""
    files = [path for path in sorted(folder.rglob("*")) if not path.is_dir() or path.is_symlink()]
    for path in files:
        yield Removed(path=_mark(path, home, key), bytes=path.lstat().st_size)
    gone = folder.with_name(f"{_GONE}{secrets.token_hex(4)}")
    folder.rename(gone)
    shutil.rmtree(gone)
    sync_directory(folder.parent)


def _sweep(twins: Path) -> None:
    """Removes what a removal that was interrupted left behind."""
    for folder in (twins, twins.parent / "runs"):
        for gone in folder.glob(f"{_GONE}*"):
            shutil.rmtree(gone)


def _mark(path: Path, home: Path, key: str) -> str:
    place = path.relative_to(home).as_posix()
    return hmac.digest(bytes.fromhex(key), place.encode(), "sha256").hex()


def _told(hits: tuple[Hit, ...]) -> str:
    return ", ".join(f"{hit.path} ({' and '.join(hit.kinds)})" for hit in hits)
