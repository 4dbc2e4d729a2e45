"""The list of twins: one's own, and those that are shown to one, until that is taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.serving.calling import client_of
from benchmarks.serving.isolation import _add_twin

from cauce.serving.app import create_app
from serving.live import KnownAnswers
from serving.pages.desk import desks

pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def _twin_of_ana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _add_twin()


def test_a_twin_is_listed_for_its_person_and_for_whom_it_is_shown(database) -> None:
    ana, eva = desks(database, ("ana", "patient"), ("eva", "carer"))
    link = 'href="/twin/ana?lang=en"'
    assert link in ana.read("/twins") and link not in eva.read("/twins")
    shown = ana.send("/twins/show", name=" EVA ")
    assert shown.headers["location"] == "/twins?done=shown&lang=en"
    assert link in eva.read("/twins") and "<strong>eva</strong>" in ana.read("/twins")
    assert eva.client.get("/twin/ana").status_code == 200
    ana.send("/twins/hide", name="eva")
    assert link not in eva.read("/twins") and "To nobody." in ana.read("/twins")
    assert eva.client.get("/twin/ana").status_code == 404


def test_a_name_that_is_nobody_elses_is_refused(database) -> None:
    [ana] = desks(database, ("ana", "patient"))
    for name in ("", "ana", "a b", "../x", "x" * 65):
        assert ana.send("/twins/show", name=name).status_code == 400, name
    assert database.consents(ana.user.id) == ()


def test_whoever_sits_at_the_machine_finds_the_twin_that_is_served() -> None:
    client = client_of(create_app(KnownAnswers(), model_name="demo", twin="ana"))
    page = client.get("/twins?lang=en").text
    assert 'href="/twin/ana?lang=en"' in page and "/twins/show" not in page
    assert client.post("/twins/show", data={"name": "eva"}).status_code == 404
    bare = client_of(create_app(KnownAnswers(), model_name="demo"))
    assert bare.get("/twins").status_code == 404
