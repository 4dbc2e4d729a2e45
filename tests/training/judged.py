"""Small judged answers, and trainings of tiny models on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cauce.models.adapters import attach, transplant
from cauce.models.loading import LoadedModel
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.records import Citation, Example, Message
from cauce.training import loop
from cauce.training.judging import judged_tokens
from cauce.training.loop import train
from cauce.training.objectives import Objective
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_model

CHECKS = {"rewards": [{"kind": "length", "most_words": 1}], "held_out": [{"kind": "claims"}]}


def example(number: int, **changes: Any) -> Example:
    """A question whose right answer is its number, and a worse answer."""
    question = f"¿Qué dosis de ibuprofeno {number}?"
    answer = f"Se toman {number} mg."
    made = Example(
        id=str(number),
        messages=(Message(role="user", content=question),),
        completion=answer,
        question=question,
        evidence=Citation(
            source="s", id=str(number), version="1", section="1", quote=answer, language="es"
        ),
        group=str(number),
        kind="answer",
        language="es",
        rejected="Mucha, la que quieras." + " Toma más." * (number % 3),
    )
    return made.model_copy(update=changes)


def tiny(kind: str, adapter: str = "none", **changes: Any) -> LoadedModel:
    """`tiny_model`, or for "liquid" a llama with CfCs in the place of its MLPs."""
    settings = ModelSettings.model_validate({"base": "x", "adapter": adapter, "lora_rank": 4})
    if kind == "liquid":
        liquid = LiquidSettings(backbone_units=8)
        return attach(transplant(tiny_model("llama"), liquid, seed=0), settings, seed=0)
    return attach(tiny_model(kind, **changes), settings, seed=0)


def trained(
    loaded: LoadedModel, objective: Objective, folder: Path, said: Any = None, **changes: Any
) -> dict[str, Any]:
    """The summary of a short training on twelve examples."""
    settings = TrainingSettings.model_validate(
        {
            "objective": objective, "batch_size": 3, "steps": 4, "lr": 5e-3, "precision": "fp32",
            "compile": False, "evaluate_every": 2, "checkpoint_every": 3, "monitor_every": 0,
            **changes,
        }
    )  # fmt: skip
    items, held_out = (
        judged_tokens(loaded, [example(number) for number in numbers], objective)
        for numbers in (range(100, 112), range(400, 404))
    )
    progress = said.append if said is not None else lambda line: None
    return train(loaded, items, held_out, settings, folder, seed=3, progress=progress)


def log(folder: Path) -> list[dict[str, float]]:
    """The lines of the log, without what the machine decides."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "cpu_s"} for line in lines]


def fails_at(step: int) -> Any:
    """In the place of the learning rate: ends the training before that update."""
    known = loop.learning_rate

    def rate(number: int, total: int, settings: TrainingSettings) -> float:
        if number == step:
            raise RuntimeError("killed")
        return known(number, total, settings)

    return rate
