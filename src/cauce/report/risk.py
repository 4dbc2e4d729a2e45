"""The report of a twin's model: what its risks are worth beside the baselines', in one page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cauce.evaluation.risk_systems import (
    BASELINE,
    REMOVED,
    SystemRisk,
    TwinEvaluation,
    read_evaluations,
)
from cauce.evaluation.risk_systems_table import withheld_line
from cauce.evaluation.statistics import Estimate
from cauce.report.twin.guess import Reliability, reliability
from cauce.runs import Run

COLUMNS = (
    ("AUROC", "1 is best"),
    ("AUPRC", "1 is best"),
    ("min(Se, P+)", "1 is best"),
    ("Calibration error", "0 is best"),
    ("Brier score", "0 is best"),
    ("AUROC lost", f"{REMOVED:.0%} of the readings removed"),
    ("AUROC gained", f"over {BASELINE}, paired"),
)


class Row(NamedTuple):
    """One way to tell the risk: each figure and its interval."""

    system: str
    is_own: bool
    cells: tuple[tuple[str, str], ...]


class Part(NamedTuple):
    """An evaluation as it is shown."""

    found: TwinEvaluation
    rows: tuple[Row, ...]
    withheld: str
    diagrams: tuple[tuple[str, Reliability], ...]
    """Of each way that told anyone a risk."""


def is_of_twins(run: Run) -> bool:
    """Whether the run is that of a twin's model."""
    return (run.path / "train" / "people.json").is_file()


def risk_page(run: Run) -> str:
    """The page as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("risk.html.j2").render(_content(run))


def _content(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "name": manifest.get("run", run.path.name),
        "summary": manifest["stages"]["train"]["summary"],
        "columns": COLUMNS,
        "parts": [_part(found) for found in read_evaluations(run.path / "evaluate")],
        "versions": manifest.get("versions", {}),
        "recipe": (run.path / "recipe.yaml").read_text("utf-8"),
    }


def _part(found: TwinEvaluation) -> Part:
    rows = tuple(
        Row(name, name == found.model, tuple(_cells(system)))
        for name, system in found.systems.items()
    )
    diagrams = tuple(
        (name, drawn)
        for name, system in found.systems.items()
        if (drawn := reliability(system.reliability, "en"))
    )
    return Part(found, rows, withheld_line(found), diagrams)


def _cells(system: SystemRisk) -> Iterator[tuple[str, str]]:
    figures = system.figures
    yield from map(_cell, (figures.auroc, figures.auprc, figures.sensitivity_and_precision))
    yield f"{figures.calibration_error:.3f}", ""
    yield from map(_cell, (figures.brier, system.removed.drop))
    yield _cell(system.over_baseline) if system.over_baseline else ("–", "")


def _cell(estimate: Estimate) -> tuple[str, str]:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}", "no interval"
    return f"{estimate.value:.3f}", f"{estimate.low:.3f} to {estimate.high:.3f}"
