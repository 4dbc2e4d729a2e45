"""A twin's model, learned from series and what came of them.

The people are dealt into folds. Each member is fitted once without each fold, and judges that fold:
of these logits, each of a person that was not learned from, calibration and weights are learned.
The model is the mean of the fitted ones, so nothing is fitted again on everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cauce.errors import UserError
from cauce.training.checkpoints import Checkpoints
from cauce.twin.series import Series, Variables
from cauce.twin.state.folds import stratified_folds
from cauce.twin.state.logistic import Logistic, fit_logistic
from cauce.twin.state.members import Member, TreesMember, fit_regression
from cauce.twin.state.model import TwinModel
from cauce.twin.state.network import Cell
from cauce.twin.state.recurrent import RecurrentMember, batch_for
from cauce.twin.state.scaling import reading_scale, static_scale
from cauce.twin.state.settings import MemberName, TwinSettings
from cauce.twin.state.summaries import summaries
from cauce.twin.state.training import Task, learned_from, train
from cauce.twin.state.trees import grow_trees

if TYPE_CHECKING:
    from jaxtyping import Int

Floats = NDArray[np.float64]

STACK_RIDGE = 1.0
"""Pull of the weights of members; nearly none, with hundreds of people."""


class Learned(NamedTuple):
    """The people that something is fitted to."""

    series: Sequence[Series]
    outcomes: Floats


def fit_twin(
    series: Sequence[Series],
    outcomes: Sequence[bool],
    variables: Variables,
    *,
    outcome: str = "outcome",
    settings: TwinSettings | None = None,
    work: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> TwinModel:
    """The model of that outcome; networks that were stopped go on from the checkpoints in `work`.

    Raises UserError where series and outcomes do not fit each other and the variables, or where an
    outcome has fewer people than there are folds.
    """
    settings = settings or TwinSettings()
    happened = np.asarray(outcomes, float)
    _refuse_unfit(series, happened, variables, settings.folds)
    folds = stratified_folds(happened, settings.folds, seed=settings.seed)
    fit = _Fit(settings, work, progress)
    fitted = {name: fit.across(name, Learned(series, happened), folds) for name in settings.members}
    return TwinModel(
        variables,
        outcome,
        settings,
        {name: one.members for name, one in fitted.items()},
        _fit_logits([one.logits for one in fitted.values()], happened),
        {name: _fit_logits([one.logits], happened) for name, one in fitted.items()},
    )


class _Fitted(NamedTuple):
    """A member, fitted once without each fold."""

    members: tuple[Member, ...]
    logits: Floats
    """Of each person, by the one that did not learn from them."""


class _Fit(NamedTuple):
    """How members are fitted."""

    settings: TwinSettings
    work: Path | None
    progress: Callable[[str], None]

    def across(self, name: MemberName, people: Learned, folds: Int[np.ndarray, " p"]) -> _Fitted:
        """The member fitted without each fold in turn."""
        members: list[Member] = []
        logits = np.empty(len(folds))
        for fold in range(self.settings.folds):
            self.progress(f"{name}: fold {fold + 1} of {self.settings.folds}")
            kept, held = (np.flatnonzero(side).tolist() for side in (folds != fold, folds == fold))
            learned = Learned([people.series[i] for i in kept], people.outcomes[kept])
            members.append(self._member(name, learned, self.settings.seed + 1000 * fold))
            logits[held] = members[-1].logits([people.series[i] for i in held])
        return _Fitted(tuple(members), logits)

    def _member(self, name: MemberName, learned: Learned, seed: int) -> Member:
        match name:
            case "liquid" | "gru":
                return self._recurrent("cfc" if name == "liquid" else "gru", learned, seed)
            case "trees":
                features = summaries(learned.series)
                return TreesMember(grow_trees(features, learned.outcomes, seed=seed))
            case "logistic" | "last":
                return fit_regression(*learned, is_last=name == "last")

    def _recurrent(self, cell: Cell, learned: Learned, first_seed: int) -> RecurrentMember:
        settings = self.settings.liquid
        scales = reading_scale(learned.series), static_scale(learned.series)
        unfitted = RecurrentMember(cell, settings, *scales, ())
        batch = batch_for(unfitted, learned.series)
        outcomes = torch.from_numpy(learned.outcomes).float()
        networks = []
        for seed in range(first_seed, first_seed + settings.networks):
            task = Task(batch, outcomes, cell, settings, seed)
            checkpoints = self._checkpoints(task)
            networks.append(train(task, checkpoints=checkpoints, progress=self.progress))
        return RecurrentMember(cell, settings, *scales, tuple(networks))

    def _checkpoints(self, task: Task) -> Checkpoints | None:
        if self.work is None:
            return None
        self.work.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = task.settings.model_dump()
        configuration = {**told, "seed": task.seed, "people": learned_from(task)}
        folder = self.work / f"{task.cell}-{task.seed}"
        return Checkpoints(folder, keep=1, configuration=configuration)


def _fit_logits(logits: Sequence[Floats], outcomes: Floats) -> Logistic:
    return fit_logistic(np.column_stack(logits), outcomes, ridge=STACK_RIDGE)


def _refuse_unfit(
    series: Sequence[Series], outcomes: Floats, variables: Variables, folds: int
) -> None:
    if len(series) != len(outcomes):
        raise UserError(
            f"{len(series)} series have {len(outcomes)} outcomes.\nGive each series its own."
        )
    wanted = len(variables.readings), len(variables.statics)
    for number, one in enumerate(series, 1):
        found = one.values.shape[1], len(one.statics)
        if found != wanted:
            raise UserError(
                f"series {number} has {found[0]} variables and {found[1]} statics; there are "
                f"{wanted[0]} and {wanted[1]} names.\nMake the series with the same variables."
            )
    happened = int(outcomes.sum())
    if min(happened, len(outcomes) - happened) < folds:
        raise UserError(
            f"the outcome happened to {happened} of {len(outcomes)} people; of both kinds there "
            f"must be one for each of the {folds} folds.\nAdd people, or have fewer folds."
        )
