"""Paired differences of every metric that two systems share, from the same draws of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cauce.evaluation.comparison import MetricDifference
from cauce.evaluation.likelihood import (
    COLUMNS,
    LIKELIHOOD_METRICS,
    likelihood_columns,
    measurable,
)
from cauce.evaluation.log import Item
from cauce.evaluation.metrics import RATES, SIGNATURES, better_direction
from cauce.evaluation.power import detectable_difference
from cauce.evaluation.significance import mcnemar_p, sign_flip_ps
from cauce.evaluation.statistics import (
    Estimate,
    Floats,
    Statistic,
    clopper_pearson,
    statistic_bootstraps,
)

ZERO_OR_ONE = (*RATES, "sequence_accuracy")
DIFFERENT_TOKENS = (
    "perplexity, loss and token accuracies: the two systems cut the references into different "
    "tokens"
)
_WIDTH = 5
"""Columns of `likelihood_columns`."""


class Pair(NamedTuple):
    """One item in both systems, with the values of its scores."""

    a: Item
    b: Item
    a_scores: dict[str, float]
    b_scores: dict[str, float]

    @classmethod
    def of(cls, a: Item, b: Item) -> Pair:
        """The pair of two items that are one question."""
        return cls(a, b, _scores(a), _scores(b))


class _Bundle(NamedTuple):
    """Metrics that the same pairs have: they are resampled together."""

    pairs: list[Pair]
    means: list[str]
    likelihoods: list[str]


def differences(
    pairs: Sequence[Pair], *, draws: int, seed: int
) -> tuple[list[MetricDifference], tuple[str, ...]]:
    """The difference of every shared metric, and why others could not be compared.

    Metrics of items come in the order of SIGNATURES and then by name, those over all tokens last.
    """
    means, (likelihoods, reasons) = _shared_metrics(pairs), _comparable(pairs)
    found = {
        row.metric: row
        for bundle in _bundles(pairs, means, likelihoods)
        for row in _bundle_differences(bundle, draws, seed)
    }
    return [found[name] for name in (*means, *likelihoods)], reasons


def _scores(item: Item) -> dict[str, float]:
    if item.likelihood is None:
        return item.values
    return {**item.values, "sequence_accuracy": float(item.likelihood.all_correct)}


def _shared_metrics(pairs: Sequence[Pair]) -> list[str]:
    """Metrics that some item has in both systems, in the order of SIGNATURES, then by name."""
    shared = {name for pair in pairs for name in pair.a_scores.keys() & pair.b_scores.keys()}
    known = [name for name in SIGNATURES if name in shared]
    return known + sorted(shared - set(known))


def _comparable(pairs: Sequence[Pair]) -> tuple[list[str], tuple[str, ...]]:
    """The metrics over all tokens that can be compared, and why others cannot.

    Those per token where both have the same tokens; bits per byte where the same bytes.
    """
    measured = [(a.likelihood, b.likelihood) for a, b, *_ in pairs if a.likelihood and b.likelihood]
    if not measured:
        return [], ()
    is_same_tokens = all(a.tokens == b.tokens for a, b in measured)
    is_same_bytes = all(a.bytes == b.bytes for a, b in measured)
    names = [
        metric
        for metric in measurable([a for a, _ in measured])
        if (is_same_bytes if metric == "bits_per_byte" else is_same_tokens)
    ]
    is_all = is_same_tokens or len(measured) < len(pairs)
    return names, () if is_all else (DIFFERENT_TOKENS,)


def _bundles(
    pairs: Sequence[Pair], means: Sequence[str], likelihoods: Sequence[str]
) -> list[_Bundle]:
    found: dict[bytes, _Bundle] = {}

    def bundle(has: list[bool]) -> _Bundle:
        own = [pair for pair, is_own in zip(pairs, has, strict=True) if is_own]
        return found.setdefault(bytes(has), _Bundle(own, [], []))

    for name in means:
        bundle([name in p.a_scores and name in p.b_scores for p in pairs]).means.append(name)
    if likelihoods:
        bundle([bool(p.a.likelihood and p.b.likelihood) for p in pairs]).likelihoods.extend(
            likelihoods
        )
    return list(found.values())


def _bundle_differences(bundle: _Bundle, draws: int, seed: int) -> list[MetricDifference]:
    """The rows of the bundle's metrics: of all its items' columns, one table is resampled."""
    a, b = (
        np.array([[scores[name] for name in bundle.means] for scores in own], float)
        for own in ([p.a_scores for p in bundle.pairs], [p.b_scores for p in bundle.pairs])
    )
    a_tokens, b_tokens = _token_columns(bundle)
    groups, count = [pair.a.group for pair in bundle.pairs], len(bundle.means)
    of_tokens = [LIKELIHOOD_METRICS[name] for name in bundle.likelihoods]
    estimates = statistic_bootstraps(
        np.hstack([b - a, np.ones((len(a), 1)), a_tokens, b_tokens]),
        groups,
        [
            *(_mean_of(place, count) for place in range(count)),
            *(_difference_of(of_sums) for of_sums in of_tokens),
        ],
        draws=draws,
        seed=seed,
    )
    tested = [COLUMNS.get(name, 0) for name in bundle.likelihoods]
    flipped = np.hstack([b - a, (b_tokens - a_tokens)[:, tested]])
    values = [
        *zip(a.mean(axis=0), b.mean(axis=0), strict=True),
        *((of(a_tokens.sum(axis=0)), of(b_tokens.sum(axis=0))) for of in of_tokens),
    ]
    rows = zip(
        (*bundle.means, *bundle.likelihoods),
        values,
        estimates,
        sign_flip_ps(flipped, groups, seed=seed),
        strict=True,
    )
    found = [_row(metric, pair, estimate, p) for metric, pair, estimate, p in rows]
    return [
        _with_changes(row, changes, groups) for row, changes in zip(found, (b - a).T, strict=False)
    ] + found[len(bundle.means) :]


def _token_columns(bundle: _Bundle) -> tuple[Floats, Floats]:
    """The columns of both systems' likelihoods; none where the bundle has no such metric."""
    if not bundle.likelihoods:
        return np.empty((len(bundle.pairs), 0)), np.empty((len(bundle.pairs), 0))
    return (
        likelihood_columns([pair.a.likelihood for pair in bundle.pairs if pair.a.likelihood]),
        likelihood_columns([pair.b.likelihood for pair in bundle.pairs if pair.b.likelihood]),
    )


def _mean_of(place: int, count: int) -> Statistic:
    """The sum of the column at `place` over the number of items, which is the column at `count`."""
    return lambda sums: sums[..., place] / sums[..., count]


def _difference_of(of_sums: Statistic) -> Statistic:
    """The statistic of the last columns, those of `b`, less that of the ones before, of `a`."""
    return lambda sums: of_sums(sums[..., -_WIDTH:]) - of_sums(sums[..., -2 * _WIDTH : -_WIDTH])


def _row(
    metric: str, values: tuple[float, float], estimate: Estimate, p: float
) -> MetricDifference:
    return MetricDifference(
        metric=metric,
        better=better_direction(metric),
        a=float(values[0]),
        b=float(values[1]),
        difference=estimate.value,
        low=estimate.low,
        high=estimate.high,
        p=p,
        n=estimate.n,
        signature=SIGNATURES.get(metric, ""),
    )


def _with_changes(
    row: MetricDifference, changes: Floats, groups: Sequence[str]
) -> MetricDifference:
    """The row of a mean with what the changes of its items add."""
    found: dict[str, float | None] = {"detectable": detectable_difference(changes.tolist(), groups)}
    if row.metric in ZERO_OR_ONE:
        fallen, risen = (int(np.count_nonzero(changes == change)) for change in (-1.0, 1.0))
        found["mcnemar_p"] = mcnemar_p(fallen, risen)
        if not changes.any():
            # No item changed: the bounds are the exact ones of 0 changed groups, not [0, 0].
            _, most = clopper_pearson(0, len(set(groups)))
            found |= {"low": -most, "high": most}
    return row.model_copy(update=found)
