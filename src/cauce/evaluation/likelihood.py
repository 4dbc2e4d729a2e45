"""How likely a model finds the reference answers: perplexity and accuracies under teacher forcing.

Figures stay per item (sums over its tokens), so that systems can be compared item by item and a
mean over tokens weighs every token the same. Only completion tokens count; the prompt and the
padding never do, and dropout is off. Logits are made of some tokens at a time.

Axes: b rows, t places, n predicted tokens, d width, v vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cauce.corpus.tokens import IGNORED, Tokens
from cauce.evaluation.statistics import Floats
from cauce.models.loading import LoadedModel
from cauce.records import Record

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor
    from torch.nn import Linear

HELD_LOGITS = 4 * 2**20
"""Logits in memory at a time, 16 MiB in fp32, however long the rows and large the vocabulary."""


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
    bytes: int | None = None
    """UTF-8 bytes of the text that the tokens spell, the same for every model; None: uncounted."""


LIKELIHOOD_METRICS: dict[str, Callable[[Floats], Floats]] = {
    "perplexity": lambda sums: np.exp(sums[..., 0] / sums[..., 1]),
    "loss": lambda sums: sums[..., 0] / sums[..., 1],
    "bits_per_byte": lambda sums: sums[..., 0] / math.log(2) / sums[..., 4],
    "token_accuracy": lambda sums: sums[..., 2] / sums[..., 1],
    "top5_accuracy": lambda sums: sums[..., 3] / sums[..., 1],
}
"""Metrics over all tokens, from the sums of `likelihood_columns`."""

COLUMNS = {"token_accuracy": 2, "top5_accuracy": 3}
"""The column of a metric's numerator in `likelihood_columns`; 0, the nll, where it is not here."""


def likelihood_columns(figures: Sequence[ItemLikelihood]) -> Floats:
    """Per item: nll, tokens, correct, top5, bytes."""
    rows = [[f.nll, f.tokens, f.correct, f.top5, f.bytes or 0] for f in figures]
    return np.array(rows, float)


def measurable(figures: Sequence[ItemLikelihood]) -> list[str]:
    """The metrics that these figures give: bits per byte needs the bytes of every item."""
    counts = [item.bytes for item in figures]
    has_bytes = None not in counts and any(counts)
    return [name for name in LIKELIHOOD_METRICS if has_bytes or name != "bits_per_byte"]


def likelihood(
    loaded: LoadedModel, tokens: Sequence[Tokens], batch_size: int
) -> list[ItemLikelihood]:
    """One ItemLikelihood per item, in their order, the same whatever the batch size.

    Items of like length share a batch. What the head reads is kept of one batch at a time, and
    logits of `HELD_LOGITS` at a time; where a model changes its logits after the head, the logits
    of one batch.
    """
    import torch

    from cauce.models.head import plain_head, set_aside

    by_length = sorted(range(len(tokens)), key=lambda i: tokens[i].length)
    found: dict[int, ItemLikelihood] = {}
    loaded.model.eval()
    head = plain_head(loaded)
    with torch.inference_mode(), set_aside(head):
        for start in range(0, len(by_length), batch_size):
            chosen = by_length[start : start + batch_size]
            measured = _measure_batch(loaded, head, [tokens[i] for i in chosen])
            found.update(zip(chosen, measured, strict=True))
    return [found[i] for i in range(len(tokens))]


def _measure_batch(
    loaded: LoadedModel, head: Linear | None, items: Sequence[Tokens]
) -> list[ItemLikelihood]:
    import torch

    from cauce.models.prediction import predict
    from cauce.training.objective import batch_of

    batch = batch_of(loaded, [[item] for item in items])
    is_predicted = batch.targets != IGNORED
    read = predict(loaded.model, batch)[is_predicted]
    figures = _token_figures(read, batch.targets[is_predicted], head)
    return [_summed(own) for own in torch.split(figures, is_predicted.sum(1).tolist())]


def _token_figures(
    read: Tensor, targets: Int[Tensor, " n"], head: Linear | None
) -> Float[Tensor, "n 3"]:
    """Per token its nll, and 1 where it is the likeliest and among the five likeliest, else 0.

    `read` is what the head reads (n d), or the logits (n v) where there is no `head`.
    """
    import torch
    from torch.nn.functional import cross_entropy, linear

    found = torch.empty(len(read), 3, dtype=torch.float64)
    chunk = max(1, HELD_LOGITS // (read.shape[1] if head is None else head.out_features))
    for start in range(0, len(read), chunk):
        part, wanted = read[start : start + chunk], targets[start : start + chunk]
        logits = (part if head is None else linear(part, head.weight, head.bias)).float()
        is_likely = logits.topk(min(5, logits.shape[1])).indices == wanted[:, None]
        own = found[start : start + chunk]
        own[:, 0] = cross_entropy(logits, wanted, reduction="none")
        own[:, 1] = is_likely[:, 0]
        own[:, 2] = is_likely.any(1)
    return found


def _summed(figures: Float[Tensor, "n 3"]) -> ItemLikelihood:
    nll, correct, top5 = figures.sum(0).tolist()
    return ItemLikelihood(
        nll=nll,
        tokens=len(figures),
        correct=int(correct),
        top5=int(top5),
        all_correct=int(correct) == len(figures),
    )
