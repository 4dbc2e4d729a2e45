"""Two systems over the same items: paired differences, and the items whose answer changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from cauce.errors import DataRefused
from cauce.evaluation.likelihood import (
    COLUMNS,
    LIKELIHOOD_METRICS,
    ItemLikelihood,
    likelihood_columns,
    measurable,
)
from cauce.evaluation.log import Item
from cauce.evaluation.metrics import RATES, SIGNATURES, Better, better_direction
from cauce.evaluation.statistics import (
    Estimate,
    Floats,
    clopper_pearson,
    detectable_difference,
    mcnemar_p,
    paired_bootstrap,
    sign_flip_p,
    statistic_bootstrap,
)
from cauce.records import Record

LARGEST_CHANGES = 10
"""Items with the largest gain, and as many with the largest loss in ROUGE-L, that are shown."""

_ZERO_OR_ONE = (*RATES, "sequence_accuracy")
_DIFFERENT_TOKENS = (
    "perplexity, loss and token accuracies: the two systems cut the references into different "
    "tokens"
)


class MetricDifference(Record):
    """One metric in both systems over the items that both have it for."""

    metric: str
    better: Better
    a: float
    b: float
    difference: float
    """b - a."""
    low: float | None
    """Lower bound of the 95 % interval of the difference, by cluster bootstrap."""
    high: float | None
    p: float
    """Two-sided, by flipping the signs of whole groups; not corrected for the number of metrics."""
    n: int
    mcnemar_p: float | None = None
    """For metrics that are 0 or 1: exact, items taken as independent."""
    detectable: float | None = None
    """True difference that these items would have shown with a probability of 80 %."""
    signature: str = ""

    @property
    def verdict(self) -> str:
        """`better`, `worse`, `differs` or `no difference shown`: b against a."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "no difference shown"
        if self.better == "neither":
            return "differs"
        return "better" if (self.difference > 0) == (self.better == "higher") else "worse"


class Flip(Record):
    """An item that is right in one system and wrong in the other, or whose ROUGE-L moved most."""

    id: str
    group: str
    question: str
    reference: str
    answer_a: str
    answer_b: str
    changed: tuple[str, ...]
    """Metrics that changed."""
    scores_a: dict[str, float]
    scores_b: dict[str, float]


class Comparison(Record):
    """What changes from system `a` to system `b` on the items that both answered."""

    a: str
    b: str
    items: int
    groups: int
    only_in_a: tuple[str, ...] = ()
    """Items that `b` lacks; they are in no figure."""
    only_in_b: tuple[str, ...] = ()
    metrics: tuple[MetricDifference, ...]
    not_compared: tuple[str, ...] = ()
    """What could not be compared, and why."""
    flipped: tuple[Flip, ...]


class _Pair(NamedTuple):
    a: Item
    b: Item


def compare(
    a_items: Sequence[Item], b_items: Sequence[Item], *, draws: int = 2000, seed: int = 0
) -> Comparison:
    """The Comparison of two logs.

    Raises DataRefused when they share no item, or when a shared item has another prompt or
    reference in each: then the difference would not be between the systems.
    """
    a_by_id, b_by_id = ({item.id: item for item in log} for log in (a_items, b_items))
    pairs = [_Pair(item, b_by_id[item.id]) for item in a_by_id.values() if item.id in b_by_id]
    _refuse_unlike(pairs, a_items, b_items)
    metrics = [_mean_difference(pairs, name, draws, seed) for name in _shared_metrics(pairs)]
    likelihoods = _likelihood_differences(pairs, draws, seed)
    is_measured = all(a.likelihood and b.likelihood for a, b in pairs)
    is_other_tokens = is_measured and "loss" not in [row.metric for row in likelihoods]
    return Comparison(
        a=a_items[0].system,
        b=b_items[0].system,
        items=len(pairs),
        groups=len({pair.a.group for pair in pairs}),
        only_in_a=tuple(sorted(a_by_id.keys() - b_by_id.keys())),
        only_in_b=tuple(sorted(b_by_id.keys() - a_by_id.keys())),
        metrics=(*metrics, *likelihoods),
        not_compared=(_DIFFERENT_TOKENS,) if is_other_tokens else (),
        flipped=_flips(pairs),
    )


def format_table(comparison: Comparison) -> str:
    """The comparison as a plain-text table for the terminal."""
    c = comparison
    names = f"{'':20}{c.a[:11]:>12}{c.b[:11]:>12}{'difference':>12}"
    header = f"{names}  {'95 % interval':^22}{'p':>8}{'n':>6}"
    lines = [
        f"{c.a} -> {c.b}: {c.items} items in {c.groups} groups, {len(c.flipped)} flipped",
        header,
        "-" * (len(header) + 21),
    ]
    lines += [_table_row(row) for row in c.metrics]
    for name, missing in ((c.a, c.only_in_b), (c.b, c.only_in_a)):
        if missing:
            lines.append(f"{len(missing)} items lack in {name}: {', '.join(missing[:5])}")
    lines += [f"not compared: {reason}" for reason in c.not_compared]
    lines.append("Intervals and p by group; p is per metric, not corrected for their number.")
    return "\n".join(lines)


def _table_row(row: MetricDifference) -> str:
    interval = "not measured"
    if row.low is not None and row.high is not None:
        interval = f"[{_signed(row.low)}, {_signed(row.high)}]"
    return (
        f"{row.metric:20}{_number(row.a):>12}{_number(row.b):>12}{_signed(row.difference):>12}"
        f"  {interval:^22}{row.p:>8.4f}{row.n:>6}  {row.verdict}"
    )


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) < 10 else f"{value:+.2f}"


def _refuse_unlike(
    pairs: Sequence[_Pair], a_items: Sequence[Item], b_items: Sequence[Item]
) -> None:
    if not pairs:
        raise DataRefused(
            f"the two logs share no item: {len(a_items)} and {len(b_items)} items, 0 in common.\n"
            "Compare systems that were asked the same test questions."
        )
    for a, b in pairs:
        for part, left, right in (
            ("prompt", a.prompt_sha256, b.prompt_sha256),
            ("reference", a.reference_sha256, b.reference_sha256),
        ):
            if left != right:
                raise DataRefused(
                    f"item {a.id!r} has another {part} in each log: {left[:8]} in {a.system}, "
                    f"{right[:8]} in {b.system}.\n"
                    "Evaluate both systems on the same prepared data, then compare again."
                )


def _scores(item: Item) -> dict[str, float]:
    if item.likelihood is None:
        return item.scores
    return {**item.scores, "sequence_accuracy": float(item.likelihood.all_correct)}


def _shared_metrics(pairs: Sequence[_Pair]) -> list[str]:
    """Metrics that some item has in both systems, in the order of SIGNATURES, then by name."""
    shared = {name for a, b in pairs for name in _scores(a).keys() & _scores(b).keys()}
    known = [name for name in SIGNATURES if name in shared]
    return known + sorted(shared - set(known))


def _mean_difference(
    pairs: Sequence[_Pair], metric: str, draws: int, seed: int
) -> MetricDifference:
    scored = [pair for pair in pairs if metric in _scores(pair.a) and metric in _scores(pair.b)]
    a = [_scores(pair.a)[metric] for pair in scored]
    b = [_scores(pair.b)[metric] for pair in scored]
    groups = [pair.a.group for pair in scored]
    differences = [after - before for before, after in zip(a, b, strict=True)]
    estimate = paired_bootstrap(a, b, groups, draws=draws, seed=seed)
    p_mcnemar = None
    if metric in _ZERO_OR_ONE:
        p_mcnemar = mcnemar_p(differences.count(-1.0), differences.count(1.0))
        if not any(differences):
            estimate = _unchanged_rate(len(scored), len(set(groups)))
    return MetricDifference(
        metric=metric,
        better=better_direction(metric),
        a=float(np.mean(a)),
        b=float(np.mean(b)),
        difference=estimate.value,
        low=estimate.low,
        high=estimate.high,
        p=sign_flip_p(differences, groups, seed=seed),
        n=len(scored),
        mcnemar_p=p_mcnemar,
        detectable=detectable_difference(differences, groups),
        signature=SIGNATURES.get(metric, ""),
    )


def _unchanged_rate(n: int, groups: int) -> Estimate:
    """No item changed: the bounds are the exact ones of 0 changed groups, not [0, 0]."""
    _, most = clopper_pearson(0, groups)
    return Estimate(value=0.0, low=-most, high=most, n=n)


def _likelihood_differences(
    pairs: Sequence[_Pair], draws: int, seed: int
) -> list[MetricDifference]:
    """Differences of the metrics over all tokens, of those that the two systems share."""
    measured = [
        (a.likelihood, b.likelihood, a.group) for a, b in pairs if a.likelihood and b.likelihood
    ]
    names = _comparable([(a, b) for a, b, _ in measured])
    if not names:
        return []
    groups = [group for *_, group in measured]
    a = likelihood_columns([figures for figures, _, _ in measured])
    b = likelihood_columns([figures for _, figures, _ in measured])
    found = []
    for metric in names:
        of_sums = LIKELIHOOD_METRICS[metric]
        estimate = statistic_bootstrap(
            np.hstack([a, b]), groups, _difference_of(of_sums), draws=draws, seed=seed
        )
        found.append(
            MetricDifference(
                metric=metric,
                better=better_direction(metric),
                a=float(of_sums(a.sum(axis=0))),
                b=float(of_sums(b.sum(axis=0))),
                difference=estimate.value,
                low=estimate.low,
                high=estimate.high,
                p=sign_flip_p((b - a)[:, COLUMNS.get(metric, 0)].tolist(), groups, seed=seed),
                n=len(measured),
                signature=SIGNATURES[metric],
            )
        )
    return found


def _comparable(pairs: Sequence[tuple[ItemLikelihood, ItemLikelihood]]) -> list[str]:
    """Metrics per token where both have the same tokens; bits per byte where the same bytes."""
    if not pairs:
        return []
    same_tokens = all(a.tokens == b.tokens for a, b in pairs)
    same_bytes = all(a.bytes == b.bytes for a, b in pairs)
    return [
        metric
        for metric in measurable([a for a, _ in pairs])
        if (same_bytes if metric == "bits_per_byte" else same_tokens)
    ]


def _difference_of(of_sums: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """The statistic of the right half of the columns less that of the left half."""

    def difference(sums: Floats) -> Floats:
        a, b = np.split(sums, 2, axis=-1)
        return of_sums(b) - of_sums(a)

    return difference


def _flips(pairs: Sequence[_Pair]) -> tuple[Flip, ...]:
    """Items that changed, the largest change in ROUGE-L first."""
    by_change = sorted(pairs, key=lambda pair: (_rouge_change(pair), pair.a.id))
    extremes = by_change[:LARGEST_CHANGES] + by_change[-LARGEST_CHANGES:]
    most = {pair.a.id for pair in extremes if _rouge_change(pair)}
    found = []
    for pair in sorted(pairs, key=lambda pair: (-abs(_rouge_change(pair)), pair.a.id)):
        a, b = _scores(pair.a), _scores(pair.b)
        changed = [name for name in _ZERO_OR_ONE if name in a and name in b and a[name] != b[name]]
        if pair.a.id in most:
            changed.append("rougeL")
        if changed:
            found.append(_flip(pair, tuple(changed)))
    return tuple(found)


def _flip(pair: _Pair, changed: tuple[str, ...]) -> Flip:
    a, b = pair
    return Flip(
        id=a.id,
        group=a.group,
        question=a.question,
        reference=a.reference,
        answer_a=a.answer,
        answer_b=b.answer,
        changed=changed,
        scores_a=_scores(a),
        scores_b=_scores(b),
    )


def _rouge_change(pair: _Pair) -> float:
    return pair.b.scores.get("rougeL", 0.0) - pair.a.scores.get("rougeL", 0.0)
