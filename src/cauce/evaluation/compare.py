"""Systems over the same items: the first against each other, and the items that changed."""

from __future__ import annotations

import contextlib
import gc
import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cauce.errors import DataRefused
from cauce.evaluation.comparison import Comparison, Cost, Flip, primary_metrics
from cauce.evaluation.differences import ZERO_OR_ONE, Pair, differences
from cauce.evaluation.log import Item
from cauce.evaluation.significance import holm
from cauce.runs import read_records

LARGEST_CHANGES = 10
"""Items with the largest gain, and as many with the largest loss in ROUGE-L, that are shown."""


class Log(NamedTuple):
    """The answers of one system, what it is called, and the MiB it took where that is known."""

    name: str
    items: Sequence[Item]
    peak_mb: float | None = None


def read_logs(paths: Sequence[tuple[str, Path]]) -> list[Log]:
    """The logs under the names of their systems, or the names given where two systems share one.

    Memory is what the `scores.json` beside a log tells.
    """
    with _without_collector():
        items = [list(read_records(path, Item)) for _, path in paths]
    systems = [own[0].system if own else "" for own in items]
    names = systems if len({*systems}) == len(paths) else [name for name, _ in paths]
    memories = [_peak_mb(path) for _, path in paths]
    return [Log(*log) for log in zip(names, items, memories, strict=True)]


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Records hold no cycles, and looking for some took two thirds of the time of reading them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _peak_mb(path: Path) -> float | None:
    scores = path.with_name("scores.json")
    if not scores.is_file():
        return None
    peak: float | None = (
        json.loads(scores.read_bytes())["systems"].get(path.stem, {}).get("peak_mb")
    )
    return peak


def compare(
    a_items: Sequence[Item], b_items: Sequence[Item], *, draws: int = 10_000, seed: int = 0
) -> Comparison:
    """The Comparison of two logs, under the names of their systems; see `compare_all`."""
    logs = [Log(items[0].system if items else "", items) for items in (a_items, b_items)]
    return compare_all(logs, draws=draws, seed=seed)[0]


def compare_all(
    logs: Sequence[Log], *, draws: int = 10_000, seed: int = 0
) -> tuple[Comparison, ...]:
    """The Comparison of the first log with each of the others, as one table.

    `p_holm` is corrected over the primary metrics of all comparisons together. Raises DataRefused
    when two logs share no item, or when a shared item has another prompt or reference in each:
    then the difference would not be between the systems.
    """
    first, *others = logs
    return _corrected([_compare(first, other, draws, seed) for other in others])


def _corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons with `p_holm` of the primary metrics of all."""
    chosen = [primary_metrics([row.metric for row in one.metrics]) for one in comparisons]
    told = list(zip(comparisons, chosen, strict=True))
    ps = iter(holm([row.p for one, names in told for row in one.metrics if row.metric in names]))
    return tuple(
        one.model_copy(
            update={
                "metrics": tuple(
                    row.model_copy(update={"p_holm": next(ps)}) if row.metric in names else row
                    for row in one.metrics
                )
            }
        )
        for one, names in told
    )


def _compare(a: Log, b: Log, draws: int, seed: int) -> Comparison:
    a_by_id, b_by_id = ({item.id: item for item in log.items} for log in (a, b))
    pairs = [
        Pair.of(item, other)
        for item in a_by_id.values()
        if (other := b_by_id.get(item.id)) is not None
    ]
    _refuse_unlike(pairs, a, b)
    metrics, reasons = differences(pairs, draws=draws, seed=seed)
    return Comparison(
        a=a.name,
        b=b.name,
        items=len(pairs),
        groups=len({pair.a.group for pair in pairs}),
        only_in_a=tuple(sorted(a_by_id.keys() - b_by_id.keys())),
        only_in_b=tuple(sorted(b_by_id.keys() - a_by_id.keys())),
        metrics=tuple(metrics),
        costs=_costs(pairs, a, b),
        not_compared=reasons,
        flipped=_flips(pairs),
    )


def _refuse_unlike(pairs: Sequence[Pair], a: Log, b: Log) -> None:
    if not pairs:
        raise DataRefused(
            f"the two logs share no item: {len(a.items)} and {len(b.items)} items, 0 in common.\n"
            "Compare systems that were asked the same test questions."
        )
    for left, right, *_ in pairs:
        for part, known, other in (
            ("prompt", left.prompt_sha256, right.prompt_sha256),
            ("reference", left.reference_sha256, right.reference_sha256),
        ):
            if known != other:
                raise DataRefused(
                    f"item {left.id!r} has another {part} in each log: {known[:8]} in {a.name}, "
                    f"{other[:8]} in {b.name}.\n"
                    "Evaluate both systems on the same prepared data, then compare again."
                )


def _costs(pairs: Sequence[Pair], a: Log, b: Log) -> tuple[Cost, ...]:
    """Seconds where the log has any, memory where the logs come with it."""
    seconds = [_mean_seconds([pair.a for pair in pairs]), _mean_seconds([pair.b for pair in pairs])]
    found = [
        Cost(name="cpu_s", a=seconds[0], b=seconds[1]),
        Cost(name="peak_mb", a=a.peak_mb, b=b.peak_mb),
    ]
    return tuple(cost for cost in found if cost.a is not None or cost.b is not None)


def _mean_seconds(items: Sequence[Item]) -> float | None:
    return statistics.fmean(item.answer_cpu_s for item in items) or None


def _flips(pairs: Sequence[Pair]) -> tuple[Flip, ...]:
    """Items that changed, the largest change in ROUGE-L first."""
    by_change = sorted(pairs, key=lambda pair: (_rouge_change(pair), pair.a.id))
    extremes = by_change[:LARGEST_CHANGES] + by_change[-LARGEST_CHANGES:]
    most = {pair.a.id for pair in extremes if _rouge_change(pair)}
    found = []
    for pair in sorted(pairs, key=lambda pair: (-abs(_rouge_change(pair)), pair.a.id)):
        a, b = pair.a_scores, pair.b_scores
        changed = [name for name in ZERO_OR_ONE if name in a and name in b and a[name] != b[name]]
        if pair.a.id in most:
            changed.append("rougeL")
        if changed:
            found.append(_flip(pair, tuple(changed)))
    return tuple(found)


def _flip(pair: Pair, changed: tuple[str, ...]) -> Flip:
    a, b, a_scores, b_scores = pair
    return Flip(
        id=a.id,
        group=a.group,
        question=a.question,
        reference=a.reference,
        answer_a=a.answer,
        answer_b=b.answer,
        changed=changed,
        scores_a=a_scores,
        scores_b=b_scores,
    )


def _rouge_change(pair: Pair) -> float:
    return pair.b_scores.get("rougeL", 0.0) - pair.a_scores.get("rougeL", 0.0)
