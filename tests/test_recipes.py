"""The originals' models as recipes: read, explained, and walked to the report on tiny models.

The models are random and of the classes that the recipes name; the tokenizers of BioGPT and GPT-2
are the real ones. What the originals' models were asked is asked here of the assistant.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    BioGptForCausalLM,
    GPT2LMHeadModel,
    LlamaForCausalLM,
    MT5ForConditionalGeneration,
    T5ForConditionalGeneration,
)

from cauce.assistant.assistant import Assistant
from cauce.assistant.settings import AssistantSettings
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.models.prefix import tokens_of_example
from cauce.models.tuned import load_tuned
from cauce.recipe import Recipe, dump_recipe, load_recipe
from cauce.records import Document, Example
from cauce.runs import STAGES, Run, read_records
from cauce.sources.vademecum import VademecumSource
from shared import shared_data
from tiny_recipes import RECIPES, biogpt, gpt2, llama, mt5, t5, walked

MODELS: dict[str, tuple[str, Callable[[Path], None], tuple[str, ...]]] = {
    "biogpt": ("vademecum-biogpt", biogpt, ()),
    "gpt2": ("vademecum", gpt2, ()),
    "llamacare": ("vademecum-llamacare", llama, ("model.quantize=none",)),
    "clinicalt5": ("vademecum-clinicalt5", t5, ()),
    "medmt5": ("vademecum-medmt5-es", mt5, ()),
}


@pytest.fixture(scope="module", params=MODELS)
def tuned(request, tmp_path_factory) -> tuple[str, Run]:
    name, make, changes = MODELS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    make(folder / "base")
    return request.param, walked(name, folder / "base", folder, *changes)


def test_the_road_of_each_recipe_ends_in_its_report(tuned):
    kind, run = tuned
    assert set(run.manifest["stages"]) == set(STAGES)
    log = [json.loads(line) for line in (run.path / "train" / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in log if "loss" in line]
    assert len(losses) == 2
    assert all(0 < loss < 20 for loss in losses)
    card = json.loads((run.path / "train" / "model" / "cauce.json").read_text())
    assert card["adapter"] == ("lora" if kind in ("llamacare", "medmt5") else "none")
    assert Path(run.manifest["stages"]["report"]["summary"]["path"]).is_file()


def test_each_tuned_model_comes_back_in_its_class(tuned):
    kind, run = tuned
    loaded = load_tuned(run.path / "train" / "model")
    classes = {
        "biogpt": BioGptForCausalLM,
        "gpt2": GPT2LMHeadModel,
        "llamacare": LlamaForCausalLM,
        "clinicalt5": T5ForConditionalGeneration,
        "medmt5": MT5ForConditionalGeneration,
    }
    assert type(loaded.bare) is classes[kind]
    assert loaded.is_encoder_decoder == (kind in ("clinicalt5", "medmt5"))
    if kind == "medmt5":
        assert not torch.equal(loaded.bare.lm_head.weight, loaded.bare.shared.weight)


def test_only_the_answer_is_learned_never_the_prompt(tuned):
    _, run = tuned
    loaded = load_tuned(run.path / "train" / "model")
    summary = run.manifest["stages"]["prepare"]["summary"]
    examples = list(read_records(run.path / "prepare" / "train.jsonl", Example))
    items = [tokens_of_example(loaded, example, example.completion) for example in examples]
    assert summary["supervised_tokens"] == sum(len(item.completion) for item in items)
    assert summary["prompt_tokens"] > summary["supervised_tokens"]
    for item, example in zip(items[:5], examples, strict=False):
        said = loaded.tokenizer.decode(item.completion, skip_special_tokens=True)
        assert letters(said) == letters(example.completion)
        assert letters(example.question) in letters(loaded.tokenizer.decode(item.prompt))


def test_the_assistant_on_each_tuned_model_answers_with_the_record(tuned):
    kind, run = tuned
    question = "How should bisacodyl be stored?"
    reply = Assistant.load(run).reply(
        "¿Cómo se conserva el bisacodilo?" if kind == "medmt5" else question
    )
    assert (reply.kind, reply.abstained) == ("storage", False)
    assert reply.citations[0].id == "bisacodyl"
    assert not reply.generated
    assert reply.reason.startswith("withheld: ")


def letters(text: str) -> str:
    """The text without spaces, which some tokenizers set anew."""
    return "".join(text.split())


@pytest.mark.parametrize(
    ("name", "base", "adapter", "quantize", "lr"),
    [
        ("vademecum-biogpt", "microsoft/biogpt", "none", "none", 2e-5),
        ("vademecum-llamacare", "meta-llama/Llama-2-7b-chat-hf", "lora", "4bit", 2e-4),
        ("vademecum-clinicalt5", "luqh/ClinicalT5-base", "none", "none", 1e-4),
        ("vademecum-medmt5-es", "HiTZ/Medical-mT5-large", "lora", "none", 3e-4),
    ],
)
def test_each_recipe_says_what_to_pull_and_what_is_not_measured(name, base, adapter, quantize, lr):
    comment, recipe = explained(name)
    assert (recipe.model.base, recipe.model.adapter) == (base, adapter)
    assert (recipe.model.quantize, recipe.training.lr) == (quantize, lr)
    assert f"cauce models pull {base}" in comment
    assert f"cauce run recipes/{name}.yaml" in comment
    assert "Hardware: " in comment
    assert "Expected: not measured here" in comment
    assert recipe.training.precision != "fp16"
    assert recipe.run == name
    assert recipe.notice


def test_a_recipe_is_written_out_with_its_defaults(monkeypatch, tmp_path):
    for name, _, _ in MODELS.values():
        _, recipe = explained(name)
        (tmp_path / "again.yaml").write_text(dump_recipe(recipe))
        assert load_recipe(tmp_path / "again.yaml") == recipe


def explained(name: str) -> tuple[str, Recipe]:
    """A recipe's comment, and the recipe as it would be with a file of labels at hand."""
    path = RECIPES / f"{name}.yaml"
    text = path.read_text()
    comment = "\n".join(line[2:] for line in text.splitlines() if line.startswith("#"))
    return comment, load_recipe(path, ["sources.0={kind: vademecum}"])


@pytest.fixture(scope="module")
def vademecum(tmp_path_factory) -> Assistant:
    """The embedded medicines, quoted: no model writes."""
    path = tmp_path_factory.mktemp("index") / "index.sqlite"
    documents = [item for item in VademecumSource().documents() if isinstance(item, Document)]
    build_index(path, documents)
    return Assistant(None, Index(path), AssistantSettings())


ASKED = {
    "bisacodyl": ("What is BISACODYL used for?", "¿Para qué sirve BISACODILO?"),
    "pantoprazole": ("Describe PANTOPRAZOLE.", "¿Cuál es la dosis habitual de PANTOPRAZOL?"),
    "pramipexole": ("What is PRAMIPEXOLE used for?", "¿Para qué sirve el PRAMIPEXOL?"),
    "metformin": ("What is METFORMIN HYDROCHLORIDE used for?", "¿Qué trata la METFORMINA?"),
}
"""The originals' examples, by the names in capitals that their models were given."""


@pytest.mark.parametrize(
    ("medicine", "question"), [(name, text) for name, texts in ASKED.items() for text in texts]
)
def test_the_originals_examples_get_that_medicine_or_none(vademecum, medicine, question):
    """Their models described a hand sanitizer, a balm, an antiseptic and a sleep aid."""
    reply = vademecum.reply(question)
    if medicine == "pramipexole":
        assert reply.reason.startswith("unknown: pramipexol")
    assert reply.abstained == (not reply.citations)
    assert {citation.id for citation in reply.citations} <= {medicine}
    named = vademecum.resolver.medicines_of(reply.text)
    assert {name for name in named if not name.startswith("?")} <= {reply.group}


@pytest.mark.parametrize("medicine", ASKED)
def test_on_real_labels_that_lack_them_the_originals_examples_are_refused(labels, medicine):
    reply = labels.reply(f"What is {medicine.upper()} used for?")
    assert reply.abstained
    assert reply.reason == f"unknown: {medicine}"
    assert reply.citations == ()


@pytest.fixture(scope="module")
def labels(tmp_path_factory) -> Assistant:
    """150 real labels, none of them of the originals' examples."""
    from cauce.sources.openfda import OpenFdaSource

    folder = tmp_path_factory.mktemp("labels")
    with gzip.open(shared_data("openfda/labels-150.jsonl.gz")) as stream:
        (folder / "labels.jsonl").write_bytes(stream.read())
    source = OpenFdaSource(path=folder / "labels.jsonl")
    documents = [item for item in source.documents() if isinstance(item, Document)]
    build_index(folder / "index.sqlite", documents)
    return Assistant(None, Index(folder / "index.sqlite"), AssistantSettings())
