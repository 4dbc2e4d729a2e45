"""How long, how fast and how carefully a model is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from cauce.records import Record
from cauce.training.objectives import Grpo, Objective, Pretrain, Sft

DECAY_SHARE = 0.2
"""Of all updates, enough for `wsd` to end as low as `cosine` (Hägele et al. 2024, 2405.18392)."""


class TrainingSettings(Record):
    """Everything about a training but the model, the data and the seed."""

    objective: Objective = Sft()
    """What is minimised: `sft` (the default), `pretrain`, `distil`, `dpo`, `kto` or `grpo`."""
    epochs: int = Field(3, ge=1)
    """Passes over the training examples, where `steps` does not say otherwise."""
    steps: int | None = Field(None, ge=1)
    """Updates of the weights in all; when given, `epochs` has no effect."""
    batch_size: int = Field(8, ge=1)
    """Examples computed at a time; bounded by memory."""
    accumulation: int = Field(1, ge=1)
    """Batches whose gradients make one update; the update equals that of one large batch."""
    pack_tokens: int | None = Field(None, ge=8)
    """Tokens of a row into which short examples are packed, each blind to the others; `batch_size`
    then counts rows. Null puts every example into a row of its own, padded."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """`muon` moves hidden matrices by their orthogonalised momentum, and the rest as `adamw`: for
    models trained from nothing."""
    lr: float = Field(2e-4, gt=0)
    """Peak rate of AdamW: about 2e-4 for LoRA and small models, 2e-5 for large full ones."""
    muon_lr: float = Field(0.02, gt=0)
    """Peak rate of Muon's matrices, each of which an update of rate 1 moves by about 1 in every
    direction; lower it for LoRA, whose two factors both move."""
    schedule: Literal["cosine", "cosine_restarts", "constant", "wsd"] = "cosine"
    """How the learning rate goes from its peak to its floor after the warm-up."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of all updates over which the learning rate rises to its peak."""
    min_lr: float = Field(0.1, ge=0, le=1)
    """Floor of the learning rate, as a share of its peak."""
    restarts: int = Field(0, ge=0)
    """Times that `cosine_restarts` jumps back to the peak."""
    decay: float | None = Field(None, gt=0, le=1)
    """Share of all updates, the last ones, over which `wsd` falls to the floor; null is 0.2."""
    weight_decay: float = Field(0.01, ge=0)
    """Pull of the optimizer towards zero on matrices; norms and biases are left alone."""
    clip_norm: float = Field(1.0, gt=0)
    """Longest gradient, by Euclidean norm, that an update uses."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """`bf16` computes in half the bits over fp32 weights; `auto` does so where the machine
    multiplies such numbers in hardware. `fp16` is for GPUs without bf16; T5 overflows in it."""
    compile: Literal["auto"] | bool = "auto"
    """Translate the model to machine code first: `auto` where the updates saved pay for it."""
    gradient_checkpointing: bool = False
    """Compute activations a second time instead of keeping them: less memory, a third slower."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """Of several processes under torchrun, each holds the whole model, or (`fsdp`) a share."""
    evaluate_every: int = Field(50, ge=1)
    """Updates between two validations; the last update is always followed by one."""
    patience: int = Field(0, ge=0)
    """Validations without a new best after which training stops early; 0 never stops."""
    checkpoint_every: int = Field(100, ge=1)
    """Updates between two checkpoints, the most that a crash can cost."""
    monitor_every: int = Field(50, ge=0)
    """Updates between two records of every layer's activation and gradient norms; 0 never."""
    non_finite: Literal["stop", "skip"] = "stop"
    """Whether a loss or a gradient that is no number ends the training or only loses its update;
    the layer it came from is named."""
    keep_checkpoints: int = Field(2, ge=1)
    """Checkpoints kept; two let a damaged newest one fall back."""
    writers: tuple[Literal["tensorboard", "wandb"], ...] = ()
    """Where the log goes besides `log.jsonl`."""

    @property
    def decay_share(self) -> float:
        """Of all updates, those in which `wsd` falls."""
        return DECAY_SHARE if self.decay is None else self.decay

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> TrainingSettings:
        if self.restarts and self.schedule != "cosine_restarts":
            raise ValueError(
                f"restarts is {self.restarts} but schedule is {self.schedule!r}, which never "
                "restarts; set schedule to cosine_restarts or restarts to 0"
            )
        if self.schedule == "cosine_restarts" and not self.restarts:
            raise ValueError(
                "schedule is cosine_restarts but restarts is 0; say how many, or use cosine"
            )
        if self.steps is not None and self.restarts >= self.steps:
            raise ValueError(
                f"{self.restarts} restarts do not fit into {self.steps} steps; lower restarts"
            )
        if self.decay is not None and self.schedule != "wsd":
            raise ValueError(
                f"decay is {self.decay} but schedule is {self.schedule!r}, which has no such end; "
                "set schedule to wsd or leave decay out"
            )
        if self.schedule == "wsd" and self.warmup + self.decay_share > 1:
            raise ValueError(
                f"warmup {self.warmup} and decay {self.decay_share} are more than all updates; "
                "lower one, so that their sum is at most 1"
            )
        return self

    @model_validator(mode="after")
    def _leave_updates_after_repetition(self) -> TrainingSettings:
        repeated = self.repetition_steps
        if repeated and self.pack_tokens is not None:
            raise ValueError(
                f"objective.repetition_steps is {repeated}, whose rows hold one example each, and "
                f"pack_tokens is {self.pack_tokens}; leave one of the two out"
            )
        if self.steps is not None and repeated >= self.steps:
            raise ValueError(
                f"objective.repetition_steps is {repeated}, and there are {self.steps} steps in "
                "all; raise steps, so that some learn from the examples"
            )
        return self

    @model_validator(mode="after")
    def _refuse_packed_answers(self) -> TrainingSettings:
        if isinstance(self.objective, Grpo) and self.pack_tokens is not None:
            raise ValueError(
                "objective.kind is grpo, whose answers are written while training, and "
                f"pack_tokens is {self.pack_tokens}; leave pack_tokens out"
            )
        return self

    @property
    def repetition_steps(self) -> int:
        """Updates that repeat random tokens, before the first that reads the examples."""
        return self.objective.repetition_steps if isinstance(self.objective, Pretrain) else 0

    @property
    def copied_share(self) -> float:
        """Share of the examples that end with a copy of their own."""
        return self.objective.copied_share if isinstance(self.objective, Pretrain) else 0.0
