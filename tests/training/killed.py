"""A training that SIGKILLs itself: python killed.py KIND FOLDER MOMENT.

MOMENT is `step:7` (its line is in the log), `write:8` (half of that checkpoint's files are there),
`seal:8` (all are, under the partial name) or `none`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cauce.training import checkpoints
from cauce.training.log import TrainingLog
from cauce.training.loop import train
from cauce.training.objectives import Pretrain
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_model
from training.examples import chats

SETTINGS = TrainingSettings(
    batch_size=3,
    accumulation=2,
    steps=14,
    lr=5e-3,
    evaluate_every=3,
    checkpoint_every=4,
    schedule="cosine_restarts",
    restarts=1,
    monitor_every=5,
)

REPEATING = Pretrain(repetition_steps=6, copied_share=0.5)
"""What a gpt2 learns: before and after the change from repetitions to examples it is killed."""

PACKED, MUON = "-packed", "-muon"
"""After a KIND: several examples in each row, and the other optimizer."""


def run(kind: str, folder: Path, progress: Any = lambda line: None) -> dict[str, Any]:
    loaded = tiny_model(kind.removesuffix(MUON).removesuffix(PACKED), dropout=0.1)
    items = chats(loaded, 20)
    settings = SETTINGS.model_copy(update={"pack_tokens": 192}) if PACKED in kind else SETTINGS
    if kind == "gpt2":
        settings = settings.model_copy(update={"objective": REPEATING})
    if MUON in kind:
        settings = settings.model_copy(update={"optimizer": "muon"})
    return train(loaded, items[:16], items[16:], settings, folder, seed=11, progress=progress)


def die_at(moment: str) -> None:
    event, _, number = moment.partition(":")
    if event == "step":
        _die_after_step(int(number))
    if event == "write":
        _die_while_writing(int(number))
    if event == "seal":
        _die_before_rename(int(number))


def _die_after_step(step: int) -> None:
    write = TrainingLog.write

    def write_and_die(self: TrainingLog, line: dict[str, float]) -> None:
        write(self, line)
        if line["step"] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    TrainingLog.write = write_and_die  # type: ignore[method-assign]


def _die_while_writing(step: int) -> None:
    def write_half(checkpoint: checkpoints.Checkpoint, directory: Path) -> None:
        write_files(checkpoint, directory)
        if checkpoint.step == step:
            (directory / "optimizer.pt").unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    write_files = checkpoints._write_files
    checkpoints._write_files = write_half


def _die_before_rename(step: int) -> None:
    seal = checkpoints.Checkpoints._seal

    def seal_and_die(self: checkpoints.Checkpoints, directory: Path, number: int) -> None:
        seal(self, directory, number)
        if number == step:
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoints.Checkpoints._seal = seal_and_die  # type: ignore[method-assign]


if __name__ == "__main__":
    die_at(sys.argv[3])
    run(sys.argv[1], Path(sys.argv[2]))
