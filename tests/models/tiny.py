"""Models of a few thousand weights, tokenizer trained here: the real classes, in milliseconds."""

from __future__ import annotations

import functools
from typing import Any, Literal

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BioGptConfig,
    BioGptForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from cauce.corpus.tokens import Tokens
from cauce.models.loading import LoadedModel, assemble
from cauce.training.checks import probe

Decoder = Literal["gpt2", "llama", "mistral", "biogpt"]
DECODERS: tuple[Decoder, ...] = ("gpt2", "llama", "mistral", "biogpt")

TEXT = [
    "¿Para qué se utiliza el ibuprofeno? Se utiliza para aliviar el dolor y bajar la fiebre.",
    "¿Cómo se toma la metformina? Con las comidas, 850 mg dos veces al día; no más de 3 g al día.",
    "What is metformin used for? It lowers blood glucose in adults with type 2 diabetes.",
    "How should ibuprofen be stored? Below 25 °C, out of the reach of children.",
    "User: Assistant: System: question evidence answer section warning dose niño año señal",
]


def tiny_decoder(kind: Decoder, *, dropout: float = 0.0, seed: int = 0) -> LoadedModel:
    """An untrained decoder of that architecture; two of them are equal."""
    torch.manual_seed(seed)
    tokenizer = _tokenizer(kind)
    return assemble(_decoder(kind, tokenizer, dropout), tokenizer, name=f"tiny-{kind}")


def tiny_t5(*, dropout: float = 0.0, seed: int = 0) -> LoadedModel:
    """An untrained T5; two of them are equal."""
    torch.manual_seed(seed)
    tokenizer = _tokenizer("t5")
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        dropout_rate=dropout,
        decoder_start_token_id=tokenizer.pad_token_id,
        **_special_ids(tokenizer),
    )
    return assemble(T5ForConditionalGeneration(config), tokenizer, name="tiny-t5")


def tiny_model(kind: str, *, dropout: float = 0.0, seed: int = 0) -> LoadedModel:
    """`tiny_t5` for "t5", else `tiny_decoder`."""
    if kind == "t5":
        return tiny_t5(dropout=dropout, seed=seed)
    return tiny_decoder(kind, dropout=dropout, seed=seed)  # type: ignore[arg-type]


def logits(loaded: LoadedModel) -> torch.Tensor:
    """What the model says about a fixed example."""
    return probe(loaded, Tokens([10, 11, 12, 13], [14, 15, 2]))


def _decoder(kind: Decoder, tokenizer: PreTrainedTokenizerFast, dropout: float) -> PreTrainedModel:
    shared: dict[str, Any] = {"vocab_size": len(tokenizer), **_special_ids(tokenizer)}
    wide: dict[str, Any] = {
        **shared,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 512,
    }
    if kind == "gpt2":
        drops = {"resid_pdrop": dropout, "embd_pdrop": dropout, "attn_pdrop": dropout}
        config = GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=512, **shared, **drops)
        return GPT2LMHeadModel(config)
    if kind == "llama":
        return LlamaForCausalLM(LlamaConfig(**wide))
    if kind == "mistral":
        return MistralForCausalLM(MistralConfig(**wide, num_key_value_heads=2, head_dim=8))
    drops = {
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
        "layerdrop": 0.0,
    }
    return BioGptForCausalLM(BioGptConfig(**wide, **drops))


def _special_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int | None]:
    return {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """Special tokens as the kind has them: GPT-2 one for everything, T5 no beginning."""
    backend = Tokenizer.from_str(_trained_tokenizer())
    if kind == "gpt2":
        return PreTrainedTokenizerFast(
            tokenizer_object=backend, bos_token="</s>", eos_token="</s>", unk_token="</s>"
        )
    if kind == "t5":
        return PreTrainedTokenizerFast(
            tokenizer_object=backend, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        **({"sep_token": "</s>"} if kind == "biogpt" else {}),
    )


@functools.cache
def _trained_tokenizer() -> str:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=["<pad>", "<s>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return str(tokenizer.to_str())
