"""A run is a directory: its recipe, a manifest, and one folder per stage.

runs/demo/
  recipe.yaml     the whole recipe, defaults included
  manifest.json   per stage: fingerprint of its inputs, hashes of its outputs, CPU seconds, memory
  fetch/ prepare/ train/ evaluate/ compare/ report/
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

from cauce.errors import ConsentRefused, DataRefused, NotFound
from cauce.records import Record

STAGES = ("fetch", "prepare", "train", "evaluate", "compare", "report")
IN_PROGRESS = ".in-progress"
"""Holds the fingerprint of a stage that has begun and has not finished."""
PROMOTED = "promoted.json"
"""Names later weights that the run is served with (`cauce.models.promoted`)."""

R = TypeVar("R", bound=Record)


@contextlib.contextmanager
def atomic_write(path: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """A binary stream whose content appears at `path` whole, on success, or not at all.

    `private` makes the file readable by its owner alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    mode = 0o600 if private else 0o666
    try:
        with os.fdopen(
            os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb"
        ) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
        sync_directory(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Makes a rename inside `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: object) -> None:
    """`value` as indented JSON, written atomically."""
    with atomic_write(path) as stream:
        stream.write(
            json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"
        )


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Number of records written to `path` as JSON lines; the file appears whole or not at all."""
    count = 0
    with atomic_write(path) as stream:
        for record in records:
            stream.write(record.model_dump_json(exclude_defaults=True).encode() + b"\n")
            count += 1
    return count


def read_records(path: Path, record_type: type[R]) -> Iterator[R]:
    """The records of a JSON-lines file (`.gz` allowed), one at a time.

    Raises DataRefused with file and line when a line is no such record.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield record_type.model_validate_json(line)
            except ValueError as error:
                raise DataRefused(
                    f"{path}, line {number}: not a {record_type.__name__}: "
                    f"{str(error).splitlines()[0]}\n"
                    f"Each line must be one {record_type.__name__} as cauce writes it."
                ) from error


def sha256_of_file(path: Path) -> str:
    """Hexadecimal SHA-256 of the file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(*parts: object) -> str:
    """16 hexadecimal digits that change when any of `parts` (JSON-able) changes."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Run:
    """A run directory. `Run.open("demo")` finds `runs/demo`, or takes a path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, name: str | Path, runs_dir: Path = Path("runs")) -> Run:
        """The existing run of that name or path; NotFound lists what there is."""
        for candidate in (Path(name), runs_dir / name):
            if (candidate / "manifest.json").is_file():
                return cls(candidate)._unless_withdrawn()
        known = ", ".join(run.path.name for run in cls.list(runs_dir)) or "none yet"
        raise NotFound(
            f"no run {str(name)!r} here or under {runs_dir}/ (runs there: {known}).\n"
            "Make one with: cauce run RECIPE"
        )

    def _unless_withdrawn(self) -> Run:
        """The run; ConsentRefused where a person whom it learned from was forgotten since."""
        manifest = self.manifest
        gone = set(manifest.get("twins", ())) & set(manifest.get("forgotten_twins", ()))
        if gone:
            raise ConsentRefused(
                f"the run {self.path} learned from {len(gone)} records that were forgotten since.\n"
                f"Train it without them, or remove its folder: {self.path}"
            )
        return self

    @staticmethod
    def list(runs_dir: Path = Path("runs")) -> list[Run]:
        """The runs under `runs_dir`, oldest first."""
        manifests = sorted(runs_dir.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
        return [Run(path.parent) for path in manifests]

    def folder(self, stage: str) -> Path:
        """The stage's own directory, made when missing."""
        path = self.path / stage
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def manifest(self) -> dict[str, Any]:
        """What is known of the run: versions, seed, and one entry per finished stage."""
        path = self.path / "manifest.json"
        if not path.is_file():
            return {"stages": {}}
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        return manifest

    def update_manifest(self, **entries: object) -> None:
        """Sets top-level entries of the manifest, atomically."""
        write_json(self.path / "manifest.json", {**self.manifest, **entries})

    def is_done(self, stage: str, stage_fingerprint: str) -> bool:
        """True when the stage finished with the same inputs and its outputs are all there."""
        entry = self.manifest["stages"].get(stage)
        if entry is None or entry["fingerprint"] != stage_fingerprint:
            return False
        return all(
            (self.path / name).is_file() and (self.path / name).stat().st_size == size
            for name, size in entry["outputs"].items()
        )

    def do_stage(
        self, stage: str, stage_fingerprint: str, work: Callable[[Path], dict[str, Any]]
    ) -> bool:
        """Runs `work(folder)` unless it is done; True when it ran. What it returns is its summary.

        CPU seconds (children included) and peak memory of the process are recorded beside it.
        """
        if self.is_done(stage, stage_fingerprint):
            return False
        self._forget(stage)
        cpu_start, wall_start = cpu_seconds(), time.monotonic()
        folder = self._folder_for(stage, stage_fingerprint)
        summary = work(folder)
        (folder / IN_PROGRESS).unlink()
        outputs = {
            str(path.relative_to(self.path)): path.stat().st_size
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "checkpoints" not in path.parts
        }
        entry = {
            "fingerprint": stage_fingerprint,
            "outputs": outputs,
            "cpu_s": round(cpu_seconds() - cpu_start, 2),
            "wall_s": round(time.monotonic() - wall_start, 2),
            "peak_mb": peak_memory_mb(),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "summary": summary,
        }
        self.update_manifest(stages={**self.manifest["stages"], stage: entry})
        return True

    def _folder_for(self, stage: str, stage_fingerprint: str) -> Path:
        """The stage's folder, with what an attempt that had the same inputs left in it."""
        folder = self.folder(stage)
        marker = folder / IN_PROGRESS
        if not marker.is_file() or marker.read_text() != stage_fingerprint:
            shutil.rmtree(folder)
            folder.mkdir()
            with atomic_write(marker) as stream:
                stream.write(stage_fingerprint.encode())
        return folder

    def _forget(self, stage: str) -> None:
        """A stage that is about to change invalidates itself and every later one.

        Other weights than those that were improved on are served as they are.
        """
        stale = STAGES[STAGES.index(stage) :]
        if "train" in stale:
            (self.path / PROMOTED).unlink(missing_ok=True)
        kept = {name: entry for name, entry in self.manifest["stages"].items() if name not in stale}
        self.update_manifest(stages=kept)


def cpu_seconds() -> float:
    """CPU seconds of this process and its ended children so far."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_memory_mb() -> int:
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1024 * 1024 if sys.platform == "darwin" else 1024))
