"""The references of articles get the DOIs that they mean, and say how each was found."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.errors import SourceUnavailable
from cauce.knowledge.works.articles import with_dois, works_tagged, write_with_dois
from cauce.knowledge.works.catalogue import Catalogue
from cauce.knowledge.works.matching import ACCEPTED, best_match
from cauce.knowledge.works.resolver import Registries, open_registries
from cauce.records import Document, DoiMatch, Reference, Refusal, Section
from cauce.runs import read_records, write_records
from cauce.sources.registries.registry import RegistrySettings
from sources.registries.registry_server import FakeRegistry, crossref_item

RIVERS = Reference(
    id="B1",
    title="Slow rivers carry fine sediment",
    authors=("Otero, Marta",),
    year="2015",
    container="Journal of Invented Rivers",
    volume="12",
    pages="45-67",
)
LAKES = Reference(
    id="B2",
    title="Lakes of salt in the high desert",
    authors=("Lago, Elena",),
    year="1999",
    container="Annals of Lakes",
    volume="3",
    pages="1-9",
)
UNKNOWN = Reference(id="B3", title="What nobody has registered", authors=("Nadie, N.",))
DOI = "10.5555/rivers.1"


def article(name: str, *references: Reference) -> Document:
    return Document(
        source="articles",
        id=name,
        version="1",
        title=f"Article {name}",
        language="en",
        sections=(Section(id="1", kind="other", title="", text="Nothing."),),
        references=references,
    )


def tagged(reference: Reference, doi: str) -> Reference:
    return reference.model_copy(update={"doi": doi})


def written(
    folder: Path, documents: list[Document], *works: object, registries: Registries | None = None
) -> tuple[list[Document], dict[str, object]]:
    write_records(folder / "fetched.jsonl", documents)
    catalogue = folder / "works.jsonl"
    texts = (row if isinstance(row, str) else json.dumps(row) for row in works)
    catalogue.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    summary = write_with_dois(
        folder / "fetched.jsonl",
        folder,
        catalogue=catalogue if works else None,
        registries=registries,
        progress=lambda line: None,
    )
    return list(read_records(folder / "documents.jsonl", Document)), summary


def row(reference: Reference, doi: str, **more: object) -> dict[str, object]:
    return {**reference.model_dump(exclude={"id", "match"}), "doi": doi, **more}


def test_every_doi_says_where_it_was_found_and_how_sure_it_is(tmp_path: Path) -> None:
    printed = Reference(id="B4", raw="Otero M. Deltas. 2001. doi:10.5555/deltas")
    document = article("a", tagged(RIVERS, DOI), LAKES, UNKNOWN, printed)
    [found], summary = written(tmp_path, [document], row(LAKES, "10.5555/lakes"))
    rivers, lakes, unknown, deltas = found.references
    assert rivers.match == DoiMatch(score=1, margin=1, source="tagged")
    assert deltas.match == DoiMatch(score=1, margin=1, source="printed")
    assert (lakes.doi, deltas.doi) == ("10.5555/lakes", "10.5555/deltas")
    assert lakes.match is not None
    assert lakes.match.source == "catalogue"
    assert ACCEPTED <= lakes.match.score <= 1
    assert 0 < lakes.match.margin <= lakes.match.score
    assert (unknown.doi, unknown.match) == (None, None)
    assert summary["dois"] == {"tagged": 1, "catalogue": 1, "none": 1, "printed": 1}
    assert found.model_copy(update={"references": document.references}) == document


def test_what_one_article_tags_is_known_for_the_others(tmp_path: Path) -> None:
    documents, summary = written(
        tmp_path, [article("a", RIVERS, LAKES), article("b", tagged(RIVERS, DOI))]
    )
    assert [cited.doi for cited in documents[0].references] == [DOI, None]
    assert summary == {
        "dois": {"catalogue": 1, "none": 1, "tagged": 1},
        "retracted": 0,
        "catalogue_lines_refused": 0,
    }


def test_a_work_that_an_article_tags_is_told_once_and_with_its_title() -> None:
    own = tagged(RIVERS, DOI)
    documents = [article("a", own, Reference(id="B", doi="10.5555/untitled")), article("b", own)]
    documents += [article("c").model_copy(update={"work": tagged(LAKES, "10.5555/own")})]
    assert [work.doi for work in works_tagged(documents)] == [DOI, "10.5555/own"]


def test_retracted_works_are_marked_whoever_gave_the_doi(tmp_path: Path) -> None:
    lakes = row(LAKES, "10.5555/lakes", title=f"RETRACTED: {LAKES.title}")
    rivers = row(RIVERS, DOI, retracted=True)
    documents = [article("a", tagged(RIVERS, DOI), tagged(LAKES, "10.5555/lakes"), UNKNOWN)]
    documents += [article("b", RIVERS)]
    found, summary = written(tmp_path, documents, lakes, rivers)
    flags = [cited.match and cited.match.retracted for each in found for cited in each.references]
    assert flags == [True, True, None, True]
    assert summary["retracted"] == 3


def test_lines_of_the_catalogue_that_are_no_works_are_kept_with_their_place(
    tmp_path: Path,
) -> None:
    _, summary = written(tmp_path, [article("a", LAKES)], "{", row(LAKES, "no DOI"))
    refused = list(read_records(tmp_path / "refused.jsonl", Refusal))
    assert [refusal.position for refusal in refused] == ["line 1", "line 2"]
    assert summary["catalogue_lines_refused"] == 2
    assert summary["dois"] == {"none": 1}


def test_no_doi_stands_below_the_operating_point() -> None:
    """Of references that are more and less like a work, those in between have no DOI."""
    said = itertools.product(
        (RIVERS.title, "Slow rivers carry sediment", "Fast rivers carry coarse sand"),
        ((), ("Otero, Marta",), ("Lago, Elena",)),
        ("", "2015", "2016", "1999"),
        ("", "12"),
        ("", "45-67"),
    )
    cited = [
        Reference(id="B", title=title, authors=authors, year=year, volume=volume, pages=pages)
        for title, authors, year, volume, pages in said
    ]
    with Catalogue() as catalogue:
        catalogue.add(works_tagged([article("a", tagged(RIVERS, DOI))]))
        [found] = with_dois([article("b", *cited)], catalogue)
        scores = [best_match(each, catalogue.entries(), "catalogue").score for each in cited]
    assert sum(0.1 < score < ACCEPTED for score in scores) > 20
    for resolved, score in zip(found.references, scores, strict=True):
        told = DoiMatch(score=round(score, 4), margin=round(score, 4), source="catalogue")
        assert (resolved.doi, resolved.match) == (
            (DOI, told) if score >= ACCEPTED else (None, None)
        )


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
def registries(
    server: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Registries]:
    for name in ("crossref", "openalex", "datacite"):
        monkeypatch.setattr(f"cauce.sources.registries.{name}.FIRST_PER_SECOND", 1000.0)
    with open_registries(RegistrySettings(folder=tmp_path / "registries")) as opened:
        for registry in opened:
            monkeypatch.setattr(registry, "_url", server.url)
        yield opened


def test_registries_are_asked_only_for_what_neither_article_nor_catalogue_gives(
    tmp_path: Path, server: FakeRegistry, registries: Registries
) -> None:
    people = [{"family": "Nadie", "given": "N."}]
    item = crossref_item("10.5555/unknown", title=[UNKNOWN.title], author=people)
    server.found = [{**item, "page": "", "volume": ""}]
    document = article("a", tagged(RIVERS, DOI), LAKES, UNKNOWN)
    [found], summary = written(
        tmp_path, [document], row(LAKES, "10.5555/lakes"), registries=registries
    )
    assert [question["query.bibliographic"] for question in server.questions] == [
        f"Nadie, N. {UNKNOWN.title}"
    ]
    last = found.references[-1]
    assert last.doi == "10.5555/unknown"
    assert last.match is not None
    assert last.match.source == "crossref"
    assert last.match.score >= ACCEPTED
    assert summary["dois"] == {"tagged": 1, "catalogue": 1, "crossref": 1}


def test_a_registry_that_does_not_answer_stops_the_stage_and_what_it_said_is_kept(
    tmp_path: Path, server: FakeRegistry, registries: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cauce.sources.polite.FIRST_WAIT_S", 0.0)
    monkeypatch.setattr("cauce.sources.polite.ATTEMPTS", 2)
    written(tmp_path, [article("a", UNKNOWN)], registries=registries)
    asked = len(server.requests)
    server.failures = [(503, {})] * 9
    with pytest.raises(SourceUnavailable, match="did not answer after 2 attempts"):
        written(tmp_path, [article("a", UNKNOWN), article("b", LAKES)], registries=registries)
    server.failures = []
    written(tmp_path, [article("a", UNKNOWN), article("b", LAKES)], registries=registries)
    assert len(server.questions) == 2
    assert asked == 1
