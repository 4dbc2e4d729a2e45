"""Answers first, scores after: what was answered can be scored again without any model."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from cauce.corpus.tokens import tokenize
from cauce.errors import DataRefused
from cauce.evaluation.likelihood import (
    LIKELIHOOD_METRICS,
    likelihood,
    likelihood_columns,
    measurable,
)
from cauce.evaluation.log import (
    Item,
    append_items,
    item_of,
    prompt_sha256,
    read_items,
    sha256,
    write_items,
)
from cauce.evaluation.metrics import (
    RATES,
    SIGNATURES,
    corpus_bleu,
    corpus_bleu_words,
    distinct_n,
    text_scores,
)
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.statistics import Estimate, mean_bootstrap, rate_exact, statistic_bootstrap
from cauce.knowledge.claims.checks import MedicinesOf
from cauce.knowledge.claims.numbers import unsupported_numbers
from cauce.models.loading import LoadedModel
from cauce.records import Example, Reply
from cauce.runs import peak_memory_mb, write_json

Progress = Callable[[str], None]

_ANSWERED_TOGETHER = 4
"""Batches between two writes of the log: what a kill can lose."""


class System(Protocol):
    """Anything that answers examples."""

    @property
    def name(self) -> str:
        """What its log and its column are called."""

    @property
    def model(self) -> LoadedModel | None:
        """The model whose likelihoods are measured; None when there is no single one."""

    def answer(self, examples: Sequence[Example]) -> list[Reply]:
        """One reply per example, in their order."""


def evaluate(
    examples: Sequence[Example],
    systems: Sequence[System],
    folder: Path,
    settings: EvaluationSettings,
    *,
    medicines_of: MedicinesOf | None,
    progress: Progress,
    seed: int = 0,
) -> dict[str, Any]:
    """Writes `NAME.jsonl` per system and `scores.json`; returns the stage's summary.

    `medicines_of` is None where questions come without evidence: then no facts are judged.
    Killed and started again in the same folder, it goes on where the logs end.
    """
    if not examples:
        raise DataRefused(
            "there is no test example: 0 were given; at least 1 is needed.\n"
            "Raise corpus.test_share, or add sources with more substances."
        )
    asked = choose(examples, settings.max_items)
    scores: dict[str, Any] = {}
    for system in systems:
        path = folder / f"{system.name}.jsonl"
        answer_items(asked, system, path, settings.batch_size, progress)
        measure_likelihoods(asked, system.model, path, settings.batch_size)
        items = score_items(read_items(path), asked, medicines_of)
        write_items(path, items)
        scores[system.name] = {
            "metrics": summarise(items, draws=settings.bootstrap_draws, seed=seed),
            "cpu_s": round(sum(item.answer_cpu_s for item in items), 2),
            "peak_mb": peak_memory_mb(),
        }
    write_json(folder / "scores.json", {"systems": scores, "signatures": SIGNATURES})
    return {"items": len(asked), "groups": len({example.group for example in asked})}


def choose(examples: Sequence[Example], max_items: int) -> list[Example]:
    """At most `max_items` examples, the same ones on every run, in their order.

    Those whose id hashes lowest are taken, so that adding examples moves few of them.
    """
    ranked = sorted(examples, key=lambda example: hashlib.sha256(example.id.encode()).digest())
    taken = {example.id for example in ranked[:max_items]}
    return [example for example in examples if example.id in taken]


def answer_items(
    examples: Sequence[Example],
    system: System,
    path: Path,
    batch_size: int,
    progress: Progress,
) -> None:
    """Appends to the log at `path` the system's answers that are not in it yet.

    Entries of examples that are no longer asked, or that were asked with another prompt or
    reference, are dropped first.
    """
    logged = read_items(path)
    wanted = {(e.id, prompt_sha256(e), sha256(e.completion)) for e in examples}
    valid = [i for i in logged if (i.id, i.prompt_sha256, i.reference_sha256) in wanted]
    if len(valid) < len(logged):
        write_items(path, valid)
    answered = {item.id for item in valid}
    missing = [example for example in examples if example.id not in answered]
    block = batch_size * _ANSWERED_TOGETHER
    for start in range(0, len(missing), block):
        chosen = missing[start : start + block]
        before = _cpu_seconds()
        replies = system.answer(chosen)
        cpu_s = (_cpu_seconds() - before) / len(chosen)
        append_items(
            path,
            [
                item_of(example, reply, system=system.name, cpu_s=cpu_s)
                for example, reply in zip(chosen, replies, strict=True)
            ],
        )
        progress(f"{system.name}: {len(answered) + start + len(chosen)}/{len(examples)} answered")


def measure_likelihoods(
    examples: Sequence[Example], model: LoadedModel | None, path: Path, batch_size: int
) -> None:
    """Adds to the log at `path` how likely `model` finds each reference, where it is not known."""
    items = read_items(path)
    unmeasured = {item.id for item in items if item.likelihood is None}
    if model is None or not unmeasured:
        return
    chosen = [example for example in examples if example.id in unmeasured]
    tokens = [
        tokenize(
            model.tokenizer,
            example.messages,
            example.completion,
            is_encoder_decoder=model.is_encoder_decoder,
            max_tokens=sys.maxsize,
        )
        for example in chosen
    ]
    ids = [example.id for example in chosen]
    sizes = [len(example.completion.encode()) for example in chosen]
    measured = zip(likelihood(model, tokens, batch_size), sizes, strict=True)
    figures = [one.model_copy(update={"bytes": size}) for one, size in measured]
    found = dict(zip(ids, figures, strict=True))
    write_items(
        path,
        [
            item.model_copy(update={"likelihood": found.get(item.id, item.likelihood)})
            for item in items
        ],
    )


def score_items(
    items: Sequence[Item], examples: Sequence[Example], medicines_of: MedicinesOf | None
) -> list[Item]:
    """The items in the order of `examples` with every score computed anew from what is logged."""
    by_id = {item.id: item for item in items}
    medicines = _remembered(medicines_of) if medicines_of else None
    return [
        item.model_copy(update={"scores": scores_of(item, example, medicines)})
        for example in examples
        if (item := by_id.get(example.id)) is not None
    ]


def _remembered(medicines_of: MedicinesOf) -> Callable[[str], frozenset[str]]:
    return functools.cache(lambda text: frozenset(medicines_of(text)))


def scores_of(
    item: Item, example: Example, medicines_of: Callable[[str], frozenset[str]] | None
) -> dict[str, float]:
    """Every score of one answer; abstentions are not judged on facts that they do not give."""
    scores = text_scores(item.reference, item.answer)
    if medicines_of is None:
        return scores
    scores["abstained"] = float(item.abstained)
    if item.abstained:
        return scores
    scores["right_drug"] = float(_is_right_drug(item, example, medicines_of))
    if item.resolved_kind:
        scores["right_section"] = float(item.resolved_kind == example.kind)
    missing = unsupported_numbers(item.answer, _sources(item, example), item.language)
    scores["unsupported_numbers"] = float(bool(missing))
    return scores


def summarise(items: Sequence[Item], *, draws: int, seed: int) -> dict[str, dict[str, Any]]:
    """Each metric with its value, its 95 % interval and the items behind it."""
    estimates: dict[str, Estimate] = {}
    for metric in sorted({metric for item in items for metric in item.scores}):
        scored = [item for item in items if metric in item.scores]
        values, groups = [i.scores[metric] for i in scored], [i.group for i in scored]
        if metric in RATES:
            estimates[metric] = rate_exact(values, groups)
        else:
            estimates[metric] = mean_bootstrap(values, groups, draws=draws, seed=seed)
    estimates |= _corpus_estimates(items) | _likelihood_estimates(items, draws=draws, seed=seed)
    return {metric: estimate.model_dump() for metric, estimate in estimates.items()}


def _is_right_drug(
    item: Item, example: Example, medicines_of: Callable[[str], frozenset[str]]
) -> bool:
    """By the group that the system resolved; else by the medicines that the answer names.

    Medicines that the question or the evidence names too (an interaction) are no mistake.
    """
    if item.resolved_group:
        return item.resolved_group == example.group
    named = medicines_of(item.answer)
    expected = medicines_of(f"{item.question}\n{example.evidence.quote}")
    return example.group in named and named <= expected | {example.group}


def _sources(item: Item, example: Example) -> list[str]:
    """What the numbers of an answer may come from: the question and the quotes it rests on."""
    cited = [item.citation, *item.other_citations] if item.citation else [example.evidence]
    return [item.question, *(citation.quote for citation in cited if citation)]


def _corpus_estimates(items: Sequence[Item]) -> dict[str, Estimate]:
    """Metrics that only all scored answers together have; they come without an interval."""
    scored = [item for item in items if item.scores]
    if not scored:
        return {}
    answers, references = [i.answer for i in scored], [i.reference for i in scored]
    values = {
        "corpus_bleu": corpus_bleu(references, answers),
        "corpus_bleu_words": corpus_bleu_words(references, answers),
        "distinct1": distinct_n(answers, 1),
        "distinct2": distinct_n(answers, 2),
        "distinct3": distinct_n(answers, 3),
    }
    return {
        metric: Estimate(value=value, low=None, high=None, n=len(scored))
        for metric, value in values.items()
    }


def _likelihood_estimates(items: Sequence[Item], *, draws: int, seed: int) -> dict[str, Estimate]:
    measured = [(item.likelihood, item.group) for item in items if item.likelihood]
    if not measured:
        return {}
    groups = [group for _, group in measured]
    columns = likelihood_columns([figures for figures, _ in measured])
    estimates = {
        metric: statistic_bootstrap(
            columns, groups, LIKELIHOOD_METRICS[metric], draws=draws, seed=seed
        )
        for metric in measurable([figures for figures, _ in measured])
    }
    all_correct = [float(figures.all_correct) for figures, _ in measured]
    return {**estimates, "sequence_accuracy": rate_exact(all_correct, groups)}


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
