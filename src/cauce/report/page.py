"""The report of a run: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cauce.evaluation.ways import WayScores, read_ways
from cauce.report import facts
from cauce.report.charts import interval_chart, training_curve
from cauce.report.forest import difference_chart
from cauce.report.layers import layer_charts, routing_rows
from cauce.report.metrics import NOT_MEASURED, SYSTEMS, metric_of, wanted
from cauce.report.risk import is_of_twins, risk_page
from cauce.report.sites import job_of
from cauce.report.verdict import assistant_sentences, tuning_sentences
from cauce.report.ways import (
    CERTAINTY,
    COLUMNS,
    KINDS,
    certainty_rows,
    risk_chart,
    way_rows,
    ways_chart,
    ways_sentence,
)
from cauce.runs import Run, atomic_write

EMBEDDED_SOURCE = "vademecum"
"""The source that ships with the package, written for demonstration."""


def write_report(run: Run) -> Path:
    """Path of `report/report.html`, written whole; stages that did not run are named in it."""
    path = run.folder("report") / "report.html"
    with atomic_write(path) as stream:
        stream.write((risk_page(run) if is_of_twins(run) else render(run)).encode())
    return path


def render(run: Run) -> str:
    """The page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["count"] = shown_count
    return pages.get_template("page.html.j2").render(content(run))


def content(run: Run) -> dict[str, Any]:
    """Everything the template shows, by name."""
    manifest = run.manifest
    evaluation = facts.read_json(run.path / "evaluate" / "scores.json")
    scores = facts.scores_of(evaluation)
    items = facts.items_of(run)
    comparison = facts.comparison_of(run)
    stages = facts.stage_rows(manifest)
    training = facts.summary_of(manifest, "train")
    sources = facts.source_rows(run)
    kind = facts.corpus_kind(run)
    log = facts.training_log(run)
    ways = read_ways(run.path / "evaluate")
    job = job_of(run)
    verdict = [[job.sentence] if job else tuning_sentences(comparison, is_text=kind == "text")]
    if kind == "questions" and not job:
        verdict.append(assistant_sentences(scores, items.get("assistant", {}).values()))
    if ways:
        verdict.append([ways_sentence(ways)])
    return {
        **_ways(ways),
        "job": job,
        "name": manifest.get("run", run.path.name),
        "manifest": manifest,
        "notice": manifest.get("notice", ""),
        "is_demonstration": any(row.source == EMBEDDED_SOURCE for row in sources),
        "corpus": kind,
        "verdict": verdict,
        "sources": sources,
        "fetched": facts.summary_of(manifest, "fetch"),
        "refusals": facts.refusals(run),
        "prepared": facts.summary_of(manifest, "prepare"),
        "training": training,
        "transplant": facts.transplant_of(run),
        "curve": training_curve(log, training.get("best_step") if training else None),
        "layer_charts": layer_charts(log),
        "routing": routing_rows(log),
        "systems": facts.systems_of(scores),
        "score_rows": facts.score_rows(scores),
        "intervals": interval_chart(scores),
        "wanted": wanted,
        "metric_of": metric_of,
        "comparison": comparison,
        "forest": difference_chart(comparison),
        "worst": facts.worst_items(items),
        "judged": next((name for name in reversed(SYSTEMS) if name in items), None),
        "stages": stages,
        "costs": facts.cost_rows(stages, evaluation),
        "signatures": evaluation.get("signatures", {}),
        "recipe": _text_of(run.path / "recipe.yaml"),
    }


def _ways(ways: Sequence[WayScores]) -> dict[str, Any]:
    """What the template shows of the ways to a DOI."""
    return {
        "ways_chart": ways_chart(ways),
        "way_kinds": KINDS,
        "questions_asked": ways[0].right.n if ways else 0,
        "way_columns": COLUMNS,
        "way_rows": way_rows(ways),
        "risk_chart": risk_chart(ways),
        "certainty_columns": CERTAINTY,
        "certainty_rows": certainty_rows(ways),
    }


def shown_count(value: float | None) -> str:
    """A count with its thousands apart, or the words that it is missing.

    >>> shown_count(12345), shown_count(2.50001), shown_count(None)
    ('12,345', '2.5', 'not measured')
    """
    if value is None:
        return NOT_MEASURED
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")


def _text_of(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""
