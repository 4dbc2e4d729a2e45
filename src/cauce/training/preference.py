"""Objectives that learn from what people liked: of two answers one (`dpo`), or each alone (`kto`).

Both hold the model near to a reference, the model before the training, by its log-probabilities,
which are computed once and kept (`cauce.training.reference`).

Axes: n answers or pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from cauce.corpus.batches import LONGEST, Batch, Row, Width
from cauce.corpus.judged import Pair, Rated
from cauce.corpus.tokens import Tokens
from cauce.models.loading import LoadedModel
from cauce.training.objective import Precision
from cauce.training.objectives import Dpo, Kto
from cauce.training.scoring import Scoring, sums

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def dpo_losses(
    chosen: Float[Tensor, " n"], rejected: Float[Tensor, " n"], objective: Dpo
) -> Float[Tensor, " n"]:
    """The loss of each pair, of the log-ratios log p/q of both answers.

    With s the share of pairs noted the wrong way round and m = beta (chosen - rejected), it is
    ((1 - s) l(m) - s l(-m)) / (1 - 2 s) with l(m) = -log sigmoid(m): in the mean over such mistakes
    what l would be without them (Chowdhury et al. 2024, 2403.00409).
    """
    margin, share = objective.beta * (chosen - rejected), objective.label_smoothing
    loss = -logsigmoid(margin)
    if not share:
        return loss
    return ((1 - share) * loss + share * logsigmoid(-margin)) / (1 - 2 * share)


def kto_losses(
    ratios: Float[Tensor, " n"],
    is_wanted: Bool[Tensor, " n"],
    divergence: float,
    objective: Kto,
) -> Float[Tensor, " n"]:
    """The loss of each answer, of its log-ratio log p/q and of the model's divergence z >= 0.

    w (1 - sigmoid(beta (ratio - z))) of an answer that was liked, with the sign of the difference
    turned for one that was not (Ethayarajh et al. 2024, 2402.01306, eq. 8).
    """
    towards = torch.where(is_wanted, ratios - divergence, divergence - ratios)
    weight = torch.where(is_wanted, objective.wanted_weight, objective.unwanted_weight)
    return weight * (1 - torch.sigmoid(objective.beta * towards))


class Preferring(Scoring):
    """The loss of `dpo` over pairs."""

    won: float = 0.0
    """Pairs since it was last set to 0 whose preferred answer had the larger log-ratio; equal ones
    count half. Counted in `eval()` mode."""

    def __init__(self, loaded: LoadedModel, objective: Dpo, precision: Precision) -> None:
        super().__init__(loaded, precision)
        self._objective = objective

    def batch(self, rows: Sequence[Row], width: Width) -> Batch:
        """Both answers of each pair, with what the reference says of them."""
        known = [_pair(item).reference for row in rows for item in row]
        judged = {"reference": torch.tensor(known)}
        made = super().batch(rows, width)
        return replace(made, judged=judged).to(made.input_ids.device)

    def forward(self, batch: Batch, share: float = 1.0) -> Float[Tensor, ""]:
        """`share` of the loss summed over the pairs, in fp32."""
        assert batch.judged is not None
        each, auxiliary = self.log_probabilities(batch)
        reference = batch.judged["reference"]
        ratios = sums(each, batch, reference.numel()).view_as(reference) - reference
        losses = dpo_losses(ratios[:, 0], ratios[:, 1], self._objective)
        if not self.training:
            self.won += float((1 + (ratios[:, 0] - ratios[:, 1]).sign()).sum()) / 2
        return self.with_auxiliary(share * losses.sum(), auxiliary, share * len(losses))

    def count(self, item: Tokens) -> int:
        """A pair counts as one, however long it is."""
        return 1


class Rating(Scoring):
    """The loss of `kto` over answers, against a `divergence` that is measured before."""

    divergence: float = 0.0
    """Mean log-ratio log p/q of answers to other prompts, at least 0, over all that an update reads
    (`far`)."""

    def __init__(self, loaded: LoadedModel, objective: Kto, precision: Precision) -> None:
        super().__init__(loaded, precision)
        self._objective = objective

    def batch(self, rows: Sequence[Row], width: Width) -> Batch:
        """The answers, with what the reference says of them and whether they were liked."""
        rated = [_rated(item) for row in rows for item in row]
        judged = {
            "reference": torch.tensor([_known(it.reference)[0] for it in rated]),
            "is_wanted": torch.tensor([it.is_wanted for it in rated]),
        }
        made = super().batch(rows, width)
        return replace(made, judged=judged).to(made.input_ids.device)

    def far(self, rows: Sequence[Row]) -> Batch:
        """The prompts with answers to others: `forward` then sums their log-ratios."""
        items = [item for row in rows for item in row]
        apart = [[item._replace(completion=_rated(item).elsewhere)] for item in items]
        known = torch.tensor([_known(_rated(item).reference)[1] for item in items])
        made = super().batch(apart, LONGEST)
        return replace(made, judged={"reference": known}).to(made.input_ids.device)

    def forward(self, batch: Batch, share: float = 1.0) -> Float[Tensor, ""]:
        """`share` of the loss summed over the answers, or of what `far` is for, in fp32."""
        assert batch.judged is not None
        each, auxiliary = self.log_probabilities(batch)
        reference = batch.judged["reference"]
        ratios = sums(each, batch, len(reference)) - reference
        if "is_wanted" not in batch.judged:
            return share * ratios.sum()
        losses = kto_losses(ratios, batch.judged["is_wanted"], self.divergence, self._objective)
        return self.with_auxiliary(share * losses.sum(), auxiliary, share * len(losses))

    def count(self, item: Tokens) -> int:
        """An answer counts as one, however long it is."""
        return 1


def _pair(item: Tokens) -> Pair:
    assert isinstance(item.judged, Pair), "refuse_unjudged was asked"
    return item.judged


def _rated(item: Tokens) -> Rated:
    assert isinstance(item.judged, Rated), "refuse_unjudged was asked"
    return item.judged


def _known(reference: tuple[float, float] | None) -> tuple[float, float]:
    assert reference is not None, "the reference is computed before"
    return reference
