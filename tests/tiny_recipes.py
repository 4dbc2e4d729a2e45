"""Tiny models of the classes that the recipes name, and the road of a recipe walked on one.

The models are random; the tokenizers of BioGPT and GPT-2 are the real ones.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

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
from cauce.models.loading import load_tokenizer
from cauce.recipe import load_recipe
from cauce.runs import Run
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


def gpt2_of_few_pieces(folder: Path) -> None:
    """GPT-2's class, narrow, with a tokenizer of some hundred pieces."""
    tokenizer = tiny_decoder("gpt2").tokenizer
    config = GPT2Config(
        n_embd=16, n_layer=1, n_head=2, vocab_size=len(tokenizer), **special(tokenizer)
    )
    save(GPT2LMHeadModel(config), tokenizer, folder)


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


def mistral(folder: Path) -> None:
    """Mistral's class, of two layers."""
    loaded = tiny_decoder("mistral")
    save(loaded.bare, loaded.tokenizer, folder)
