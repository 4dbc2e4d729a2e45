"""One network of a person's state, learned from series and outcomes.

The loss is that of the outcome plus `forecast_weight` times that of values that came later: the
negative log-likelihood of a normal distribution. Each time that a person is shown, a share of the
readings, drawn up to `removal`, is left out, so that less measuring is nothing new. The weights
returned are a running mean over the updates. What an epoch draws follows from the seed and the
epoch alone: a training that goes on from a checkpoint ends in the same weights.

Axes: b rows, t steps, v variables.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, gaussian_nll_loss
from torch.optim import AdamW

from cauce.training.checkpoints import Checkpoint, Checkpoints
from cauce.training.schedule import learning_rate
from cauce.training.settings import TrainingSettings
from cauce.twin.state.network import Cell, Known, Network, fixed_of, known_at
from cauce.twin.state.settings import NetworkSettings
from cauce.twin.state.steps import Batch

if TYPE_CHECKING:
    from jaxtyping import Float

LOOK_AHEAD = 12
"""Steps, at most, between what is known and the values that are foretold of it."""
FORETOLD = 8
"""Steps of every row, drawn for each update, from which later values are foretold."""
CLIP_NORM = 1.0
AVERAGED_UPDATES = 200
"""About so many of the last updates are in the mean of the weights."""


class Task(NamedTuple):
    """What a network learns from, and how."""

    batch: Batch
    outcomes: Float[Tensor, " b"]
    cell: Cell
    settings: NetworkSettings
    seed: int


def train(
    task: Task, *, checkpoints: Checkpoints | None = None, progress: Callable[[str], None]
) -> Network:
    """The trained network, ready to be asked; torch draws afterwards as if it had not been."""
    with torch.random.fork_rng(devices=[]):
        training = _Training(task)
        if checkpoints is not None:
            training.go_on(checkpoints, progress)
        while training.epoch < task.settings.epochs:
            loss = training.run_epoch()
            progress(f"epoch {training.epoch} of {task.settings.epochs}: loss {loss:.4f}")
            if checkpoints is not None:
                checkpoints.save(training.checkpoint())
        return training.averaged()


def learned_from(task: Task) -> str:
    """A digest of the people and their outcomes: the same data, the same words."""
    digest = hashlib.sha256()
    for part in (*task.batch, task.outcomes):
        digest.update(part.numpy().tobytes())
    return digest.hexdigest()


class _Training:
    """Where a training stands."""

    def __init__(self, task: Task) -> None:
        self.task, self.epoch = task, 0
        torch.manual_seed(task.seed)
        variables, statics = task.batch.values.shape[2], task.batch.statics.shape[1]
        self.network = Network(variables, statics, task.cell, task.settings)
        self.optimizer = AdamW(_groups(self.network, task.settings.weight_decay), fused=True)
        self.mean = _copy(self.network)
        self.updates = math.ceil(len(task.outcomes) / task.settings.batch_size)
        self.plan = TrainingSettings(lr=task.settings.lr, min_lr=0.02)

    def go_on(self, checkpoints: Checkpoints, progress: Callable[[str], None]) -> None:
        """From the newest checkpoint, where there is one."""
        found = checkpoints.newest_good(checkpoints.folder / "log.jsonl", progress)
        if found is not None:
            assert found.best is not None
            self.epoch, self.mean = found.step, found.best
            self.network.load_state_dict(found.weights)
            self.optimizer.load_state_dict(found.optimizer)

    def checkpoint(self) -> Checkpoint:
        """All that the next epoch depends on."""
        return Checkpoint(
            self.epoch,
            _copy(self.network),
            self.mean,
            self.optimizer.state_dict(),
            {"log_bytes": 0},  # No log is kept.
        )

    def averaged(self) -> Network:
        """The network with the mean of the weights, at rest."""
        self.network.load_state_dict(self.mean)
        return self.network.eval()

    def run_epoch(self) -> float:
        """Mean loss of the outcome over all people, in an order of the epoch's own."""
        task = self.task
        torch.manual_seed(task.seed * 1_000_003 + self.epoch + 1)
        self.network.train()
        order = torch.randperm(len(task.outcomes))
        total = 0.0
        for update, index in enumerate(torch.split(order, task.settings.batch_size)):
            step = self.epoch * self.updates + update
            rate = learning_rate(step, task.settings.epochs * self.updates, self.plan)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            total += self._update(index, step) * len(index)
        self.epoch += 1
        return total / len(order)

    def _update(self, index: Tensor, step: int) -> float:
        task, whole = self.task, self.task.batch.rows(index)
        batch = thinned(whole, task.settings.removal)
        known = known_at(batch)
        states = self.network.states(batch, known)
        loss = binary_cross_entropy_with_logits(
            self.network.logits(batch, states), task.outcomes[index]
        )
        later = surprise(self.network, whole, states, known)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss + task.settings.forecast_weight * later)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
        self.optimizer.step()
        share = max(1 / (step + 1), 1 / AVERAGED_UPDATES)
        with torch.no_grad():
            for name, weight in self.network.named_parameters():
                self.mean[name].lerp_(weight, share)
        return loss.item()


def thinned(batch: Batch, most: float) -> Batch:
    """The batch with a share of each row's readings left out, drawn evenly from 0 to `most`."""
    share = torch.rand(len(batch.hours), 1, 1) * most
    measured = batch.measured & (torch.rand(batch.values.shape) >= share)
    return batch._replace(measured=measured, values=batch.values * measured)


def surprise(
    network: Network, whole: Batch, states: Float[Tensor, "b t n"], known: Known
) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of readings some steps after steps drawn of every row."""
    rows, time = whole.hours.shape
    row = torch.arange(rows).repeat_interleave(FORETOLD)
    now = (torch.rand(len(row)) * (~whole.padding).sum(1)[row]).long()
    then = now + torch.randint(1, LOOK_AHEAD + 1, (len(row),))
    inside = (then < time) & ~whole.padding[row, then.clamp(max=time - 1)]
    row, now, then = row[inside], now[inside], then[inside]
    if not len(row):
        return states.new_zeros(())
    told = Known(known.last[row, now], known.ago[row, now])
    hours = whole.hours[row, then] - whole.hours[row, now]
    expected = network.expect(states[row, now], told, fixed_of(whole)[row], hours)
    missed = gaussian_nll_loss(
        expected.mean, whole.values[row, then], expected.deviation**2, reduction="none"
    )
    measured = whole.measured[row, then]
    return (missed * measured).sum() / measured.sum().clamp(min=1)


def _groups(network: Network, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices are pulled towards 0, vectors are not."""
    weights = [*network.parameters()]
    return [
        {"params": [one for one in weights if one.dim() >= 2], "weight_decay": weight_decay},
        {"params": [one for one in weights if one.dim() < 2], "weight_decay": 0.0},
    ]


def _copy(network: Network) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in network.named_parameters()}
