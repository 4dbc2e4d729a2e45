"""The examples of one site, and what a model is worth on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from cauce.corpus.tokens import Tokens
from cauce.evaluation.likelihood import ItemLikelihood, likelihood
from cauce.evaluation.statistics import Estimate, statistic_bootstrap
from cauce.federated.messages import Losses
from cauce.models.loading import LoadedModel


class SiteData(NamedTuple):
    """The examples of one site, which stay there."""

    train: Sequence[Tokens]
    validation: Sequence[Tokens]
    test: Sequence[Tokens]
    test_groups: Sequence[str]
    """What each test example belongs with, such as its substance."""
    canaries: Mapping[int, str] = MappingProxyType({})
    """Names of the secrets that were planted, by their place among the training examples."""


class Measured(NamedTuple):
    """What a model is worth at the site."""

    losses: Losses
    test: list[ItemLikelihood]


def measured(loaded: LoadedModel, data: SiteData, batch_size: int) -> Measured:
    """The model on the site's validation and test examples."""
    validation, test = (
        likelihood(loaded, items, batch_size) for items in (data.validation, data.test)
    )
    losses = Losses(validation=_loss(validation), test=_loss(test) if test else None)
    return Measured(losses, test)


def gap(kept: Measured, alone: Measured, groups: Sequence[str]) -> Estimate | None:
    """Test loss of the one less that of the other, drawn by group; None without test items."""
    if not kept.test:
        return None
    pairs = zip(kept.test, alone.test, strict=True)
    columns = [[mine.nll - own.nll, own.tokens] for mine, own in pairs]
    return statistic_bootstrap(columns, groups, lambda sums: sums[..., 0] / sums[..., 1])


def _loss(figures: Sequence[ItemLikelihood]) -> float:
    """Nats per token."""
    return sum(it.nll for it in figures) / sum(it.tokens for it in figures)
