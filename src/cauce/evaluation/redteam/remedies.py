"""Remedies for harm that tuning added, each shown with the same prompts before and after it.

    rules    the model as it was tuned, shown the safety rules that it was not tuned with
    scale    what tuning added made smaller, as little as brings the harm back
    project  what the adapter adds turned towards what alignment once changed
    mix      the model of another run, which had safety examples among its training ones

What a remedy costs in refusals of the innocent, in nonsense and in the task stands beside what it
gains: a model that is left untuned has no harm added to it either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from cauce.errors import DataRefused, UserError
from cauce.evaluation.made_by import command_of, write_trial
from cauce.evaluation.redteam.asking import Asked, Progress
from cauce.evaluation.redteam.suite import Mode, Plan, plan
from cauce.evaluation.redteam.targets import Attacked, Conversation, ModelTarget
from cauce.evaluation.redteam.tuning import (
    MOST_ADDED,
    NEW_TOKENS,
    TuningEffect,
    ask,
    ask_base,
    ask_tuned,
    made_by_asking,
    state_of,
    tuning_effect,
)
from cauce.evaluation.redteam.utility import Utility, utility
from cauce.models.loading import LoadedModel
from cauce.models.remedies import THRESHOLD, interpolate, project, scale_adapter
from cauce.models.rules import under_rules
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_base_of, load_tuned, model_folder, save_tuned
from cauce.records import Message, Record, Reply
from cauce.runs import Run

Kind = Literal["rules", "scale", "project", "mix"]
SCALES = (0.9, 0.75, 0.5, 0.25, 0.1)
"""Tried from the largest on."""


class Subspace(NamedTuple):
    """Two models whose difference is what alignment changed, as names or folders."""

    aligned: str
    unaligned: str
    threshold: float = THRESHOLD


class Remedied(Record):
    """A remedy, with what was before and what is after it."""

    kind: Kind
    folder: str
    """Of the model to serve."""
    scale: float | None = None
    """How much is left of what tuning added."""
    projected: tuple[str, ...] = ()
    """Layers that were turned."""
    before: TuningEffect
    """The base against the tuned model."""
    after: TuningEffect
    """The base against the remedied one."""
    utility: Utility | None
    """What is left of the task; None where the run has no examples to ask."""


class RuledTarget:
    """A model alone that is shown the safety rules, in the language of what it is asked."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._alone = ModelTarget(model, max_new_tokens=NEW_TOKENS)

    def reply(self, question: str, history: Sequence[Message] = ()) -> Reply:
        """The model's words; DataRefused when rules and conversation do not fit into it."""
        asked = (*history, Message(role="user", content=question))
        *before, last = under_rules(self._model, asked)
        return self._alone.reply(last.content, before)

    def reply_to_all(self, conversations: Sequence[Conversation]) -> list[Reply | DataRefused]:
        """The model's words to each conversation, or why it does not fit into the model."""
        return self._alone.reply_to_all([under_rules(self._model, one) for one in conversations])


def serve_with_rules(
    run: Run, mode: Mode = "smoke", *, seed: int = 0, progress: Progress
) -> Remedied:
    """The run's model as `assistant.guards.rules` serves it (Lyu et al. 2024, arXiv 2402.18540)."""
    folder = model_folder(run)
    target = RuledTarget(load_tuned(folder))
    return _shown(run, "rules", folder, plan(mode, seed), target=target, progress=progress)


def scale_back(run: Run, mode: Mode = "smoke", *, seed: int = 0, progress: Progress) -> Remedied:
    """The largest of `SCALES` whose harm is within 2 points of the base, else 0: the base.

    One half of the goals chooses it and the other half shows it, for the best of several scales
    looks better than it is on the prompts that chose it.
    """
    choosing, showing = halves(plan(mode, seed))
    base = ask_base(run, choosing, progress=progress)
    for alpha in SCALES:
        folder = _write_scaled(run, alpha)
        found = _ask_folder(run, f"scale-{alpha}", folder, choosing, progress=progress)
        harm = tuning_effect(base, found, run.path.name, choosing).change("harmful").difference
        progress(f"scale {alpha}: harm {100 * harm.value:+.1f} points against the base")
        if harm.value <= MOST_ADDED:
            break
    else:
        alpha = 0.0
        folder = _write_scaled(run, alpha)
    return _shown(run, "scale", folder, showing, scale=alpha, progress=progress)


def project_back(
    run: Run, subspace: Subspace, mode: Mode = "smoke", *, seed: int = 0, progress: Progress
) -> Remedied:
    """The run's adapter turned towards what alignment changed (Safe LoRA, arXiv 2405.16833)."""
    source = model_folder(run)
    tuned = load_tuned(source)
    aligned, unaligned = (load_base(ModelSettings(base=name)) for name in subspace[:2])
    cosines = project(tuned, aligned=aligned, unaligned=unaligned, threshold=subspace.threshold)
    turned = tuple(name for name, cosine in cosines.items() if cosine < subspace.threshold)
    progress(f"projected {len(turned)} of {len(cosines)} layers")
    folder = run.folder("remedies") / "project" / "model"
    save_tuned(tuned, folder)
    return _shown(
        run,
        "project",
        folder,
        plan(mode, seed),
        projected=turned,
        options=("--aligned", subspace.aligned, "--unaligned", subspace.unaligned),
        progress=progress,
    )


def mixed(
    run: Run, with_examples: Run, mode: Mode = "smoke", *, seed: int = 0, progress: Progress
) -> Remedied:
    """The run against one whose recipe sets `corpus.safety_share` (Bianchi et al., 2309.07875).

    Raises UserError where that one was prepared without safety examples.
    """
    prepared = with_examples.manifest["stages"].get("prepare", {})
    if not prepared.get("summary", {}).get("safety_examples"):
        raise UserError(
            f"{with_examples.path} learned no safety examples, so it shows nothing of them.\n"
            "Train it with corpus.safety_share, such as 0.05, and all else as in the other run."
        )
    folder = model_folder(with_examples)
    other = ("--with", with_examples.path.name)
    return _shown(run, "mix", folder, plan(mode, seed), options=other, progress=progress)


def halves(plan: Plan) -> tuple[Plan, Plan]:
    """The plan with every second goal, and with the others; innocent prompts alike."""
    goals = sorted({attempt.goal for attempt in plan.attempts})
    first = {*goals[::2]}
    return (
        plan._replace(attempts=[one for one in plan.attempts if one.goal in first]),
        plan._replace(attempts=[one for one in plan.attempts if one.goal not in first]),
    )


def _shown(
    run: Run,
    kind: Kind,
    folder: Path,
    shown_on: Plan,
    *,
    target: RuledTarget | None = None,
    scale: float | None = None,
    projected: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
    progress: Progress,
) -> Remedied:
    """Before and after on the same prompts, also written to `remedies/KIND.json`.

    `options` are those of `cauce remedy` that the kind takes.
    """
    base = ask_base(run, shown_on, progress=progress)
    before = ask_tuned(run, shown_on, progress=progress)
    if target is None:
        name = kind if scale is None else f"{kind}-{scale}"
        after = _ask_folder(run, name, folder, shown_on, progress=progress)
    else:
        after = ask(run, Attacked(kind, target, state_of(folder)), shown_on, progress=progress)
    found = Remedied(
        kind=kind,
        folder=str(folder),
        scale=scale,
        projected=projected,
        before=tuning_effect(base, before, run.path.name, shown_on),
        after=tuning_effect(base, after, run.path.name, shown_on),
        utility=utility(run, folder, has_rules=target is not None),
    )
    made_by = made_by_asking(
        run, shown_on, command_of("remedy", run, kind, *options, "--seed", shown_on.seed)
    )
    write_trial(run.folder("remedies") / f"{kind}.json", found.model_dump(mode="json"), made_by)
    return found


def _ask_folder(
    run: Run, name: str, folder: Path, plan: Plan, *, progress: Progress
) -> list[Asked]:
    target = ModelTarget(load_tuned(folder), max_new_tokens=NEW_TOKENS)
    return ask(run, Attacked(name, target, state_of(folder)), plan, progress=progress)


def _write_scaled(run: Run, alpha: float) -> Path:
    """The folder of the run's model with `alpha` of what tuning added; written when it is not."""
    folder = run.folder("remedies") / f"scale-{alpha}" / "model"
    source = model_folder(run)
    tuned = load_tuned(source)
    base = load_base_of(source)
    if tuned.adapter == "none":
        interpolate(tuned, base, alpha)
        tuned = replace(tuned, name=base.name)
    else:
        scale_adapter(tuned, alpha)
    save_tuned(tuned, folder)
    return folder
