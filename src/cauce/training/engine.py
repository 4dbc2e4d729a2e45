"""What computes: batches become gradients, gradients become weights, as fast as the machine can.

The loop above decides what is computed and when; where, in which precision and by which kernels is
decided here, once, before the first update.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from cauce.corpus.batches import Row, Width
from cauce.models.head import set_aside
from cauce.models.loading import LoadedModel
from cauce.models.prediction import Predicted, predict_with_auxiliary
from cauce.models.recurrence import announce_document_starts
from cauce.training.acceleration import (
    Choice,
    Workload,
    accelerated,
    choose_attention,
    choose_compile,
    choose_precision,
    choose_width,
    keep_freed_memory,
)
from cauce.training.distribution import Processes
from cauce.training.losses import summed_loss
from cauce.training.monitor import Monitor, find_blocks, find_non_finite
from cauce.training.objective import MeanLoss
from cauce.training.objectives import Distil
from cauce.training.optimizer import (
    is_balance,
    make_optimizer,
    set_rates,
    trainable_parameters,
)
from cauce.training.order import PlannedBatch
from cauce.training.preference import Preferring, Rating
from cauce.training.reference import digest_of_weights
from cauce.training.settings import TrainingSettings

Rows = Sequence[Row]
"""What is computed together: one batch."""

Weights = dict[str, Tensor]


class Update(NamedTuple):
    """What one update was made from, and what became of it."""

    mean: MeanLoss
    grad_norm: float
    fault: str = ""
    """Where a value that is no number came from, when there was one and nothing was updated."""
    is_overflow: bool = False
    """The fault is that of a scale of fp16 that was tried and is now lower."""
    figures: Mapping[str, float] = MappingProxyType({})
    """What the monitor measured, when it was its turn."""
    auxiliary: float | None = None
    """The part of the mean loss that the model gave itself, for its routers for example."""


class PrivateUpdates(Protocol):
    """Another choice of examples and another gradient, which hide whether any one is there."""

    def rows(self, step: int) -> list[PlannedBatch]:
        """The examples of update number `step`, in the place of the plan's; there may be none."""

    def accumulate(self, engine: Engine, batches: Sequence[Rows], step: int) -> MeanLoss:
        """Adds their gradient to the weights', in the place of `accumulate_gradients`."""

    def identity(self) -> str:
        """Changes with whatever changes the updates; no secret can be told from it."""


@dataclass(frozen=True)
class Task:
    """What an engine is set up for."""

    loaded: LoadedModel
    settings: TrainingSettings
    work: Workload
    width: Width | None = None
    """Of batches; chosen by precision when None."""
    teacher: LoadedModel | None = None
    """To distil from."""
    private: PrivateUpdates | None = None
    """How gradients are made so that no example can be told from them; None makes them exact."""
    proximal: float = 0.0
    """Strength of the pull back to the weights at the start (`pull_back`)."""


class Engine:
    """The model, its optimizer and the processes that share them, for one training.

    A context manager: on leaving, the model is as it was but for its weights.
    """

    def __init__(self, task: Task, processes: Processes) -> None:
        settings, self.loaded = task.settings, task.loaded
        self.settings, self.processes, self.private = settings, processes, task.private
        keep_freed_memory()
        self.precision, why = choose_precision(settings.precision, self.loaded)
        self.choices = {
            "precision": Choice(self.precision, why),
            "attention": choose_attention(self.loaded, self.precision, task.work.longest),
            "compile": choose_compile(settings.compile, self.loaded, task.work, self.precision),
        }
        self.width = task.width or choose_width(self.loaded, self.precision)
        self._predict: Callable[..., Predicted] = predict_with_auxiliary
        if self.choices["compile"].value == "yes":
            is_dynamic = task.work.shapes > 1
            self._predict = torch.compile(predict_with_auxiliary, dynamic=is_dynamic)
        self.digest = digest_of_weights(self.loaded)
        """Of the weights before the first update, frozen or not."""
        with ExitStack() as undo:
            undo.enter_context(accelerated(self.loaded, self.choices["attention"]))
            self.summed_loss = summed_loss(
                self.loaded, settings.objective, self.precision, teacher=task.teacher
            )
            """What is minimised."""
            undo.enter_context(set_aside(self.summed_loss.head))
            if settings.gradient_checkpointing:
                undo.enter_context(_checkpointing(self.loaded))
            self._module = processes.wrap(
                self.summed_loss,
                list(find_blocks(self.loaded.model).values()),
                uses_all=not isinstance(settings.objective, Distil),
            )
            self._undo = undo.pop_all()
        self.parameters = trainable_parameters(self.loaded.model)
        self.proximal = task.proximal
        pulled = self.parameters if task.proximal else {}
        self._start = {name: weight.detach().clone() for name, weight in pulled.items()}
        self._clipped = [it for name, it in self.parameters.items() if not is_balance(name)]
        self.optimizer = make_optimizer(self.loaded.model, settings)
        self.scaler = torch.amp.GradScaler(
            self.loaded.device.type, enabled=self.precision == "fp16"
        )
        self.monitor = Monitor(self.loaded.model, every=settings.monitor_every)
        self.told: dict[str, float] = {}
        """What the objective says of the last validation besides its loss."""

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._undo.close()
        announce_document_starts(self.loaded.model, None)
        if kind is None:
            self.processes.unwrap(self.summed_loss)

    def update(self, batches: Sequence[Rows], rate: float, place: tuple[int, int]) -> Update:
        """Moves the weights by the gradient of the mean loss over `batches`; says what it was.

        `rate` is that of AdamW now; Muon's is the same share of its own peak. `place` is the
        update's number (from 0) and that of all updates.
        """
        self.summed_loss.begin(*place)
        is_sampled = self.monitor.is_due(place[0] + 1)
        self.summed_loss.predict = predict_with_auxiliary if is_sampled else self._predict
        with self.monitor.watch() if is_sampled else nullcontext():
            mean = (
                self.private.accumulate(self, batches, place[0])
                if self.private
                else self.accumulate_gradients(batches)
            )
        self.scaler.unscale_(self.optimizer)
        pull_back(self.parameters, self._start, self.proximal)
        figures = self.monitor.figures() if is_sampled else {}
        norm = self.processes.clip(self._clipped, self.settings.clip_norm)
        update = Update(mean, norm, figures=figures, auxiliary=self._auxiliary())
        if math.isfinite(norm) and math.isfinite(mean.loss):
            set_rates(self.optimizer, rate)
            self.scaler.step(self.optimizer)
        else:
            update = self._faulty(update, batches)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        return update

    def accumulate_gradients(self, batches: Sequence[Rows]) -> MeanLoss:
        """Adds to the weights' gradients that of the mean loss over all that `batches` count."""
        self._measure_divergence(batches)
        self._module.train()
        count = self.summed_loss.count
        tokens = sum(count(item) for rows in batches for row in rows for item in row)
        total = torch.zeros((), device=self.loaded.device)
        for number, rows in enumerate(batches, 1):
            mine = self.processes.share(rows)
            # A process without a row computes one for nothing: the others wait for its gradient.
            share = self.processes.count / tokens if mine else 0.0
            batch = self.summed_loss.batch(mine or rows[:1], self.width)
            with self.processes.accumulating(self._module, is_last=number == len(batches)):
                loss = self._module(batch, share)
                torch.autograd.backward(self.scaler.scale(loss))
            total += loss.detach()
        return MeanLoss(self.processes.sum(total.item()) / self.processes.count, tokens)

    def validate(self, batches: Sequence[Rows], width: Width | None = None) -> MeanLoss:
        """The mean loss over `batches`, without dropout; see `told`."""
        self._measure_divergence(batches)
        self._module.eval()
        self.summed_loss.predict = predict_with_auxiliary
        if isinstance(self.summed_loss, Preferring):
            self.summed_loss.won = 0.0
        count = self.summed_loss.count
        tokens = sum(count(item) for rows in batches for row in rows for item in row)
        total = 0.0
        with torch.no_grad():
            for rows in batches:
                mine = self.processes.share(rows)
                batch = self.summed_loss.batch(mine or rows[:1], width or self.width)
                loss = self._module(batch).item()
                total += loss if mine else 0.0
        self.told = self._told(tokens)
        return MeanLoss(self.processes.sum(total) / tokens, tokens)

    def weights(self) -> Weights:
        """A copy of the trained parameters on the CPU, in the main process."""
        return self.processes.weights(self.parameters)

    def put_weights(self, weights: Weights) -> None:
        """The main process's `weights`, as `weights` gave them, return into the model."""
        self.processes.put_weights(self.parameters, weights)

    def optimizer_state(self) -> dict[str, Weights]:
        """What the optimizer remembers of each parameter, in the main process."""
        return self.processes.optimizer_state(self.optimizer, self.parameters)

    def put_optimizer_state(self, state: dict[str, Weights]) -> None:
        """The main process's `state`, as `optimizer_state` gave it, is gone on from."""
        self.processes.put_optimizer_state(self.optimizer, self.parameters, state)

    def _told(self, counted: int) -> dict[str, float]:
        if not isinstance(self.summed_loss, Preferring):
            return {}
        # With several processes, a last batch may be computed once more for nothing.
        if self.processes.count > 1:
            return {}
        return {"validation_accuracy": self.summed_loss.won / counted}

    def _measure_divergence(self, batches: Sequence[Rows]) -> None:
        """How far the model is from its reference over all of `batches`, where that is asked for.

        Before the first gradient, so that several batches are as one.
        """
        loss = self.summed_loss
        if not isinstance(loss, Rating):
            return
        self._module.eval()
        total, answers = 0.0, 0
        with torch.no_grad():
            for rows in batches:
                mine = self.processes.share(rows)
                found = self._module(loss.far(mine or rows[:1])).item()
                total += found if mine else 0.0
                answers += sum(map(len, rows))
        loss.divergence = max(0.0, self.processes.sum(total) / answers)

    def _auxiliary(self) -> float | None:
        total = self.summed_loss.auxiliary
        return None if total is None else self.processes.sum(total.item()) / self.processes.count

    def _faulty(self, update: Update, batches: Sequence[Rows]) -> Update:
        if math.isfinite(update.mean.loss) and self.scaler.get_scale() > 1.0:
            fault = f"the gradient overflows in fp16 at a scale of {self.scaler.get_scale():g}"
            return update._replace(fault=fault, is_overflow=True)

        def forward() -> object:
            return [self._module(self.summed_loss.batch(rows, self.width)) for rows in batches]

        self.summed_loss.predict = predict_with_auxiliary
        return update._replace(fault=find_non_finite(self.loaded.model, forward))


def pull_back(parameters: Weights, start: Weights, strength: float) -> None:
    """Adds to the gradients that of strength / 2 times the squared distance to `start`.

    The proximal term of FedProx (Li et al. 2018, arXiv 1812.06127), exact however the rest of the
    gradient was accumulated.
    """
    for name, weight in start.items():
        if (gradient := parameters[name].grad) is not None:
            gradient.add_(parameters[name].detach() - weight, alpha=strength)


@contextmanager
def _checkpointing(loaded: LoadedModel) -> Iterator[None]:
    """While entered, activations of every block are computed again in the backward pass."""
    bare = loaded.bare
    bare.activation_checkpointing_enable({"use_reentrant": False})
    # It makes embeddings ask for gradients, which nothing undoes and this way needs not
    # (2026-11, transformers 5.23).
    bare.disable_input_require_grads()
    try:
        yield
    finally:
        bare.activation_checkpointing_disable()
