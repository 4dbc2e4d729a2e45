"""The run in one paragraph, every claim of it taken from a measured number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cauce.evaluation.comparison import Comparison, MetricDifference
from cauce.evaluation.log import Item
from cauce.report.facts import Scores
from cauce.report.metrics import HEADLINES, NBSP, TEXT_HEADLINES, Metric, metric_of

CLAIMS = {
    "better": "improved",
    "worse": "worsened",
    "differs": "moved",
    "unclear": "may have moved",
    "no difference shown": "showed no difference in",
}
CLAIMS_OF_TUNING = 3
RATES_OF_ASSISTANT = {
    "right_drug": "are about the right medicine",
    "right_section": "come from the right section",
    "unsupported_numbers": "hold a number that their source does not",
}


def tuning_sentences(comparison: Comparison | None, *, is_text: bool = False) -> list[str]:
    """What the paired differences say of the headline metrics, one sentence per kind of change.

    With `is_text` the items are rows of documents, else questions about subjects.
    """
    if comparison is None:
        return ["What tuning changed is not measured."]
    changes = {change.metric: change for change in comparison.metrics}
    headlines = TEXT_HEADLINES if is_text else HEADLINES
    told = [changes[name] for name in headlines if name in changes][:CLAIMS_OF_TUNING]
    if not told:
        return ["Base and tuned were compared, but on none of the main measures."]
    work = "Training" if is_text else "Tuning"
    sentences = [
        f"{work} {claim} {listing([_change(change) for change in told if change.verdict == kind])}."
        for kind, claim in CLAIMS.items()
        if any(change.verdict == kind for change in told)
    ]
    items, groups = ("rows of", "documents") if is_text else ("questions about", "subjects")
    spread = (
        f"In brackets, the difference and its 95{NBSP}% interval over {comparison.items:,} "
        f"{items} {comparison.groups:,} {groups} that were not trained on."
    )
    return [*sentences, spread]


def _change(change: MetricDifference) -> str:
    metric = metric_of(change.metric)
    spread = metric.shown_change(change.difference)
    if change.low is None or change.high is None:
        spread += ", too few items for an interval"
    else:
        spread += f"; {metric.shown_change(change.low)} to {metric.shown_change(change.high)}"
    return f"{subject(metric)} from {metric.shown(change.a)} to {metric.shown(change.b)} ({spread})"


def listing(parts: Sequence[str]) -> str:
    """The parts as one phrase.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def assistant_sentences(scores: Scores, items: Iterable[Item]) -> list[str]:
    """How the assistant, as it is served, did on the same questions; `items` are its answers."""
    measured = {
        name: score
        for name, score in scores.get("assistant", {}).items()
        if score.get("value") is not None
    }
    parts = [
        f"{_with_interval(metric_of(name), measured[name])} {words}"
        for name, words in RATES_OF_ASSISTANT.items()
        if name in measured
    ]
    if not parts:
        return ["What the assistant adds is not measured."]
    told = [f"Of what the assistant answers, given the question alone, {listing(parts)}."]
    if "abstained" in measured:
        abstained = _with_interval(metric_of("abstained"), measured["abstained"])
        told.append(f"It gives no answer, and says why, to {abstained} of the questions.")
    answered = [item for item in items if not item.abstained]
    if answered:
        withheld = sum(bool(item.reason) for item in answered)
        told.append(
            f"In {withheld:,} of {len(answered):,} answers the model's text failed a check "
            "and the section's own words are shown instead."
        )
    return told


def _with_interval(metric: Metric, score: Mapping[str, Any]) -> str:
    interval = metric.shown_interval(score.get("low"), score.get("high"))
    return metric.shown(score["value"]) + (f" ({interval})" if interval else "")


def subject(metric: Metric) -> str:
    """What is spoken of: a rate by what it counts, any other measure by its name."""
    if metric.name in RATES_OF_ASSISTANT:
        return f"the share of {metric.meaning}"
    is_word = metric.name in ("perplexity", "bits_per_byte")
    return metric.title.lower() if is_word else metric.title
