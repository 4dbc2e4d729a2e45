"""A decoder with liquid layers is trained beside its control: MLPs of as many weights, as long.

Both come from the same model, learn from it in the same way first, and are then trained on the same
examples, so that what a liquid layer is worth can be read off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from cauce.corpus.tokens import Tokens
from cauce.models.adapters import attach, transplant
from cauce.models.head import plain_head, set_aside
from cauce.models.liquid.transplant import added_parts, control_of
from cauce.models.loading import LoadedModel
from cauce.models.prediction import predict
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.models.tuned import load_base
from cauce.runs import write_json
from cauce.training.distillation import load_teacher
from cauce.training.distribution import Processes
from cauce.training.loop import train
from cauce.training.losses import summed_loss
from cauce.training.objective import batch_of
from cauce.training.objectives import Distil, Sft
from cauce.training.settings import TrainingSettings

TRANSPLANT = "transplant.json"

BLOCK_SHARE = 0.6
"""Of the updates in which new layers learn from the model; in the others they match its words."""

DISTIL_LR = 5e-3
"""New layers are random and trained alone: 25 times the rate of a tuning. On the toy of
`benchmarks.liquid.distil`, CfCs were left 0.009 nats above their teacher, and at 2e-3 0.015."""

MEASURED_EXAMPLES = 4
"""Examples over which a model's cost is measured."""

ROUNDS = 3
"""Times that the cost is measured; the least counts."""


class Transplanting(NamedTuple):
    """What the two trainings have in common."""

    original: LoadedModel
    model: ModelSettings
    training: TrainingSettings
    train: Sequence[Tokens]
    validation: Sequence[Tokens]
    seed: int
    progress: Callable[[str], None]
    resume_command: str


def train_transplanted(run: Transplanting, folder: Path) -> dict[str, Any]:
    """Trains the liquid model in `folder` and its control in `folder/control`; gives the summary.

    That is the liquid model's. `folder/transplant.json` has parameters, cost and losses of the
    original (as it was), of the liquid model and of the control, and the losses of the two for each
    validation example. Raises what `train` and `liquidize` do.
    """
    liquid = cast(LiquidSettings, run.model.liquid)
    control = control_of(run.original.bare, liquid)
    before = {**cost(run.original, run.train), "loss": _mean(run.original, run)}
    beside, _ = _train_one(run, control, folder / "control", "control")
    row, summary = _train_one(run, liquid, folder, "liquid")
    rows = {"original": before, "liquid": row, "control": beside}
    if Processes.start(run.training.parallel).is_main:
        write_json(folder / TRANSPLANT, rows)
    return summary


def cost(loaded: LoadedModel, examples: Sequence[Tokens]) -> dict[str, Any]:
    """Parameters, CPU time of a forward and backward pass, and what is kept between the two.

    Both are for each token of a few examples in one batch, the output head left out.
    """
    rows = [[item] for item in examples[:MEASURED_EXAMPLES]]
    batch = batch_of(loaded, rows)
    spent, kept = [], 0
    with set_aside(plain_head(loaded)):
        for _ in range(ROUNDS):
            start = time.process_time()
            with _kept_bytes(loaded) as sizes:
                states = predict(loaded.model, batch)
            states.mean().backward()  # type: ignore[no-untyped-call]
            spent.append(time.process_time() - start)
            kept = sum(sizes.values())
            loaded.model.zero_grad(set_to_none=True)
    tokens = sum(item.length for row in rows for item in row)
    added = added_parts(loaded.bare).values()
    return {
        "parameters": sum(weight.numel() for weight in loaded.model.parameters()),
        "added_parameters": sum(weight.numel() for part in added for weight in part.parameters()),
        "cpu_us_per_token": round(1e6 * min(spent) / tokens, 1),
        "kept_kb_per_token": round(kept / tokens / 1e3, 2),
    }


def losses(loaded: LoadedModel, examples: Sequence[Tokens]) -> list[tuple[float, int]]:
    """Of each example, the nats of its supervised tokens and how many they are."""
    loss = summed_loss(loaded, Sft(), "fp32").eval()
    with torch.no_grad(), set_aside(loss.head):
        return [(loss(batch_of(loaded, [[item]])).item(), loss.count(item)) for item in examples]


def _mean(loaded: LoadedModel, run: Transplanting) -> float | None:
    """Nats for each supervised token of the validation examples; None where there are none."""
    if not run.validation:
        return None
    nats, tokens = zip(*losses(loaded, run.validation), strict=True)
    return float(sum(nats) / sum(tokens))


def _train_one(
    run: Transplanting, liquid: LiquidSettings, folder: Path, name: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Row and summary of one of the two."""
    student = transplant(load_base(run.model), liquid, seed=run.seed)
    row = {**cost(student, run.train), "loss_swapped": _mean(student, run)}
    if liquid.init == "distil" and liquid.distil_steps and not liquid.keep_mlp:
        run.progress(f"{name}: new layers learn from {run.model.base!r}")
        _distil(run, student, liquid.distil_steps, folder / "distil")
    row["loss_distilled"] = _mean(student, run)
    run.progress(f"{name}: training")
    student = attach(student, run.model, seed=run.seed)
    teacher = load_teacher(run.training.objective)
    summary = _train(run, student, run.training, folder, teacher=teacher)
    each = [nats / tokens for nats, tokens in losses(student, run.validation)]
    return {**row, "loss": _mean(student, run), "losses": each}, summary


def _distil(run: Transplanting, student: LoadedModel, steps: int, folder: Path) -> None:
    """The new layers alone learn: first what each replaced, then the model's words.

    Under torchrun every process holds the whole model meanwhile, because layers are taught alone.
    """
    objective = Distil(teacher=run.model.base, block_share=BLOCK_SHARE, hidden_share=0)
    changes = {
        "objective": objective,
        "steps": steps,
        "lr": DISTIL_LR,
        "schedule": "cosine",
        "restarts": 0,
        "patience": 0,
        "parallel": "ddp",
    }
    settings = run.training.model_copy(update=changes)
    with _trained_alone(student):
        _train(run, student, settings, folder, teacher=run.original)


def _train(
    run: Transplanting,
    student: LoadedModel,
    settings: TrainingSettings,
    folder: Path,
    teacher: LoadedModel | None = None,
) -> dict[str, Any]:
    return train(
        student,
        run.train,
        run.validation,
        settings,
        folder,
        seed=run.seed,
        progress=run.progress,
        resume_command=run.resume_command,
        teacher=teacher,
    )


@contextmanager
def _trained_alone(loaded: LoadedModel) -> Iterator[None]:
    """While entered, the weights that the transplant added are the only ones to be trained."""
    parts = added_parts(loaded.bare).values()
    added = {id(weight) for part in parts for weight in part.parameters()}
    others = [
        weight
        for weight in loaded.model.parameters()
        if weight.requires_grad and id(weight) not in added
    ]
    try:
        for weight in others:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in others:
            weight.requires_grad_(True)


@contextmanager
def _kept_bytes(loaded: LoadedModel) -> Iterator[dict[int, int]]:
    """Sizes of the storages that are kept for a backward pass, those of weights left out."""
    sizes: dict[int, int] = {}
    weights = {weight.untyped_storage().data_ptr() for weight in loaded.model.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield sizes
