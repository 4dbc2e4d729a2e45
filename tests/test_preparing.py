"""The prepare stage of articles with a model's help: questions, searches, and a kill in between."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from articles import SAID, doi_of, write_articles
from cauce import road
from cauce.assistant.loading import load_assistant
from cauce.assistant.research import writers
from cauce.corpus.research.questions import ResearchQuestion
from cauce.corpus.research.settings import ResearchSettings
from cauce.errors import SourceUnavailable, UserError
from cauce.recipe import parse_recipe
from cauce.runs import read_records
from cauce.sources import polite
from cauce.sources.dois import dois_in
from models.tiny import tiny_model
from shared import CHECKOUT
from sources.chat_server import FakeChat

MADE_UP = "10.9999/evil"


def said(prompt: str) -> str:
    """Good questions about the first dozen sentences, bad ones about the others, and searches."""
    kind, _, about = prompt.partition(": ")
    if kind == "Search":
        return f"1. drip irrigation of olive groves\n2. doi:{MADE_UP}"
    words = " ".join(about.split()[:5])
    if any(about.startswith(sentence) for sentence in SAID[:12]):
        return f"Question: Has anybody seen whether {words[0].lower()}{words[1:]}?"
    return f"Has anybody seen whether {words[0].lower()}{words[1:]} (Prado, 1999)?"


@pytest.fixture(scope="module")
def server():
    fake = FakeChat(said)
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    fake.shutdown()
    thread.join()
    fake.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A dozen articles and a tiny model."""
    made = tmp_path_factory.mktemp("writer")
    write_articles(made / "articles")
    loaded = tiny_model("gpt2")
    loaded.model.save_pretrained(made / "base")
    loaded.tokenizer.save_pretrained(made / "base")
    return made


def prepared(folder: Path, run: str, **corpus: Any) -> road.Journey:
    recipe = {
        "run": run,
        "sources": [{"kind": "articles", "path": str(folder / "articles")}],
        "corpus": {"kind": "research", **corpus},
        "model": {"base": str(folder / "base"), "max_tokens": 2000},
    }
    journey = road.start(parse_recipe(recipe, "x"), lambda line: None, folder / "runs")
    road.walk(journey, "prepare")
    return journey


def summary(journey: road.Journey) -> dict[str, Any]:
    found: dict[str, Any] = journey.run.manifest["stages"]["prepare"]["summary"]
    return found


def questions(journey: road.Journey) -> list[ResearchQuestion]:
    return list(read_records(journey.run.path / "prepare" / "questions.jsonl", ResearchQuestion))


def test_a_server_writes_questions_and_searches_and_none_twice(folder, server, monkeypatch):
    chosen = {
        "rewrite": "Ask: {sentence}",
        "expand": "Search: {question}",
        "writer": {"model": "some-model", "url": server.url},
    }
    monkeypatch.setattr(polite, "ATTEMPTS", 1)
    server.failures = [(503, {}, b"stopped")]
    with pytest.raises(SourceUnavailable):
        prepared(folder, "served", **chosen)
    answered = [json.dumps(request) for request in server.requests]
    assert answered
    journey = prepared(folder, "served", **chosen)
    assert summary(journey)["rewritten"] == {"accepted": 10, "a citation is left in it": 9}
    for item in questions(journey):
        is_good = any(item.sentence.startswith(sentence) for sentence in SAID[:12])
        assert item.question.startswith("Has anybody seen") == bool(item.template) == is_good
    asked = [json.dumps(request) for request in server.requests]
    assert len(asked) == len(set(asked)) + 1, "all but the one that failed are asked once"
    prepared(folder, "served", **chosen, test_share=0.3)
    again = server.requests[len(asked) :]
    assert all(request["messages"][0]["content"].startswith("Search: ") for request in again)

    reply = load_assistant(journey.run).reply("How can olive trees save water in dry regions?")
    assert doi_of(16) in {doi for dois in reply.looked_at[:1] for doi in dois}
    assert MADE_UP not in reply.model_dump_json()
    assert {*dois_in(reply.text)} <= {doi_of(number) for number in range(len(SAID))}


def test_a_run_by_rule_asks_no_model(folder, server):
    before = len(server.requests)
    journey = prepared(folder, "plain")
    assert summary(journey)["rewritten"] == {}
    assert len(server.requests) == before


def test_the_base_at_hand_may_write_and_nonsense_stays_out(folder, monkeypatch):
    """What random weights write is no question."""
    monkeypatch.setattr(writers, "MAX_NEW_TOKENS", 4)
    chosen = {"rewrite": "{question}", "writer": {"model": str(folder / "base")}}
    journey = prepared(folder, "local", **chosen)
    assert summary(journey)["rewritten"] == {"not one question": 19}
    assert len([*(journey.run.path / "written").iterdir()]) == 19
    assert questions(journey) == questions(prepared(folder, "plain"))


def test_a_missing_key_is_told_before_any_question_is_made(folder, server):
    writer = {"model": "some-model", "url": server.url, "key": "NO_SUCH_KEY"}
    with pytest.raises(UserError, match="NO_SUCH_KEY"):
        prepared(folder, "keyless", rewrite="{sentence}", writer=writer)
    assert not (folder / "runs" / "keyless" / "prepare" / "questions.jsonl").exists()


def test_the_recipe_and_the_page_show_settings_that_are_valid(folder, monkeypatch):
    recipe = (CHECKOUT / "recipes" / "research.yaml").read_text("utf-8")
    page = (CHECKOUT / "docs" / "how-to" / "research.md").read_text("utf-8")
    shown = page.split("```yaml\n")[1].split("```")[0]
    monkeypatch.chdir(folder)
    for text in (re.sub(r"(?m)^  #   ", "  ", recipe), f"{recipe.split('corpus:')[0]}{shown}"):
        corpus = parse_recipe(yaml.safe_load(text), "shown").corpus
        assert isinstance(corpus, ResearchSettings)
        assert corpus.writer and corpus.rewrite and corpus.expand
