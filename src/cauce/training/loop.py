"""The training loop: the same for decoders and encoder-decoders, full or with an adapter.

It prints nothing, draws its data from the seed, and can be killed at any moment: run again, it goes
on from the newest whole checkpoint and ends with the weights of a run that was never stopped.
"""

from __future__ import annotations

import hashlib
import math
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cauce.corpus.tokens import Tokens
from cauce.errors import Interrupted, TrainingRefused
from cauce.models.loading import LoadedModel, save_tuned
from cauce.training.checkpoints import Checkpoint, Checkpoints
from cauce.training.checks import probe, refuse_unchanged, refuse_untrainable
from cauce.training.log import TrainingLog, open_writers
from cauce.training.objective import accumulate_gradients, choose_precision, mean_loss
from cauce.training.optimizer import make_optimizer, trainable_parameters
from cauce.training.order import Plan, sorted_batches
from cauce.training.randomness import random_states, restore_random_states, seed_all
from cauce.training.schedule import learning_rate
from cauce.training.settings import TrainingSettings
from cauce.training.stopping import StopRequest

if TYPE_CHECKING:
    from torch import Tensor

RESULT_NEUTRAL = {"checkpoint_every", "keep_checkpoints", "writers"}
"""Settings that may change between a kill and the resume: they do not touch the weights."""


def train(
    loaded: LoadedModel,
    train: Sequence[Tokens],
    validation: Sequence[Tokens],
    settings: TrainingSettings,
    folder: Path,
    *,
    seed: int,
    progress: Callable[[str], None],
    resume_command: str = "cauce train RUN",
) -> dict[str, Any]:
    """Trains `loaded` in place, writes `folder/model` and returns the summary of the training.

    With validation examples, the weights that end up in the model are those of the best validation.
    What `folder/checkpoints` holds of the same training is continued. Raises TrainingRefused,
    CheckpointCorrupt, or Interrupted (with `resume_command`) after SIGINT or SIGTERM.
    """
    refuse_untrainable(loaded, train, validation, settings)
    base_says = probe(loaded, train[0])
    seed_all(seed)
    training = _Training(loaded, train, validation, settings, folder, seed, progress)
    try:
        with StopRequest() as stop:
            training.run(stop, resume_command)
    finally:
        training.log.close()
    training.restore_best()
    refuse_unchanged(base_says, probe(loaded, train[0]))
    save_tuned(loaded, folder / "model")
    return training.summary()


@dataclass
class _State:
    """What is counted while training; saved in every checkpoint."""

    step: int = 0
    tokens_supervised: int = 0
    tokens_read: int = 0
    cpu_s: float = 0.0
    steps_cpu_s: float = 0.0
    first_validation_loss: float | None = None
    best_validation_loss: float | None = None
    best_step: int = 0
    validations_since_best: int = 0
    stopped: str = ""


class _Training:
    """One training between its start, or its newest checkpoint, and its end."""

    def __init__(
        self,
        loaded: LoadedModel,
        examples: Sequence[Tokens],
        validation: Sequence[Tokens],
        settings: TrainingSettings,
        folder: Path,
        seed: int,
        progress: Callable[[str], None],
    ) -> None:
        self.loaded, self.examples, self.settings = loaded, examples, settings
        self.progress = progress
        self.plan = Plan.of([item.length for item in examples], settings, seed=seed)
        self.validation_batches = [
            [validation[index] for index in batch]
            for batch in sorted_batches([item.length for item in validation], settings.batch_size)
        ]
        self.precision = choose_precision(settings.precision, loaded.device)
        self.parameters = trainable_parameters(loaded.model)
        self.optimizer = make_optimizer(loaded.model, settings)
        self.best: dict[str, Tensor] | None = None
        self.state = _State()
        self.resumed_from: int | None = None
        self.checkpoints = Checkpoints(
            folder / "checkpoints",
            keep=settings.keep_checkpoints,
            configuration={
                **settings.model_dump(exclude=RESULT_NEUTRAL),
                "precision": self.precision,
                "seed": seed,
                "examples": _digest_of_tokens(examples),
                "validation": _digest_of_tokens(validation),
                "weights": _digest_of_weights(loaded),
            },
        )
        self.log = self._open(folder)
        self._cpu_before = self.state.cpu_s - time.process_time()

    def run(self, stop: StopRequest, resume_command: str) -> None:
        """Steps until the plan ends, patience does, or a stop is requested."""
        if self.state.step == 0:
            self._validate()
        while not self.state.stopped:
            self._step()
            self._judge()
            is_due = self.state.step % self.settings.checkpoint_every == 0
            if is_due or self.state.stopped or stop.name:
                self._save()
            if stop.name and not self.state.stopped:
                raise Interrupted(
                    f"{stop.name} after step {self.state.step} of {self.plan.total_steps}; "
                    f"a checkpoint is saved.\nContinue with: {resume_command}"
                )

    def restore_best(self) -> None:
        """The weights of the best validation, where there was one, return into the model."""
        if self.best is not None:
            self._put(self.best)

    def summary(self) -> dict[str, Any]:
        """The figures that the run's manifest keeps."""
        state = self.state
        everything = sum(weight.numel() for weight in self.loaded.model.parameters())
        return {
            "steps": state.step,
            "best_step": state.best_step,
            "best_validation_loss": state.best_validation_loss,
            "first_validation_loss": state.first_validation_loss,
            "supervised_tokens_seen": state.tokens_supervised,
            "trainable_parameters": sum(weight.numel() for weight in self.parameters.values()),
            "parameters": everything,
            "precision": self.precision,
            "stopped": state.stopped,
            "resumed_from": self.resumed_from,
            "tokens_per_cpu_second": round(state.tokens_read / max(state.steps_cpu_s, 1e-9), 1),
        }

    def _open(self, folder: Path) -> TrainingLog:
        """Takes up the newest good checkpoint, if there is one; the log as of that moment."""
        path = folder / "log.jsonl"
        position = 0
        found = self.checkpoints.newest_good(path, self.progress)
        if found is not None:
            self._take_up(found)
            position = found.state["log_bytes"]
            self.progress(f"going on after step {found.step} of {self.plan.total_steps}")
        writers = open_writers(self.settings.writers, folder, step=self.state.step)
        return TrainingLog(path, position=position, writers=writers)

    def _take_up(self, checkpoint: Checkpoint) -> None:
        self.state = _State(**checkpoint.state["counters"])
        self.resumed_from = checkpoint.step
        self._put(checkpoint.weights)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.best = checkpoint.best
        if self.state.best_step == self.state.step:
            self.best = checkpoint.weights
        restore_random_states(checkpoint.state["random"])

    def _step(self) -> None:
        """One update of the weights."""
        import torch

        cpu_start = time.process_time()
        window = self.plan.window(self.state.step)
        batches = [[self.examples[index] for index in batch] for batch in window]
        rate = learning_rate(self.state.step, self.plan.total_steps, self.settings)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.loaded.model.train()
        mean = accumulate_gradients(self.loaded, batches, self.precision)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.settings.clip_norm)
        grad_norm = norm.item()
        if not (math.isfinite(grad_norm) and math.isfinite(mean.loss)):
            raise _diverged(self.state.step + 1, mean.loss, grad_norm, rate)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.state.step += 1
        self.state.tokens_supervised += mean.tokens
        self.state.tokens_read += sum(item.length for batch in batches for item in batch)
        self.state.steps_cpu_s += time.process_time() - cpu_start
        self.log.write(
            {
                "step": self.state.step,
                "epoch": self.plan.epoch_at(self.state.step),
                "loss": mean.loss,
                "lr": rate,
                "grad_norm": grad_norm,
                "tokens": mean.tokens,
                "cpu_s": round(self._cpu_s(), 3),
            }
        )

    def _judge(self) -> None:
        """Validates when it is time, and says whether training is over."""
        is_last = self.state.step >= self.plan.total_steps
        if is_last or self.state.step % self.settings.evaluate_every == 0:
            self._validate()
        patience = self.settings.patience
        if is_last:
            self.state.stopped = "max_steps"
        elif patience and self.state.validations_since_best >= patience:
            self.state.stopped = "early"

    def _validate(self) -> None:
        """Logs the validation loss; a new best (of the trained, not of the base) is remembered."""
        state = self.state
        place = f"step {state.step} of {self.plan.total_steps}"
        if not self.validation_batches:
            self.progress(place)
            return
        loss, tokens = mean_loss(self.loaded, self.validation_batches, self.precision)
        self.log.write({"step": state.step, "validation_loss": loss, "validation_tokens": tokens})
        self.progress(f"{place}: validation loss {loss:.4f}")
        if state.step == 0:
            state.first_validation_loss = loss
        elif state.best_validation_loss is None or loss < state.best_validation_loss:
            state.best_validation_loss, state.best_step = loss, state.step
            state.validations_since_best = 0
            self.best = self._weights()
        else:
            state.validations_since_best += 1

    def _save(self) -> None:
        self.state.cpu_s = self._cpu_s()
        is_best_now = self.state.best_step == self.state.step
        self.checkpoints.save(
            Checkpoint(
                step=self.state.step,
                weights=self._weights(),
                best=None if is_best_now else self.best,
                optimizer=self.optimizer.state_dict(),
                state={
                    "counters": asdict(self.state),
                    "log_bytes": self.log.sync(),
                    "random": random_states(),
                },
            )
        )

    def _weights(self) -> dict[str, Tensor]:
        """A copy of the trainable parameters."""
        return {
            name: weight.detach().cpu().clone().contiguous()
            for name, weight in self.parameters.items()
        }

    def _put(self, weights: dict[str, Tensor]) -> None:
        import torch

        with torch.no_grad():
            for name, weight in self.parameters.items():
                weight.copy_(weights[name])

    def _cpu_s(self) -> float:
        """CPU seconds of this training, those before a kill included."""
        return self._cpu_before + time.process_time()


def _diverged(step: int, loss: float, grad_norm: float, rate: float) -> TrainingRefused:
    return TrainingRefused(
        f"at step {step} the loss is {loss} and the gradient's norm {grad_norm}: training diverged "
        f"at a learning rate of {rate:.2g}.\n"
        "Lower train.lr or raise train.warmup; the checkpoints before it are kept."
    )


def _digest_of_tokens(items: Sequence[Tokens]) -> str:
    """Hexadecimal digest that changes with any token of any example, or with their order."""
    digest = hashlib.sha256()
    for item in items:
        for ids in item:
            digest.update(len(ids).to_bytes(4, "little") + array("I", ids).tobytes())
    return digest.hexdigest()[:16]


def _digest_of_weights(loaded: LoadedModel) -> str:
    """Hexadecimal digest that changes with any weight of the model, frozen or not."""
    import torch

    digest = hashlib.sha256()
    for name, weight in loaded.model.named_parameters():
        digest.update(name.encode())
        flat = weight.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
