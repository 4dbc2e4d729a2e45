"""Checkpoints that are whole or absent, verified before they are used.

    checkpoints/step-000100/
      weights.safetensors     the trained parameters
      best.safetensors        those of the best validation so far, where it was at another step
      optimizer.pt            AdamW's moments
      state.json              counters, log position, random states
      manifest.json           size and SHA-256 of each file above, and what is being trained

The directory is written under another name, forced to disk, and renamed: a kill at any moment
leaves the checkpoint before it. What is only a function of the step (learning rate, order of the
data) is not stored.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cauce.errors import CheckpointCorrupt
from cauce.runs import sha256_of_file, sync_directory, write_json

if TYPE_CHECKING:
    from torch import Tensor

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
        """Adds `checkpoint` and drops the oldest ones beyond `keep`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        final = self.folder / f"step-{checkpoint.step:06d}"
        partial = self.folder / f".{final.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _write_files(checkpoint, partial)
        self._seal(partial, checkpoint.step)
        if final.exists():
            shutil.rmtree(final)
        partial.rename(final)
        sync_directory(self.folder)
        for old in self._directories()[self.keep :]:
            shutil.rmtree(old)

    def newest_good(self, log: Path, progress: Callable[[str], None]) -> Checkpoint | None:
        """The newest checkpoint that passes verification, None when there is none at all.

        Damaged newer ones are named with the reason, and removed. Checkpoints of another
        configuration are removed too, naming what differs. Raises CheckpointCorrupt when every
        checkpoint is damaged.
        """
        for partial in self.folder.glob(".step-*.partial"):
            shutil.rmtree(partial)
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

    def _seal(self, directory: Path, step: int) -> None:
        """Forces every file to disk and writes the manifest that vouches for them."""
        files = {}
        for path in sorted(directory.iterdir()):
            _sync_file(path)
            files[path.name] = {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
        manifest = {"step": step, "files": files, "configuration": self.configuration}
        write_json(directory / "manifest.json", manifest)

    def _directories(self) -> list[Path]:
        """Newest first."""
        return sorted(
            self.folder.glob("step-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True
        )

    def _is_ours(self, directory: Path, progress: Callable[[str], None]) -> bool:
        theirs = json.loads((directory / "manifest.json").read_bytes())["configuration"]
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
            shutil.rmtree(directory)

    def _remove_all(self) -> None:
        for directory in self._directories():
            shutil.rmtree(directory)


def _write_files(checkpoint: Checkpoint, directory: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file(checkpoint.weights, directory / "weights.safetensors")
    if checkpoint.best is not None:
        save_file(checkpoint.best, directory / "best.safetensors")
    torch.save(checkpoint.optimizer, directory / "optimizer.pt")
    (directory / "state.json").write_text(json.dumps(checkpoint.state))


def _read(directory: Path) -> Checkpoint:
    import torch
    from safetensors.torch import load_file

    best = directory / "best.safetensors"
    state = json.loads((directory / "state.json").read_bytes())
    return Checkpoint(
        step=int(directory.name.split("-")[1]),
        weights=load_file(directory / "weights.safetensors"),
        best=load_file(best) if best.is_file() else None,
        optimizer=torch.load(directory / "optimizer.pt", weights_only=True),
        state=state,
    )


def _fault(directory: Path, log: Path) -> str:
    """What is wrong with the checkpoint, in words; empty when nothing is."""
    try:
        files = json.loads((directory / "manifest.json").read_bytes())["files"]
    except (FileNotFoundError, ValueError, KeyError) as error:
        return f"manifest.json cannot be read: {error}"
    for name in (*REQUIRED, *files):
        if name not in files or not (directory / name).is_file():
            return f"{name} is missing"
        found = (directory / name).stat().st_size
        if found != files[name]["bytes"]:
            return f"{name} has {found} of {files[name]['bytes']} bytes"
        if sha256_of_file(directory / name) != files[name]["sha256"]:
            return f"{name} is not as it was written"
    needed = json.loads((directory / "state.json").read_bytes())["log_bytes"]
    found = log.stat().st_size if log.is_file() else 0
    return f"{log.name} has {found} of {needed} bytes" if found < needed else ""


def _corrupt(folder: Path, damaged: Mapping[Path, str]) -> CheckpointCorrupt:
    faults = "; ".join(f"{directory.name}: {fault}" for directory, fault in damaged.items())
    return CheckpointCorrupt(
        f"none of the {len(damaged)} checkpoints in {folder} can be trusted: {faults}.\n"
        f"Restore them from a backup, or delete {folder} to train from the beginning."
    )


def _sync_file(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
