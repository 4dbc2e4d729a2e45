"""The road of articles whose references have no DOI, with a catalogue, to an answer over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from articles import SAID, article, doi_of, write_articles
from cauce import road
from cauce.assistant.guarded import GuardedAssistant
from cauce.assistant.loading import load_assistant
from cauce.assistant.research.assistant import ResearchAssistant
from cauce.errors import NotFound, RecipeError
from cauce.knowledge.works.matching import ACCEPTED
from cauce.recipe import parse_recipe
from cauce.records import Document
from cauce.runs import Run, read_records
from cauce.safety.guard.settings import GuardSettings
from cauce.sources.dois import dois_in
from knowledge.passages.cluster import FakeCluster, serve
from models.tiny import tiny_model
from serving.live import running

UNTAGGED, RETRACTED, SPANISH = 16, 20, 24
"""Statements of which the work has no DOI in the article, was retracted, and is in Spanish."""
SAID_IN_SPANISH = "Los trenes nocturnos reducen las emisiones de los viajes entre capitales"


def write_untagged(folder: Path) -> Path:
    """The dozen, one without the DOIs of its references, and one in Spanish on a retracted work."""
    write_articles(folder)
    place = folder / f"article-{UNTAGGED // 2}.xml"
    text = place.read_text("utf-8")
    for number in (UNTAGGED, UNTAGGED + 1):
        text = text.replace(f'<pub-id pub-id-type="doi">{doi_of(number)}</pub-id>', "")
    assert "10.5555/work" not in text
    place.write_text(text, "utf-8")
    spanish = article(RETRACTED // 2).replace('lang="en"', 'lang="es"')
    spanish = spanish.replace("10.5555/article.10", "10.5555/article.es")
    spanish = spanish.replace(SAID[RETRACTED], SAID_IN_SPANISH)
    (folder / "spanish.xml").write_text(spanish, "utf-8")
    return folder


def catalogue_row(number: int, **more: object) -> dict[str, object]:
    title = f"On {SAID[number].split()[0].lower()} number {number}"
    place = {"container": "Annals of tests", "year": 1990 + number}
    return {
        "doi": doi_of(number),
        "title": title,
        "authors": [f"Prado, N{number}"],
        **place,
        **more,
    }


def start(folder: Path, *, name: str = "dois", **corpus: object) -> road.Journey:
    """The journey over those articles on random weights."""
    base = folder / "base"
    if not base.exists():
        loaded = tiny_model("gpt2")
        loaded.model.save_pretrained(base)
        loaded.tokenizer.save_pretrained(base)
        write_untagged(folder / "articles")
        rows = [catalogue_row(UNTAGGED), catalogue_row(RETRACTED, retracted=True)]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / "works.jsonl").write_text(lines, "utf-8")
    recipe: dict[str, Any] = {
        "run": name,
        "sources": [{"kind": "articles", "path": str(folder / "articles")}],
        "corpus": {"kind": "research", "test_share": 0.25, **corpus},
        "model": {"base": str(base), "max_tokens": 2000},
    }
    return road.start(parse_recipe(recipe, "recipe"), lambda line: None, folder / "runs")


def prepared(folder: Path, *, name: str = "dois", **corpus: object) -> Run:
    journey = start(folder, name=name, **corpus)
    road.walk(journey, "prepare")
    return journey.run


def research_assistant(run: Run) -> ResearchAssistant:
    found = load_assistant(run).inner
    assert isinstance(found, ResearchAssistant)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dois")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    start(folder)
    return prepared(folder, catalogue=str(folder / "works.jsonl"))


@pytest.fixture(scope="module")
def assistant(run: Run) -> ResearchAssistant:
    return research_assistant(run)


def test_the_summary_counts_where_each_doi_was_found(run: Run) -> None:
    summary = run.manifest["stages"]["prepare"]["summary"]
    assert summary["dois"] == {"tagged": 24, "catalogue": 1, "none": 1}
    assert summary["retracted"] == 2
    documents = read_records(run.path / "prepare" / "documents.jsonl", Document)
    cited = [each for document in documents for each in document.references]
    assert all((each.doi is None) == (each.match is None) for each in cited)
    assert all(each.match.score >= ACCEPTED for each in cited if each.match)


def test_a_sentence_whose_work_the_catalogue_knows_is_evidence(
    assistant: ResearchAssistant,
) -> None:
    reply = assistant.reply("Which studies show that drip irrigation saves water in olive groves?")
    assert [work.doi for work in reply.works] == dois_in(reply.text) == [doi_of(UNTAGGED)]
    [work] = reply.works
    assert work.match is not None
    assert work.match.source == "catalogue"
    without = assistant.reply("Which studies show that cover crops keep nitrogen in the soil?")
    assert doi_of(UNTAGGED + 1) not in dois_in(without.text)


@pytest.mark.parametrize(
    ("question", "flag"),
    [
        ("Which studies show that night trains cut the emissions of travel?", "→ RETRACTED: "),
        (f"¿Qué estudios muestran que {SAID_IN_SPANISH.lower()}?", "→ RETRACTADO: "),
    ],
    ids=["en", "es"],
)
def test_a_retracted_work_is_marked_in_the_answer_and_over_http(
    assistant: ResearchAssistant, question: str, flag: str
) -> None:
    with running(GuardedAssistant(assistant, GuardSettings(), country="ES")) as url:
        asked = {"model": "demo", "messages": [{"role": "user", "content": question}]}
        answer = httpx.post(f"{url}/v1/chat/completions", json=asked, timeout=20).json()
    message = answer["choices"][0]["message"]
    assert f"{flag}Prado" in message["content"]
    [work] = message["cauce"]["works"]
    assert (work["doi"], work["retracted"], work["score"]) == (doi_of(RETRACTED), True, 1.0)
    assert len(message["cauce"]["citations"]) == 1


def test_a_work_that_was_not_retracted_is_not_marked(assistant: ResearchAssistant) -> None:
    reply = assistant.reply("Which studies show that music therapy calms patients with dementia?")
    assert reply.works and "RETRACT" not in reply.text


def test_a_changed_catalogue_prepares_again_and_the_same_does_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(folder)
    prepared: list[Path] = []
    monkeypatch.setitem(road._WORK, "prepare", lambda journey, place: prepared.append(place) or {})
    catalogue = folder / "growing.jsonl"
    catalogue.write_text(json.dumps(catalogue_row(UNTAGGED)), "utf-8")
    for _ in range(2):
        road.walk(start(folder, name="growing", catalogue=str(catalogue)), "prepare")
    assert len(prepared) == 1
    catalogue.write_text(json.dumps(catalogue_row(UNTAGGED + 1, retracted=True)), "utf-8")
    road.walk(start(folder, name="growing", catalogue=str(catalogue)), "prepare")
    assert len(prepared) == 2


def test_a_catalogue_that_is_not_there_is_told_before_anything_is_done(folder: Path) -> None:
    start(folder)
    with pytest.raises(NotFound, match=r"no catalogue 'none.jsonl'.\nName a file"):
        start(folder, catalogue="none.jsonl")


def test_a_cluster_answers_as_a_folder_does_until_it_is_down(
    folder: Path, assistant: ResearchAssistant
) -> None:
    question = "Which studies show that drip irrigation saves water in olive groves?"
    asked = {"model": "demo", "messages": [{"role": "user", "content": question}]}
    with serve(FakeCluster()) as cluster:
        run = prepared(
            folder, name="cluster", catalogue=str(folder / "works.jsonl"), opensearch=cluster
        )
        remote = research_assistant(run)
        reply, expected = remote.reply(question), assistant.reply(question)
    assert not (run.path / "prepare" / "library" / "sentences").exists()
    assert (reply.text, reply.works) == (expected.text, expected.works)
    with running(GuardedAssistant(remote, GuardSettings(), country="ES")) as address:
        answer = httpx.post(f"{address}/v1/chat/completions", json=asked, timeout=20)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "source_unavailable")


@pytest.mark.parametrize("address", ["search.example.org", "https://user:secret@example.org"])
def test_an_address_with_a_password_or_without_a_scheme_is_refused(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(RecipeError, match="user and password go into the environment"):
        start(tmp_path, opensearch=address)
