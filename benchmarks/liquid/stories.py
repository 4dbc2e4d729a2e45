"""A small pretrained Llama and its tokenizer, read from the files of llama2.c (version 0).

The model has 260,032 weights and tells the simple stories it was trained on (TinyStories).

Axes: l layers, d width, f hidden width of an MLP, v vocabulary.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float
    from transformers import LlamaForCausalLM

MODEL, TOKENIZER = "tinyllama/stories260K.bin", "tinyllama/tok512.bin"
TEXT = "tinystories/TinyStories-valid.txt"

BEGIN, FIRST_BYTE = 1, 3
"""Ids of the begin token and of the byte 0, as sentencepiece numbers them."""

NORM_EPSILON = 1e-5
"""That of the program the model was trained with."""


class Header(NamedTuple):
    """The seven numbers that the file of a model begins with."""

    dim: int
    hidden_dim: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    vocab_size: int
    """Negative where the classifier has weights of its own."""
    seq_len: int


def shared_file(name: str) -> Path | None:
    """The path of a shared input; None where it is absent."""
    checkout = Path(__file__).resolve().parents[2]
    root = Path(os.environ.get("CAUCE_SHARED_DATA", checkout.parent / "shared" / "data"))
    return root / name if (root / name).is_file() else None


def read_llama(path: Path) -> LlamaForCausalLM:
    """The model as transformers has it, in fp32 and evaluating.

    >>> path = shared_file(MODEL)
    >>> path is None or read_llama(path).num_parameters() == 260_032
    True
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    data = path.read_bytes()
    header = Header(*struct.unpack_from("<7i", data))
    if header.vocab_size < 0:
        raise ValueError(f"{path} has a classifier of its own; read are only shared ones")
    config = LlamaConfig(
        vocab_size=header.vocab_size,
        hidden_size=header.dim,
        intermediate_size=header.hidden_dim,
        num_hidden_layers=header.n_layers,
        num_attention_heads=header.n_heads,
        num_key_value_heads=header.n_kv_heads,
        max_position_embeddings=header.seq_len,
        rms_norm_eps=NORM_EPSILON,
        tie_word_embeddings=True,
        bos_token_id=BEGIN,
        eos_token_id=BEGIN,
        pad_token_id=0,
    )
    model = LlamaForCausalLM(config)
    numbers = np.frombuffer(data, dtype="<f4", offset=struct.calcsize("<7i")).copy()
    weights = _weights(torch.from_numpy(numbers), header)
    model.load_state_dict({**weights, "lm_head.weight": weights["model.embed_tokens.weight"]})
    model.train(False)
    return model


def _weights(numbers: Float[Tensor, " all"], header: Header) -> dict[str, Tensor]:
    """The weights under the names of transformers; tables of rotations after them are left out."""
    d, f, layers = header.dim, header.hidden_dim, header.n_layers
    kv = d * header.n_kv_heads // header.n_heads
    shapes: dict[str, tuple[int, ...]] = {
        "embed_tokens": (header.vocab_size, d),
        "input_layernorm": (layers, d),
        "self_attn.q_proj": (layers, d, d),
        "self_attn.k_proj": (layers, kv, d),
        "self_attn.v_proj": (layers, kv, d),
        "self_attn.o_proj": (layers, d, d),
        "post_attention_layernorm": (layers, d),
        "mlp.gate_proj": (layers, f, d),
        "mlp.down_proj": (layers, d, f),
        "mlp.up_proj": (layers, f, d),
        "norm": (d,),
    }
    heads = {"self_attn.q_proj": header.n_heads, "self_attn.k_proj": header.n_kv_heads}
    weights, start = {}, 0
    for name, shape in shapes.items():
        count = math.prod(shape)
        tensor = numbers[start : start + count].view(shape)
        start += count
        if name in ("embed_tokens", "norm"):
            weights[f"model.{name}.weight"] = tensor
            continue
        for number, weight in enumerate(tensor):
            weight = _halves(weight, heads[name]) if name in heads else weight
            weights[f"model.layers.{number}.{name}.weight"] = weight
    return weights


def _halves(weight: Float[Tensor, "o d"], heads: int) -> Float[Tensor, "o d"]:
    """The rows of each head ordered for a rotation of halves instead of neighbouring pairs."""
    pairs = weight.view(heads, -1, 2, weight.shape[1])
    return pairs.transpose(1, 2).reshape(weight.shape)


class Pieces:
    """The tokenizer of a model of llama2.c: bytes, and pieces merged from the best score down."""

    def __init__(self, path: Path) -> None:
        data, place = path.read_bytes(), 4
        self.pieces: list[bytes] = []
        self.scores: list[float] = []
        while place < len(data):
            score, length = struct.unpack_from("<fi", data, place)
            place += 8
            self.pieces.append(data[place : place + length])
            self.scores.append(score)
            place += length
        self._ids = {piece: number for number, piece in enumerate(self.pieces)}
        self._words: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """The begin token and the pieces of `text`, before which a space is read.

        >>> path = shared_file(TOKENIZER)
        >>> path is None or len(Pieces(path).encode("Once upon a time")) < 10
        True
        """
        # No piece has a space within it, so that none spans two words.
        words = re.findall(" [^ ]*", f" {text}")
        return [BEGIN, *(number for word in words for number in self._word(word))]

    def _word(self, word: str) -> list[int]:
        if word in self._words:
            return self._words[word]
        ids: list[int] = []
        for character in word:
            spelled = character.encode()
            known = self._ids.get(spelled)
            ids += [FIRST_BYTE + byte for byte in spelled] if known is None else [known]
        while merge := self._best_merge(ids):
            place, number = merge
            ids[place : place + 2] = [number]
        self._words[word] = ids
        return ids

    def _best_merge(self, ids: list[int]) -> tuple[int, int] | None:
        """The first place where two tokens make the piece of the best score, and that piece."""
        best = None
        for place, pair in enumerate(itertools.pairwise(ids)):
            number = self._ids.get(self.pieces[pair[0]] + self.pieces[pair[1]])
            if number is not None and (best is None or self.scores[number] > self.scores[best[1]]):
                best = place, number
        return best


def read_stories(path: Path) -> list[str]:
    """The stories of a text that has one in each line."""
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
