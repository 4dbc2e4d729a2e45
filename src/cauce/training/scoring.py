"""How likely a model finds completions: what objectives over whole answers are made of.

Axes: n supervised tokens, d documents, w width, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import cross_entropy, linear

from cauce.corpus.batches import Batch, Row, Width
from cauce.corpus.tokens import IGNORED
from cauce.models.head import plain_head
from cauce.models.loading import LoadedModel
from cauce.models.prediction import Predicted, predict_with_auxiliary
from cauce.training.objective import Precision, autocast, batch_of

if TYPE_CHECKING:
    from jaxtyping import Float, Int


class Scoring(Module):
    """A model whose completions are scored; each objective over whole answers is one.

    Of its head, where that can be set aside, only the supervised tokens are computed.
    """

    def __init__(self, loaded: LoadedModel, precision: Precision) -> None:
        super().__init__()
        self.model = cast(Module, loaded.model)
        self.head = plain_head(loaded)
        self.predict: Callable[..., Predicted] = predict_with_auxiliary
        self.auxiliary: Tensor | None = None
        """What of the losses since `begin` the model gave itself."""
        self._loaded, self._precision = loaded, precision

    def begin(self, step: int, total_steps: int) -> None:
        """Every update is alike, and has an `auxiliary` of its own."""
        self.auxiliary = None

    def batch(self, rows: Sequence[Row], width: Width) -> Batch:
        """The rows' documents as one batch.

        They stand in a row together where the width is that of packed rows, else each alone.
        """
        documents = [[document for item in row for document in item.documents] for row in rows]
        alone = [[document] for row in documents for document in row]
        return batch_of(self._loaded, documents if width.fixed else alone, width)

    def log_probabilities(self, batch: Batch) -> tuple[Float[Tensor, " n"], Tensor | None]:
        """Of each supervised token, in nats, in fp32; and what the model gave itself."""
        with autocast(batch.input_ids.device, self._precision):
            predicted = self.predict(self.model, batch)
            is_supervised = batch.targets != IGNORED
            logits = predicted.logits[is_supervised]
            if self.head is not None:
                logits = linear(logits, self.head.weight, self.head.bias)
        exact = torch.promote_types(logits.dtype, torch.float32)
        wanted = batch.targets[is_supervised]
        return -cross_entropy(logits.to(exact), wanted, reduction="none"), predicted.auxiliary

    def with_auxiliary(self, loss: Tensor, auxiliary: Tensor | None, share: float) -> Tensor:
        """`loss` with `share` of what the model gave itself, in training."""
        if not self.training or auxiliary is None:
            return loss
        own = share * auxiliary.float()
        before = 0.0 if self.auxiliary is None else self.auxiliary
        self.auxiliary = before + own.detach()
        return loss + own


def document_of(batch: Batch) -> Int[Tensor, " n"]:
    """The document, from 0 in the order of the batch, that each supervised token belongs to."""
    starts = batch.decoder_document_starts
    starts = batch.document_starts if starts is None else starts
    numbers = starts.flatten().long().cumsum(0).view_as(starts) - 1
    return numbers[batch.targets != IGNORED]


def sums(each: Float[Tensor, " n"], batch: Batch, documents: int) -> Float[Tensor, " d"]:
    """What the tokens of each document come to together."""
    return each.new_zeros(documents).index_add(0, document_of(batch), each)
