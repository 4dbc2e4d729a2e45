"""The loop closed: what people said of answers -> other weights -> served, if nothing got worse.

    runs/NAME/improve/1/          a run of its own: recipe, feedback, training; evidence.json, .html
    runs/NAME/improve/weights/    what each set of weights was asked, and what came of it
    runs/NAME/promoted.json       which weights are served

Every attempt begins with the run's own weights and learns from all that may be learned from that
day: what was withdrawn is not in it, and attempts do not add up. The new weights are held against
those that are served and against the run's own, so that small losses do not add up either.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from cauce import road
from cauce.errors import DataRefused, Interrupted, UserError
from cauce.evaluation.examining import Examiner, Margins, measures
from cauce.evaluation.promoting import Compared, compare_weights, reasons_against
from cauce.evaluation.redteam.suite import Mode
from cauce.models.promoted import OWN, promote, served_model
from cauce.models.tuned import model_folder
from cauce.recipe import Recipe, load_recipe, parse_recipe
from cauce.records import Record
from cauce.report.improvement import improvement_page
from cauce.runs import (
    Run,
    atomic_write,
    fingerprint,
    read_records,
    sha256_of_file,
    write_json,
)
from cauce.serving.feedback import PREFERENCES, Exported, FeedbackSettings
from cauce.serving.feedback.of_run import export_for, withdrawn
from cauce.sources.preferences import JudgedAnswer

if TYPE_CHECKING:
    from cauce.serving.storage.database import Database

Progress = Callable[[str], None]

FOLDER, EVIDENCE, WEIGHTS = "improve", "evidence.json", "weights"
MOST_WEIGHT = 4.0
"""Of one answer of the rarer kind, against one of the other."""
VALIDATIONS = 6
"""In a training; the weights of the best one are kept."""


class ImproveSettings(Record):
    """How a run learns from feedback, and what it must not lose by it."""

    feedback: FeedbackSettings = FeedbackSettings()
    least: int = Field(20, ge=3)
    """Fewest judged answers that are learned from."""
    lora_rank: int = Field(8, ge=1)
    """Of the adapter that learns; the run's own weights stay as they are beneath it."""
    lr: float = Field(2e-4, gt=0)
    """Peak rate of the adapter."""
    epochs: int = Field(3, ge=1)
    """Passes over the feedback."""
    beta: float = Field(0.1, gt=0)
    """How near the weights are held to what they were: more is nearer."""
    mode: Mode = "smoke"
    """How many attacks each set of weights is asked."""
    margins: Margins = Margins()
    accept_unknown: tuple[str, ...] = ()
    """Measures that are promoted on though the items cannot tell whether they were kept."""


class Improvement(Record):
    """An attempt, what it was measured by, and whether it is served."""

    run: str
    model: str
    """The folder of the new weights, within the run's."""
    date: str
    """ISO 8601."""
    inputs: str
    """Changes with the feedback, the settings and the run's own weights."""
    objective: str
    feedback: Exported
    withdrawn: int
    """Answers that the weights served before learned from, and nothing may learn from any more."""
    compared: tuple[Compared, ...]
    reasons: tuple[str, ...]
    """Why the new weights are not served; empty where they are."""
    settings: ImproveSettings

    @property
    def is_promoted(self) -> bool:
        """Whether nothing stood against them."""
        return not self.reasons


def improve(
    run: Run, feedback: Database | Path, settings: ImproveSettings, progress: Progress
) -> Improvement:
    """New weights out of what people said, served from now on if nothing that matters got worse.

    `feedback` is the database of the app, or a file as `cauce feedback export` writes it. Killed
    and started again it goes on; nothing is done where nothing has changed since the last attempt.
    Raises UserError for a run or for settings that cannot be improved by, DataRefused where there
    is too little feedback.
    """
    recipe = load_recipe(run.path / "recipe.yaml")
    _refuse_impossible(run, recipe, settings)
    number = 1 + max((it for it in _attempts(run) if _is_made(run, it)), default=0)
    run.folder(FOLDER).chmod(0o700)
    folder = run.folder(f"{FOLDER}/{number}")
    exported = _export(run, feedback, folder, settings.feedback)
    said = sha256_of_file(folder / "feedback" / PREFERENCES)
    own = run.manifest["stages"]["train"]["fingerprint"]
    inputs = fingerprint(said, settings.model_dump(mode="json"), own)
    last = read_improvement(run, number - 1)
    if last is not None and last.inputs == inputs:
        shutil.rmtree(folder)
        progress(f"improve: nothing has changed since {last.model}, nothing to do")
        return last
    _refuse_too_little(exported, settings.least)
    derived = derive(recipe, run, folder, exported, settings)
    model = f"{FOLDER}/{number}/{OWN}"
    reasons = _nothing_learned(_trained(run, derived, progress))
    compared = () if reasons else _compare(run, recipe, model, settings, progress)
    found = Improvement(
        run=run.path.name,
        model=model,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        inputs=inputs,
        objective=derived.training.objective.kind,
        feedback=exported,
        withdrawn=0 if isinstance(feedback, Path) else withdrawn(run, feedback),
        compared=compared,
        reasons=(*reasons, *reasons_against(compared, settings.accept_unknown)),
        settings=settings,
    )
    _keep(run, number, found)
    return found


def read_improvement(run: Run, number: int) -> Improvement | None:
    """An attempt as it was kept; None where there is none."""
    path = _evidence(run, number)
    return Improvement.model_validate_json(path.read_bytes()) if path.is_file() else None


def _export(
    run: Run, feedback: Database | Path, folder: Path, settings: FeedbackSettings
) -> Exported:
    """Into the attempt's folder; the files that are there stay where nothing more was said.

    What was trained from them is then gone on with.
    """
    new, kept = folder / "new", folder / "feedback"
    exported = export_for(run, feedback, new, settings)
    is_known = (kept / PREFERENCES).is_file()
    if is_known and sha256_of_file(kept / PREFERENCES) == sha256_of_file(new / PREFERENCES):
        shutil.rmtree(new)
    else:
        shutil.rmtree(kept, ignore_errors=True)
        new.rename(kept)
    return exported


def derive(
    recipe: Recipe, run: Run, folder: Path, exported: Exported, settings: ImproveSettings
) -> Recipe:
    """The recipe by which an adapter on the run's own weights learns from the feedback.

    `dpo` where all of it is pairs, else `kto`, with the rarer kind of answer weighed more.
    """
    rows, batch = exported.pairs + exported.ratings, min(8, recipe.training.batch_size)
    data: dict[str, Any] = {
        "run": folder.name,
        "seed": recipe.seed,
        "notice": recipe.notice,
        "sources": [{"kind": "preferences", "path": str(folder / "feedback" / PREFERENCES)}],
        "corpus": {"kind": "preferences", "validation_share": 0.1, "test_share": 0.1},
        "model": {
            "base": str(run.path / OWN),
            "adapter": "lora",
            "lora_rank": settings.lora_rank,
            "lora_alpha": 2 * settings.lora_rank,
            "max_tokens": recipe.model.max_tokens,
        },
        "training": {
            "objective": _objective(folder / "feedback" / PREFERENCES, exported, settings.beta),
            "epochs": settings.epochs,
            "lr": settings.lr,
            "batch_size": batch,
            "evaluate_every": max(1, settings.epochs * rows // batch // VALIDATIONS),
            "precision": recipe.training.precision,
        },
    }
    return parse_recipe(data, f"the recipe of {folder}")


def _objective(file: Path, exported: Exported, beta: float) -> dict[str, Any]:
    if not exported.ratings:
        return {"kind": "dpo", "beta": beta}
    labels = [row.label for row in read_records(file, JudgedAnswer)]
    liked, disliked = (labels.count(label) + exported.pairs for label in (True, False))
    shares = liked / max(1, disliked), disliked / max(1, liked)
    unwanted, wanted = (min(MOST_WEIGHT, max(1.0, share)) for share in shares)
    return {"kind": "kto", "beta": beta, "wanted_weight": wanted, "unwanted_weight": unwanted}


def _trained(run: Run, derived: Recipe, progress: Progress) -> Run:
    journey = road.start(derived, progress, run.path / FOLDER)
    try:
        road.walk(journey, "train")
    except Interrupted as stopped:
        what = str(stopped).splitlines()[0]
        raise Interrupted(f"{what}\nContinue with: cauce improve {run.path}") from stopped
    return journey.run


def _nothing_learned(trained: Run) -> tuple[str, ...]:
    """That feedback which was not learned from is told no better than before, where it is not."""
    summary = trained.manifest["stages"]["train"]["summary"]
    before, after = summary["first_validation_loss"], summary["best_validation_loss"]
    if after < before:
        return ()
    return (
        f"nothing was learned: the loss on feedback kept aside went {before:.4f} to {after:.4f}",
    )


def _compare(
    run: Run, recipe: Recipe, model: str, settings: ImproveSettings, progress: Progress
) -> tuple[Compared, ...]:
    """The new weights beside those that are served, and beside the run's own."""
    examiner = Examiner(run, recipe.evaluation, settings.mode, recipe.seed, progress)
    others = dict.fromkeys((served_model(run), OWN))
    found = {
        name: examiner.examine(run.path / name, run.path / FOLDER / WEIGHTS / name)
        for name in (*others, model)
    }
    return tuple(
        compare_weights(name, found[name], found[model], settings.margins, seed=recipe.seed)
        for name in others
    )


def _keep(run: Run, number: int, found: Improvement) -> None:
    """Writes the evidence, and has the new weights served where nothing stands against them."""
    data = found.model_dump(mode="json")
    with atomic_write(_evidence(run, number).with_suffix(".html")) as stream:
        stream.write(improvement_page(data, found.compared).encode())
    if found.is_promoted:
        promote(run, found.model)
    write_json(_evidence(run, number), data)


def _refuse_impossible(run: Run, recipe: Recipe, settings: ImproveSettings) -> None:
    model_folder(run)
    if "train" not in run.manifest["stages"]:
        raise UserError(
            f"{run.path} was prepared again since it was trained, and is served without a model.\n"
            f"Train it again first: cauce train {run.path / 'recipe.yaml'}"
        )
    if recipe.assistant.remedy:
        raise UserError(
            f"{run.path} is served with the weights of its remedy {recipe.assistant.remedy!r}, and "
            "what it learned would not be.\nLeave assistant.remedy out of its recipe.yaml."
        )
    names = [measure.name for measure in measures(settings.margins)]
    if unknown := sorted({*settings.accept_unknown} - {*names}):
        raise UserError(
            f"no measure {', '.join(unknown)}, and so none that may stay unknown.\n"
            f"There are {', '.join(names)}."
        )


def _refuse_too_little(exported: Exported, least: int) -> None:
    rows = exported.pairs + exported.ratings
    if rows < least:
        aside = "; ".join(f"{count} {reason}" for reason, count in exported.set_aside.items())
        raise DataRefused(
            f"{rows} judged answers can be learned from, and {least} are needed"
            f"{f' (set aside: {aside})' if aside else ''}.\n"
            "See what waits with: cauce feedback review; or lower it with least=N."
        )


def _attempts(run: Run) -> list[int]:
    return [int(it.name) for it in run.folder(FOLDER).iterdir() if it.name.isdigit()]


def _is_made(run: Run, number: int) -> bool:
    """Whether the attempt came to an end; weights that are served are never written over."""
    is_served = served_model(run) == f"{FOLDER}/{number}/{OWN}"
    return is_served or _evidence(run, number).is_file()


def _evidence(run: Run, number: int) -> Path:
    return run.path / FOLDER / str(number) / EVIDENCE
