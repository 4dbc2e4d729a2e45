"""Engines of tiny models, in fp32 and uncompiled unless asked otherwise."""

from __future__ import annotations

from typing import Any

import torch

from cauce.corpus.batches import Width
from cauce.models.head import set_aside
from cauce.models.loading import LoadedModel
from cauce.training.acceleration import Workload
from cauce.training.distribution import Processes
from cauce.training.engine import Engine, Task
from cauce.training.objective import Likelihood, MeanLoss, batch_of
from cauce.training.objectives import Sft
from cauce.training.settings import TrainingSettings

PLAIN = {"precision": "fp32", "compile": False, "monitor_every": 0}


def engine_of(
    loaded: LoadedModel,
    *,
    width: Width | None = None,
    teacher: LoadedModel | None = None,
    work: Workload | None = None,
    **settings: Any,
) -> Engine:
    """An engine in this process alone."""
    checked = TrainingSettings.model_validate({**PLAIN, **settings})
    task = Task(loaded, checked, work or Workload(), width, teacher)
    return Engine(task, Processes.start("ddp"))


def alone(items: Any) -> list[Any]:
    """Every example in a row of its own."""
    return [[item] for item in items]


def gradient_of(engine: Engine, batches: Any) -> tuple[Any, torch.Tensor]:
    """The mean loss over `batches`, and its gradient by all that is trained."""
    engine.optimizer.zero_grad()
    mean = engine.accumulate_gradients(batches)
    flat = [weight.grad.flatten() for weight in engine.parameters.values()]  # type: ignore[union-attr]
    return mean, torch.cat(flat)


def distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Of two vectors, as a share of the second."""
    return float((found - expected).norm() / expected.norm())


def mean_loss(loaded, batches, precision="fp32"):
    """The plain loss per supervised token over all batches of rows, without dropout."""
    loss = Likelihood(loaded, Sft(), precision).eval()
    tokens = sum(loss.count(item) for batch in batches for row in batch for item in row)
    with torch.inference_mode(), set_aside(loss.head):
        total = sum(loss(batch_of(loaded, batch)).item() for batch in batches)
    return MeanLoss(total / tokens, tokens)
