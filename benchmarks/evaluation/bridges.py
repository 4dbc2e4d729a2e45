"""cauce's choices against lm-eval's: the same questions, the same models, two programs.

lm-eval's own `hf` model is the oracle. It gives the white space that ends a prompt to every choice,
so prompts end without any here: what is compared is the same text, token for token.
"""

from __future__ import annotations

import importlib.util
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from benchmarks import report
from benchmarks.training.measure import say
from benchmarks.training.shapes import network
from cauce.evaluation.bridges import export_examples, open_model, open_tokenizer
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.solvers import Choose
from cauce.evaluation.systems import ModelSystem
from cauce.evaluation.tasks import Inline, Question, Task
from cauce.models.loading import LoadedModel, assemble
from cauce.records import Example

if TYPE_CHECKING:
    from lm_eval.api.model import LM

QUESTIONS = 200
LIKELIHOOD_BAR = 1e-4
PLAIN = "{% for message in messages %}{{ message.content }}{% endfor %}"
CAPITALS = {
    "Perú": "Lima",
    "Ecuador": "Quito",
    "Chile": "Santiago",
    "Bolivia": "La Paz",
    "España": "Madrid",
    "Portugal": "Lisboa",
    "Noruega": "Oslo",
    "Cuba": "La Habana",
    "México": "Ciudad de México",
    "Japón": "Tokio",
}


class Chosen(NamedTuple):
    """What was found for the choices of every question, and the share of right ones."""

    log_likelihoods: list[float]
    accuracy: float


def bridges() -> None:
    """Log-likelihoods and accuracy by `choose` and by lm-eval: a decoder, a T5, cauce-mini."""
    if importlib.util.find_spec("lm_eval") is None:
        say("lm-eval is not installed: nothing is compared; pip install 'cauce[lm-eval]'")
        return
    torch.set_num_threads(1)
    examples = Task(task="capitals", dataset=Inline(items=tuple(_questions()))).ask().examples
    for name, loaded in _models():
        ours = _by_cauce(loaded, examples)
        for program, lm in _lms(loaded):
            theirs = _by_lm_eval(lm, examples)
            gap = max(
                abs(a - b)
                for a, b in zip(ours.log_likelihoods, theirs.log_likelihoods, strict=True)
            )
            said = f"{name}, {QUESTIONS} questions, cauce against {program}"
            report(f"{said}: largest difference of a log-likelihood", gap, LIKELIHOOD_BAR)
            report(f"{said}: difference of accuracy", abs(ours.accuracy - theirs.accuracy), 0)


def _models() -> Iterator[tuple[str, LoadedModel]]:
    mini = open_model("cauce-mini")
    for name in ("gpt2-7m", "t5-8m", "cauce-mini"):
        loaded = mini if name == "cauce-mini" else _untrained(name)
        loaded.tokenizer.chat_template = PLAIN
        if loaded.is_encoder_decoder:
            _end_what_is_read(loaded)
        yield name, loaded


def _untrained(shape: str) -> LoadedModel:
    torch.manual_seed(0)
    model = network(shape, dropout=0.0, positions=256)
    return assemble(model, open_tokenizer("cauce-mini"), name=shape)


def _end_what_is_read(loaded: LoadedModel) -> None:
    """The tokenizer ends a text with the end token by itself, as T5's does."""
    from tokenizers.processors import TemplateProcessing

    end: Any = loaded.tokenizer
    end.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {end.eos_token}", special_tokens=[(end.eos_token, end.eos_token_id)]
    )


def _lms(loaded: LoadedModel) -> Iterator[tuple[str, LM]]:
    from lm_eval.models.huggingface import HFLM

    from cauce.evaluation.bridges.lm_eval import CauceLM

    backend = "seq2seq" if loaded.is_encoder_decoder else "causal"
    yield (
        "the hf model of lm-eval",
        HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, backend=backend, batch_size=16),
    )
    yield "cauce's model in lm-eval", CauceLM(loaded, batch_size=16)


def _by_cauce(loaded: LoadedModel, examples: list[Example]) -> Chosen:
    system = ModelSystem("m", loaded, EvaluationSettings())
    solved = Choose().solve(system, examples, 16)
    right = sum(one.reply.text == e.completion for one, e in zip(solved, examples, strict=True))
    return Chosen([-nll for one in solved for nll in one.choice_nlls], right / len(examples))


def _by_lm_eval(lm: LM, examples: list[Example]) -> Chosen:
    import lm_eval
    from lm_eval.tasks import TaskManager

    with tempfile.TemporaryDirectory() as folder:
        export_examples(examples, "lm-eval", Path(folder), name="capitals", solver=Choose())
        tasks = TaskManager(include_path=folder, include_defaults=False).load(["capitals"])
        made = lm_eval.evaluate(lm, tasks, apply_chat_template=True, bootstrap_iters=0)
    samples = sorted(made["samples"]["capitals"], key=lambda sample: sample["doc_id"])
    found = [one[0] for sample in samples for one in sample["filtered_resps"]]
    return Chosen(found, made["results"]["capitals"]["acc,none"])


def _questions() -> Iterator[Question]:
    """Two to five choices each, the right one at any place."""
    draw = random.Random(0)
    for place in range(QUESTIONS):
        country = draw.choice([*CAPITALS])
        right = CAPITALS[country]
        wrong = draw.sample([one for one in CAPITALS.values() if one != right], draw.randint(1, 4))
        choices = draw.sample([right, *wrong], len(wrong) + 1)
        asked = f"Pregunta {place}: ¿Cuál es la capital de {country}?"
        yield Question(question=asked, choices=tuple(choices), answer=right, group=country)
