"""Runs: figures and evidence as their files have them, reports that can do nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest
from benchmarks.serving.calling import client_of
from benchmarks.serving.filling import made_run

from cauce.evaluation.summary import ROWS
from cauce.runs import Run
from cauce.serving.app import create_app
from cauce.serving.features import Features
from cauce.serving.pages.runs import figures_of, trust_of
from cauce.serving.wording.runs import RUNS
from serving.live import KnownAnswers
from serving.pages.desk import desks


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_run(tmp_path_factory.mktemp("made") / "demo").path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Run:
    return Run(Path(shutil.copytree(made, tmp_path / "runs" / "demo")))


@pytest.fixture
def client(run: Run) -> httpx.Client:
    features = Features(runs=run.path.parent)
    return client_of(create_app(KnownAnswers(), model_name="demo", features=features))


def test_the_list_and_the_page_of_a_run_show_what_its_files_hold(client: httpx.Client) -> None:
    page = client.get("/runs?lang=en").text
    assert 'href="/runs/demo?lang=en"' in page and "/runs/demo/trust.html" in page
    page = client.get("/runs/demo?lang=en").text
    assert "0.500" in page and "[0.400, 0.600]" in page and "Datos inventados." in page
    assert page.index(">base<") < page.index(">tuned<")
    assert "2026-01-02 03:04:05 UTC" in page and RUNS["en"]["sound"] in page


def test_a_run_of_which_less_is_known_has_its_page_too(run: Run, client: httpx.Client) -> None:
    Run(run.path.parent / "stay").update_manifest(stages={})
    page = client.get("/runs/stay?lang=en").text
    assert "<h1>stay</h1>" in page and RUNS["en"]["no_figures"] in page


def test_runs_are_called_runs_in_every_language(client: httpx.Client) -> None:
    for language, word in (("es", "Ejecuciones"), ("en", "Runs"), ("ca", "Execucions")):
        page = client.get(f"/runs?lang={language}").text
        assert f"<h1>{word}</h1>" in page and f">{word}</a>" in page


def test_every_metric_of_the_table_has_a_name_in_words() -> None:
    assert {metric for metric, _ in ROWS} <= RUNS["es"].keys()


def test_evidence_that_was_changed_is_seen(run: Run, client: httpx.Client) -> None:
    found = trust_of(run)
    assert found is not None and found.faults == () and found.sources["missing"] > 0
    scores = run.path / "evaluate" / "scores.json"
    scores.write_text(scores.read_text().replace("0.5", "0.9"))
    changed = trust_of(run)
    assert changed is not None and "scores.json" in "".join(changed.faults)
    (run.path / "report" / "trust.json").write_text("{}")
    assert "trust.json is no report of trust" in client.get("/runs/demo").text
    (run.path / "report" / "trust.json").unlink()
    scores.unlink()
    assert (trust_of(run), figures_of(run)) == (None, {})


def test_reports_come_as_they_were_written_and_may_run_nothing(
    run: Run, client: httpx.Client
) -> None:
    for name in ("report.html", "trust.html"):
        answer = client.get(f"/runs/demo/{name}")
        assert answer.content == (run.path / "report" / name).read_bytes()
        [policy] = answer.headers.get_list("content-security-policy")
        assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
        assert answer.headers["x-content-type-options"] == "nosniff"
    (run.path / "report" / "report.html").unlink()
    assert client.get("/runs/demo/report.html").status_code == 404


def test_only_runs_of_the_folder_are_opened(client: httpx.Client) -> None:
    for name in ("other", "..", "%2e%2e", "%2Fetc", "demo%2Freport", "."):
        assert client.get(f"/runs/{name}/report.html").status_code == 404, name


def test_a_run_that_was_withdrawn_is_not_shown(run: Run, client: httpx.Client) -> None:
    run.update_manifest(twins=["x1"], forgotten_twins=["x1"])
    assert client.get("/runs/demo").status_code == 403
    assert client.get("/runs/demo/report.html").status_code == 403
    assert json.loads((run.path / "manifest.json").read_text())["twins"] == ["x1"]


def test_patients_see_no_runs(database, run: Run) -> None:
    [patient, researcher] = desks(
        database,
        ("ana", "patient"),
        ("leo", "researcher"),
        features=Features(runs=run.path.parent),
    )
    assert patient.client.get("/runs").status_code == 403
    assert 'href="/runs' not in patient.read("/account")
    assert "demo" in researcher.read("/runs")
