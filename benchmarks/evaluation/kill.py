"""An evaluation that is killed at moments of chance loses no item and scores none twice.

`python -m benchmarks.evaluation.kill FOLDER` is what is killed: a T5 with random weights.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report
from benchmarks.training.measure import say

KILLS = 10
ITEMS = 400


def kill() -> None:
    """Items lost, and items that stand twice in the log, after ten kills with SIGKILL."""
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "benchmarks.evaluation.kill", name]
        log = Path(name) / "m.jsonl"
        killed = 0
        while killed < KILLS:
            child = subprocess.Popen(command, stdout=sys.stderr)
            before = _lines(log)
            # Once it answers; loading the model is nothing that a kill could spoil.
            while child.poll() is None and _lines(log) == before:
                time.sleep(0.02)
            time.sleep(chance.random() * 0.5)
            if child.poll() is not None:
                break
            child.kill()
            child.wait()
            killed += 1
            say(f"killed after {_lines(log)} answers")
        subprocess.run(command, check=True, stdout=sys.stderr)
        _report(log, killed)


def _report(log: Path, killed: int) -> None:
    from cauce.evaluation.log import read_items

    ids = [item.id for item in read_items(log)]
    report(f"items lost in {killed} kills", ITEMS - len(set(ids)), 0)
    report(f"items twice in the log after {killed} kills", len(ids) - len(set(ids)), 0)


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.is_file() else 0


def evaluate_here(folder: Path) -> None:
    """The evaluation that is killed."""
    from tests.models.tiny import tiny_t5

    from cauce.evaluation.settings import EvaluationSettings
    from cauce.evaluation.systems import ModelSystem
    from cauce.evaluation.tasks import Inline, Question, Task, run_task

    items = tuple(
        Question(question=f"¿Cuánto es {n} + {n}?", answer=str(2 * n)) for n in range(ITEMS)
    )
    settings = EvaluationSettings(
        max_items=ITEMS, max_new_tokens=20, batch_size=4, bootstrap_draws=200
    )
    task = Task(task="sums", dataset=Inline(items=items))
    system = ModelSystem("m", tiny_t5(), settings)
    run_task(task, [system], folder, settings, progress=lambda _: None)


if __name__ == "__main__":
    evaluate_here(Path(sys.argv[1]))
