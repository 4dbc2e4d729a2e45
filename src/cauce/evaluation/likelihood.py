"""How likely a model finds the reference answers: perplexity and accuracies under teacher forcing.

Figures stay per item (sums over its tokens), so that systems can be compared item by item and a
mean over tokens weighs every token the same. Only completion tokens count; the prompt and the
padding never do, and dropout is off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cauce.corpus.batches import collate
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.evaluation.statistics import Floats
from cauce.models.loading import LoadedModel
from cauce.records import Record

if TYPE_CHECKING:
    from torch import Tensor


class ItemLikelihood(Record):
    """Sums over the predicted tokens of one completion."""

    nll: float
    """Minus the natural log-likelihood."""
    tokens: int
    """Tokens predicted: the completion with its end token."""
    correct: int
    """Tokens that the model found likeliest."""
    top5: int
    """Tokens among the five likeliest."""
    all_correct: bool


LIKELIHOOD_METRICS: dict[str, Callable[[Floats], Floats]] = {
    "perplexity": lambda sums: np.exp(sums[..., 0] / sums[..., 1]),
    "token_accuracy": lambda sums: sums[..., 2] / sums[..., 1],
    "top5_accuracy": lambda sums: sums[..., 3] / sums[..., 1],
}
"""Metrics over all tokens, from the sums of `likelihood_columns`."""


def likelihood_columns(figures: Sequence[ItemLikelihood]) -> Floats:
    """Per item: nll, tokens, correct, top5."""
    return np.array([[f.nll, f.tokens, f.correct, f.top5] for f in figures], float)


def likelihood(
    loaded: LoadedModel, tokens: Sequence[Tokens], batch_size: int
) -> list[ItemLikelihood]:
    """One ItemLikelihood per item, in their order, the same whatever the batch size.

    Items of like length share a batch; the logits of one batch at a time are in memory.
    """
    import torch

    by_length = sorted(range(len(tokens)), key=lambda i: tokens[i].length)
    found: dict[int, ItemLikelihood] = {}
    loaded.model.eval()
    with torch.inference_mode():
        for start in range(0, len(by_length), batch_size):
            chosen = by_length[start : start + batch_size]
            measured = _measure_batch(loaded, [tokens[i] for i in chosen])
            found.update(zip(chosen, measured, strict=True))
    return [found[i] for i in range(len(tokens))]


def _measure_batch(loaded: LoadedModel, items: Sequence[Tokens]) -> list[ItemLikelihood]:
    from cauce.models.prediction import predict

    batch = collate(
        [[item] for item in items], pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id
    ).to(loaded.device)
    logits = predict(loaded.model, batch)
    return [_measure(row, wanted) for row, wanted in zip(logits, batch.targets, strict=True)]


def _measure(logits: Tensor, targets: Tensor) -> ItemLikelihood:
    """The figures of one item from its logits (positions, vocabulary) and targets (positions)."""
    from torch.nn.functional import cross_entropy

    is_predicted = targets != IGNORED
    rows, wanted = logits[is_predicted].float(), targets[is_predicted]
    likeliest = rows.topk(min(5, rows.shape[-1])).indices == wanted[:, None]
    correct = int(likeliest[:, 0].sum())
    return ItemLikelihood(
        nll=cross_entropy(rows, wanted, reduction="sum").item(),
        tokens=len(wanted),
        correct=correct,
        top5=int(likeliest.sum()),
        all_correct=correct == len(wanted),
    )
