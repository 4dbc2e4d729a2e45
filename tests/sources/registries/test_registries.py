"""What the registries say is read, kept, replayed and never asked for twice."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.errors import DataRefused, SourceUnavailable, UserError
from cauce.sources import polite
from cauce.sources.registries import registry
from cauce.sources.registries.crossref import Crossref
from cauce.sources.registries.datacite import DataCite
from cauce.sources.registries.openalex import OpenAlex
from cauce.sources.registries.registry import RegistrySettings
from sources.registries.registry_server import (
    FakeRegistry,
    crossref_item,
    datacite_item,
    openalex_item,
)

DOI = "10.5555/rivers.1"
SICI = "10.5555/1520(1963)020<0130:dnf>2.0.co;2"


@pytest.fixture
def server() -> Iterator[FakeRegistry]:
    fake = FakeRegistry()
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    fake.shutdown()
    fake.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cauce.sources.registries.crossref.FIRST_PER_SECOND", 1000.0)
    monkeypatch.setattr(polite, "FIRST_WAIT_S", 0.01)


def test_crossref_proposes_several_works(server: FakeRegistry):
    server.found = [crossref_item(DOI.upper()), crossref_item(SICI), {"title": ["no DOI"]}]
    with Crossref(RegistrySettings(mailto="ana@example.org"), server.url) as crossref:
        works = crossref.candidates("Otero  M. Slow rivers\ncarry fine sediment. 2015")
    assert [work.doi for work in works] == [DOI, SICI]
    reference = works[0].reference
    assert reference.title == "Slow rivers carry fine sediment"
    assert reference.authors == ("Otero, Marta", "The River Group")
    assert (reference.year, reference.volume, reference.issue) == ("2015", "12", "3")
    assert (reference.container, reference.pages) == ("Journal of Invented Rivers", "45-67")
    question = server.questions[0]
    assert question["query.bibliographic"] == "Otero M. Slow rivers carry fine sediment. 2015"
    assert question["rows"] == "5"
    assert "(mailto:ana@example.org)" in server.agents.pop()


def test_versions_and_retractions_of_crossref(server: FakeRegistry):
    preprint = [{"id-type": "doi", "id": "10.5555/PRE"}, {"id-type": "issn", "id": "1234"}]
    notice = [{"type": "retraction", "DOI": DOI}, {"type": "correction", "DOI": "10.5555/other"}]
    server.found = [
        crossref_item(DOI, relation={"has-preprint": preprint, "is-comment-on": preprint}),
        crossref_item("10.5555/notice", **{"update-to": notice}),
        crossref_item("10.5555/gone", **{"updated-by": notice}),
        crossref_item("10.5555/marked", title=["RETRACTED ARTICLE: Slow rivers"]),
    ]
    with Crossref(RegistrySettings(), server.url) as crossref:
        first, second, third, fourth = crossref.candidates("rivers")
    assert first.versions == ("10.5555/pre",)
    assert second.retracts == (DOI,)
    assert [work.retracted for work in (first, second, third, fourth)] == [False, False, True, True]


def test_openalex_and_datacite(server: FakeRegistry):
    server.works[f"works/doi:{DOI}"] = openalex_item(DOI, is_retracted=True)
    related = [
        {"relationType": "IsVersionOf", "relatedIdentifierType": "DOI", "relatedIdentifier": DOI},
        {"relationType": "Cites", "relatedIdentifierType": "DOI", "relatedIdentifier": SICI},
    ]
    arxiv = "10.48550/arxiv.1401.00001"
    server.works[f"dois/{arxiv}"] = datacite_item(arxiv, relatedIdentifiers=related)
    with OpenAlex(RegistrySettings(), server.url) as openalex:
        work = openalex.work(DOI)
    assert work is not None
    assert work.retracted
    assert work.reference.authors == ("Otero, Marta",)
    assert (work.reference.pages, work.reference.volume) == ("45-67", "12")
    with DataCite(RegistrySettings(), server.url) as datacite:
        work = datacite.work(arxiv)
        assert datacite.work(DOI) is None
    assert work is not None
    assert (work.kind, work.versions, work.reference.year) == ("Preprint", (DOI,), "2014")


def test_what_was_answered_is_not_asked_again(server: FakeRegistry, tmp_path: Path):
    server.works[f"works/{SICI}"] = {"message": crossref_item(SICI)}
    settings = RegistrySettings(folder=tmp_path)
    for _ in range(2):
        with Crossref(settings, server.url) as crossref:
            assert crossref.work(SICI) is not None
            assert crossref.work("10.5555/unknown") is None
    assert len(server.requests) == 2


def test_replay_without_a_network(server: FakeRegistry, tmp_path: Path):
    server.works[f"works/{DOI}"] = {"message": crossref_item(DOI)}
    with Crossref(RegistrySettings(folder=tmp_path), server.url) as crossref:
        crossref.work(DOI)
    settings = RegistrySettings(folder=tmp_path, offline=True, max_age_days=0)
    with Crossref(settings, server.url) as crossref:
        work = crossref.work(DOI)
        assert work is not None
        assert work.doi == DOI
        with pytest.raises(SourceUnavailable, match=r"no kept answer(.|\n)*without offline"):
            crossref.work("10.5555/never-asked")
    assert len(server.requests) == 1


def test_the_server_says_when_to_ask_again(server: FakeRegistry):
    server.failures = [(429, {"Retry-After": "0"}), (503, {})]
    server.works[f"works/{DOI}"] = {"message": crossref_item(DOI)}
    with Crossref(RegistrySettings(), server.url) as crossref:
        assert crossref.work(DOI) is not None
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 404, 414])
def test_a_question_that_cannot_be_read_is_not_repeated(
    status: int, server: FakeRegistry, tmp_path: Path
):
    server.failures = [(status, {})]
    with Crossref(RegistrySettings(folder=tmp_path), server.url) as crossref:
        assert crossref.candidates("rivers") == []
        assert crossref.candidates("rivers") == []
    assert len(server.requests) == 1


def test_who_is_turned_away_is_told(server: FakeRegistry):
    server.failures = [(403, {})]
    with (
        Crossref(RegistrySettings(), server.url) as crossref,
        pytest.raises(UserError, match=r"HTTP 403(.|\n)*Give a mailto"),
    ):
        crossref.work(DOI)
    assert len(server.requests) == 1


def test_what_is_no_json_is_neither_used_nor_kept(server: FakeRegistry, tmp_path: Path):
    server.works[f"works/{DOI}"] = b"<html>"
    with (
        Crossref(RegistrySettings(folder=tmp_path), server.url) as crossref,
        pytest.raises(DataRefused, match="no JSON"),
    ):
        crossref.work(DOI)
    assert not list(tmp_path.iterdir())


def test_threads_share_one_client_and_its_pace(server: FakeRegistry):
    server.works[f"works/{DOI}"] = {"message": crossref_item(DOI)}
    with Crossref(RegistrySettings(), server.url) as crossref:
        found: list[object] = []
        threads = [
            threading.Thread(target=lambda: found.append(crossref.work(DOI))) for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 6
        assert crossref._pace.per_second == 500
        assert crossref._pace.at_once == 3
    assert registry.MOST_AT_ONCE > 3
