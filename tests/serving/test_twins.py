from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest

from cauce.evaluation.risk_systems import ReliabilityBin
from cauce.report.twin.guess import Guess
from cauce.serving import twins
from cauce.serving.features import Features
from cauce.serving.security import HEADERS
from cauce.twin.domain import Comparison
from cauce.twin.store import LOG, add_twin, renew
from serving.live import KnownAnswers, running
from twin.people import consent, record

pytest.importorskip("pyarrow")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    add_twin("ana", [record(tmp_path)], consent(), twins=tmp_path / "twins")
    return tmp_path / "twins"


@pytest.fixture
def client(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.chdir(home.parent)
    with running(KnownAnswers(), twin="ana") as url, httpx.Client(base_url=url) as client:
        yield client


def test_the_page_keeps_the_policy_of_the_server(client: httpx.Client) -> None:
    answer = client.get("/twin/ana?lang=ca")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert not re.search(r"<style|<script| style=|\son\w+=|https?:", answer.text)
    assert '<html lang="ca">' in answer.text
    [address] = re.findall(r'rel="stylesheet" href="([^"]+)"', answer.text)
    sheet = client.get(address)
    assert sheet.headers["content-type"].startswith("text/css")
    assert "@media print" in sheet.text
    assert re.findall(r'href="\?lang=(\w+)"', answer.text) == ["es", "en", "ca"]


def test_the_risk_is_on_the_page_or_why_there_is_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [Comparison(compared="readings", found=2, low=34)]
    bins = [ReliabilityBin(0.1, 0.12, 0.06, 0.2, 90)]
    told = {
        "ana": Guess("admission", 0.31, {}, bins, 0.02, "stay"),
        "eva": Guess("admission", None, {}, (), None, "stay", few),
    }
    add_twin("eva", [home.parent / "ingrid-2026.json"], consent(), twins=home)
    monkeypatch.chdir(home.parent)
    pages = {}
    for name in told:
        features = Features(guess=lambda twin: told[twin.name])
        with running(KnownAnswers(), twin=name, features=features) as url:
            page = httpx.get(f"{url}/twin/{name}?lang=en").text
        assert not re.search(r"<style|<script| style=|\son\w+=|https?:", page)
        pages[name] = page[page.index('class="guess"') :]
    assert "admission: 31 %" in pages["ana"] and "<polyline" in pages["ana"]
    assert "tells no risk of this person" in pages["eva"] and "34 or more" in pages["eva"]
    assert "<polyline" not in pages["eva"] and 'class="gauge"' not in pages["eva"]


def test_only_the_twin_that_is_served_can_be_asked_for(client: httpx.Client, home: Path) -> None:
    add_twin("eva", [home.parent / "ingrid-2026.json"], consent(), twins=home)
    assert client.get("/twin/eva").status_code == 404
    assert client.get("/twin/..%2Feva").status_code == 404


def test_each_look_is_by_consent_and_is_logged(client: httpx.Client, home: Path) -> None:
    client.get("/twin/ana")
    renew("ana", date(2020, 1, 1), twins=home)
    refused = client.get("/twin/ana")
    assert (refused.status_code, "2020-01-01" in refused.text) == (403, True)
    assert "ngrid" not in refused.text
    renew("ana", date(2999, 1, 1), ["training"], twins=home)
    assert client.get("/twin/ana").status_code == 403
    log = (home / LOG).read_text()
    assert (log.count('"twin read"'), log.count('"reading refused"')) == (1, 2)


def test_examples_in_the_text() -> None:
    assert doctest.testmod(twins).failed == 0
