"""A run's model beside its baselines, on people held out or on others who arrive.

The figures stand in `runs/NAME/evaluate/`, a file for each data; the baselines that the run was
not trained with are fitted once, to the same people, and kept there too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from cauce.errors import LeakageFound
from cauce.evaluation.drift import Known, find_drift
from cauce.evaluation.risk import Judged, forecast_figures
from cauce.evaluation.risk_systems import (
    HELD_OUT,
    Tellers,
    TwinEvaluation,
    evaluation_file,
    measure_groups,
    measure_systems,
    measure_withheld,
)
from cauce.evaluation.statistics import Floats
from cauce.runs import atomic_write
from cauce.twin.cohort import Cohort, read_cohort
from cauce.twin.outcomes import read_outcomes
from cauce.twin.series import Series
from cauce.twin.state import TwinModel, fit_twin
from cauce.twin.state.settings import MemberName
from cauce.twin.store import TWINS
from cauce.twin.surprises import Surprises, find_surprises
from cauce.twinning import People, Progress, Trained, mark_of, open_trained, people_of

STACKED = "stacked"
ORDER: tuple[MemberName, ...] = ("last", "logistic", "trees", "gru", "liquid")


def evaluate(
    name: str,
    progress: Progress,
    *,
    data: Sequence[str] = (),
    outcomes: Path | None = None,
    draws: int = 2000,
    twins: Path = TWINS,
) -> TwinEvaluation:
    """The figures of the people held out, or of those in `data`, told of drift as well.

    Without `outcomes` of `data` there is no risk to judge. Raises LeakageFound where someone in
    `data` was learned from, ConsentRefused where a twin's record is not for research.
    """
    trained = open_trained(name)
    cohort, judged = _people(trained, data, outcomes, twins)
    risks, ids = trained.model.risk(judged.series), [one.id for one in judged.series]
    told = Judged(risks, judged.happened, ids)
    progress(f"judging {len(ids)} people, it happened to {told.events}")
    tellers: Tellers = {}
    if told.is_enough:
        tellers = _tellers(trained, _baselines(trained, progress, twins))
    domain = trained.learned.domain
    doubts = {one.id: domain.doubts(trained.model, one) for one in cohort.people}
    drift = None
    if data:
        known = Known(risks.tolist(), judged.happened.tolist())
        drift = find_drift(trained.reference, cohort.people, known)
    found = TwinEvaluation(
        data="+".join(Path(one).name for one in data) or HELD_OUT,
        people=len(cohort.people),
        outcome=trained.task.outcome,
        model=_own_name(trained),
        systems=measure_systems(tellers, *judged, draws=draws),
        withheld=measure_withheld(told, doubts, draws=draws),
        groups=measure_groups(told, judged.series, trained.model.variables, draws=draws),
        forecasts=forecast_figures(trained.model, cohort.people) if trained.foretells else {},
        drift=drift,
        surprises=_surprises(trained, cohort) if trained.foretells else {},
    )
    path = evaluation_file(trained.run.folder("evaluate"), data)
    with atomic_write(path, private=True) as stream:
        stream.write(found.model_dump_json(indent=1).encode() + b"\n")
    return found


def _people(
    trained: Trained, data: Sequence[str], outcomes: Path | None, twins: Path
) -> tuple[Cohort, People]:
    """Those who are looked at, and those of them of whom it is known what became of them."""
    if not data:
        judged = _learned_from(trained, twins).of(trained.split.held_out)
        return Cohort(judged.series, trained.model.variables, [], {}, {}), judged
    cohort = read_cohort(data, trained.model.variables, purpose="research", twins=twins)
    learned = {mark_of(one) for one in cohort.people} & {*trained.split.learned}
    if learned:
        raise LeakageFound(
            f"{trained.run.path} learned from {len(learned)} of the {len(cohort.people)} people.\n"
            "Judge it by others, or by those held out: leave DATA out."
        )
    known = read_outcomes(outcomes, trained.task.outcome) if outcomes else {}
    return cohort, people_of(cohort, known)


def _surprises(trained: Trained, cohort: Cohort) -> dict[str, Surprises]:
    """Of each twin."""
    return {
        name: find_surprises(
            trained.model, trained.learned, cohort.timelines[name], cohort.series_of(name)
        )
        for name in cohort.twins
    }


def _learned_from(trained: Trained, twins: Path) -> People:
    """The people of the run's own data, as they are now."""
    cohort = read_cohort(trained.task.data, purpose="training", twins=twins)
    return people_of(cohort, read_outcomes(Path(trained.task.outcomes), trained.task.outcome))


def _own_name(trained: Trained) -> str:
    members = trained.task.settings.members
    return STACKED if len(members) > 1 else members[0]


def _baselines(trained: Trained, progress: Progress, twins: Path) -> TwinModel | None:
    """The ways that the run's model has no member for, fitted to the same people."""
    own = trained.task.settings.members
    missing = tuple(name for name in get_args(MemberName) if name not in own)
    folder = trained.run.folder("evaluate") / "baselines"
    if not missing or (folder / "twin.json").is_file():
        return TwinModel.load(folder) if missing else None
    progress(f"fitting what it is compared with: {', '.join(missing)}")
    learned = _learned_from(trained, twins).of(trained.split.learned)
    model = fit_twin(
        learned.series,
        learned.happened.tolist(),
        trained.model.variables,
        outcome=trained.task.outcome,
        settings=trained.task.settings.model_copy(update={"members": missing}),
        work=folder / "checkpoints",
        progress=progress,
    )
    model.save(folder)
    return model


def _tellers(trained: Trained, baselines: TwinModel | None) -> Tellers:
    """Every way by its name; the same series are not computed again for each."""
    own, models = _own_name(trained), [one for one in (trained.model, baselines) if one]
    remembered: dict[int, dict[str, Floats]] = {}

    def risks(series: Sequence[Series]) -> dict[str, Floats]:
        key = hash(b"".join(one.values.tobytes() for one in series))
        if key not in remembered:
            told = [one for model in models for one in model.risk_by_member(series).items()]
            remembered[key] = {**{str(k): v for k, v in told}, own: trained.model.risk(series)}
        return remembered[key]

    def teller(name: str) -> Callable[[Sequence[Series]], Floats]:
        return lambda series: risks(series)[name]

    return {name: teller(name) for name in dict.fromkeys((*ORDER, own))}
