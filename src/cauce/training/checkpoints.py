"""Checkpoints that are whole or absent, verified before they are used.

    checkpoints/step-000100/
      weights.safetensors     the trained parameters
      best.safetensors        those of the best validation so far, where it was at another step
      optimizer.pt            the optimizer's moments
      state.json              counters, log position, random states
      manifest.json           size and SHA-256 of each file above, what is being trained, and a
                              seal over all that

The directory is written under another name, forced to disk, and renamed; it is renamed again before
it is removed: a kill at any moment leaves whole checkpoints. What is only a function of the step
(learning rate, order of the data) is not stored. One process saves and looks for checkpoints.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cauce.errors import CheckpointCorrupt, UserError
from cauce.runs import fingerprint, sha256_of_file, sync_directory, write_json

if TYPE_CHECKING:
    from torch import Tensor

NAME = r"step-\d{6,}"

REQUIRED = ("weights.safetensors", "optimizer.pt", "state.json")

Weights = dict[str, "Tensor"]


@dataclass(frozen=True)
class Checkpoint:
    """All that a training needs to go on as if it had not stopped."""

    step: int
    weights: Weights
    best: Weights | None
    """None while there is no best validation, or when `weights` are it."""
    optimizer: dict[str, Any]
    state: dict[str, Any]


class Checkpoints:
    """The checkpoints of one training: `configuration` says of which, in JSON-able terms."""

    def __init__(self, folder: Path, *, keep: int, configuration: Mapping[str, Any]) -> None:
        self.folder = folder
        self.keep = keep
        self.configuration = json.loads(json.dumps(configuration))

    def save(self, checkpoint: Checkpoint) -> None:
        """Adds `checkpoint` and drops the oldest ones beyond `keep`.

        Raises UserError when the disk does not take it; those before it stay as they were.
        """
        try:
            self._add(checkpoint)
        except OSError as error:
            raise self._unwritten(checkpoint.step, str(error)) from error
        for old in self._directories()[self.keep :]:
            _discard(old)

    def newest_good(self, log: Path, progress: Callable[[str], None]) -> Checkpoint | None:
        """The newest checkpoint that passes verification, None when there is none at all.

        Damaged newer ones are named with the reason, and removed. Checkpoints of another
        configuration are removed too, naming what differs. Raises CheckpointCorrupt when every
        checkpoint is damaged.
        """
        self._clear_up()
        damaged: dict[Path, str] = {}
        for directory in self._directories():
            fault = _fault(directory, log)
            if fault:
                damaged[directory] = fault
                continue
            if not self._is_ours(directory, progress):
                self._remove_all()
                return None
            self._report_and_remove(damaged, directory, progress)
            return _read(directory)
        if damaged:
            raise _corrupt(self.folder, damaged)
        return None

    def _add(self, checkpoint: Checkpoint) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        sync_directory(self.folder.parent)
        final = self.folder / f"step-{checkpoint.step:06d}"
        partial, replaced = _hidden(final, "partial"), _hidden(final, "replaced")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _write_files(checkpoint, partial)
        self._seal(partial, checkpoint.step)
        if final.exists():
            shutil.rmtree(replaced, ignore_errors=True)
            final.rename(replaced)
        partial.rename(final)
        sync_directory(self.folder)
        shutil.rmtree(replaced, ignore_errors=True)

    def _unwritten(self, step: int, reason: str) -> UserError:
        """Makes room by removing what was begun, and says what is left."""
        for partial in self.folder.glob(".step-*.partial"):
            shutil.rmtree(partial, ignore_errors=True)
        kept = ", ".join(directory.name for directory in self._directories())
        free_mb = shutil.disk_usage(self.folder.parent).free / 1e6
        return UserError(
            f"the checkpoint of step {step} cannot be written to {self.folder}: {reason} "
            f"({free_mb:.0f} MB are free there). Kept as before: {kept or 'none, it was the first'}"
            ".\nMake room there, or make it writable, and repeat the command: it goes on from the "
            "newest one kept."
        )

    def _clear_up(self) -> None:
        """What a kill left half written, half removed or half replaced."""
        for replaced in self.folder.glob(".step-*.replaced"):
            final = self.folder / replaced.name[1:].removesuffix(".replaced")
            if final.exists():
                shutil.rmtree(replaced)
            else:
                replaced.rename(final)
        for partial in self.folder.glob(".step-*.partial"):
            shutil.rmtree(partial)

    def _seal(self, directory: Path, step: int) -> None:
        """Forces every file to disk and writes the manifest that vouches for them."""
        files = {}
        for path in sorted(directory.iterdir()):
            _sync_file(path)
            files[path.name] = {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
        manifest = {"step": step, "files": files, "configuration": self.configuration}
        write_json(directory / "manifest.json", {**manifest, "seal": fingerprint(manifest)})

    def _directories(self) -> list[Path]:
        """Newest first; what is not named as a checkpoint is not ours to touch."""
        named = [path for path in self.folder.glob("step-*") if re.fullmatch(NAME, path.name)]
        return sorted(named, key=_step, reverse=True)

    def _is_ours(self, directory: Path, progress: Callable[[str], None]) -> bool:
        theirs = _manifest(directory)["configuration"]
        names = sorted({*theirs, *self.configuration})
        changed = [name for name in names if theirs.get(name) != self.configuration.get(name)]
        if changed:
            progress(
                f"the checkpoints in {self.folder} belong to another training "
                f"({', '.join(changed)} changed): removed, starting from the base"
            )
        return not changed

    def _report_and_remove(
        self, damaged: Mapping[Path, str], good: Path, progress: Callable[[str], None]
    ) -> None:
        for directory, fault in damaged.items():
            progress(f"{directory.name} is damaged ({fault}): removed, going on from {good.name}")
            _discard(directory)

    def _remove_all(self) -> None:
        for directory in self._directories():
            _discard(directory)


def _write_files(checkpoint: Checkpoint, directory: Path) -> None:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with _as_os_error(SafetensorError):
        save_file(checkpoint.weights, directory / "weights.safetensors")
        if checkpoint.best is not None:
            save_file(checkpoint.best, directory / "best.safetensors")
    with _as_os_error(RuntimeError):
        torch.save(checkpoint.optimizer, directory / "optimizer.pt")
    (directory / "state.json").write_text(json.dumps(checkpoint.state))


@contextlib.contextmanager
def _as_os_error(kind: type[Exception]) -> Iterator[None]:
    """A library's own error for a file that the system did not take, as the OSError it hides."""
    try:
        yield
    except kind as error:
        raise OSError(str(error).splitlines()[0]) from error


def _read(directory: Path) -> Checkpoint:
    import torch
    from safetensors.torch import load_file

    has_best = "best.safetensors" in _manifest(directory)["files"]
    state = json.loads((directory / "state.json").read_bytes())
    return Checkpoint(
        step=_step(directory),
        weights=load_file(directory / "weights.safetensors"),
        best=load_file(directory / "best.safetensors") if has_best else None,
        optimizer=torch.load(directory / "optimizer.pt", weights_only=True),
        state=state,
    )


def _fault(directory: Path, log: Path) -> str:
    """What is wrong with the checkpoint, in words; empty when nothing is."""
    try:
        manifest = _manifest(directory)
    except (OSError, ValueError) as error:
        return f"manifest.json cannot be read: {error}"
    if manifest["step"] != _step(directory):
        return f"manifest.json is that of step {manifest['step']}"
    files = manifest["files"]
    for name in (*REQUIRED, *files):
        fault = _fault_of_file(directory / name, files.get(name))
        if fault:
            return fault
    needed = json.loads((directory / "state.json").read_bytes())["log_bytes"]
    found = log.stat().st_size if log.is_file() else 0
    return f"{log.name} has {found} of {needed} bytes" if found < needed else ""


def _fault_of_file(path: Path, written: Mapping[str, Any] | None) -> str:
    if written is None or not path.is_file():
        return f"{path.name} is missing"
    found = path.stat().st_size
    if found != written["bytes"]:
        return f"{path.name} has {found} of {written['bytes']} bytes"
    try:
        is_as_written = sha256_of_file(path) == written["sha256"]
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror}"
    return "" if is_as_written else f"{path.name} is not as it was written"


def _manifest(directory: Path) -> dict[str, Any]:
    """The manifest without its seal; ValueError where the seal is not that of the rest."""
    manifest = json.loads((directory / "manifest.json").read_bytes())
    if not isinstance(manifest, dict) or manifest.pop("seal", "") != fingerprint(manifest):
        raise ValueError("it is not as it was written")
    return manifest


def _step(directory: Path) -> int:
    return int(directory.name.removeprefix("step-"))


def _hidden(directory: Path, state: str) -> Path:
    return directory.with_name(f".{directory.name}.{state}")


def _discard(directory: Path) -> None:
    """Removes a checkpoint so that a kill leaves all of it, or nothing that looks like one."""
    partial = _hidden(directory, "partial")
    shutil.rmtree(partial, ignore_errors=True)
    directory.rename(partial)
    shutil.rmtree(partial)


def _corrupt(folder: Path, damaged: Mapping[Path, str]) -> CheckpointCorrupt:
    faults = "; ".join(f"{directory.name}: {fault}" for directory, fault in damaged.items())
    return CheckpointCorrupt(
        f"none of the {len(damaged)} checkpoints in {folder} can be trusted: {faults}.\n"
        f"Restore them from a backup, or delete {folder} to train from the beginning."
    )


def _sync_file(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
