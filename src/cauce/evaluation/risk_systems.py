"""Several ways to tell a risk, side by side on the same people whom none of them saw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from cauce.errors import DataRefused
from cauce.evaluation.calibration import BINS
from cauce.evaluation.drift import DriftReport
from cauce.evaluation.risk import (
    ForecastFigures,
    GroupFigures,
    Judged,
    ReadingsDrop,
    RiskFigures,
    by_group,
    gain,
    readings_drop,
    risk_figures,
)
from cauce.evaluation.statistics import Estimate, Floats, clopper_pearson
from cauce.records import Record
from cauce.runs import fingerprint
from cauce.twin.domain import Compared, Comparison
from cauce.twin.series import Series, Variables
from cauce.twin.surprises import Surprises

REMOVED = 0.3
"""Share of the readings without which the risks are told a second time."""
HELD_OUT = "held out"
BASELINE = "trees"
"""What the others are compared with, person by person."""
AGES = ((0, 65, "under 65"), (65, 80, "65 to 79"), (80, math.inf, "80 and older"))

Tellers = Mapping[str, Callable[[Sequence[Series]], Floats]]
"""By the name of each way, what tells risks (p) of series."""


class ReliabilityBin(NamedTuple):
    """People who were told about the same risk."""

    told: float
    """Mean of their risks."""
    seen: float
    """Share of them to whom it happened."""
    low: float
    """Of the exact 95 % interval of that share."""
    high: float
    n: int


class SystemRisk(Record):
    """What the risks of one way are worth."""

    figures: RiskFigures
    reliability: tuple[ReliabilityBin, ...]
    removed: ReadingsDrop
    over_baseline: Estimate | None
    """AUROC minus that of the baseline, paired; None of the baseline itself, or without one."""


class Withheld(Record):
    """Risks that are not told to whoever asks: those of people unlike the ones learned from."""

    people: int
    reasons: dict[Compared, int]
    """People by what made them unlike; somebody may be so in several things."""
    figures: RiskFigures | None
    """Of the risks that are told by the run's own model; None where they are too few."""


class TwinEvaluation(Record):
    """A run's model on people whom it never saw."""

    data: str
    """`held out`, or the data as they were named."""
    people: int
    outcome: str
    model: str
    """Which of the systems is the run's own."""
    systems: dict[str, SystemRisk]
    """Of everybody; none where of too few people it is known what became of them."""
    withheld: Withheld
    groups: dict[str, GroupFigures]
    """Of the run's own model."""
    forecasts: dict[str, ForecastFigures]
    """By reading, a day ahead; none where the model foretells none."""
    drift: DriftReport | None
    """None of people held out of those who were learned from."""
    surprises: dict[str, Surprises]
    """Of each twin named."""


def measure_systems(
    tellers: Tellers,
    series: Sequence[Series],
    happened: NDArray[np.bool_],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, SystemRisk]:
    """Each way's figures, of people of whom `Judged.is_enough`."""
    people = [one.id for one in series]
    judged = {name: Judged(tell(series), happened, people) for name, tell in tellers.items()}
    found = {}
    for name, own in judged.items():
        over = None
        if BASELINE in judged and name != BASELINE:
            over = gain(own, judged[BASELINE], draws=draws, seed=seed).auroc
        found[name] = SystemRisk(
            figures=risk_figures(own, draws=draws, seed=seed),
            reliability=reliability(own),
            removed=readings_drop(tellers[name], series, happened, share=REMOVED, seed=seed),
            over_baseline=over,
        )
    return found


def measure_withheld(
    judged: Judged, doubts: Mapping[str, Sequence[Comparison]], *, draws: int = 2000
) -> Withheld:
    """How many of the people, by id, are unlike those learned from; the figures of the others."""
    told = judged.where(np.array([not doubts[person] for person in judged.people], bool))
    reasons = Counter(kind for found in doubts.values() for kind in {one.compared for one in found})
    return Withheld(
        people=sum(map(bool, doubts.values())),
        reasons=dict(reasons),
        figures=risk_figures(told, draws=draws) if told.is_enough else None,
    )


def measure_groups(
    judged: Judged, series: Sequence[Series], variables: Variables, *, draws: int = 2000
) -> dict[str, GroupFigures]:
    """By sex and by age, where the series tell them and not all are alike."""
    found: dict[str, GroupFigures] = {}
    for static, name_of in (("female", _sex), ("age", _age)):
        if static in variables.statics:
            place = variables.statics.index(static)
            names = [name_of(float(one.statics[place])) for one in series]
            if len({*names}) > 1:
                found.update(by_group(judged, names, draws=draws))
    return found


def reliability(judged: Judged) -> tuple[ReliabilityBin, ...]:
    """The bins of equal width in which there is anyone, the least risk first."""
    places = np.clip(np.ceil(judged.risks * BINS).astype(int) - 1, 0, BINS - 1)
    bins = []
    for place in np.unique(places):
        inside = places == place
        n, events = int(inside.sum()), int(judged.happened[inside].sum())
        low, high = clopper_pearson(events, n)
        bins.append(ReliabilityBin(float(judged.risks[inside].mean()), events / n, low, high, n))
    return tuple(bins)


def evaluation_file(folder: Path, data: Sequence[str]) -> Path:
    """Where the evaluation on that data stands."""
    return folder / f"{fingerprint(list(data))}.json"


def read_evaluations(folder: Path) -> list[TwinEvaluation]:
    """What was evaluated of a run's model: on people held out first, then as it was done.

    Raises DataRefused for what an older version wrote.
    """
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    return sorted(map(_evaluation, files), key=lambda one: one.data != HELD_OUT)


def _evaluation(path: Path) -> TwinEvaluation:
    try:
        return TwinEvaluation.model_validate_json(path.read_bytes())
    except ValidationError:
        raise DataRefused(
            f"{path} does not say of whom no risk is told: an older version wrote it.\n"
            "Train the run again (cauce twin train DATA --out RUN), then evaluate it."
        ) from None


def _sex(female: float) -> str:
    return {1.0: "female", 0.0: "male"}.get(female, "sex not known")


def _age(years: float) -> str:
    return next((name for low, high, name in AGES if low <= years < high), "age not known")
