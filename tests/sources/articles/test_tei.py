"""GROBID's TEI, with inputs written for the tests and the stored outputs of the tool."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from cauce.records import Document, Refusal
from cauce.sources.articles import ArticlesSource
from shared import shared_data

TEI = """<?xml version="1.0" encoding="UTF-8"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader xml:lang="{language}"><fileDesc>
<titleStmt><title level="a" type="main">Wind over ports</title></titleStmt>
<publicationStmt><availability status="free"><licence target="https://example.org/by"/></availability>
</publicationStmt><sourceDesc><biblStruct><analytic>
<author><persName><forename type="first">Eva</forename><forename type="middle">M</forename>
<surname>Ruiz</surname></persName></author></analytic>
<monogr><title level="j">Ports</title><imprint><biblScope unit="volume">7</biblScope>
<biblScope unit="page" from="3" to="9"/><date type="published" when="2019-04-02"/></imprint>
</monogr>{doi}</biblStruct></sourceDesc></fileDesc>
<profileDesc><abstract><div><p>Ports are windy.</p></div></abstract></profileDesc></teiHeader>
<text><body>{body}</body><back><div type="references"><listBibl>
<biblStruct xml:id="b0"><analytic><title level="a">Cranes</title><author><persName>
<forename>A</forename><surname>Paz</surname></persName></author></analytic>
<monogr><title level="j">J. Cranes</title><imprint><biblScope unit="volume">1</biblScope>
<biblScope unit="page">12</biblScope><date when="1999"/></imprint></monogr>
<idno type="DOI">10.1000/CRANES</idno></biblStruct>
<biblStruct xml:id="b1"><monogr><title level="m">The book of docks</title><author><orgName>Dock
Board</orgName></author><imprint><date when="2001-03"/></imprint></monogr>
<note type="raw_reference">Dock Board. The book of docks. 2001.</note></biblStruct>
<biblStruct xml:id="b2"><analytic><title>Tides</title></analytic><monogr>
<title level="j">Sea</title><imprint><date when="2010"/></imprint></monogr></biblStruct>
<biblStruct xml:id="b3"><analytic><title>Quays</title></analytic><monogr>
<title level="j">Sea</title><imprint><date when="2011"/></imprint></monogr></biblStruct>
</listBibl></div></back></text></TEI>"""
DOI = '<idno type="DOI">10.1000/Wind</idno>'


def read(folder: Path, body: str, *, language: str = "en", doi: str = DOI) -> Document:
    """The one document of a file of TEI with that body."""
    path = folder / "wind.tei.xml"
    path.write_text(TEI.format(body=body, language=language, doi=doi), encoding="utf-8")
    [document] = ArticlesSource(path=path, licence="own").documents()
    assert isinstance(document, Document)
    return document


def cited(document: Document) -> list[tuple[str, tuple[str, ...]]]:
    """Each citing sentence and what it cites, its places checked."""
    for sentence in document.citing:
        text = document.section(sentence.section).text
        assert text[sentence.start : sentence.end] == sentence.text
        assert all(sentence.start <= mark.start < mark.end for mark in sentence.marks)
    return [(sentence.text, sentence.references) for sentence in document.citing]


def test_the_article_itself(tmp_path: Path) -> None:
    document = read(tmp_path, "<div><p>Text.</p></div>")
    assert (document.source, document.id, document.version) == ("articles", "10.1000/wind", "1")
    assert document.group == document.id
    assert (document.title, document.licence) == ("Wind over ports", "https://example.org/by")
    assert document.effective == "2019-04-02"
    work = document.work
    assert work
    assert (work.authors, work.year, work.container) == (("Ruiz, Eva M",), "2019", "Ports")
    assert (work.volume, work.pages, work.doi) == ("7", "3-9", "10.1000/wind")
    assert document.section("abstract").text == "Ports are windy."


def test_references_field_by_field(tmp_path: Path) -> None:
    cranes, docks, tides, quays = read(tmp_path, "<div><p>Text.</p></div>").references
    assert (cranes.id, cranes.title, cranes.authors) == ("b0", "Cranes", ("Paz, A",))
    assert (cranes.container, cranes.volume, cranes.pages) == ("J. Cranes", "1", "12")
    assert (cranes.year, cranes.doi) == ("1999", "10.1000/cranes")
    assert (docks.title, docks.container, docks.year) == ("The book of docks", "", "2001")
    assert docks.authors == ("Dock Board",)
    assert docks.raw == "Dock Board. The book of docks. 2001."
    assert [tides.id, quays.id] == ["b2", "b3"]


def test_marks_ranges_and_marks_without_target(tmp_path: Path) -> None:
    body = """<div><head n="1.">Start</head><p>Cranes sway <ref type="bibr" target="#b0">[1]</ref>.
    Docks do not <ref type="bibr">[9]</ref>. All of them rust
    <ref type="bibr" target="#b0">[1]</ref>-<ref
    target="#b3" type="bibr">[4]</ref>. See <ref type="figure" target="#fig_0">Fig. 1</ref>.
    Tides rise (<ref type="bibr" target="#b2">Roe et al., 2010;</ref>
    <ref target="#b3" type="bibr">Díaz, 2011</ref>).</p></div>"""
    document = read(tmp_path, body)
    assert cited(document) == [
        ("Cranes sway [1].", ("b0",)),
        ("All of them rust [1]-[4].", ("b0", "b1", "b2", "b3")),
        ("Tides rise (Roe et al., 2010; Díaz, 2011).", ("b2", "b3")),
    ]
    assert "Docks do not [9]." in document.sections[1].text


def test_raised_marks_belong_to_the_sentence_before(tmp_path: Path) -> None:
    body = """<div><p>Cranes sway.<ref type="bibr" target="#b0">1</ref> Docks stay.<ref type="bibr"
    target="#b1">2,</ref><ref type="bibr" target="#b2">3</ref> Nothing else is known.</p></div>"""
    found = cited(read(tmp_path, body))
    assert [references for _, references in found] == [("b0",), ("b1", "b2")]
    assert found[0][0].startswith("Cranes sway.")
    assert found[1][0].startswith("Docks stay.")


def test_sections_are_held_as_their_numbers_say(tmp_path: Path) -> None:
    body = """<div><head n="1.">One</head></div><div><head n="1.1.">Within</head><p>A.</p></div>
    <div><head n="2">Two</head><p>B.</p><p>C.</p></div>
    <figure type="table" xml:id="tab_0"><head>Table 1</head><figDesc>Winds <ref type="bibr"
    target="#b1">[2]</ref>.</figDesc><table><row><cell>m/s</cell><cell>7</cell></row></table></figure>"""
    document = read(tmp_path, body)
    one, within, two = document.sections[1:4]
    assert (one.title, within.parent, two.parent) == ("One", one.id, None)
    assert two.text == "B.\nC."
    [table] = document.sections[4].tables
    assert table.rows == (("m/s", "7"),)
    assert [references for _, references in cited(document)] == [("b1",)]


@pytest.mark.parametrize(("told", "language"), [("es", "es"), ("en-GB", "en"), ("fr", "en")])
def test_language_is_told_or_given(tmp_path: Path, told: str, language: str) -> None:
    assert read(tmp_path, "<div><p>Texto.</p></div>", language=told).language == language


def test_without_doi_the_file_names_it(tmp_path: Path) -> None:
    document = read(tmp_path, "<div><p>Text.</p></div>", doi="")
    assert document.id == "wind"


def test_damage_is_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.tei.xml"
    path.write_text(TEI[:400], encoding="utf-8")
    [refusal] = ArticlesSource(path=path).documents()
    assert isinstance(refusal, Refusal)
    assert refusal.position.startswith("line ")
    assert "not XML" in refusal.reason


@pytest.mark.parametrize("name", ["d-67-00463", "sonc50-621"])
def test_outputs_of_the_tool_lose_no_mark(name: str) -> None:
    path = shared_data(f"scholar/tool-output/{name}/{name}.grobid.tei.xml")
    [document] = ArticlesSource(path=path).documents()
    assert isinstance(document, Document)
    refs = etree.parse(path).getroot().iter("{*}ref")
    gold = Counter(ref.get("target", "").lstrip("#") for ref in refs if ref.get("type") == "bibr")
    del gold[""]
    assert Counter(id for _, ids in cited(document) for id in ids) <= gold
    marks = (mark for sentence in document.citing for mark in sentence.marks)
    assert Counter(id for mark in marks for id in mark.references) == gold
