"""A model and what it is trained for, in one module that returns one number: the summed loss.

Sums, not means: whoever adds several batches up divides once, by all that they count, so that a
token weighs the same in every batch. One module, because what spreads a model over processes takes
a module and its output. In `eval()` mode both here give the plain likelihood, so that their
validations can be compared; those that learn from judgements are validated by their own loss.

Axes: n supervised tokens, d width, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import Linear, Module
from torch.nn.functional import linear

from cauce.corpus.batches import LONGEST, Batch, Row, Width, collate
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.models.head import plain_head
from cauce.models.loading import LoadedModel
from cauce.models.loss import cross_entropy, fused_cross_entropy
from cauce.models.prediction import Predicted, predict_with_auxiliary, predict_with_states
from cauce.training.block_teaching import BlockTeaching
from cauce.training.distillation import divergence, hidden_state_loss, matching_layers
from cauce.training.objectives import Distil, Pretrain, Sft

if TYPE_CHECKING:
    from jaxtyping import Float, Int

Precision = Literal["fp32", "bf16", "fp16"]

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class MeanLoss(NamedTuple):
    """A loss per counted token, in nats, and the tokens it is the mean of."""

    loss: float
    tokens: int


class Likelihood(Module):
    """Minus the log-likelihood, in nats, of a batch's targets; smoothed and focal where asked."""

    def __init__(
        self, loaded: LoadedModel, objective: Pretrain | Sft, precision: Precision
    ) -> None:
        super().__init__()
        self.model = cast(Module, loaded.model)
        self.head = plain_head(loaded)
        self.predict: Callable[..., Predicted] = predict_with_auxiliary
        self.auxiliary: Tensor | None = None
        """What of the losses since `begin` the model gave itself."""
        self._loaded, self._objective, self._precision = loaded, objective, precision

    def forward(self, batch: Batch, share: float = 1.0) -> Float[Tensor, ""]:
        """`share` of the loss summed over the supervised tokens, in fp32.

        In training, what the model returns as `auxiliary_loss` is added for each of these tokens.
        """
        with autocast(batch.input_ids.device, self._precision):
            predicted = self.predict(self.model, batch)
        is_supervised = batch.targets != IGNORED
        wanted = batch.targets[is_supervised]
        loss = self._summed(predicted.logits[is_supervised], wanted, share)
        if not self.training or predicted.auxiliary is None:
            return loss
        auxiliary = share * is_supervised.sum() * predicted.auxiliary.float()
        before = 0.0 if self.auxiliary is None else self.auxiliary
        self.auxiliary = before + auxiliary.detach()
        return loss + auxiliary

    def batch(self, rows: Sequence[Row], width: Width) -> Batch:
        """What `forward` takes."""
        return batch_of(self._loaded, rows, width)

    def count(self, item: Tokens) -> int:
        """Tokens of the example that `forward` sums over."""
        return supervised_tokens(self._loaded, item)

    def begin(self, step: int, total_steps: int) -> None:
        """Every update is alike, and has an `auxiliary` of its own."""
        self.auxiliary = None

    def _summed(self, predicted: Tensor, targets: Int[Tensor, " n"], share: float) -> Tensor:
        smoothing = self._objective.label_smoothing if self.training else 0.0
        gamma = self._objective.focal_gamma if self.training else 0.0
        options = {"label_smoothing": smoothing, "focal_gamma": gamma}
        if self.head is None:
            return share * cross_entropy(predicted, targets, **options)
        hidden = predicted.to(DTYPES.get(self._precision, predicted.dtype))
        if smoothing or gamma:
            with autocast(hidden.device, self._precision):
                logits = linear(hidden, self.head.weight, self.head.bias)
            return share * cross_entropy(logits, targets, **options)
        weight, bias = self.head.weight, self.head.bias
        return fused_cross_entropy(hidden, weight, bias, targets, share=share)


class Distillation(Module):
    """How far a batch's hidden states, or its distributions, are from those of the teacher."""

    head: Linear | None = None
    auxiliary: Tensor | None = None
    matches: Literal["blocks", "states", "logits"]
    """What of the teacher is matched now."""

    def __init__(
        self, loaded: LoadedModel, objective: Distil, precision: Precision, *, teacher: LoadedModel
    ) -> None:
        super().__init__()
        self.model = cast(Module, loaded.model)
        self.predict: Callable[..., Predicted] = predict_with_auxiliary
        self._loaded, self._objective, self._precision = loaded, objective, precision
        self._teacher = teacher
        self._blocks = BlockTeaching(loaded, teacher) if objective.block_share else None
        self.begin(0, 1)

    def forward(self, batch: Batch, share: float = 1.0) -> Float[Tensor, ""]:
        """`share` of the squared distance of states over real tokens, or of T^2 KL over targets."""
        is_supervised = batch.targets != IGNORED
        with autocast(batch.input_ids.device, self._precision):
            if not self.training:
                logits = self.predict(self.model, batch).logits[is_supervised]
                return share * cross_entropy(logits, batch.targets[is_supervised])
            if self.matches == "blocks":
                assert self._blocks is not None
                return share * self._blocks.distance(batch)
            with torch.no_grad():
                wanted = predict_with_states(self._teacher.model, batch)
            found = predict_with_states(self._loaded.model, batch)
        if self.matches == "states":
            return share * _distance_of_states(found, wanted, batch)
        return share * divergence(
            found.logits[is_supervised], wanted.logits[is_supervised], self._objective.temperature
        )

    def batch(self, rows: Sequence[Row], width: Width) -> Batch:
        """What `forward` takes."""
        return batch_of(self._loaded, rows, width)

    def count(self, item: Tokens) -> int:
        """Tokens of the example that `forward` sums over."""
        if self.training and self.matches != "logits":
            return len(item.prompt) + len(item.completion)
        return supervised_tokens(self._loaded, item)

    def begin(self, step: int, total_steps: int) -> None:
        """The first updates match blocks, the next ones states, the others distributions."""
        blocks = round(self._objective.block_share * total_steps)
        states = round(self._objective.hidden_share * total_steps)
        self.matches = "blocks" if step < blocks else "states"
        if step >= blocks + states:
            self.matches = "logits"


def batch_of(loaded: LoadedModel, rows: Sequence[Row], width: Width = LONGEST) -> Batch:
    """The rows as one batch on the model's device."""
    batch = collate(
        rows,
        pad_id=loaded.pad_id,
        decoder_start_id=loaded.decoder_start_id,
        width=width,
        processor=loaded.processor,
    )
    return batch.to(loaded.device)


def supervised_tokens(loaded: LoadedModel, item: Tokens) -> int:
    """Tokens of the example that are predicted: its completion, less one that nothing precedes."""
    has_context = loaded.is_encoder_decoder or bool(item.prompt)
    return len(item.completion) - (0 if has_context else 1)


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """Matrix products in 16 bits over fp32 weights where `precision` says so."""
    dtype = DTYPES.get(precision, torch.bfloat16)
    return torch.autocast(device.type, dtype=dtype, enabled=precision != "fp32")


def _distance_of_states(found: Predicted, wanted: Predicted, batch: Batch) -> Tensor:
    distance = found.logits.new_zeros((), dtype=torch.float32)
    is_real = [batch.is_real, batch.targets != IGNORED][: len(found.states)]
    for mine, its, real in zip(found.states, wanted.states, is_real, strict=True):
        pairs = matching_layers(len(mine), len(its))
        distance = distance + hidden_state_loss(
            [mine[layer] for layer, _ in pairs], [its[layer] for _, layer in pairs], real
        )
    return distance
