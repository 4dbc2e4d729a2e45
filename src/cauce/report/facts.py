"""What a run directory holds, read into the rows that the page shows; the missing stays None."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cauce.evaluation.comparison import Comparison
from cauce.evaluation.log import Item
from cauce.evaluation.statistics import Estimate, paired_bootstrap
from cauce.records import Document, Example, Refusal
from cauce.report.metrics import METRICS, NOT_MEASURED, SYSTEMS, Metric, metric_of
from cauce.runs import STAGES, Run, read_records

WORST_ITEMS = 10
REFUSALS_SHOWN = 10
HARMS = (("right_drug", 0.0, "wrong medicine"), ("unsupported_numbers", 1.0, "unsupported number"))

Scores = dict[str, dict[str, Any]]
"""`{system: {metric: {"value", "low", "high", "n"}}}`"""


class SourceRow(NamedTuple):
    """What one source gave."""

    source: str
    documents: int
    sections: int
    languages: str
    licences: str
    versions: str
    retrieved: str


class Refusals(NamedTuple):
    """Records that were set aside: how many, how often for each reason, and the first ones."""

    total: int
    reasons: tuple[tuple[str, int], ...]
    first: tuple[Refusal, ...]


class StageRow(NamedTuple):
    """What a stage, or a part of it, cost; None where that was not measured."""

    title: str
    cpu_s: float | None
    wall_s: float | None
    peak_mb: float | None
    finished: str = ""
    fingerprint: str = ""
    is_stage: bool = True


class Cell(NamedTuple):
    """A measurement as it is printed."""

    value: str
    interval: str
    n: int | None
    measured: bool


class ScoreRow(NamedTuple):
    """One metric over the systems."""

    metric: Metric
    cells: tuple[Cell, ...]


class TransplantRow(NamedTuple):
    """A model of a transplant: what it is, what it costs, and its loss at each stage, in nats."""

    title: str
    figures: tuple[tuple[str, float | int | str | None], ...]
    """Each measure's name and value; a dash where it does not apply, None where it is missing."""


class Transplant(NamedTuple):
    """Original, liquid model and control, and how the losses of the last two differ."""

    rows: tuple[TransplantRow, ...]
    difference: Estimate | None
    """Liquid minus control over the same validation examples; None where there were none."""

    @property
    def verdict(self) -> str:
        """What may be said of the liquid layers, in words."""
        found = self.difference
        if found is None or found.low is None or found.high is None:
            return "the difference from the control was not measured"
        if found.low > 0:
            return "worse than a control of as many weights"
        if found.high < 0:
            return "better than a control of as many weights"
        return "no difference that the interval would show"


class WorstItem(NamedTuple):
    """A question with what every system answered; None where a system did not."""

    item: Item
    answers: tuple[tuple[str, Item | None], ...]
    reason: str


def cost_rows(stages: Sequence[StageRow], evaluation: Mapping[str, Any]) -> list[StageRow]:
    """The stages, and under `evaluate` what the answers of each system cost in it."""
    systems = evaluation.get("systems", {})
    answering = [
        StageRow(
            f"answers of {name}", found.get("cpu_s"), None, found.get("peak_mb"), is_stage=False
        )
        for name in SYSTEMS
        if (found := systems.get(name))
    ]
    place = STAGES.index("evaluate") + 1
    return [*stages[:place], *answering, *stages[place:]]


def stage_rows(manifest: Mapping[str, Any]) -> list[StageRow]:
    """Every stage but this one, run or not."""
    rows = []
    for stage in STAGES[: STAGES.index("report")]:
        entry = manifest["stages"].get(stage, {})
        rows.append(
            StageRow(
                stage,
                entry.get("cpu_s"),
                entry.get("wall_s"),
                entry.get("peak_mb"),
                entry.get("finished", ""),
                entry.get("fingerprint", ""),
            )
        )
    return rows


def corpus_kind(run: Run) -> str:
    """What the run's examples were made into: `questions`, `pairs` or `text`."""
    path = run.path / "recipe.yaml"
    recipe: Any = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else None
    return str((recipe or {}).get("corpus", {}).get("kind", "questions"))


def summary_of(manifest: Mapping[str, Any], stage: str) -> dict[str, Any] | None:
    """What the stage said of itself; None when it did not finish."""
    entry = manifest["stages"].get(stage)
    return None if entry is None else dict(entry["summary"])


def source_rows(run: Run) -> list[SourceRow]:
    """One row per source of the documents in use, read one document at a time."""
    path = run.path / "fetch" / "documents.jsonl"
    if not path.is_file():
        return []
    found: dict[str, _Told] = {}
    for document in read_records(path, Document):
        found.setdefault(document.source, _Told()).add(document)
    return [told.row(source) for source, told in sorted(found.items())]


class _Told:
    """What the documents of one source say of themselves, gathered without keeping them."""

    def __init__(self) -> None:
        self.documents = self.sections = 0
        self.languages: set[str] = set()
        self.licences: set[str] = set()
        self.versions: set[str] = set()
        self.retrieved: set[str] = set()

    def add(self, document: Document) -> None:
        self.documents += 1
        self.sections += len(document.sections)
        self.languages.add(document.language)
        self.licences.add(document.licence)
        self.versions.add(document.version)
        self.retrieved.add(document.retrieved)

    def row(self, source: str) -> SourceRow:
        return SourceRow(
            source,
            self.documents,
            self.sections,
            listed(self.languages),
            listed(self.licences),
            listed(self.versions),
            listed(self.retrieved),
        )


def listed(values: Iterable[str]) -> str:
    """The values in order, their ends alone when there are more than three.

    >>> listed({"es", "en"}), listed({"1", "2", "3", "4"})
    ('en, es', '1 … 4 (4 different)')
    """
    known = sorted(value for value in values if value)
    if len(known) > 3:
        return f"{known[0]} … {known[-1]} ({len(known)} different)"
    return ", ".join(known) or "not stated"


def refusals(run: Run) -> Refusals:
    """The records that fetching set aside."""
    path = run.path / "fetch" / "refused.jsonl"
    found = list(read_records(path, Refusal)) if path.is_file() else []
    reasons = Counter(refusal.reason for refusal in found)
    return Refusals(
        len(found), tuple(reasons.most_common(REFUSALS_SHOWN)), tuple(found[:REFUSALS_SHOWN])
    )


def training_log(run: Run) -> list[dict[str, float]]:
    """The lines of the training log."""
    path = run.path / "train" / "log.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; empty when there is no such file."""
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def scores_of(evaluation: Mapping[str, Any]) -> Scores:
    """The measurements of every system, by metric."""
    return {name: system["metrics"] for name, system in evaluation.get("systems", {}).items()}


def comparison_of(run: Run) -> Comparison | None:
    """The paired comparison of base and tuned; None when it was not made."""
    path = run.path / "compare" / "comparison.json"
    return Comparison.model_validate_json(path.read_bytes()) if path.is_file() else None


TRANSPLANT_TITLES = (
    ("original", "original, not tuned"),
    ("liquid", "liquid, tuned"),
    ("control", "control (MLP), tuned"),
)

TRANSPLANT_FIGURES = (
    ("parameters", "parameters"),
    ("added_parameters", "of them new"),
    ("cpu_us_per_token", "CPU µs a token, forward and backward"),
    ("kept_kb_per_token", "kB a token kept for the backward pass"),
    ("loss_swapped", "loss at the swap"),
    ("loss_distilled", "loss when learnt from the original"),
    ("loss", "loss at the end"),
)


def transplant_of(run: Run) -> Transplant | None:
    """What became of liquid layers in the run; None where there are none."""
    found = read_json(run.path / "train" / "transplant.json")
    if not found:
        return None
    rows = tuple(
        TransplantRow(
            title, tuple((words, found[name].get(key, "–")) for key, words in TRANSPLANT_FIGURES)
        )
        for name, title in TRANSPLANT_TITLES
    )
    control, liquid = found["control"]["losses"], found["liquid"]["losses"]
    examples = read_records(run.path / "prepare" / "validation.jsonl", Example)
    groups = [example.group for example in examples]
    difference = paired_bootstrap(control, liquid, groups) if groups else None
    return Transplant(rows, difference)


def items_of(run: Run) -> dict[str, dict[str, Item]]:
    """The answers of every system, by item."""
    found = {}
    for system in SYSTEMS:
        path = run.path / "evaluate" / f"{system}.jsonl"
        if path.is_file():
            found[system] = {item.id: item for item in read_records(path, Item)}
    return found


def systems_of(scores: Scores) -> tuple[str, ...]:
    """The systems that were evaluated, in the order in which they are shown; all before that."""
    return tuple(name for name in SYSTEMS if name in scores) or SYSTEMS


def score_rows(scores: Scores) -> list[ScoreRow]:
    """Every metric that some system has, in the order of the catalogue; the unknown ones last."""
    known = [metric.name for metric in METRICS]
    measured = {name for metrics in scores.values() for name in metrics}
    names = [name for name in known if name in measured] + sorted(measured - set(known))
    return [
        ScoreRow(
            metric_of(name),
            tuple(
                cell_of(metric_of(name), scores.get(system, {}).get(name))
                for system in systems_of(scores)
            ),
        )
        for name in names
    ]


def cell_of(metric: Metric, score: Mapping[str, Any] | None) -> Cell:
    """A score of a metric as it is printed."""
    if score is None or score.get("value") is None:
        return Cell(NOT_MEASURED, "", None, False)
    interval = metric.shown_interval(score.get("low"), score.get("high"))
    return Cell(metric.shown(score["value"]), interval, score.get("n"), True)


def worst_items(items: Mapping[str, Mapping[str, Item]]) -> list[WorstItem]:
    """The ten worst answers of the last system there is: harmful ones first, then by ROUGE-L.

    Harmful is the wrong medicine or an unsupported number. Abstentions are no answers.
    """
    if not items:
        return []
    systems = [system for system in SYSTEMS if system in items]
    judged = items[systems[-1]]
    answered = [item for item in judged.values() if not item.abstained and item.scores]
    answered.sort(key=lambda item: (-len(harms(item)), item.values.get("rougeL", 1.0), item.id))
    return [
        WorstItem(
            item,
            tuple((system, items[system].get(item.id)) for system in systems),
            ", ".join(harms(item)) or f"ROUGE-L {item.values.get('rougeL', float('nan')):.2f}",
        )
        for item in answered[:WORST_ITEMS]
    ]


def harms(item: Item) -> list[str]:
    """In what way the answer could harm, in words."""
    return [words for name, bad, words in HARMS if item.values.get(name) == bad]
