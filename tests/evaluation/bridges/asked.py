"""A task of both kinds, and what cauce itself makes of it."""

from __future__ import annotations

from cauce.evaluation.scorers import ChoiceScorer
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.solvers import Choose, Generate
from cauce.evaluation.systems import ModelSystem
from cauce.evaluation.tasks import Inline, Question, Task
from cauce.models.liquid.transplant import liquidize
from cauce.models.loading import LoadedModel
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.models.tuned import load_base
from models.tiny import tiny_model

QUESTIONS = tuple(
    Question(id=id, question=f"¿Capital de {country}?", choices=choices, correct=place, group=group)
    for id, country, choices, place, group in (
        ("pe", "Perú", ("Lima", "Quito", "La Paz"), 0, "andes"),
        ("ec", "Ecuador", ("Lima", "Quito"), 1, "andes"),
        ("cl", "Chile", ("Valparaíso", "Santiago", "Arica", "Punta Arenas"), 1, "andes"),
        ("es", "España", ("Madrid", "Sevilla", "León"), 0, "europa"),
        ("no", "Noruega", ("Bergen", "Oslo"), 1, "europa"),
    )
)
TASK = Task(
    task="capitals",
    dataset=Inline(items=QUESTIONS),
    prompt="{question}\n{choices}\nRespuesta:",
    solver=Choose(),
    scorers=(ChoiceScorer(),),
)
EXAMPLES = TASK.ask().examples
WORDS = Generate(max_new_tokens=5)


def model_of(kind: str) -> LoadedModel:
    """A tiny model, one with liquid layers, or the embedded one."""
    if kind == "liquid":
        loaded = tiny_model("gpt2")
        liquidize(loaded.bare, **dict(LiquidSettings(backbone_units=8)))
        return loaded
    return load_base(ModelSettings(base=kind)) if kind == "cauce-mini" else tiny_model(kind)


def log_likelihoods(loaded: LoadedModel) -> list[list[float]]:
    """Of each choice of each question, by cauce's `choose`."""
    system = ModelSystem("m", loaded, EvaluationSettings())
    return [[-nll for nll in one.choice_nlls] for one in Choose().solve(system, EXAMPLES, 4)]


def accuracy(found: list[list[float]]) -> float:
    """Share of questions whose right choice is the likeliest."""
    likeliest = [
        example.choices[own.index(max(own))] for example, own in zip(EXAMPLES, found, strict=True)
    ]
    right = [a == example.completion for a, example in zip(likeliest, EXAMPLES, strict=True)]
    return sum(right) / len(right)
