from __future__ import annotations

import re

from cauce.knowledge.claims.numbers import unsupported_numbers
from cauce.records import Document, Refusal
from cauce.sources import NewsSource
from cauce.sources.news import document_of_item
from cauce.testing import check_source

ITEM = {"id": "a", "title": "Un título", "text": "Un texto.", "summary": "Un resumen."}


def items() -> list[Document]:
    return [item for item in NewsSource().documents() if isinstance(item, Document)]


def test_an_item_is_a_question_and_its_answer() -> None:
    document = document_of_item(ITEM, "a.yaml")
    assert isinstance(document, Document)
    assert [(it.id, it.kind, it.text) for it in document.sections] == [
        ("text", "question", "Un texto."),
        ("summary", "answer", "Un resumen."),
    ]


def test_an_item_that_lacks_something_is_refused_with_its_place() -> None:
    refused = document_of_item({**ITEM, "summary": ""}, "a.yaml")
    assert isinstance(refused, Refusal)
    assert (refused.file, refused.position, refused.reason) == ("a.yaml", "a", "missing: summary")


def test_the_source_conforms() -> None:
    check_source(NewsSource())
    assert len(items()) >= 60
    assert len(items()) == len(list(NewsSource().documents()))


def test_articles_and_summaries_are_as_long_as_they_should_be() -> None:
    for item in items():
        text, summary = (item.section(name).text for name in ("text", "summary"))
        assert 80 <= len(text.split()) <= 160, item.id
        assert 15 <= len(summary.split()) <= 45, item.id
        assert len(re.findall(r"[.!?](?:\s|$)", summary)) <= 2, item.id
        assert len(summary) < len(text) / 2, item.id


def test_every_number_of_a_summary_stands_in_its_article() -> None:
    for item in items():
        summary, sources = item.section("summary").text, [item.title, item.section("text").text]
        assert unsupported_numbers(summary, sources, "es") == (), item.id


def test_the_items_are_spelled_in_spanish() -> None:
    text = "".join(section.text for item in items() for section in item.sections)
    assert all(text.count(letter) > 5 for letter in "ñáéíóú«»%")
    assert "ü" in text
    assert text.count("¿") == text.count("?")
    assert text.count("¡") == text.count("!")
