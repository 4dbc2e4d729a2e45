"""The objective that learns from the model's own answers: what beats its group becomes likelier.

Axes: n supervised tokens, g groups, k answers of a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cauce.corpus.batches import Batch, Row, Width
from cauce.corpus.judged import Tried
from cauce.corpus.tokens import Tokens
from cauce.models.loading import LoadedModel
from cauce.training.objective import Precision
from cauce.training.objectives import Grpo
from cauce.training.scoring import Scoring, document_of

if TYPE_CHECKING:
    from jaxtyping import Float

LEAST_DEVIATION = 1e-4
"""Added to the deviation of a group, so that one whose rewards are all alike teaches nothing."""


def advantages(rewards: Float[Tensor, "g k"]) -> Float[Tensor, "g k"]:
    """By how many standard deviations each answer is better than the mean of its group.

    The deviation is that of a sample, as the group is one (Shao et al. 2024, 2402.03300).
    """
    centred = rewards - rewards.mean(1, keepdim=True)
    return centred / (rewards.std(1, keepdim=True) + LEAST_DEVIATION)


def policy_losses(
    each: Float[Tensor, " n"],
    before: Float[Tensor, " n"],
    advantage: Float[Tensor, " n"],
    objective: Grpo,
    reference: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, " n"]:
    """The loss of each token, of its log-probability now and when it was written.

    -min(r A, clip(r, 1 - c, 1 + c) A) with r = exp(now - before), plus beta times exp(d) - d - 1
    with d = reference - now, an estimate of the divergence from the reference that is never
    negative (Shao et al. 2024, 2402.03300, eq. 3 and 4).
    """
    ratio = torch.exp(each - before)
    clipped = ratio.clamp(1 - objective.clip, 1 + objective.clip)
    losses = -torch.minimum(ratio * advantage, clipped * advantage)
    if reference is None:
        return losses
    apart = reference - each
    return losses + objective.beta * (apart.exp() - apart - 1)


class Trying(Scoring):
    """The loss of `grpo` over answers that were written and judged before."""

    def __init__(self, loaded: LoadedModel, objective: Grpo, precision: Precision) -> None:
        super().__init__(loaded, precision)
        self._objective = objective

    def batch(self, rows: Sequence[Row], width: Width) -> Batch:
        """The answers, with their advantages and what was said of each token before."""
        tried = [_tried(item) for row in rows for item in row]
        judged = {"advantage": torch.tensor([it.advantage for it in tried])}
        for name in ("before", "reference"):
            known = [number for it in tried for number in it._asdict()[name]]
            if known:
                judged[name] = torch.tensor(known)
        made = super().batch(rows, width)
        return replace(made, judged=judged).to(made.input_ids.device)

    def forward(self, batch: Batch, share: float = 1.0) -> Float[Tensor, ""]:
        """`share` of the loss summed over the tokens, or over the answers' means, in fp32."""
        assert batch.judged is not None
        each, auxiliary = self.log_probabilities(batch)
        document = document_of(batch)
        losses = policy_losses(
            each,
            batch.judged.get("before", each.detach()),
            batch.judged["advantage"][document],
            self._objective,
            batch.judged.get("reference"),
        )
        counted = float(len(losses))
        if self._objective.loss == "grpo":
            sizes = torch.bincount(document, minlength=len(batch.judged["advantage"]))
            losses, counted = losses / sizes[document], float(len(sizes))
        return self.with_auxiliary(share * losses.sum(), auxiliary, share * counted)

    def count(self, item: Tokens) -> int:
        """The tokens of the answer, or one for it."""
        return len(item.completion) if self._objective.loss == "dapo" else 1


def _tried(item: Tokens) -> Tried:
    assert isinstance(item.judged, Tried), "the answers are written before"
    return item.judged
