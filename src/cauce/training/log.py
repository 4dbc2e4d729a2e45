"""The log of a training: one JSON object a line, and the same numbers for an optional writer."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from cauce.errors import MissingExtra

Line = dict[str, float]


class Writer(Protocol):
    """Takes the numbers of the log to where people look at curves."""

    def write(self, line: Line) -> None:
        """Adds every number of `line` under its step."""

    def close(self) -> None:
        """Makes sure that all is delivered."""


class TrainingLog:
    """`log.jsonl`, cut back to `position` bytes: what came after the checkpoint comes again.

    Without a path nothing is written: that of a process which is not the first.
    """

    def __init__(
        self, path: Path | None, *, position: int = 0, writers: Sequence[Writer] = ()
    ) -> None:
        self._writers = tuple(writers)
        self._stream = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("ab")
        self._stream.truncate(position)

    def write(self, line: Line) -> None:
        """Adds one line, visible at once to whoever follows the file."""
        if self._stream is None:
            return
        self._stream.write(json.dumps(line).encode() + b"\n")
        self._stream.flush()
        for writer in self._writers:
            writer.write(line)

    def sync(self) -> int:
        """The log's length in bytes, all of them safe on disk."""
        if self._stream is None:
            return 0
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return os.fstat(self._stream.fileno()).st_size

    def close(self) -> None:
        """Closes the file and the writers."""
        if self._stream is not None:
            self._stream.close()
        for writer in self._writers:
            writer.close()


class TensorBoardWriter:
    """Event files for TensorBoard; those after `step`, from before a crash, are hidden."""

    def __init__(self, folder: Path, *, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtra("the TensorBoard writer", "tracking") from error
        self._writer: Any = SummaryWriter(str(folder), purge_step=step)

    def write(self, line: Line) -> None:
        """One scalar per number."""
        for name, value in line.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(line["step"]))

    def close(self) -> None:
        """Flushes the event file."""
        self._writer.close()


class WandbWriter:
    """A Weights & Biases run, offline unless the user's environment says otherwise."""

    def __init__(self, folder: Path) -> None:
        try:
            import wandb
        except ImportError as error:
            raise MissingExtra("the Weights & Biases writer", "tracking") from error
        folder.mkdir(parents=True, exist_ok=True)
        mode = os.environ.get("WANDB_MODE", "offline")
        self._run: Any = wandb.init(project="cauce", dir=str(folder), mode=mode)

    def write(self, line: Line) -> None:
        """One point per number."""
        numbers = {name: value for name, value in line.items() if name != "step"}
        self._run.log(numbers, step=int(line["step"]))

    def close(self) -> None:
        """Ends the run."""
        self._run.finish()


def open_writers(
    kinds: Sequence[Literal["tensorboard", "wandb"]], folder: Path, *, step: int
) -> list[Writer]:
    """The writers of these kinds; MissingExtra where a package is not installed."""
    return [
        TensorBoardWriter(folder / kind, step=step)
        if kind == "tensorboard"
        else WandbWriter(folder / kind)
        for kind in kinds
    ]
