"""Runs contenders in turn, each in a process of its own, and says what a step of theirs cost."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.training.contenders import Job

WARM_UP = 3
"""First updates that are not counted: what is compiled or allocated once."""


@dataclass(frozen=True)
class Measured:
    """What one process reported."""

    job: Job
    cpu_s: list[float]
    """CPU seconds since the process began, where each update ended."""
    wall_s: list[float]
    processes: int
    tokens_embedded: int
    peak_mb: float
    device_peak_mb: float
    tokens: int
    """Of all documents, each once."""

    @property
    def step_cpu_s(self) -> list[float]:
        """CPU seconds of each update after the warm-up."""
        return [end - start for start, end in itertools.pairwise(self.cpu_s[WARM_UP:])]

    @property
    def step_wall_s(self) -> list[float]:
        """Wall seconds of each update after the warm-up."""
        return [end - start for start, end in itertools.pairwise(self.wall_s[WARM_UP:])]

    @property
    def tokens_per_cpu_s(self) -> float:
        """Tokens that are no padding, over whole epochs after the first, which warms up."""
        epochs = self.job.settings["epochs"]
        steps_per_epoch = len(self.cpu_s) // epochs
        spent: float = self.cpu_s[-1] - self.cpu_s[steps_per_epoch - 1]
        return float((epochs - 1) * self.tokens / spent)


def say(line: str) -> None:
    """Progress, beside the figures."""
    print(line, file=sys.stderr, flush=True)


def measure(jobs: Mapping[str, Job], *, rounds: int) -> dict[str, list[Measured]]:
    """Every job once a round, so that what else the machine does falls on all of them."""
    results: dict[str, list[Measured]] = {name: [] for name in jobs}
    for number in range(1, rounds + 1):
        for name, job in jobs.items():
            found = run_job(job)
            results[name].append(found)
            step_ms = 1e3 * statistics.median(found.step_cpu_s or [found.cpu_s[0]])
            say(f"  round {number} {name}: {step_ms:.0f} ms CPU, {found.peak_mb:.0f} MB")
    return results


def run_job(job: Job, launcher: Sequence[str] = ()) -> Measured:
    """The job in a process of its own, or in those of a launcher, of which the last one reports."""
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "benchmarks.training.contenders", job.to_json()],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{job} failed:\n{done.stderr[-3000:]}")
    return Measured(job=job, **json.loads(done.stdout.splitlines()[-1]))


def prepare_environment(device: str) -> None:
    """One sleeping thread, no network, and no accelerator unless it is measured."""
    quiet: dict[str, Any] = {
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    os.environ.update(quiet)
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def median_step_cpu_s(results: Sequence[Measured]) -> float:
    """Over the counted updates of all rounds."""
    return statistics.median([step for result in results for step in result.step_cpu_s])


def median_step_wall_s(results: Sequence[Measured]) -> float:
    """Over the counted updates of all rounds."""
    return statistics.median([step for result in results for step in result.step_wall_s])


def median_peak_mb(results: Sequence[Measured]) -> float:
    """Over all rounds."""
    return statistics.median([result.peak_mb for result in results])
