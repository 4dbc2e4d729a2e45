"""Untrained models of known sizes and random documents: the same ones in every process."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from cauce.corpus.tokens import Tokens
from cauce.models.loading import LoadedModel, assemble

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<unk>")
PAD, BEGIN, END, _UNKNOWN = range(len(SPECIAL_TOKENS))

GPT2: dict[str, dict[str, Any]] = {
    "gpt2-7m": {"n_embd": 256, "n_layer": 6, "n_head": 8, "vocab_size": 8192},
    "gpt2-7m-50k": {"n_embd": 256, "n_layer": 6, "n_head": 8, "vocab_size": 50257},
    "gpt2-tiny": {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 512},
}
LLAMA: dict[str, dict[str, Any]] = {
    "llama-60m": {
        "hidden_size": 512,
        "intermediate_size": 1408,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
        "vocab_size": 32000,
    },
    "llama-350m": {
        "hidden_size": 1024,
        "intermediate_size": 2816,
        "num_hidden_layers": 22,
        "num_attention_heads": 16,
        "vocab_size": 32000,
    },
}
T5: dict[str, dict[str, Any]] = {
    "t5-small": {"d_model": 512, "d_ff": 2048, "num_layers": 6, "num_heads": 8},
    "t5-base": {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12},
    "t5-8m": {"d_model": 256, "d_ff": 1024, "num_layers": 4, "num_heads": 4, "vocab_size": 8192},
    "t5-tiny": {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_heads": 4}
    | {"vocab_size": 512},
}


def build(shape: str, *, dropout: float = 0.0, positions: int = 256) -> LoadedModel:
    """The untrained model of that shape, with its tokenizer; two of them are equal."""
    import torch

    torch.manual_seed(0)
    return assemble(network(shape, dropout=dropout, positions=positions), tokenizer(), name=shape)


def network(shape: str, *, dropout: float, positions: int) -> PreTrainedModel:
    """The network alone; `positions` bounds the length of what a GPT-2 reads."""
    import transformers

    ids = {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": PAD}
    if shape in GPT2:
        drops = {"resid_pdrop": dropout, "embd_pdrop": dropout, "attn_pdrop": dropout}
        gpt2 = transformers.GPT2Config(n_positions=positions, **drops, **ids, **GPT2[shape])
        return transformers.GPT2LMHeadModel(gpt2)
    if shape in LLAMA:
        return transformers.LlamaForCausalLM(
            transformers.LlamaConfig(max_position_embeddings=positions, **ids, **LLAMA[shape])
        )
    del ids["bos_token_id"]
    t5 = {"vocab_size": 32128, "dropout_rate": dropout, "decoder_start_token_id": PAD, **T5[shape]}
    return transformers.T5ForConditionalGeneration(transformers.T5Config(**t5, **ids))


def tokenizer() -> PreTrainedTokenizerFast:
    """One that knows its special tokens and no word: the documents are made of ids."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: number for number, token in enumerate(SPECIAL_TOKENS)}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
    )


def vocabulary_size(shape: str) -> int:
    """Token ids that the shape has."""
    return int({**GPT2, **LLAMA, **T5}[shape].get("vocab_size", 32128))


def full_documents(shape: str, count: int, *, width: int, target_width: int) -> list[Tokens]:
    """Random tokens, every row full: to a decoder all but the first is a completion."""
    chance = random.Random(0)
    split = (width, target_width) if shape in T5 else (1, width - 1)
    return [_document(chance, shape, *split) for _ in range(count)]


def uneven_documents(shape: str, count: int, *, width: int) -> list[Tokens]:
    """Random tokens of log-normal lengths up to `width`, a third of it in the mean (86 of 256).

    At a spread of 0.6, batches of 8 taken by chance are half padding. An encoder-decoder's targets
    are drawn alike, half as long.
    """
    chance = random.Random(0)
    lengths = _lengths(chance, count, width)
    if shape in T5:
        targets = _lengths(chance, count, width // 2)
        return [_document(chance, shape, *pair) for pair in zip(lengths, targets, strict=True)]
    return [_document(chance, shape, 1, length - 1) for length in lengths]


def _lengths(chance: random.Random, count: int, longest: int) -> list[int]:
    """Scaled to their mean before those above `longest` or below 4 are cut to it."""
    drawn = [chance.lognormvariate(0, 0.6) for _ in range(count)]
    scale = 86 / 256 * longest * count / sum(drawn)
    return [min(longest, max(4, round(scale * length))) for length in drawn]


def _document(chance: random.Random, shape: str, prompt: int, completion: int) -> Tokens:
    ids = range(len(SPECIAL_TOKENS), vocabulary_size(shape))
    return Tokens(chance.choices(ids, k=prompt), [*chance.choices(ids, k=completion - 1), END])
