"""A person's readings before a question: as vectors of a liquid network, as text, or not at all.

One embedded model with a fresh LoRA, one set of invented people (`series_questions`), the same
examples in the same order. `prefix` has as many updates as `text`; `prefix, equal time` goes on for
about as many CPU seconds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from cauce.corpus.pairs import pair_of
from cauce.evaluation.compare import Log, compare_all
from cauce.evaluation.comparison import Comparison
from cauce.evaluation.log import Item, item_of, scored
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.statistics import rate_exact
from cauce.evaluation.systems import ModelSystem
from cauce.models.adapters import attach
from cauce.models.loading import LoadedModel
from cauce.models.prefix import add_prefix, scales_of_examples, tokens_of_example
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base
from cauce.records import Document, Example
from cauce.sources.series_questions import SeriesQuestionsSource
from cauce.training.loop import train
from cauce.training.settings import TrainingSettings

LEARNED, ASKED, TIMES = 600, 75, 8
"""People to learn from and to be asked about, four questions each; times in a series."""
VECTORS = 8
UPDATES, LONG_UPDATES = 150, 900
"""Of every way; of the prefix in about the CPU seconds that as many take with text."""
ROWS, RATE = 16, 3e-3


class Way(NamedTuple):
    """How a question is asked of a model, and how long that was learned."""

    name: str
    vectors: int = 0
    has_series: bool = True
    updates: int = UPDATES


WAYS = (
    Way("prefix", VECTORS),
    Way("nothing", has_series=False),
    Way("text"),
    Way("prefix, equal time", VECTORS, updates=LONG_UPDATES),
)
"""The first is compared with the next two, and the third with the last."""


def measure() -> None:
    """Accuracy of each way with its interval, the paired tests, CPU seconds and tokens read."""
    learned, asked = _examples()
    logs = [_log(way, learned, asked) for way in WAYS]
    for first in (logs[:3], logs[2:]):
        for comparison in compare_all(first):
            _report_difference(comparison)


def _examples() -> tuple[list[Example], list[Example]]:
    source = SeriesQuestionsSource(people=LEARNED + ASKED, times=TIMES)
    made = [pair_of(it) for it in source.documents() if isinstance(it, Document)]
    examples = [example for example in made if example is not None]
    return examples[: 4 * LEARNED], examples[4 * LEARNED :]


def _log(way: Way, learned: Sequence[Example], asked: Sequence[Example]) -> Log:
    shown = asked if way.has_series else list(map(_without_series, asked))
    learned = learned if way.has_series else list(map(_without_series, learned))
    model = _model(way, learned)
    report(f"{way.name}: CPU seconds of {way.updates} updates", _train(model, way, learned), None)
    tokens = [tokens_of_example(model, it, it.completion) for it in shown]
    report(f"{way.name}: tokens per example", sum(it.length for it in tokens) / len(asked), None)
    begin = time.process_time()
    settings = EvaluationSettings(max_new_tokens=6, batch_size=ROWS)
    replies = ModelSystem(way.name, model, settings).answer(shown)
    cpu_s = (time.process_time() - begin) / len(asked)
    report(f"{way.name}: CPU ms per answer", 1_000 * cpu_s, None)
    items = [
        _scored(item_of(example, reply, system=way.name, cpu_s=cpu_s), example.completion)
        for example, reply in zip(asked, replies, strict=True)
    ]
    _report_accuracy(way.name, items)
    return Log(way.name, items)


def _model(way: Way, learned: Sequence[Example]) -> LoadedModel:
    base = load_base(ModelSettings())
    if way.vectors:
        base = add_prefix(base, scales_of_examples(learned), vectors=way.vectors, seed=0)
    return attach(base, ModelSettings(adapter="lora"), seed=0)


def _train(model: LoadedModel, way: Way, learned: Sequence[Example]) -> float:
    """Trains it; the CPU seconds that took."""
    settings = TrainingSettings(
        steps=way.updates, batch_size=ROWS, lr=RATE, monitor_every=0, checkpoint_every=10_000
    )
    tokens = [tokens_of_example(model, it, it.completion) for it in learned]
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        train(model, tokens, [], settings, Path(folder), seed=0, progress=lambda _: None)
    return time.process_time() - begin


def _without_series(example: Example) -> Example:
    return example.model_copy(update={"messages": example.messages_without_series, "series": ""})


def _scored(item: Item, wanted: str) -> Item:
    return item.model_copy(update={"scores": scored({"exact": float(item.answer == wanted)})})


def _report_accuracy(name: str, items: Sequence[Item]) -> None:
    right = [item.values["exact"] for item in items]
    rate = rate_exact(right, [item.group for item in items])
    _report_interval(f"{name}: accuracy", rate.value, rate.low, rate.high)
    for kind in ("rise", "last", "trend", "fevers"):
        own = [item.values["exact"] for item in items if f"-{kind}/" in item.id]
        report(f"{name}: accuracy, {kind}", sum(own) / len(own), None, "higher")


def _report_difference(comparison: Comparison) -> None:
    [row] = [row for row in comparison.metrics if row.metric == "exact"]
    name = f"accuracy of {comparison.b} less that of {comparison.a}"
    _report_interval(name, row.difference, row.low, row.high)
    report(f"{name}: p, paired, Holm", row.p if row.p_holm is None else row.p_holm, None)


def _report_interval(name: str, value: float, low: float | None, high: float | None) -> None:
    report(name, value, None, "higher")
    for end, bound in (("from", low), ("to", high)):
        if bound is not None:
            report(f"{name}, 95 % {end}", bound, None, "higher")
