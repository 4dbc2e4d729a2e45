"""A red team of a run: every try asked, logged and judged, and what they tell together."""

from __future__ import annotations

import json
from pathlib import Path

import cauce
from cauce.evaluation.log import read_log
from cauce.evaluation.redteam.asking import Asked, Play, Progress, ask_all, judged, play
from cauce.evaluation.redteam.results import Findings, JudgeFigures, findings
from cauce.evaluation.redteam.suite import Mode, Plan, plan
from cauce.evaluation.redteam.targets import Attacked
from cauce.models.promoted import served_model
from cauce.runs import Run, fingerprint, sha256_of_file, write_json, write_records

LOG, SCORES = "attempts.jsonl", "scores.json"
_TARGET = "target.json"
"""Tells which state of which target the log is of, from before the first try on."""


def redteam(
    run: Run,
    mode: Mode = "smoke",
    *,
    figures: JudgeFigures | None = None,
    seed: int = 0,
    progress: Progress,
) -> Findings:
    """What a red team finds in the assistant of a run; also written to its folder `redteam`.

    `attempts.jsonl` holds every try with its answers, `scores.json` the Findings. Killed and
    started again it goes on; a run that has changed since is asked anew.
    """
    from cauce.assistant.loading import load_assistant

    attacked = Attacked("assistant", load_assistant(run), state_of_run(run))
    return attack(
        attacked, plan(mode, seed), run.folder("redteam"), figures=figures, progress=progress
    )


def attack(
    attacked: Attacked,
    plan: Plan,
    folder: Path,
    *,
    figures: JudgeFigures | None = None,
    play: Play = play,
    progress: Progress,
) -> Findings:
    """What the tries of a plan find in any target; log and Findings are written to the folder."""
    log = folder / LOG
    forget_another(folder, attacked)
    ask_all(plan.attempts, attacked.target, log, play=play, progress=progress)
    known = {one.attempt.id: one for one in judged(read_log(log, Asked))}
    write_records(log, known.values())
    found = findings(
        [known[attempt.id] for attempt in plan.attempts],
        system=attacked.name,
        mode=plan.mode,
        seed=plan.seed,
        figures=figures,
    )
    write_json(folder / SCORES, found.model_dump())
    return found


def state_of_run(run: Run) -> str:
    """What changes when the assistant of a run does: recipe, stages, weights, this package."""
    stages = run.manifest["stages"]
    prints = [stages.get(stage, {}).get("fingerprint") for stage in ("prepare", "train")]
    recipe, weights = sha256_of_file(run.path / "recipe.yaml"), served_model(run)
    return fingerprint(recipe, prints, weights, cauce.__version__)


def forget_another(folder: Path, attacked: Attacked) -> None:
    """Deletes the log of another target, or of another state of this one."""
    of = {"name": attacked.name, "state": attacked.state}
    file = folder / _TARGET
    if file.is_file() and json.loads(file.read_bytes()) != of:
        (folder / LOG).unlink(missing_ok=True)
    write_json(file, of)
