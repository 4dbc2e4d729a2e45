"""Small chats of uneven lengths, as tokens of a tiny model."""

from __future__ import annotations

from typing import Any

from transformers import LlamaForCausalLM

from cauce.corpus.tokens import Tokens, tokenize
from cauce.models.loading import LoadedModel
from cauce.records import Message
from models.tiny import tiny_decoder, tiny_t5

NAMES = ["ibuprofeno", "metformina", "insulina", "levotiroxina", "amoxicilina", "omeprazol"]


def chats(loaded: LoadedModel, count: int, *, first: int = 0) -> list[Tokens]:
    """`count` examples from number `first` on, no two alike."""
    return [_chat(loaded, number) for number in range(first, first + count)]


def _chat(loaded: LoadedModel, number: int) -> Tokens:
    name = NAMES[number % len(NAMES)]
    question = f"¿Para qué se utiliza {name} {number}?" + " Explica." * (number % 4)
    answer = f"{name}: dolor" + " y fiebre" * (number % 3)
    return tokenize(
        loaded.tokenizer,
        [Message(role="user", content=question)],
        answer,
        is_encoder_decoder=loaded.is_encoder_decoder,
        max_tokens=300,
    )


def tiny_t5_with_sentinels(*, dropout: float = 0.0) -> LoadedModel:
    """A T5 whose vocabulary has twelve `<extra_id_...>`, as its own has a hundred."""
    loaded = tiny_t5(dropout=dropout)
    loaded.tokenizer.add_tokens([f"<extra_id_{number}>" for number in range(12)])
    loaded.model.resize_token_embeddings(len(loaded.tokenizer), mean_resizing=False)  # type: ignore[attr-defined]
    return loaded


class _WithAuxiliary(LlamaForCausalLM):
    """At first adds 5 for each token to its loss, and always a pull on one weight."""

    def forward(self, *args: Any, **options: Any) -> Any:
        output = super().forward(*args, **options)
        output["auxiliary_loss"] = 5.0 + self.model.norm.weight.sum() - 32.0
        return output


def tiny_llama_with_auxiliary() -> LoadedModel:
    """A Llama that returns a loss of its own."""
    loaded = tiny_decoder("llama")
    loaded.model.__class__ = _WithAuxiliary
    return loaded
