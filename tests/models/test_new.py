"""Models made from nothing: several architectures, one seed, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import (
    BartForConditionalGeneration,
    GPT2LMHeadModel,
    Lfm2ForCausalLM,
    LlamaForCausalLM,
    T5ForConditionalGeneration,
)

from cauce.corpus.tokenizer import make_tokenizer
from cauce.errors import NotFound, RecipeError
from cauce.models.foundation import LiquidFoundationConfig
from cauce.models.loading import load_folder
from cauce.models.new import new_model, refuse_impossible
from cauce.models.settings import NewModelSettings
from cauce.models.tuned import save_tuned
from cauce.training.denoising import sentinel_ids

TEXTS = ("El niño tomó 12 piñas.",)
LLAMA: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
ARCHITECTURES: dict[str, tuple[type, dict[str, Any]]] = {
    "llama": (LlamaForCausalLM, LLAMA),
    "lfm2": (
        Lfm2ForCausalLM,
        {**LLAMA, "num_key_value_heads": 1, "layer_types": ["full_attention"]},
    ),
    "gpt2": (GPT2LMHeadModel, {"n_embd": 16, "num_hidden_layers": 1, "n_head": 2}),
    "t5": (
        T5ForConditionalGeneration,
        {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2},
    ),
    "bart": (
        BartForConditionalGeneration,
        {
            "d_model": 16,
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_attention_heads": 2,
            "decoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "decoder_ffn_dim": 16,
        },
    ),
}


def settings(architecture: str, **config: Any) -> NewModelSettings:
    return NewModelSettings(architecture=architecture, vocabulary=400, config=config)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_architecture_gets_the_tokenizers_tokens_and_comes_back(architecture, tmp_path):
    kind, config = ARCHITECTURES[architecture]
    made = new_model(settings(architecture, **config), seed=3, texts=TEXTS)
    assert type(made.bare) is kind
    assert made.is_encoder_decoder == (architecture in ("t5", "bart"))
    assert made.vocabulary == len(made.tokenizer) == made.bare.config.vocab_size
    assert made.bare.config.eos_token_id == made.tokenizer.eos_token_id
    assert made.bare.get_output_embeddings().weight is made.bare.get_input_embeddings().weight
    if made.is_encoder_decoder:
        assert made.decoder_start_id == made.pad_id
        assert len(sentinel_ids(made.tokenizer)) == 100
    save_tuned(made, tmp_path / "model")
    again = load_folder(tmp_path / "model", name="again")
    assert again.template_sha256 == made.template_sha256
    for name, weight in made.bare.named_parameters():
        assert torch.equal(again.bare.get_parameter(name), weight)


def test_a_liquid_foundation_keeps_its_own_defaults_and_comes_back(tmp_path):
    sizes = {"hidden_size": 16, "intermediate_size": 8}
    made = new_model(settings("liquid_foundation", **sizes), seed=3, texts=TEXTS)
    default = LiquidFoundationConfig().to_dict()
    kept = {"mixers", "window", "feed_forward", "tie_word_embeddings", "embedding_scale"}
    found = made.bare.config.to_dict()
    assert {key: found[key] for key in kept} == {key: default[key] for key in kept}
    assert made.vocabulary == len(made.tokenizer)
    save_tuned(made, tmp_path / "model")
    again = load_folder(tmp_path / "model", name="again")
    for name, weight in made.bare.named_parameters():
        assert torch.equal(again.bare.get_parameter(name), weight)


def test_the_seed_alone_decides_the_weights():
    state = torch.random.get_rng_state()
    one, same, other = (
        new_model(settings("llama", **LLAMA), seed=seed, texts=TEXTS) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    name, weight = next(iter(one.bare.named_parameters()))
    assert torch.equal(weight, same.bare.get_parameter(name))
    assert not torch.equal(weight, other.bare.get_parameter(name))


def test_what_the_config_says_is_done():
    made = new_model(
        settings("llama", **LLAMA, tie_word_embeddings=False, vocab_size=512), seed=0, texts=TEXTS
    )
    assert made.bare.lm_head.weight is not made.bare.model.embed_tokens.weight
    assert made.vocabulary == 512


def test_a_tokenizer_that_was_made_is_taken(tmp_path):
    make_tokenizer(TEXTS, vocabulary=270).save_pretrained(tmp_path / "it")
    wanted = NewModelSettings(
        architecture="llama", tokenizer=str(tmp_path / "it"), config=dict(LLAMA)
    )
    refuse_impossible(wanted)
    assert new_model(wanted, seed=0).vocabulary == 270
    with pytest.raises(NotFound, match=r"no tokenizer '.*none'.*\n.*cauce tokenizer train"):
        refuse_impossible(wanted.model_copy(update={"tokenizer": str(tmp_path / "none")}))


@pytest.mark.parametrize(
    ("architecture", "config", "said"),
    [
        ("llma", {}, "no language model of type 'llma'; the nearest is 'llama'"),
        ("vit", {}, "no language model of type 'vit'"),
        ("llama", {"hiden_size": 8}, "config.hiden_size: .* the nearest is 'hidden_size'"),
        ("gpt2", {"zzzzq": 8}, "gpt2 has no such key; the keys here are "),
        ("llama", {"hidden_size": "wide"}, "makes no llama: .*expected int"),
        ("llama", {**LLAMA, "num_attention_heads": 3}, "makes no llama: "),
        ("gpt2", {"n_embd": 10, "n_head": 3}, "makes no gpt2: "),
    ],
)
def test_what_makes_no_model_is_refused(architecture, config, said):
    with pytest.raises(RecipeError, match=said):
        new_model(settings(architecture, **config), seed=0, texts=TEXTS)
