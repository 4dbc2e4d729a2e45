"""Death in hospital foretold from two days in intensive care: PhysioNet 2012, set a, 5 folds.

Every model is fitted to the same four fifths and judged on the fifth that is left. Calibration,
scales and weights of the stack are learned inside those four fifths alone. The settings of the
networks were chosen by inner folds of the people that the first fold learns from, so only the
people judged in the first fold chose nothing: its figures are told by themselves too.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import report
from benchmarks.training.measure import say
from cauce.evaluation.risk import (
    Judged,
    by_group,
    forecast_figures,
    gain,
    readings_drop,
    risk_figures,
)
from cauce.twin.physionet import read_challenge, read_outcomes
from cauce.twin.series import Series, Variables
from cauce.twin.state import TwinModel, TwinSettings, fit_twin
from cauce.twin.state.folds import stratified_folds
from cauce.twin.state.logistic import sigmoid
from cauce.twin.state.recurrent import RecurrentMember
from cauce.twin.state.settings import MemberName
from cauce.twin.state.trees import grow_trees

DATA = Path(os.environ.get("CAUCE_SHARED_DATA", "../shared/data")) / "icu-series"
WORK = Path("runs/twin-risk")
"""Checkpoints of the networks: a run that was stopped goes on."""
FOLDS, SEED = 5, 0
STACKED: tuple[MemberName, ...] = ("liquid", "trees", "logistic")
BASELINES: tuple[MemberName, ...] = ("gru", "last")
NOT_FEATURES = {"recordid", "SAPS-I", "SOFA", "Length_of_stay", "Survival", "In-hospital_death"}
FORETOLD = 200
"""People of the first fold whose later readings are compared with those foretold."""

Floats = NDArray[np.float64]


class Cohort(NamedTuple):
    """The people of set a in one order, and the fold that each is judged in."""

    series: list[Series]
    variables: Variables
    died: NDArray[np.bool_]
    table: Floats
    """The 114 features that others made of the same records."""
    folds: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> list[Series]:
        """The series of those people."""
        return [one for one, is_in in zip(self.series, chosen, strict=True) if is_in]

    def judged(self, risks: Floats) -> Judged:
        """Those risks beside what happened."""
        return Judged(risks, self.died, [one.id for one in self.series])


def measure() -> None:
    """All figures of the twin's risks and forecasts."""
    torch.set_num_threads(1)
    cohort = _cohort()
    stacks = [_fitted(cohort, fold, STACKED) for fold in range(FOLDS)]
    others = [_fitted(cohort, fold, BASELINES) for fold in range(FOLDS)]
    told = _told(cohort, stacks, others)
    bars = _peer(cohort, told)
    for name, risks in told.items():
        _report_model(cohort, name, risks, bars)
    _report_gain(cohort, told)
    _report_single(cohort, stacks)
    _report_groups(cohort, told["stacked"])
    _report_drops(cohort, stacks)
    _report_forecasts(cohort, stacks[0])


def _cohort() -> Cohort:
    challenge = read_challenge(DATA / "set-a.tar.xz")
    outcomes, _ = read_outcomes(DATA / "set-a.tar.xz")
    died = np.array([outcomes[one.id].died for one in challenge.series])
    with gzip.open(DATA / "PhysionetChallenge2012-set-a.csv.gz", "rt") as stream:
        rows = {row["recordid"]: row for row in csv.DictReader(stream)}
    names = [name for name in next(iter(rows.values())) if name not in NOT_FEATURES]
    table = np.array([[float(rows[one.id][n] or "nan") for n in names] for one in challenge.series])
    folds = stratified_folds(died.astype(float), FOLDS, seed=SEED)
    return Cohort(challenge.series, challenge.variables, died, table, folds)


def _fitted(cohort: Cohort, fold: int, members: tuple[MemberName, ...]) -> TwinModel:
    say(f"fold {fold + 1} of {FOLDS}: {', '.join(members)}")
    learned = cohort.folds != fold
    return fit_twin(
        cohort.of(learned),
        cohort.died[learned].tolist(),
        cohort.variables,
        outcome="death in hospital",
        settings=TwinSettings(members=members),
        work=WORK / f"fold-{fold}",
    )


def _told(
    cohort: Cohort, stacks: Sequence[TwinModel], others: Sequence[TwinModel]
) -> dict[str, Floats]:
    """The risk of every person by each model, told by the one that did not learn from them."""
    told: dict[str, Floats] = {}
    for fold in range(FOLDS):
        held = cohort.folds == fold
        people = cohort.of(held)
        by_name: dict[str, Floats] = {
            "stacked": stacks[fold].risk(people),
            **stacks[fold].risk_by_member(people),
            **others[fold].risk_by_member(people),
            "boosting of the 114 features": _boosting(cohort, fold),
        }
        for name, risks in by_name.items():
            told.setdefault(name, np.empty(len(cohort.died)))[held] = risks
    return told


def _boosting(cohort: Cohort, fold: int) -> Floats:
    """What the bar is: gradient boosting of the table and of what is missing in it."""
    features = np.hstack([cohort.table, np.isnan(cohort.table)])
    learned = cohort.folds != fold
    trees = grow_trees(features[learned], cohort.died[learned].astype(float), seed=SEED)
    return sigmoid(trees.logits(features[~learned]))


class Bars(NamedTuple):
    """What the stack must exceed, as means of the folds."""

    auroc: float
    auprc: float


def _peer(cohort: Cohort, told: dict[str, Floats]) -> Bars:
    """The figures of gradient boosting, of the table or of our own summaries: the better."""
    found = [_means(cohort, told[name])[:2] for name in ("boosting of the 114 features", "trees")]
    return Bars(*np.max(found, axis=0).tolist())


def _means(cohort: Cohort, risks: Floats) -> tuple[float, float]:
    """AUROC and AUPRC, means of the folds."""
    judged = cohort.judged(risks)
    found = [risk_figures(judged.where(cohort.folds == n), draws=2) for n in range(FOLDS)]
    return (
        float(np.mean([one.auroc.value for one in found])),
        float(np.mean([one.auprc.value for one in found])),
    )


def _report_model(cohort: Cohort, name: str, risks: Floats, bars: Bars) -> None:
    auroc, auprc = _means(cohort, risks)
    is_best = name == "stacked"
    bar = bars.auroc if is_best else 0.845 if name == "liquid" else None
    report(f"{name}: AUROC, mean of 5 folds", auroc, bar, "higher")
    report(f"{name}: AUPRC, mean of 5 folds", auprc, bars.auprc if is_best else None, "higher")
    first = risk_figures(cohort.judged(risks).where(cohort.folds == 0), draws=2)
    report(f"{name}: AUROC, first fold", first.auroc.value, None, "higher")
    report(f"{name}: AUPRC, first fold", first.auprc.value, None, "higher")
    figures = risk_figures(cohort.judged(risks))
    for part, found in (
        ("AUROC", figures.auroc),
        ("AUPRC", figures.auprc),
        ("min(Se, P+)", figures.sensitivity_and_precision),
    ):
        report(f"{name}: {part}, all folds together", found.value, None, "higher")
        say(f"{name}: {part} {found.value:.3f}, 95 % {found.low:.3f} to {found.high:.3f}")
    report(f"{name}: Brier score", figures.brier.value, None)
    bar = 0.03 if name in ("stacked", "liquid") else None
    report(f"{name}: calibration error", figures.calibration_error, bar)


def _report_gain(cohort: Cohort, told: dict[str, Floats]) -> None:
    for name in ("boosting of the 114 features", "trees"):
        found = gain(cohort.judged(told["stacked"]), cohort.judged(told[name]))
        for part, more in (("AUROC", found.auroc), ("AUPRC", found.auprc)):
            report(f"stacked minus {name}: {part}", more.value, 0.0, "higher")
            say(f"{part}: {more.value:.4f}, 95 % {more.low:.4f} to {more.high:.4f}")


def _report_single(cohort: Cohort, stacks: Sequence[TwinModel]) -> None:
    """One network by itself: the first of those that make up each fold's liquid member."""
    risks = np.empty(len(cohort.died))
    for fold, model in enumerate(stacks):
        held = cohort.folds == fold
        member = model.members["liquid"][0]
        assert isinstance(member, RecurrentMember)
        alone = dataclasses.replace(member, networks=member.networks[:1])
        risks[held] = sigmoid(alone.logits(cohort.of(held)))
    auroc, auprc = _means(cohort, risks)
    report("one CfC network, of 2,560 people: AUROC", auroc, None, "higher")
    report("one CfC network, of 2,560 people: AUPRC", auprc, None, "higher")


def _report_groups(cohort: Cohort, risks: Floats) -> None:
    judged = cohort.judged(risks)
    for kind, of in _groupings(cohort.variables).items():
        for name, found in by_group(judged, [of(one) for one in cohort.series]).items():
            if found.auroc is not None:
                report(f"stacked: AUROC, {kind} {name}", found.auroc.value, None, "higher")
                say(
                    f"{name}: {found.events} of {found.n} died, told {found.told:.3f}, AUROC 95 % "
                    f"{found.auroc.low:.3f} to {found.auroc.high:.3f}"
                )


def _groupings(variables: Variables) -> dict[str, Callable[[Series], str]]:
    place = {name: number for number, name in enumerate(variables.statics)}

    def sex(one: Series) -> str:
        return {1.0: "female", 0.0: "male"}.get(float(one.statics[place["female"]]), "unknown")

    def age(one: Series) -> str:
        years = one.statics[place["age"]]
        return "below 65" if years < 65 else "65 to 79" if years < 80 else "80 and above"

    def unit(one: Series) -> str:
        names = [name for name in variables.statics if name not in ("age", "female", "height")]
        return next((name for name in names if one.statics[place[name]] == 1), "unknown")

    return {"sex": sex, "age": age, "unit": unit}


def _report_drops(cohort: Cohort, stacks: Sequence[TwinModel]) -> None:
    """With 30 % of the readings left out, each person still told by the same model."""
    fold_of = {one.id: int(fold) for one, fold in zip(cohort.series, cohort.folds, strict=True)}

    def told(name: MemberName | None) -> Callable[[Sequence[Series]], Floats]:
        def risks(series: Sequence[Series]) -> Floats:
            folds = np.array([fold_of[one.id] for one in series])
            found = np.empty(len(series))
            for fold, model in enumerate(stacks):
                part = [one for one in series if fold_of[one.id] == fold]
                by_name = model.risk(part) if name is None else model.risk_by_member(part)[name]
                found[folds == fold] = by_name
            return found

        return risks

    for name, of in (("stacked", told(None)), ("liquid", told("liquid"))):
        found = readings_drop(of, cohort.series, cohort.died, share=0.3)
        report(f"{name}: AUROC lost without 30 % of the readings", found.drop.value, 0.02)
        say(f"{name}: lost {found.drop.low:.4f} to {found.drop.high:.4f} (95 %)")


def _report_forecasts(cohort: Cohort, model: TwinModel) -> None:
    """The next day's readings, against the last value of each."""
    figures = forecast_figures(model, cohort.of(cohort.folds == 0)[:FORETOLD])
    usual = {
        name: one for name, one in figures.items() if one.n >= FORETOLD and one.error_of_last > 0
    }
    ratios = [one.error / one.error_of_last for one in usual.values()]
    report("forecasts: mean error, share of that of the last value", float(np.mean(ratios)), None)
    nearer = float(np.mean(np.array(ratios) < 1))
    report("forecasts: share of variables nearer than the last value", nearer, None, "higher")
    n = sum(one.n for one in usual.values())
    covered = sum(one.covered * one.n for one in usual.values()) / n
    report("forecasts: within intervals for 9 of 10", covered, None, "higher")
    for name, one in usual.items():
        say(
            f"{name}: off by {one.error:.3g} (last value {one.error_of_last:.3g}), covered "
            f"{one.covered:.2f}, {one.n} readings"
        )
