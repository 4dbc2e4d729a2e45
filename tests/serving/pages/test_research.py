"""Publications: sentences with their own works, retractions marked, or nothing."""

from __future__ import annotations

import re

from benchmarks.serving.calling import client_of
from benchmarks.serving.filling import SENTENCE, WithWorks, cited, works

from cauce.records import Reference, Reply, Statement
from cauce.serving.app import create_app
from cauce.serving.features import Features
from cauce.serving.pages.research import supports
from serving.live import KnownAnswers

LANG = {"lang": "en"}


def test_each_sentence_has_its_own_works() -> None:
    one, two = Reference(id="1", doi="10.1/a"), Reference(id="2", doi="10.1/a2")
    first, second = cited("One.", [one]), cited("Two.", [two])
    both = Reply(
        text="",
        statements=(first.statements[0], Statement(text=second.text, citation=1)),
        citations=(*first.citations, *second.citations),
        works=(one, two),
    )
    found = supports(both)
    assert [(it.text, it.citation.quote, [work.id for work in it.works]) for it in found] == [
        ("One.", "One.", ["1"]),
        ("Two.", "Two.", ["2"]),
    ]
    assert supports(Reply(text="no", statements=(Statement(text="no"),), abstained=True)) == ()


def test_the_page_names_works_and_marks_those_that_were_retracted() -> None:
    app = create_app(
        WithWorks(KnownAnswers()), model_name="demo", features=Features(has_articles=True)
    )
    client = client_of(app)
    page = client.post("/research", params=LANG, data={"question": "¿ensayos <b>?"}).text
    assert f'<blockquote lang="es">{SENTENCE}</blockquote>' in page
    items = re.findall(r"<li>(.*?)</li>", page, re.DOTALL)
    assert [("10.1/a2" in item, "Retracted" in item) for item in items] == [
        (False, False),
        (True, True),
    ]
    assert "¿ensayos &lt;b&gt;?" in page and "A. et al" not in page
    assert "&amp;section=2&amp;start=0" in page
    assert len(works()) == len(items)


def test_without_articles_there_is_no_page_and_no_way_to_it() -> None:
    client = client_of(create_app(KnownAnswers(), model_name="demo"))
    assert client.get("/research").status_code == 404
    assert "/research" not in client.get("/").text


def test_a_question_that_nothing_supports_gets_the_reason() -> None:
    app = create_app(KnownAnswers(), model_name="demo", features=Features(has_articles=True))
    page = client_of(app).post("/research", params=LANG, data={"question": "losec?"}).text
    assert "Nothing that is held here supports it" in page and "look alike" in page
