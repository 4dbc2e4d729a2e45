"""The originals' models as recipes: read, explained, and walked to the report on tiny models.

The models are random and of the classes that the recipes name; the tokenizers of BioGPT and GPT-2
are the real ones. What the originals' models were asked is asked here of the assistant.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from transformers import (
    BioGptConfig,
    BioGptForCausalLM,
    BioGptTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MT5Config,
    MT5ForConditionalGeneration,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
)

from cauce import road
from cauce.assistant.assistant import Assistant
from cauce.assistant.settings import AssistantSettings
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.models.loading import load_tokenizer, load_tuned
from cauce.recipe import Recipe, dump_recipe, load_recipe
from cauce.records import Document, Example
from cauce.runs import STAGES, Run, read_records
from cauce.sources.vademecum import VademecumSource
from models.tiny import tiny_decoder, tiny_t5
from shared import CHECKOUT, shared_data

RECIPES = CHECKOUT / "recipes"
QUICK = (
    "run=tiny",
    "corpus.kinds=[use, storage]",
    "corpus.questions_per_section=1",
    "corpus.passage_chars=200",
    "corpus.answer_chars=160",
    "model.max_tokens=900",
    "training.steps=2",
    "training.batch_size=1",
    "training.accumulation=2",
    "training.evaluate_every=2",
    "training.patience=0",
    "assistant.passage_chars=200",
    "assistant.max_new_tokens=4",
    "evaluation.max_items=4",
    "evaluation.max_new_tokens=4",
    "evaluation.bootstrap_draws=100",
)
"""Overrides that leave of a recipe its model class, adapter, precision and rate."""

WIDTH = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
T5_WIDTH = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}


def biogpt(folder: Path) -> None:
    """BioGPT's class, narrow, with its own tokenizer of 42,384 pieces."""
    source = shared_data("tokenizers/biogpt")
    # The published dictionary is fairseq's: "@@" marks a piece that a word goes on after.
    pieces = [line.rsplit(" ", 1)[0] for line in (source / "dict.txt").read_text().splitlines()]
    tokens = [piece[:-2] if piece.endswith("@@") else f"{piece}</w>" for piece in pieces]
    names = dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", *tokens])
    folder.mkdir()
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({token: index for index, token in enumerate(names)}))
    tokenizer = BioGptTokenizer(str(vocabulary), str(source / "bpecodes"))
    config = BioGptConfig(
        vocab_size=len(names), num_hidden_layers=1, layerdrop=0.0, **WIDTH, **special(tokenizer)
    )
    save(BioGptForCausalLM(config), tokenizer, folder)


def gpt2(folder: Path) -> None:
    """GPT-2's class, narrow, with its own tokenizer of 50,257 pieces."""
    folder.mkdir()
    for source, target in (("encoder.json", "vocab.json"), ("vocab.bpe", "merges.txt")):
        shutil.copy(shared_data(f"tokenizers/gpt2/{source}"), folder / target)
    config = GPT2Config(n_embd=16, n_layer=1, n_head=2, bos_token_id=50256, eos_token_id=50256)
    config.save_pretrained(folder)
    save(GPT2LMHeadModel(config), load_tokenizer(folder), folder)


def llama(folder: Path) -> None:
    """Llama's class, with a chat template of its own."""
    tokenizer = tiny_decoder("llama").tokenizer
    tokenizer.chat_template = (
        "{{ bos_token }}{% for message in messages %}{% if message.role == 'user' %}"
        "[INST] {{ message.content }} [/INST]{% else %} {{ message.content }}{{ eos_token }}"
        "{% endif %}{% endfor %}"
    )
    config = LlamaConfig(
        vocab_size=len(tokenizer), num_hidden_layers=1, **WIDTH, **special(tokenizer)
    )
    save(LlamaForCausalLM(config), tokenizer, folder)


def t5(folder: Path) -> None:
    """T5's class; output head and embeddings are one, as in ClinicalT5."""
    tokenizer = tiny_t5().tokenizer
    config = T5Config(
        vocab_size=len(tokenizer), decoder_start_token_id=0, **T5_WIDTH, **special(tokenizer)
    )
    save(T5ForConditionalGeneration(config), tokenizer, folder)


def mt5(folder: Path) -> None:
    """mT5's class; its output head is a matrix of its own, and its config says so."""
    tokenizer = tiny_t5().tokenizer
    config = MT5Config(
        vocab_size=len(tokenizer), decoder_start_token_id=0, **T5_WIDTH, **special(tokenizer)
    )
    save(MT5ForConditionalGeneration(config), tokenizer, folder)
    weights = load_file(folder / "model.safetensors")
    head = torch.randn_like(weights["shared.weight"])
    save_file({**weights, "lm_head.weight": head}, folder / "model.safetensors", {"format": "pt"})
    config_path = folder / "config.json"
    said = {**json.loads(config_path.read_text()), "tie_word_embeddings": False}
    config_path.write_text(json.dumps(said))


def special(tokenizer: PreTrainedTokenizerBase) -> dict[str, int | None]:
    return {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def walked(name: str, base: Path, folder: Path, *more: str) -> Run:
    """The finished run of a recipe on the tiny model in `base` and the embedded medicines."""
    language = "es" if name.endswith("-es") else "en"
    data = yaml.safe_load((RECIPES / f"{name}.yaml").read_text())
    data["sources"] = [{"kind": "vademecum", "languages": [language]}]
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data))
    recipe = load_recipe(path, [*QUICK, f"model.base={base}", *more])
    road.walk(road.start(recipe, lambda line: None, folder / "runs"))
    return Run.open("tiny", folder / "runs")


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
    items = [road.tokens_of(loaded, example) for example in examples]
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
