"""What smaller layers learn from the MLPs they replace: a CfC, its control, and an LTC.

Axes: b rows, t tokens.
"""

from __future__ import annotations

import copy
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.liquid.toy import ROWS, TOY, Sources, Toy, loss_on, python_sources, trained_toy
from benchmarks.training import shapes
from benchmarks.training.measure import say
from cauce.corpus.tokens import Tokens
from cauce.models.adapters import transplant
from cauce.models.liquid.transplant import added_parts, control_of
from cauce.models.loading import LoadedModel
from cauce.models.settings import LiquidSettings
from cauce.training.loop import train
from cauce.training.objectives import Distil
from cauce.training.settings import TrainingSettings
from cauce.training.transplanting import BLOCK_SHARE, DISTIL_LR

if TYPE_CHECKING:
    from jaxtyping import Int

BAR_NATS = 0.02

CFC = LiquidSettings(units=128, backbone_units=128)
LTC = LiquidSettings(cell="ltc", units=64)
"""Narrower than the model, so that its inputs are brought to its width first."""


class Lesson(NamedTuple):
    """How new layers learn: updates, rows of each, rate, and the share that matches blocks."""

    steps: int = 300
    rows: int = ROWS
    lr: float = DISTIL_LR
    block_share: float = BLOCK_SHARE


LESSON, SHORT_LESSON = Lesson(), Lesson(steps=40)


def distil(toy: Toy = TOY, lesson: Lesson = LESSON, ltc_lesson: Lesson = SHORT_LESSON) -> None:
    """A toy whose MLPs became smaller CfCs, and MLPs of as many weights, after distillation."""
    sources = python_sources()
    start = time.process_time()
    teacher = trained_toy(toy)
    say(f"  teacher: {time.process_time() - start:.0f} CPU s")
    loss = loss_on(teacher.bare, sources.judged)
    report(f"teacher, {toy.steps} updates: loss", loss, None)
    mlp = sum(weight.numel() for weight in teacher.bare.transformer.h[0].mlp.parameters())
    report("teacher: weights of an MLP", mlp, None)
    control = control_of(teacher.bare, CFC)
    for name, settings, learns, bar in (
        ("CfC", CFC, lesson, BAR_NATS),
        ("MLP of as many weights", control, lesson, None),
        ("LTC", LTC, ltc_lesson, None),
    ):
        report_lesson(name, taught(teacher, settings, learns, sources), loss, learns, bar)


class Taught(NamedTuple):
    """What came of a lesson."""

    weights: int
    """Of a new block."""
    swapped: float
    """Loss before the lesson."""
    learned: float
    cpu_s: float


def report_lesson(
    name: str, found: Taught, teacher: float, lesson: Lesson, bar: float | None
) -> None:
    """The losses over the teacher's, and what they cost."""
    metric = f"distil, {name}"
    report(f"{metric}: weights of a block", found.weights, None)
    report(f"{metric}: nats over the teacher, random", found.swapped - teacher, None)
    report(f"{metric}: nats over the teacher, {lesson.steps} updates", found.learned - teacher, bar)
    report(f"{metric}: CPU s", found.cpu_s, None)


def taught(
    teacher: LoadedModel, settings: LiquidSettings, lesson: Lesson, sources: Sources
) -> Taught:
    """The losses of a student whose new layers alone learned, as `cauce train` has them learn."""
    student = transplant(copy.deepcopy(teacher), settings, seed=0)
    swapped = loss_on(student.bare, sources.judged)
    model: Any = student.bare.requires_grad_(False)
    for part in added_parts(model).values():
        part.requires_grad_(True)
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        _train(student, teacher, lesson, sources, Path(folder))
    spent = time.process_time() - start
    [part, *_] = added_parts(model).values()
    weights = sum(weight.numel() for weight in part.parameters())
    return Taught(weights, swapped, loss_on(student.bare, sources.judged), spent)


def _train(
    student: LoadedModel, teacher: LoadedModel, lesson: Lesson, sources: Sources, folder: Path
) -> None:
    objective = Distil(teacher="toy", block_share=lesson.block_share, hidden_share=0)
    settings = TrainingSettings(
        objective=objective,
        steps=lesson.steps,
        batch_size=lesson.rows,
        lr=lesson.lr,
        precision="fp32",
        compile=False,
        monitor_every=0,
        evaluate_every=lesson.steps,
        checkpoint_every=lesson.steps,
    )
    generator = torch.Generator().manual_seed(1)
    rows = sources.draw(lesson.steps * lesson.rows, generator)
    train(student, _items(rows), [], settings, folder, seed=0, progress=_ignore, teacher=teacher)


def _items(rows: Int[Tensor, "b t"]) -> list[Tokens]:
    """Documents of which all but the first token is learned; the loop wants end tokens in them."""
    return [Tokens(ids[:1], [*ids[1:-1], shapes.END]) for ids in rows.tolist()]


def _ignore(_: str) -> None:
    """The log of the training tells no more than is reported."""
