"""Evidence out of what the stages of a run wrote; a stage that did not run gives none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from cauce.assistant.settings import AssistantSettings
from cauce.errors import DataRefused
from cauce.evaluation.comparison import Comparison
from cauce.evaluation.statistics import Estimate
from cauce.evaluation.ways import WAYS, read_ways
from cauce.report.facts import read_json
from cauce.report.trust.evidence import Evidence, estimate_of, measured, origin
from cauce.report.trust.measures import measures
from cauce.runs import Run, sha256_of_file

SCORES = "evaluate/scores.json"
COMPARISON = "compare/comparison.json"
RANKED = f"evaluate/{WAYS}"
FEDERATED = "federated.json"
DECLARED = "trust/declared.yaml"
TRAINED_ON, JUDGED_ON, TESTED_ON = (
    f"prepare/{split}.jsonl" for split in ("train", "validation", "test")
)


def evidence_of_recipe(run: Run) -> Iterator[Evidence]:
    """What the recipe says of the model and of its guards."""
    if not (recipe := _recipe(run)):
        return
    where = origin(run, "recipe.yaml", data="recipe.yaml", command="cauce run RECIPE")
    if base := (recipe.get("model") or {}).get("base"):
        yield measured("base_model", str(base), where, source="declared")
    if recipe.get("notice"):
        yield measured("notice", str(recipe["notice"]), where, source="declared")
    country = _assistant(recipe).get("country", AssistantSettings().country)
    switches = (f"{name}={json.dumps(value)}" for name, value in guards_of(run).items())
    guards = ", ".join((f"country={country}", *switches))
    yield measured("guards", guards, where, source="declared")


def guards_of(run: Run) -> dict[str, Any]:
    """`assistant.guards` of the recipe, with the defaults of what it leaves out."""
    told = _assistant(_recipe(run)).get("guards") or {}
    return {**AssistantSettings().guards.model_dump(), **told}


def _recipe(run: Run) -> dict[str, Any]:
    path = run.path / "recipe.yaml"
    if not path.is_file():
        return {}
    recipe: dict[str, Any] = yaml.safe_load(path.read_text("utf-8")) or {}
    return recipe


def _assistant(recipe: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = recipe.get("assistant") or {}
    return settings


def evidence_of_fetch(run: Run) -> Iterator[Evidence]:
    """What was read, under which licences, and what was set aside."""
    if not (summary := _summary(run, "fetch")):
        return
    data = "fetch/documents.jsonl"
    where = origin(run, "manifest.json", data=data, command="cauce fetch RECIPE", stage="fetch")
    for source, count in summary.get("by_source", {"": summary["documents"]}).items():
        yield measured("documents", count, where, part=source)
    if summary.get("licences"):
        yield measured("licences", "; ".join(summary["licences"]), where, source="declared")
    yield measured("refused_records", summary.get("refused", 0), where)


def evidence_of_preparation(run: Run) -> Iterator[Evidence]:
    """Examples, or rows of text, by split."""
    summary = _summary(run, "prepare")
    command = "cauce prepare RECIPE"
    for split, count in summary.get("examples", summary.get("rows", {})).items():
        file = f"prepare/{split}.jsonl"
        where = origin(run, "manifest.json", data=file, command=command, stage="prepare")
        yield measured("examples", count, where, part=split)


def evidence_of_training(run: Run) -> Iterator[Evidence]:
    """The versions, the loss that the best step reached, the weights, and processor time."""
    manifest = run.manifest
    command = "cauce train RECIPE"
    if manifest.get("versions"):
        told = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
        where = origin(run, "manifest.json", data="", command="cauce run RECIPE")
        yield measured("versions", told, where)
    if "train" not in manifest["stages"]:
        return
    judged = origin(run, "manifest.json", data=JUDGED_ON, command=command, stage="train")
    if (loss := _summary(run, "train").get("best_validation_loss")) is not None:
        yield measured("validation_loss", float(loss), judged)
    learned = origin(run, "manifest.json", data=TRAINED_ON, command=command, stage="train")
    yield measured("training_cpu", float(manifest["stages"]["train"]["cpu_s"]), learned)
    for path in sorted((run.path / "train" / "model").glob("*.safetensors")):
        file = path.relative_to(run.path).as_posix()
        yield measured(
            "model_weights", sha256_of_file(path), learned._replace(file=file), part=path.name
        )


def evidence_of_evaluation(run: Run) -> Iterator[Evidence]:
    """The measures of every system that the catalogue names, and what its answers cost."""
    scores = read_json(run.path / SCORES)
    is_task = "task" in run.manifest
    command = "cauce tasks run {run} --of MODEL" if is_task else "cauce evaluate RECIPE"
    where = origin(run, SCORES, data=TESTED_ON, command=command, stage="evaluate")
    known = measures()
    for system, found in scores.get("systems", {}).items():
        for name, score in found["metrics"].items():
            if name in known and (estimate := estimate_of(score)):
                yield measured(name, estimate, where, part=system)
        if (cost := cpu_of_thousand(found)) is not None:
            yield measured("answers_cpu", cost, where, part=system)
    for name, signature in sorted(scores.get("signatures", {}).items()):
        if name in known:
            yield measured("metric_definitions", signature, where, part=name, source="declared")


def cpu_of_thousand(system: dict[str, Any]) -> float | None:
    """CPU seconds of 1,000 answers of a system; None where its answers or their cost are unknown.

    Scoring them is not counted.
    """
    answers = max((score.get("n") or 0 for score in system["metrics"].values()), default=0)
    cost = system.get("cpu_s")
    return None if cost is None or not answers else 1000 * float(cost) / answers


def evidence_of_ways(run: Run) -> Iterator[Evidence]:
    """How often a way to a DOI is wrong where it answers what it is surest of."""
    where = origin(
        run,
        RANKED,
        data=TESTED_ON,
        command="cauce evaluate RECIPE",
        stage="evaluate",
    )
    for row in read_ways(run.path / "evaluate"):
        if row.certainty is not None:
            yield measured("risk_at_coverage", row.certainty.risk.at_coverage, where, part=row.way)


def evidence_of_comparison(run: Run) -> Iterator[Evidence]:
    """What tuning changed, by the measures that conclusions may be drawn from."""
    path = run.path / COMPARISON
    if not path.is_file():
        return
    compared = Comparison.model_validate_json(path.read_bytes())
    command = f"cauce compare {{run}}:{compared.a} {{run}}:{compared.b}"
    where = origin(run, COMPARISON, data=TESTED_ON, command=command, stage="compare")
    for row in compared.metrics:
        if row.is_primary:
            change = Estimate(value=row.difference, low=row.low, high=row.high, n=row.n)
            yield measured("change_by_tuning", change, where, part=row.metric)


def evidence_of_federation(run: Run) -> Iterator[Evidence]:
    """How many sites trained the model together, and how many it left worse off than alone."""
    from cauce.federated.fairness import JobResult

    path = run.path / FEDERATED
    if not path.is_file():
        return
    job = JobResult.model_validate_json(path.read_bytes())
    where = origin(run, FEDERATED, data="", command="cauce federated simulate RECIPE")
    yield measured("federated_sites", len(job.sites), where)
    yield measured("federated_worse", len(job.worse), where)
    for name, site in job.sites.items():
        if site.privacy:
            yield measured("federated_privacy", site.privacy, where, part=name, source="declared")


def evidence_of_declarations(run: Run) -> Iterator[Evidence]:
    """What people wrote into `trust/declared.yaml`: `intended_purpose: ...`, a line a measure.

    Raises DataRefused for a name that no measure has, or that something else measures.
    """
    path = run.path / DECLARED
    if not path.is_file():
        return
    told = yaml.safe_load(path.read_text("utf-8"))
    open_to_people = [name for name, row in measures().items() if not row.command]
    wrong = [name for name in told if name not in open_to_people] if _is_text_map(told) else [told]
    if wrong:
        raise DataRefused(
            f"{path} declares {json.dumps(wrong[0], default=str)}.\n"
            f"Give a text for some of: {', '.join(open_to_people)}."
        )
    where = origin(run, DECLARED, data=DECLARED, command="")
    for name, text in told.items():
        yield measured(name, text, where, source="declared")


def _is_text_map(told: Any) -> bool:
    return isinstance(told, dict) and all(isinstance(text, str) for text in told.values())


def _summary(run: Run, stage: str) -> dict[str, Any]:
    entry = run.manifest["stages"].get(stage)
    return {} if entry is None else dict(entry["summary"])
