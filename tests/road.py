"""A road that is walked in seconds, and the command line as a user has it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import processes
from shared import CHECKOUT

RECIPE: dict[str, Any] = {
    "run": "tiny",
    "notice": "Only a test.",
    "sources": [{"kind": "vademecum", "languages": ["en"]}],
    "corpus": {"kinds": ["use", "dose"], "questions_per_section": 1},
    "training": {"steps": 2, "batch_size": 2, "evaluate_every": 2},
    "assistant": {"max_new_tokens": 4},
    "evaluation": {"max_items": 4, "max_new_tokens": 4, "bootstrap_draws": 100},
}


def environment(**more: str) -> dict[str, str]:
    """What a user's shell has, with one thread."""
    paths = os.pathsep.join((str(CHECKOUT / "src"), str(CHECKOUT / "tests")))
    return {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **more}


def cauce(*arguments: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The finished command `python -m cauce ...` in `folder`."""
    return processes.run(
        "cauce", *arguments, folder=folder, environment=environment(**more), timeout_s=120
    )
