"""The last layer, set aside while training: the loss reads its weights and makes no logits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Linear

from cauce.corpus.batches import collate
from cauce.corpus.tokens import Tokens
from cauce.models.loading import LoadedModel
from cauce.models.prediction import predict


def plain_head(loaded: LoadedModel) -> Linear | None:
    """The linear layer whose output is the model's logits as they are.

    None where there is no such layer: some models scale or cap their logits afterwards, or train an
    adapter on the head. It is tried, not guessed.
    """
    head = cast(Any, loaded.model).get_output_embeddings()
    if type(head) is _Passing:
        return cast(Linear, head)
    if type(head) is not Linear:
        return None
    made: list[Tensor] = []
    handle = head.register_forward_hook(lambda _module, _inputs, output: made.append(output))
    batch = collate(
        [[Tokens([1, 2], [3])]], pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id
    )
    try:
        with torch.no_grad():
            logits = predict(loaded.model, batch.to(loaded.device))
    finally:
        handle.remove()
    is_plain = len(made) == 1 and made[0].shape == logits.shape and torch.equal(made[0], logits)
    return head if is_plain else None


@contextmanager
def set_aside(head: Linear | None) -> Iterator[None]:
    """While entered, the model returns what `head` would have read in place of logits."""
    if head is None:
        yield
        return
    before = head.__class__
    head.__class__ = _Passing
    try:
        yield
    finally:
        head.__class__ = before


@contextmanager
def put_back(head: Linear | None) -> Iterator[None]:
    """While entered, a head that was set aside makes logits again."""
    if head is None:
        yield
        return
    before = head.__class__
    head.__class__ = Linear
    try:
        yield
    finally:
        head.__class__ = before


class _Passing(Linear):
    """Keeps the weights under their names, and returns its input."""

    def forward(self, input: Tensor) -> Tensor:
        return input
