"""The road of a twin's model: people in, a model trained, and asked what if.

runs/NAME/
  recipe.yaml            the task, defaults included
  train/model/           the model
  train/learned.json     whom it may tell of, and the margins that bound its guesses
  train/reference.json   what people were like, by which drift is told
  train/people.json      fingerprints of who was learned from, and of who was held out
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import yaml
from pydantic import ValidationError

from cauce.errors import DataRefused, NotFound, TrainingRefused, UserError
from cauce.evaluation.drift import Reference, reference_of
from cauce.evaluation.margins import measure_margins
from cauce.evaluation.risk_systems import read_evaluations
from cauce.records import Record
from cauce.report.twin.guess import Guess, guess_of
from cauce.road import versions
from cauce.runs import Run, atomic_write, fingerprint
from cauce.twin.cohort import Cohort, read_cohort
from cauce.twin.domain import Domain, domain_of
from cauce.twin.medicines import with_medicines
from cauce.twin.outcomes import read_outcomes
from cauce.twin.readings import reading_of_name
from cauce.twin.series import Series, Variables
from cauce.twin.series_of import series_of
from cauce.twin.simulation import Change, Learned, Simulation, simulate, stopped
from cauce.twin.state import TwinModel, TwinSettings, fit_twin
from cauce.twin.store import TWINS, Twin
from cauce.twin.units import NotComparable, in_unit, ucum

Progress = Callable[[str], None]
R = TypeVar("R", bound=Record)

FEWEST_EACH = 10
"""People to learn from to whom it happened, and to whom it did not."""


class TwinTask(Record):
    """What a twin's model is trained on, and to foretell what."""

    run: str
    data: tuple[str, ...]
    """Files, folders, archives, or names of twins."""
    outcomes: str
    """A table of people and what became of them."""
    outcome: str
    """The column of it that is foretold."""
    held_out: float = 0.2
    """Share of the people whom the model never sees."""
    settings: TwinSettings = TwinSettings()


class Split(Record):
    """Fingerprints of people's ids: who was learned from, who was held out."""

    learned: tuple[str, ...]
    held_out: tuple[str, ...]


class People(NamedTuple):
    """People of whom it is known what became of them."""

    series: list[Series]
    happened: np.ndarray

    def of(self, marks: Sequence[str]) -> People:
        """Those of them whose ids have these fingerprints."""
        wanted = set(marks)
        index = [i for i, one in enumerate(self.series) if mark_of(one) in wanted]
        return People([self.series[i] for i in index], self.happened[index])


class Trained(NamedTuple):
    """A run's model, and what bounds what it may be asked."""

    run: Run
    task: TwinTask
    model: TwinModel
    learned: Learned
    reference: Reference
    split: Split

    @property
    def foretells(self) -> bool:
        """Whether it tells of the next readings too."""
        return foretells(self.task.settings)


def foretells(settings: TwinSettings) -> bool:
    """Whether a model made so tells of the next readings, and not of risks alone."""
    return settings.has_state and settings.liquid.forecast_weight > 0


def mark_of(series: Series) -> str:
    """What stands for a person in a run."""
    return fingerprint("person", series.id)


def train(
    task: TwinTask, progress: Progress, runs_dir: Path = Path("runs"), *, twins: Path = TWINS
) -> Run:
    """The run with the model trained, or found so; killed, it goes on where it was.

    Raises TrainingRefused where too few people are left to learn from.
    """
    cohort = read_cohort(task.data, purpose="training", twins=twins)
    people = people_of(cohort, read_outcomes(Path(task.outcomes), task.outcome))
    progress(
        f"{len(people.series)} of {len(cohort.people)} people have a known outcome, it happened to "
        f"{people.happened.sum()}; {len(cohort.refusals)} records refused"
    )
    _split(people, task)
    run = Run(runs_dir / task.run)
    run.folder(".").chmod(0o700)
    with atomic_write(run.path / "recipe.yaml", private=True) as stream:
        text = yaml.safe_dump(task.model_dump(mode="json"), allow_unicode=True, sort_keys=False)
        stream.write(text.encode())
    run.update_manifest(
        run=task.run,
        seed=task.settings.seed,
        versions=versions(),
        twins=sorted(cohort.twins.values()),
    )
    kept = sorted(Domain.model_fields)
    inputs = fingerprint("train", task.model_dump(mode="json"), _state_of(people), versions(), kept)
    done = run.do_stage(
        "train", inputs, lambda folder: _train(task, cohort.variables, people, folder, progress)
    )
    progress("train: done" if done else "train: nothing has changed, nothing to do")
    return run


def open_trained(name: str) -> Trained:
    """The run's model; NotFound where the run has none, DataRefused where it is an older one's."""
    try:
        run = Run.open(name)
    except NotFound as error:
        found, _, _ = str(error).partition("\n")
        raise NotFound(f"{found}\nTrain one: cauce twin train DATA --out {name}") from None
    folder = run.path / "train"
    if not (folder / "people.json").is_file():
        raise NotFound(
            f"{run.path} holds no model of twins.\nTrain one: cauce twin train DATA --out {name}"
        )
    task = TwinTask.model_validate(yaml.safe_load((run.path / "recipe.yaml").read_text("utf-8")))
    return Trained(
        run,
        task,
        TwinModel.load(folder / "model"),
        _learned(folder / "learned.json"),
        _read(folder / "reference.json", Reference),
        _read(folder / "people.json", Split),
    )


def guesser(name: str) -> Callable[[Twin], Guess]:
    """What tells the risk of a twin by the run's model, with what its risks were worth before.

    Raises as `open_trained` does.
    """
    trained = open_trained(name)
    model, domain = trained.model, trained.learned.domain
    evaluations = read_evaluations(trained.run.path / "evaluate")
    measured = evaluations[0].systems.get(evaluations[0].model) if evaluations else None

    def guess(twin: Twin) -> Guess:
        series = series_of(twin.timeline, model.variables)
        series = with_medicines(series, twin.timeline, model.variables)
        return guess_of(model, domain, series, measured, run=trained.run.path.name)

    return guess


def what_if(
    name: str,
    person: str,
    *,
    readings: Mapping[str, float],
    medicines: Sequence[str],
    hours: float,
    twins: Path = TWINS,
) -> Simulation:
    """What the run's model would tell of a twin had readings been others, or medicines stopped.

    Raises ConsentRefused where the twin may not be shown.
    """
    trained = open_trained(name)
    variables = trained.model.variables
    cohort = read_cohort([person], variables, purpose="display", twins=twins)
    (series,) = cohort.people
    changes = [Change(reading, value) for reading, value in readings.items()]
    changes += [one for medicine in medicines for one in stopped(medicine, series, variables)]
    return simulate(trained.model, trained.learned, series, changes, hours=hours)


def read_change(text: str) -> tuple[str, float]:
    """The reading and its value, in its own unit, of `creatinine=2.4` or `creatinine=212 umol/L`.

    Known readings may be called as people do. Raises UserError.
    """
    name, _, told = text.partition("=")
    number, _, unit = told.strip().partition(" ")
    try:
        value = float(number)
    except ValueError:
        raise UserError(
            f"--set {text!r} is no reading and a number.\nWrite it as --set creatinine=2.4"
        ) from None
    known = reading_of_name(name)
    if known is None or not unit:
        return (known.name if known else name), value
    try:
        return known.name, in_unit(value, ucum(unit), known.unit, reading=known.name)
    except NotComparable as error:
        raise UserError(f"--set {text!r}: {error}.\nGive it in {known.unit}.") from None


def people_of(cohort: Cohort, known: Mapping[str, bool]) -> People:
    """Those of whom the outcome is known."""
    series = [one for one in cohort.people if one.id in known]
    return People(series, np.array([known[one.id] for one in series], bool))


def _split(people: People, task: TwinTask) -> Split:
    """Who is held out, the same share of those to whom it happened and of the others."""
    generator = np.random.default_rng(task.settings.seed)
    held_out: list[int] = []
    for kind in (False, True):
        index = generator.permutation(np.flatnonzero(people.happened == kind))
        held_out += index[: round(task.held_out * len(index))].tolist()
        if len(index) - round(task.held_out * len(index)) < FEWEST_EACH:
            raise TrainingRefused(
                f"{task.outcome} {'happened' if kind else 'did not happen'} to {len(index)} people "
                f"whose record is there, {task.held_out:.0%} of whom are held out.\n"
                f"At least {FEWEST_EACH} of each must be left to learn from: add people."
            )
    marks = [mark_of(one) for one in people.series]
    chosen = set(held_out)
    return Split(
        learned=tuple(mark for i, mark in enumerate(marks) if i not in chosen),
        held_out=tuple(mark for i, mark in enumerate(marks) if i in chosen),
    )


def _train(
    task: TwinTask, variables: Variables, people: People, folder: Path, progress: Progress
) -> dict[str, Any]:
    shutil.rmtree(folder.parent / "evaluate", ignore_errors=True)
    split = _split(people, task)
    learned, held_out = people.of(split.learned), people.of(split.held_out)
    model = fit_twin(
        learned.series,
        learned.happened.tolist(),
        variables,
        outcome=task.outcome,
        settings=task.settings,
        work=folder / "checkpoints",
        progress=progress,
    )
    model.save(folder / "model")
    if foretells(task.settings):
        progress(f"measuring forecasts of {len(held_out.series)} people whom it never saw")
        margins = measure_margins(model, held_out.series, seed=task.settings.seed)
    else:
        margins = ()
    bounds = Learned(domain=domain_of(model, learned.series), margins=margins)
    _write(folder / "learned.json", bounds)
    _write(folder / "reference.json", reference_of(learned.series, variables))
    _write(folder / "people.json", split)
    return {
        "people": len(learned.series),
        "happened": int(learned.happened.sum()),
        "held_out": len(held_out.series),
        "variables": len(variables.readings),
        "members": list(task.settings.members),
    }


def _state_of(people: People) -> list[Any]:
    """What changes when a record or an outcome does."""
    digests = [
        sha256(one.hours.tobytes() + one.values.tobytes() + one.statics.tobytes()).hexdigest()
        for one in people.series
    ]
    return [[one.id for one in people.series], digests, people.happened.tolist()]


def _write(path: Path, record: Record) -> None:
    with atomic_write(path, private=True) as stream:
        stream.write(record.model_dump_json(indent=1).encode() + b"\n")


def _learned(path: Path) -> Learned:
    try:
        return _read(path, Learned)
    except ValidationError:
        raise DataRefused(
            f"{path} does not say whom the model may tell of: an older version trained it.\n"
            "Train it again with the same command: cauce twin train DATA --out RUN"
        ) from None


def _read(path: Path, kind: type[R]) -> R:
    return kind.model_validate_json(path.read_bytes())
