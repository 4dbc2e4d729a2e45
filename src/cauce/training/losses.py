"""The module that computes an objective: what the engine trains."""

from __future__ import annotations

from cauce.models.loading import LoadedModel
from cauce.training.objective import Distillation, Likelihood, Precision
from cauce.training.objectives import Distil, Dpo, Grpo, Kto, Objective
from cauce.training.policy import Trying
from cauce.training.preference import Preferring, Rating

SummedLoss = Likelihood | Distillation | Preferring | Rating | Trying


def summed_loss(
    loaded: LoadedModel,
    objective: Objective,
    precision: Precision,
    *,
    teacher: LoadedModel | None = None,
) -> SummedLoss:
    """The module that computes `objective`; a `teacher` is needed to distil."""
    match objective:
        case Dpo():
            return Preferring(loaded, objective, precision)
        case Kto():
            return Rating(loaded, objective, precision)
        case Grpo():
            return Trying(loaded, objective, precision)
        case Distil():
            if teacher is None:
                raise ValueError(f"distil learns from {objective.teacher!r}: pass it as teacher")
            return Distillation(loaded, objective, precision, teacher=teacher)
        case _:
            return Likelihood(loaded, objective, precision)
