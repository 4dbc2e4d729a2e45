"""`/runs`: the runs of a folder, their figures, and their reports as they were written."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse

from cauce.errors import CauceError, ConsentRefused
from cauce.evaluation.summary import COLUMNS, ROWS
from cauce.report.trust.dossier import read_dossier
from cauce.report.trust.verifying import verify_report
from cauce.report.trust.writing import DATA, PAGE
from cauce.runs import STAGES, Run
from cauce.serving.pages.shell import Shell
from cauce.serving.wording.runs import RUNS

REPORT = "report.html"
SANDBOX = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
"""A report has its style in itself, and may do nothing else: no script, no form, no request."""


class Stage(NamedTuple):
    """A stage of a run; without figures where it did not finish."""

    name: str
    finished: str
    cpu_s: float | None
    peak_mb: float | None


class Figure(NamedTuple):
    """What one metric is in one system."""

    value: float
    low: float | None
    high: float | None
    n: int | None


class Trust(NamedTuple):
    """What a trust report says, and whether it still holds."""

    sources: Counter[str]
    """Rows that are measured, estimated, declared or missing."""
    judged: Counter[str]
    """Rows that meet their bar, do not, or leave it unclear."""
    faults: tuple[str, ...]


def runs_routes(shell: Shell, folder: Path) -> APIRouter:
    """The list, the page of each run, and its reports, which nothing here can change."""
    router = APIRouter()

    @router.get("/runs", response_class=HTMLResponse)
    def runs_page(request: Request) -> HTMLResponse:
        runs = [(run, stages_of(run), _reports(run)) for run in reversed(Run.list(folder))]
        return shell.page(request, "runs.html.j2", RUNS, runs=runs, report=REPORT, trust=PAGE)

    @router.get("/runs/{run}", response_class=HTMLResponse)
    def run_page(request: Request, run: str) -> HTMLResponse:
        found = _opened(folder, run)
        return shell.page(
            request,
            "run.html.j2",
            RUNS,
            run=found,
            manifest=found.manifest,
            stages=stages_of(found),
            reports=_reports(found),
            report=REPORT,
            page=PAGE,
            figures=figures_of(found),
            trust=trust_of(found),
        )

    @router.get(f"/runs/{{run}}/{REPORT}")
    def report(run: str) -> Response:
        return _report(_opened(folder, run), REPORT)

    @router.get(f"/runs/{{run}}/{PAGE}")
    def trust(run: str) -> Response:
        return _report(_opened(folder, run), PAGE)

    return router


def _opened(folder: Path, name: str) -> Run:
    """The run; 404 where the folder lists none of that name, 403 where one was withdrawn."""
    if name not in {run.path.name for run in Run.list(folder)}:
        raise HTTPException(404, "there is no run by that name")
    try:
        return Run.open(folder / name)
    except ConsentRefused as error:
        raise HTTPException(403, "somebody whom the run learned from was forgotten") from error


def _report(run: Run, name: str) -> Response:
    file = run.path / "report" / name
    if not file.is_file():
        raise HTTPException(404, f"the run has no {name}")
    return FileResponse(file, media_type="text/html; charset=utf-8", headers=SANDBOX)


def _reports(run: Run) -> list[str]:
    return [name for name in (REPORT, PAGE) if (run.path / "report" / name).is_file()]


def stages_of(run: Run) -> list[Stage]:
    """Every stage in order."""
    done = run.manifest["stages"]
    return [
        Stage(name, entry.get("finished", ""), entry.get("cpu_s"), entry.get("peak_mb"))
        for name in STAGES
        for entry in (done.get(name, {}),)
    ]


def figures_of(run: Run) -> dict[str, dict[str, Figure]]:
    """By metric, then by system, in the order of the table that `cauce run` ends with."""
    path = run.path / "evaluate" / "scores.json"
    if not path.is_file():
        return {}
    systems: dict[str, Any] = json.loads(path.read_text("utf-8"))["systems"]
    order = sorted(systems, key=lambda name: (*COLUMNS, name).index(name))
    found = {
        metric: {
            system: Figure(score["value"], score.get("low"), score.get("high"), score.get("n"))
            for system in order
            for score in (systems[system]["metrics"].get(metric) or {},)
            if score.get("value") is not None
        }
        for metric, _ in ROWS
    }
    return {metric: scores for metric, scores in found.items() if scores}


def trust_of(run: Run) -> Trust | None:
    """What the run's trust report says; None where none was made."""
    path = run.path / "report" / DATA
    if not path.is_file():
        return None
    try:
        evidence = read_dossier(path.read_bytes(), path.name).evidence
        faults = verify_report(path).faults
    except CauceError as error:
        return Trust(Counter(), Counter(), (str(error).splitlines()[0],))
    sources = Counter[str](row.source for row in evidence)
    judged = Counter[str](row.judged for row in evidence if row.judged != "no bar")
    return Trust(sources, judged, faults)
