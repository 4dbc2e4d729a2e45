"""A reference is resolved step by step, and the catalogue learns what the registries know."""

import threading
from collections.abc import Iterator

import pytest

from cauce.knowledge.works.catalogue import Catalogue
from cauce.knowledge.works.resolver import Registries, Resolver
from cauce.records import Reference
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
RAW = "Otero M. Slow rivers carry fine sediment. J Invented Rivers. 2015;12(3):45-67."
CITED = Reference(id="B1", raw=RAW)


@pytest.fixture
def server() -> Iterator[FakeRegistry]:
    fake = FakeRegistry()
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    fake.shutdown()
    fake.server_close()
    thread.join()


@pytest.fixture
def registries(server: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registries]:
    monkeypatch.setattr("cauce.sources.registries.crossref.FIRST_PER_SECOND", 1000.0)
    settings = RegistrySettings()
    with (
        Crossref(settings, server.url) as crossref,
        OpenAlex(settings, server.url) as openalex,
        DataCite(settings, server.url) as datacite,
    ):
        yield Registries(crossref, openalex, datacite)


def test_the_first_hit_is_not_taken_for_the_work(server: FakeRegistry, registries: Registries):
    other = crossref_item("10.5555/first", title=["Comment on slow rivers"], page="99")
    server.found = [other, crossref_item(DOI)]
    server.works[f"works/doi:{DOI}"] = openalex_item(DOI)
    catalogue = Catalogue()
    (match,) = Resolver(catalogue, registries).resolve([CITED])
    assert (match.doi, match.source, match.confirmed) == (DOI, "crossref", True)
    entry = catalogue.entry(DOI)
    assert entry is not None
    assert entry.confirmed
    asked = len(server.requests)
    (again,) = Resolver(catalogue, registries).resolve([CITED])
    assert (again.doi, again.source) == (DOI, "catalogue")
    assert len(server.requests) == asked


def test_no_candidate_is_good_enough(server: FakeRegistry, registries: Registries):
    server.found = [crossref_item("10.5555/first", title=["Lakes of salt"], page="99")]
    (match,) = Resolver(Catalogue(), registries).resolve([CITED])
    assert match.doi is None
    assert match.source == "crossref"


def test_a_registry_that_knows_another_work_contradicts(
    server: FakeRegistry, registries: Registries
):
    server.found = [crossref_item(DOI)]
    server.works[f"works/doi:{DOI}"] = openalex_item(
        DOI, title="Lakes of salt", biblio={}, publication_year=1999
    )
    catalogue = Catalogue()
    (match,) = Resolver(catalogue, registries).resolve([CITED])
    assert match.doi is None
    assert catalogue.entry(DOI) is None


def test_retractions_come_from_either_registry(server: FakeRegistry, registries: Registries):
    server.found = [crossref_item(DOI)]
    server.works[f"works/doi:{DOI}"] = openalex_item(DOI, is_retracted=True)
    (match,) = Resolver(Catalogue(), registries).resolve([CITED])
    assert match.retracted


def test_a_printed_doi_is_looked_up(server: FakeRegistry, registries: Registries):
    arxiv = "10.48550/arxiv.1401.00001"
    server.works[f"dois/{arxiv}"] = datacite_item(arxiv)
    catalogue = Catalogue()
    cited = Reference(id="B1", raw=f"Otero M. Slow rivers carry fine sediment. 2014. doi:{arxiv}")
    (match,) = Resolver(catalogue, registries).resolve([cited])
    assert (match.doi, match.source, match.confirmed) == (arxiv, "printed", False)
    assert catalogue.entry(arxiv) is not None


def test_a_printed_doi_that_nobody_registered_is_searched(
    server: FakeRegistry, registries: Registries
):
    server.found = [crossref_item(DOI)]
    cited = Reference(id="B1", raw=f"{RAW} doi:10.5555/riv")
    (match,) = Resolver(Catalogue(), registries).resolve([cited])
    assert (match.doi, match.source) == (DOI, "crossref")


def test_matches_come_in_the_order_of_the_references(server: FakeRegistry, registries: Registries):
    server.found = [crossref_item(DOI)]
    references = [
        CITED.model_copy(update={"id": str(n), "raw": RAW if n % 2 else f"Lago E. Salt {n}. 1999."})
        for n in range(8)
    ]
    matches = Resolver(Catalogue(), registries).resolve(references, threads=4)
    assert [match.doi for match in matches] == [None, DOI] * 4


def test_without_registries_only_the_catalogue_is_asked():
    (match,) = Resolver(Catalogue()).resolve([CITED])
    assert match == (None, 0.0, 0.0, "none", False, False)


def test_fields_without_a_string_are_searched(server: FakeRegistry, registries: Registries):
    server.found = [crossref_item(DOI)]
    cited = Reference(
        id="B1", title="Slow rivers carry fine sediment", authors=("Otero, M.",), year="2015"
    )
    list(Resolver(Catalogue(), registries).resolve([cited]))
    assert server.questions[0]["query.bibliographic"] == (
        "Otero, M. Slow rivers carry fine sediment 2015"
    )
