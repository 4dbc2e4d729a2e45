"""The training loop: the same for decoders and encoder-decoders, full or with an adapter.

It prints nothing, draws its data from the seed, and can be killed at any moment: run again, it goes
on from the newest whole checkpoint and ends with the weights of a run that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cauce.corpus.tokens import Tokens
from cauce.errors import Interrupted, TrainingRefused
from cauce.models.loading import LoadedModel
from cauce.models.prediction import refuse_unpackable
from cauce.models.tuned import save_tuned
from cauce.training.acceleration import Workload
from cauce.training.block_teaching import refuse_shared_layers
from cauce.training.checkpoints import Checkpoint, Checkpoints
from cauce.training.checks import probe, refuse_unchanged, refuse_untrainable
from cauce.training.distillation import refuse_unlike
from cauce.training.distribution import Processes
from cauce.training.engine import Engine, PrivateUpdates, Task, Update, Weights
from cauce.training.examples import Examples
from cauce.training.judging import refuse_unjudged
from cauce.training.log import TrainingLog, open_writers
from cauce.training.objectives import Grpo
from cauce.training.order import Plan, sorted_batches
from cauce.training.overlap import refuse_overlap
from cauce.training.randomness import random_states, restore_random_states, seed_all
from cauce.training.reference import digest_of_tokens, referred
from cauce.training.repetition import Repetitions
from cauce.training.rollouts import Judged, Rollouts, alarms, refuse_long_answers
from cauce.training.schedule import learning_rate
from cauce.training.settings import TrainingSettings
from cauce.training.stopping import StopRequest

RESULT_NEUTRAL = {
    "checkpoint_every",
    "keep_checkpoints",
    "parallel",
    "writers",
}
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
    teacher: LoadedModel | None = None,
    private: PrivateUpdates | None = None,
    proximal: float = 0.0,
) -> dict[str, Any]:
    """Trains `loaded` in place, writes `folder/model` and returns the summary of the training.

    With validation examples, the weights that end up in the model are those of the best validation.
    What `folder/checkpoints` holds of the same training is continued. Under torchrun every process
    calls this, and the first alone writes. To distil, `teacher` is learned from. `private` draws
    the examples of each update and makes its gradient; `proximal` pulls the weights back to where
    they start.

    Raises TrainingRefused, LeakageFound, CheckpointCorrupt, or Interrupted (with `resume_command`)
    after SIGINT or SIGTERM.
    """
    processes = Processes.start(settings.parallel)
    refuse_shared_layers(settings.objective, processes)
    tell = progress if processes.is_main else _nothing
    refuse_unjudged([*train, *validation], settings.objective)
    train, validation = (
        referred(loaded, items, settings, folder / name)
        for name, items in (("reference", train), ("reference-validation", validation))
    )
    learned = Examples(
        train,
        loaded,
        settings.objective,
        seed=str(seed),
        copied_share=settings.copied_share,
    )
    judged = Examples(validation, loaded, settings.objective, seed=f"{seed}/validation")
    items, held_out = learned.first(), judged.first()
    refuse_untrainable(loaded, items, held_out, settings)
    refuse_overlap(train, validation, tokenizer=loaded.tokenizer)
    if settings.pack_tokens is not None:
        refuse_unpackable(loaded, settings.pack_tokens)
    if teacher is not None:
        refuse_unlike(loaded, teacher)
    base_says = probe(loaded, items[0])
    seed_all(seed + processes.rank)
    plan = Plan.of(items, settings, seed=seed, is_encoder_decoder=loaded.is_encoder_decoder)
    repetitions = Repetitions.of(loaded, settings, row_tokens=plan.longest_row, seed=seed)
    work = Workload.of(plan, processes.count)
    task = Task(loaded, settings, work, plan.arrangement.width, teacher, private, proximal)
    with Engine(task, processes) as engine:
        answers = None
        if isinstance(settings.objective, Grpo):
            refuse_long_answers(loaded, [*items, *held_out], settings.objective)
            answers = Rollouts(engine, held_out, seed=seed)
        data = Data(learned, held_out, repetitions, answers)
        training = _Training(engine, plan, data, folder, seed, tell)
        try:
            with StopRequest() as stop:
                training.run(stop, resume_command)
        finally:
            training.log.close()
        training.restore_best()
    refuse_unchanged(base_says, probe(loaded, items[0]))
    if processes.is_main:
        save_tuned(loaded, folder / "model")
    processes.wait()
    return training.summary()


class Data(NamedTuple):
    """What is learned from, and what it is judged by."""

    learned: Examples
    judged: Sequence[Tokens]
    repetitions: Repetitions
    answers: Rollouts | None = None
    """Of a training that learns from its own."""


class Validation(NamedTuple):
    """What was found at one validation."""

    loss: float
    counted: int
    """Tokens, pairs or answers that the loss is the mean of."""
    told: dict[str, float]
    """Further figures for the log."""
    alarms: Sequence[str] = ()
    """Checks for which these weights are not taken for the best, however high their reward."""


@dataclass
class _State:
    """What is counted while training; saved in every checkpoint."""

    step: int = 0
    skipped: int = 0
    tokens_supervised: int = 0
    tokens_read: int = 0
    cpu_s: float = 0.0
    steps_cpu_s: float = 0.0
    first_validation_loss: float | None = None
    best_validation_loss: float | None = None
    best_step: int = 0
    validations_since_best: int = 0
    stopped: str = ""
    first_judged: dict[str, Any] = field(default_factory=dict)
    """What checks said of the answers before the training."""
    alarms: list[str] = field(default_factory=list)
    """When the reward had risen while a check that is not in it had fallen, and which."""


class _Training:
    """One training between its start, or its newest checkpoint, and its end."""

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        data: Data,
        folder: Path,
        seed: int,
        progress: Callable[[str], None],
    ) -> None:
        self.engine, self.plan, self.data, self.progress = engine, plan, data, progress
        self.settings, self.processes = engine.settings, engine.processes
        judged = sorted_batches(
            data.judged,
            self.settings,
            is_encoder_decoder=engine.loaded.is_encoder_decoder,
        )
        self.validation_width = judged.width
        self.validation_batches = [
            [[data.judged[index] for index in row] for row in batch] for batch in judged.batches
        ]
        self.best: Weights | None = None
        self.state = _State()
        self.resumed_from: int | None = None
        self.checkpoints = Checkpoints(
            folder / "checkpoints",
            keep=self.settings.keep_checkpoints,
            configuration={
                **self.settings.model_dump(mode="json", exclude=RESULT_NEUTRAL),
                "precision": engine.precision,
                "seed": seed,
                "examples": digest_of_tokens(data.learned.first()),
                "validation": digest_of_tokens(data.judged),
                "template": engine.loaded.template_sha256,
                "weights": engine.digest,
                **({"private": engine.private.identity()} if engine.private else {}),
                **({"proximal": engine.proximal} if engine.proximal else {}),
            },
        )
        self.log = self._open(folder)
        self._cpu_before = self.state.cpu_s - time.process_time()

    def run(self, stop: StopRequest, resume_command: str) -> None:
        """Steps until the plan ends, patience does, or a stop is requested."""
        if self.state.step == 0:
            for name, choice in self.engine.choices.items():
                self.progress(f"{name}: {choice.value} ({choice.reason})")
            self._validate()
        while not self.state.stopped:
            self._step()
            self._judge()
            is_due = self.state.step % self.settings.checkpoint_every == 0
            stopped_by = self.processes.agree(stop.name)
            if is_due or self.state.stopped or stopped_by:
                self._save()
            if stopped_by and not self.state.stopped:
                self.processes.wait()
                raise Interrupted(
                    f"{stopped_by} after step {self.state.step} of {self.plan.total_steps}; "
                    f"a checkpoint is saved.\nContinue with: {resume_command}"
                )

    def restore_best(self) -> None:
        """The weights of the best validation, where there was one, return into the model."""
        if self.best is not None:
            self.engine.put_weights(self.best)

    def summary(self) -> dict[str, Any]:
        """The figures that the run's manifest keeps."""
        state, model = self.state, self.engine.loaded.model
        trained = self.engine.parameters.values()
        return {
            "steps": state.step,
            "skipped_updates": state.skipped,
            "best_step": state.best_step,
            "best_validation_loss": state.best_validation_loss,
            "first_validation_loss": state.first_validation_loss,
            "supervised_tokens_seen": state.tokens_supervised,
            "trainable_parameters": sum(weight.numel() for weight in trained),
            "parameters": sum(weight.numel() for weight in model.parameters()),
            **{name: choice.value for name, choice in self.engine.choices.items()},
            "processes": self.processes.count,
            "packed_fill": self.plan.arrangement.fill,
            "stopped": state.stopped,
            **({"alarms": state.alarms} if self.data.answers else {}),
            "resumed_from": self.resumed_from,
            "tokens_per_cpu_second": round(state.tokens_read / max(state.steps_cpu_s, 1e-9), 1),
        }

    def _open(self, folder: Path) -> TrainingLog:
        """Takes up the newest good checkpoint, if there is one; the log as of that moment."""
        path = folder / "log.jsonl"
        found = None
        if self.processes.is_main:
            found = self.checkpoints.newest_good(path, self.progress)
        state, has_best = self.processes.gather(
            (found.state if found else None, bool(found and found.best is not None))
        )[0]
        if state is not None:
            self._take_up(state, found.weights if found else {}, found.optimizer if found else {})
            if has_best:
                self.best = found.best if found else {}
        if not self.processes.is_main:
            return TrainingLog(None)
        writers = open_writers(self.settings.writers, folder, step=self.state.step)
        return TrainingLog(path, position=state["log_bytes"] if state else 0, writers=writers)

    def _take_up(
        self, state: dict[str, Any], weights: Weights, optimizer: dict[str, Weights]
    ) -> None:
        """Goes on from a checkpoint, whose tensors the main process alone holds."""
        self.state = _State(**state["counters"])
        self.resumed_from = self.state.step
        self.progress(f"going on after step {self.state.step} of {self.plan.total_steps}")
        self.engine.put_weights(weights)
        self.engine.put_optimizer_state(optimizer)
        self.engine.scaler.load_state_dict(state["scaler"])
        if self.data.answers:
            self.data.answers.put_state(state["answers"])
        if self.state.best_step == self.state.step:
            self.best = weights
        if len(state["random"]) == self.processes.count:
            restore_random_states(state["random"][self.processes.rank])
        else:
            self.progress(
                f"saved by {len(state['random'])} processes and gone on with by "
                f"{self.processes.count}: dropout is drawn anew"
            )

    def _step(self) -> None:
        """One update of the weights."""
        state, cpu_start = self.state, time.process_time()
        batches = self._batches(state.step)
        rate = learning_rate(state.step, self.plan.total_steps, self.settings)
        update = self.engine.update(batches, rate, (state.step, self.plan.total_steps))
        mean = update.mean
        state.step += 1
        if update.fault:
            self._take_fault(update, rate)
        state.tokens_supervised += mean.tokens
        state.tokens_read += sum(item.length for rows in batches for row in rows for item in row)
        state.steps_cpu_s += time.process_time() - cpu_start
        auxiliary = {} if update.auxiliary is None else {"auxiliary": update.auxiliary}
        answers = self.data.answers.figures if self.data.answers else {}
        self.log.write(
            {
                "step": state.step,
                "epoch": self.plan.epoch_at(state.step),
                "loss": mean.loss,
                **auxiliary,
                **answers,
                "lr": rate,
                "grad_norm": update.grad_norm,
                "tokens": mean.tokens,
                "cpu_s": round(self._cpu_s(), 3),
            }
        )
        if update.figures:
            self.log.write({"step": state.step, **update.figures})

    def _batches(self, step: int) -> list[list[list[Tokens]]]:
        """What update number `step` (from 0) learns from: examples, or before them repetitions."""
        if step < self.plan.first:
            return self.data.repetitions.batches(step)
        if answers := self.data.answers:
            return answers.batches(step, lambda: self._examples(answers.window(step)))
        return self._examples(step)

    def _examples(self, step: int) -> list[list[list[Tokens]]]:
        """The examples that update number `step` shows."""
        epoch, private = int(self.plan.epoch_at(step)), self.engine.private
        return [
            [[self.data.learned.at(index, epoch) for index in row] for row in batch]
            for batch in (private.rows(step) if private else self.plan.window(step))
        ]

    def _take_fault(self, update: Update, rate: float) -> None:
        """A value that is no number ends the training, or costs one update, as the recipe says."""
        if self.settings.non_finite == "stop" and not update.is_overflow:
            raise _diverged(self.state.step, update, rate)
        self.state.skipped += 1
        self.progress(f"step {self.state.step} skipped: {update.fault}")

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
        loss, tokens, told, raised = self._judged()
        judged = {"step": state.step, "validation_loss": loss, "validation_tokens": tokens}
        self.log.write({**judged, **told})
        self.progress(f"{place}: validation loss {loss:.4f}")
        if state.step == 0:
            state.first_validation_loss = loss
        elif not raised and (
            state.best_validation_loss is None or loss < state.best_validation_loss
        ):
            state.best_validation_loss, state.best_step = loss, state.step
            state.validations_since_best = 0
            self.best = self.engine.weights()
        else:
            state.validations_since_best += 1

    def _judged(self) -> Validation:
        """What the validation examples say of the weights.

        Of a training that learns from its own answers the loss is 1 less their mean reward.
        """
        if self.data.answers is None:
            loss, tokens = self.engine.validate(self.validation_batches, self.validation_width)
            return Validation(loss, tokens, self.engine.told)
        now, state = self.data.answers.judge(), self.state
        if not state.first_judged:
            state.first_judged = now._asdict()
        raised = alarms(Judged(**state.first_judged), now)
        for kind in raised:
            state.alarms.append(f"step {state.step}: {kind}")
            self.progress(
                f"alarm at step {state.step}: the reward has risen and the check {kind!r}, which "
                "is not in it, has fallen: the model may be gaming its reward"
            )
        figures = {**now.figures(), **{f"alarm/{kind}": 1.0 for kind in raised}}
        return Validation(1 - now.reward, len(now.rewards), figures, raised)

    def _save(self) -> None:
        self.state.cpu_s = self._cpu_s()
        is_best_now = self.state.best_step == self.state.step
        checkpoint = Checkpoint(
            step=self.state.step,
            weights=self.engine.weights(),
            best=None if is_best_now else self.best,
            optimizer=self.engine.optimizer_state(),
            state={
                "counters": asdict(self.state),
                "log_bytes": self.log.sync(),
                "random": self.processes.gather(random_states()),
                "scaler": self.engine.scaler.state_dict(),
                **({"answers": self.data.answers.state()} if self.data.answers else {}),
            },
        )
        if self.processes.is_main:
            self.checkpoints.save(checkpoint)

    def _cpu_s(self) -> float:
        """CPU seconds of this training, those before a kill included."""
        return self._cpu_before + time.process_time()


def _nothing(_line: str) -> None:
    """What a process that is not the first has to say."""


def _diverged(step: int, update: Update, rate: float) -> TrainingRefused:
    return TrainingRefused(
        f"at step {step}, at a learning rate of {rate:.2g}, the loss is {update.mean.loss} and the "
        f"gradient's norm {update.grad_norm}: {update.fault}\n"
        "Lower training.lr or raise training.warmup; the checkpoints before it are kept. "
        "training.non_finite=skip leaves such updates out."
    )
