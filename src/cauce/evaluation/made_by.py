"""What a trial of a run was: the command that makes its numbers again, and of what they are.

A run that changes keeps the files of its trials: `made_by` in each tells whether they still hold.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

import cauce
from cauce.models.promoted import served_model
from cauce.records import Record
from cauce.runs import Run, fingerprint, sha256_of_file, write_json

_KEY = "made_by"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class MadeBy(Record):
    """How the numbers of a trial came about."""

    command: str
    """Makes them again; empty where none does."""
    state: str
    """`state_of_run` where the assistant was tried, `state_of_model` where the model alone was."""
    seed: int | None = None
    data_sha256: str = ""
    """Of what was measured on."""
    date: str = Field(default_factory=_now)
    """ISO 8601, of the measurement."""

    def is_of(self, run: Run) -> bool:
        """Whether what was tried is still as it was."""
        return self.state in (state_of_model(run), state_of_run(run))


class Trial(NamedTuple):
    """What the file of a trial holds."""

    found: dict[str, Any]
    made_by: MadeBy | None
    """None where an earlier version of cauce wrote it."""


def write_trial(path: Path, found: Mapping[str, Any], made_by: MadeBy) -> None:
    """What a trial found as JSON, with what made it."""
    write_json(path, {**found, _KEY: made_by.model_dump()})


def read_trial(path: Path) -> Trial:
    """The trial in the file; raises ValueError where it holds none."""
    found: dict[str, Any] = json.loads(path.read_bytes())
    told = found.pop(_KEY, None)
    return Trial(found, None if told is None else MadeBy.model_validate(told))


def command_of(verb: str, run: Run, *words: object) -> str:
    """The command line of a verb on the run, as a shell takes it.

    >>> command_of("redteam", Run(Path("runs/demo")), "--mode", "full", "--seed", 3)
    'cauce redteam demo --mode full --seed 3'
    """
    return shlex.join(["cauce", verb, run.path.name, *map(str, words)])


def state_of_run(run: Run) -> str:
    """What changes when the assistant of a run does: recipe, stages, weights, this package."""
    path = run.path / "recipe.yaml"
    recipe = sha256_of_file(path) if path.is_file() else ""
    return fingerprint(recipe, *_of_model(run))


def state_of_model(run: Run) -> str:
    """What changes when the model of a run does, however it is served."""
    return fingerprint(*_of_model(run))


def _of_model(run: Run) -> tuple[list[str | None], str, str]:
    stages = run.manifest["stages"]
    prints = [stages.get(stage, {}).get("fingerprint") for stage in ("prepare", "train")]
    return prints, served_model(run), cauce.__version__
