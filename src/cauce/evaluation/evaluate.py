"""Answers first, scores after: what was answered can be scored again without any model."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cauce.errors import DataRefused
from cauce.evaluation.bertscore import BertScorer, load_bert_scorer
from cauce.evaluation.calibration import calibration_error, risk_coverage
from cauce.evaluation.likelihood import (
    LIKELIHOOD_METRICS,
    likelihood,
    likelihood_columns,
    measurable,
)
from cauce.evaluation.log import (
    Item,
    Score,
    append_items,
    item_of,
    prompt_sha256,
    read_items,
    scored,
    sha256,
    write_items,
)
from cauce.evaluation.metrics import (
    RATES,
    SIGNATURES,
    corpus_scores,
)
from cauce.evaluation.power import power_sentence
from cauce.evaluation.scorers import Scorer
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.solvers import Generate, Solver, System
from cauce.evaluation.statistics import Estimate, mean_bootstrap, rate_exact, statistic_bootstrap
from cauce.models.loading import LoadedModel
from cauce.records import Example
from cauce.runs import cpu_seconds, peak_memory_mb, write_json

Progress = Callable[[str], None]

_ANSWERED_TOGETHER = 4
"""Batches between two writes of the log: what a kill can lose."""


def evaluate(
    examples: Sequence[Example],
    systems: Iterable[System],
    folder: Path,
    settings: EvaluationSettings,
    *,
    scorers: Sequence[Scorer],
    solver: Solver | None = None,
    progress: Progress,
    seed: int = 0,
) -> dict[str, Any]:
    """Writes `NAME.jsonl` per system and `scores.json`; returns the stage's summary.

    Systems write their answers where no `solver` says how else they are asked. Killed and started
    again in the same folder, it goes on where the logs end.
    """
    if not examples:
        raise DataRefused(
            "there is no test example: 0 were given; at least 1 is needed.\n"
            "Raise corpus.test_share, or add sources with more substances."
        )
    asked = choose(examples, settings.max_items)
    sizes = Counter(example.group for example in asked)
    progress(power_sentence(sizes.values()))
    bert = (
        load_bert_scorer(settings.bertscore, settings.bertscore_layer)
        if settings.bertscore
        else None
    )
    scores: dict[str, Any] = {}
    for system in systems:
        path = folder / f"{system.name}.jsonl"
        answer_items(asked, system, path, settings.batch_size, progress, solver or Generate())
        measure_likelihoods(asked, system.model, path, settings.batch_size)
        items = score_items(read_items(path), asked, scorers)
        if bert is not None:
            items = _with_bertscore(items, bert, settings.batch_size)
        write_items(path, items)
        scores[system.name] = {
            "metrics": summarise(items, draws=settings.bootstrap_draws, seed=seed),
            "cpu_s": round(sum(item.answer_cpu_s for item in items), 2),
            "peak_mb": peak_memory_mb(),
        }
    signatures = SIGNATURES | (bert.signatures if bert else {})
    write_json(folder / "scores.json", {"systems": scores, "signatures": signatures})
    return {"items": len(asked), "groups": len(sizes)}


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
    solver: Solver,
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
        before = cpu_seconds()
        solved = solver.solve(system, chosen, batch_size)
        cpu_s = (cpu_seconds() - before) / len(chosen)
        append_items(
            path,
            [
                item_of(example, reply, system=system.name, cpu_s=cpu_s, choice_nlls=choice_nlls)
                for example, (reply, choice_nlls) in zip(chosen, solved, strict=True)
            ],
        )
        progress(f"{system.name}: {len(answered) + start + len(chosen)}/{len(examples)} answered")


def measure_likelihoods(
    examples: Sequence[Example], model: LoadedModel | None, path: Path, batch_size: int
) -> None:
    """Adds to the log at `path` how likely `model` finds each reference, where it is not known."""
    from cauce.models.prefix import tokens_of_example

    items = read_items(path)
    unmeasured = {item.id for item in items if item.likelihood is None}
    if model is None or not unmeasured:
        return
    chosen = [example for example in examples if example.id in unmeasured]
    tokens = [tokens_of_example(model, it, it.completion) for it in chosen]
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
    items: Sequence[Item], examples: Sequence[Example], scorers: Sequence[Scorer]
) -> list[Item]:
    """The items in the order of `examples` with every score computed anew from what is logged."""
    by_id = {item.id: item for item in items}
    return [
        item.model_copy(update={"scores": scores_of(item, example, scorers)})
        for example in examples
        if (item := by_id.get(example.id)) is not None
    ]


def scores_of(item: Item, example: Example, scorers: Sequence[Scorer]) -> dict[str, Score]:
    """What every scorer makes of one answer."""
    return {
        name: score for scorer in scorers for name, score in scorer.score(item, example).items()
    }


def _with_bertscore(items: Sequence[Item], scorer: BertScorer, batch_size: int) -> list[Item]:
    found = scorer.scores(
        [item.reference for item in items],
        [item.answer for item in items],
        batch_size=batch_size,
    )
    return [
        item.model_copy(update={"scores": {**item.scores, **scored(own)}})
        for item, own in zip(items, found, strict=True)
    ]


def summarise(items: Sequence[Item], *, draws: int, seed: int) -> dict[str, dict[str, Any]]:
    """Each metric with its value, its 95 % interval and the items behind it."""
    estimates: dict[str, Estimate] = {}
    for metric in sorted({metric for item in items for metric in item.values}):
        scored = [item for item in items if metric in item.values]
        values, groups = [i.values[metric] for i in scored], [i.group for i in scored]
        if metric in RATES:
            estimates[metric] = rate_exact(values, groups)
        else:
            estimates[metric] = mean_bootstrap(values, groups, draws=draws, seed=seed)
    estimates |= _corpus_estimates(items)
    estimates |= _calibration_estimates(items, draws=draws, seed=seed)
    estimates |= _likelihood_estimates(items, draws=draws, seed=seed)
    estimates |= _bias_estimates(items, draws=draws, seed=seed)
    return {metric: estimate.model_dump() for metric, estimate in estimates.items()}


def _corpus_estimates(items: Sequence[Item]) -> dict[str, Estimate]:
    """Metrics that only all scored answers together have; they come without an interval."""
    judged = [item for item in items if "rouge1" in item.scores]
    if not judged:
        return {}
    answers, references = [i.answer for i in judged], [i.reference for i in judged]
    return {
        metric: Estimate(value=value, low=None, high=None, n=len(judged))
        for metric, value in corpus_scores(references, answers).items()
    }


def _calibration_estimates(items: Sequence[Item], *, draws: int, seed: int) -> dict[str, Estimate]:
    """Whether a system that says how sure it is of its choices knows which are right."""
    values = [(it.values, it.group) for it in items if "confidence" in it.values]
    if not values:
        return {}
    sure = [own["confidence"] for own, _ in values]
    right = [bool(own["right_choice"]) for own, _ in values]
    curve = risk_coverage(
        sure, [not it for it in right], [group for _, group in values], draws=draws, seed=seed
    )
    error = calibration_error(sure, right)
    return {
        "calibration_error": Estimate(value=error, low=None, high=None, n=len(values)),
        "risk_coverage_area": curve.area,
        "risk_at_80": curve.at_coverage,
    }


def _bias_estimates(items: Sequence[Item], *, draws: int, seed: int) -> dict[str, Estimate]:
    """How much better the truth is found where it is the stereotype than where it is not."""
    pro, anti = ("right_pro_stereo", "right_anti_stereo")
    judged = [it for it in items if pro in it.values or anti in it.values]
    columns = [
        [it.values.get(pro, 0.0), pro in it.values, it.values.get(anti, 0.0), anti in it.values]
        for it in judged
    ]
    if not (any(row[1] for row in columns) and any(row[3] for row in columns)):
        return {}
    difference = statistic_bootstrap(
        columns,
        [it.group for it in judged],
        lambda sums: (
            sums[..., 0] / np.maximum(sums[..., 1], 1) - sums[..., 2] / np.maximum(sums[..., 3], 1)
        ),
        draws=draws,
        seed=seed,
    )
    return {"bias_disambig": difference}


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
