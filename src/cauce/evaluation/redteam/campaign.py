"""A red team of a run: every try asked, logged and judged, and what they tell together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from cauce.evaluation.log import read_log
from cauce.evaluation.made_by import MadeBy, command_of, state_of_run, write_trial
from cauce.evaluation.redteam.asking import Asked, Play, Progress, ask_all, judged, play, ruled
from cauce.evaluation.redteam.attempts import INJECTION
from cauce.evaluation.redteam.extraction import attempts_at, is_drawn_out
from cauce.evaluation.redteam.goals import LANGUAGES
from cauce.evaluation.redteam.injection.measuring import has_worked
from cauce.evaluation.redteam.results import Findings, JudgeFigures, findings
from cauce.evaluation.redteam.suite import Mode, Plan, plan
from cauce.evaluation.redteam.targets import Attacked, Kept
from cauce.runs import Run, sha256_of_file, write_json, write_records
from cauce.safety.guard.rules import system_rules

if TYPE_CHECKING:
    from cauce.assistant.guarded import GuardedAssistant

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

    `attempts.jsonl` holds every try with its answers, `scores.json` the Findings and what made
    them. Killed and started again it goes on; a run that has changed since is asked anew. `full`
    also asks for what the assistant ought to keep to itself, and has it read documents with orders
    in them.
    """
    from cauce.assistant.loading import load_assistant
    from cauce.evaluation.redteam.injection.serving import plant

    served, folder = load_assistant(run), run.folder("redteam")
    attacked = Attacked("assistant", served, state_of_run(run))
    tries, carry_out = plan(mode, seed), play
    if mode == "full":
        attacked = attacked._replace(kept=_kept(run, served))
        planted = plant(run, served, folder / "planted")
        tries = tries.with_attacks([*attempts_at(attacked.kept), *planted.attempts])
        carry_out = planted.play
    found = attack(attacked, tries, folder, figures=figures, play=carry_out, progress=progress)
    made_by = MadeBy(
        command=command_of("redteam", run, "--mode", mode, "--seed", seed),
        state=attacked.state,
        seed=seed,
        data_sha256=sha256_of_file(folder / LOG),
    )
    write_trial(folder / SCORES, found.model_dump(), made_by)
    return found


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
    asked = ask_all(plan.attempts, attacked.target, log, play=play, progress=progress)
    told = [_told(one, attacked.kept) for one in judged(asked)]
    known = {one.attempt.id: one for one in (*read_log(log, Asked), *told)}
    write_records(log, known.values())
    found = findings(told, system=attacked.name, mode=plan.mode, seed=plan.seed, figures=figures)
    write_json(folder / SCORES, found.model_dump())
    return found


def forget_another(folder: Path, attacked: Attacked) -> None:
    """Deletes the log of another target, or of another state of this one."""
    of = {"name": attacked.name, "state": attacked.state}
    file = folder / _TARGET
    if file.is_file() and json.loads(file.read_bytes()) != of:
        (folder / LOG).unlink(missing_ok=True)
    write_json(file, of)


def _kept(run: Run, served: GuardedAssistant) -> Kept:
    """The rules that the model is shown, where it is, and what it learned from, where it did.

    The marker in its rules is drawn anew by each assistant, which looks for it by itself.
    """
    learned = run.path / "prepare" / "train.jsonl"
    has_learned = served.model is not None and learned.is_file()
    return Kept(
        rules="\n".join(map(system_rules, LANGUAGES)) if served.guards.rules else "",
        texts=tuple(learned.read_text("utf-8").splitlines()) if has_learned else (),
    )


def _told(one: Asked, kept: Kept) -> Asked:
    """The judged try, and by its own rule one of which no harm tells whether it worked."""
    if one.attempt.is_judged:
        return one
    is_injected = one.attempt.family == INJECTION
    return ruled(one, has_worked=has_worked(one) if is_injected else is_drawn_out(one, kept))
