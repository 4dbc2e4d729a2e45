"""Small chats of uneven lengths, as tokens of a tiny model."""

from __future__ import annotations

from cauce.corpus.tokens import Tokens, tokenize
from cauce.models.loading import LoadedModel
from cauce.records import Message
from models.tiny import tiny_t5

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
