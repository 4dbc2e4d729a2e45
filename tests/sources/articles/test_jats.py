"""JATS of many hands: sections, marks and tables, and the article itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from cauce.records import Document
from cauce.sources.articles import ArticlesSource
from shared import shared_data
from sources.articles.jats_files import article_file, cited, marks_in, read_one


def paragraph(folder: Path, inner: str) -> Document:
    return read_one(article_file(folder, f"<sec><title>One</title><p>{inner}</p></sec>"))


def test_the_article_itself(tmp_path: Path) -> None:
    document = read_one(article_file(tmp_path, attributes='xml:lang="es"'))
    work = document.work
    assert work
    assert (document.id, document.group, work.doi) == ("10.1000/river.1",) * 3
    assert document.url == "https://doi.org/10.1000/river.1"
    assert (document.title, document.language) == ("How rivers move", "es")
    assert (document.licence, document.effective) == ("https://example.org/by", "2020-02-03")
    assert work.authors == ("Díaz, Ana M Jr", "The River Group")
    assert (work.year, work.container, work.volume) == ("2021", "Rivers", "7")
    assert (work.issue, work.pages) == ("2", "10-19")


@pytest.mark.parametrize(
    ("inner", "sentence", "ids"),
    [
        ('Rivers move [<xref rid="B1" ref-type="bibr">1</xref>].', "Rivers move [1].", "B1"),
        (
            'They move [<xref ref-type="bibr" rid="B2">2</xref>–<xref ref-type="bibr" '
            'rid="B4">4</xref>,<xref rid="B7">7</xref>].',
            "They move [2–4,7].",
            "B2 B3 B4 B7",
        ),
        ('They move [<xref rid="B4 B5 B6">4?6</xref>].', "They move [4?6].", "B4 B5 B6"),
        ('They move [<xref rid="B4 B6">4–6</xref>].', "They move [4–6].", "B4 B5 B6"),
        ('They move [<xref rid="B4">4-6</xref>].', "They move [4-6].", "B4 B5 B6"),
        ('They move [<xref rid="B4">4</xref>–6].', "They move [4–6].", "B4 B5 B6"),
        (
            '[<xref rid="B1">1</xref>]–[<xref rid="B3">3</xref>] move.',
            "[1]–[3] move.",
            "B1 B2 B3",
        ),
        (
            'They move (<xref alt="Roe, 2001" rid="B1">Roe, 2001</xref>; see '
            '<xref rid="B9">Roe 2009</xref>).',
            "They move (Roe, 2001; see Roe 2009).",
            "B1 B9",
        ),
        (
            "They move [\n  <xref rid='B1'>1</xref>\n  ], slowly.",
            "They move [1], slowly.",
            "B1",
        ),
        (
            'They move (see <xref rid="F1">Fig. 1</xref>; <xref rid="B2">Roe</xref>).',
            "They move (see Fig. 1; Roe).",
            "B2",
        ),
    ],
)
def test_what_a_mark_stands_for(tmp_path: Path, inner: str, sentence: str, ids: str) -> None:
    assert cited(paragraph(tmp_path, inner)) == [(sentence, ids)]


def test_a_range_that_does_not_fit_the_list_is_not_made_up(tmp_path: Path) -> None:
    inner = 'So [<xref rid="B2">2</xref>–<xref rid="B4">9</xref>] and <xref rid="B1">2–90</xref>.'
    [(_, ids)] = cited(paragraph(tmp_path, inner))
    assert ids == "B2 B4 B1"


@pytest.mark.parametrize(
    "raised",
    [
        '<sup><xref rid="B1">1</xref>–<xref rid="B3">3</xref></sup>',
        '<xref rid="B1"><sup>1</sup></xref><sup>–</sup><xref rid="B3"><sup>3</sup></xref>',
        '<sup>[<xref rid="B1">1</xref>–<xref rid="B3">3</xref>]</sup>',
    ],
)
def test_raised_marks_behind_the_stop_are_of_the_sentence_before(
    tmp_path: Path, raised: str
) -> None:
    document = paragraph(tmp_path, f"Rivers move.{raised} Seas stay.<sup>a</sup> Lakes too.")
    [(sentence, ids)] = cited(document)
    assert (sentence.startswith("Rivers move."), "Seas" in sentence, ids) == (
        True,
        False,
        "B1 B2 B3",
    )


def test_marks_hold_the_brackets_around_them(tmp_path: Path) -> None:
    inner = (
        'A [<xref rid="B1">1</xref>], [<xref rid="B2">2</xref>] and b (<xref rid="B3">Roe'
        '</xref>, and <xref rid="B4">Poe</xref>); <xref rid="B5">Díaz et al. (2005)</xref> agree.'
    )
    document = paragraph(tmp_path, inner)
    assert marks_in(document) == ["[1], [2]", "(Roe, and Poe)", "Díaz et al. (2005)"]


def test_digits_that_are_raised_do_not_run_into_a_number(tmp_path: Path) -> None:
    document = paragraph(tmp_path, "It was 3×10<sup>9</sup>/mL, 5<sup>1</sup> and m<sup>2</sup>.")
    assert document.sections[0].text == "It was 3×10^9/mL, 5 1 and m2."


def test_what_floats_in_a_paragraph_does_not_cut_its_sentence(tmp_path: Path) -> None:
    inner = (
        "Rivers <fig><label>Fig 1</label><caption><title>A river.</title><p>From "
        '[<xref rid="B2">2</xref>].</p></caption><graphic/></fig>move [<xref rid="B1">1</xref>].'
    )
    document = paragraph(tmp_path, inner)
    assert document.sections[0].text == "Rivers move [1].\nFig 1\nA river.\nFrom [2]."
    assert cited(document) == [("Rivers move [1].", "B1"), ("From [2].", "B2")]


def test_formulas_are_read_as_text(tmp_path: Path) -> None:
    inner = (
        "So <inline-formula><alternatives><graphic/><mml:math><mml:mi>E</mml:mi><mml:mo>=</mml:mo>"
        "<mml:mi>m</mml:mi></mml:math></alternatives></inline-formula> and <tex-math>"
        "\\documentclass{x}\\begin{document}$$a$$\\end{document}</tex-math> hold."
    )
    assert paragraph(tmp_path, inner).sections[0].text == "So E=m and a hold."


def test_cells_are_kept_and_captions_are_text(tmp_path: Path) -> None:
    body = (
        "<sec><title>One</title><table-wrap><label>Table 1.</label><caption><p>Flows.</p></caption>"
        '<table><tr><td>a<break/>b</td><td><xref rid="B1">1</xref></td></tr></table>'
        '<table-wrap-foot><fn><p>Of [<xref rid="B2">2</xref>].</p></fn></table-wrap-foot>'
        "</table-wrap></sec>"
    )
    document = read_one(article_file(tmp_path, body))
    [table] = document.sections[0].tables
    assert (table.caption, table.rows) == ("Table 1. Flows.", (("a b", "1"),))
    assert document.sections[0].text == "Table 1.\nFlows.\nOf [2]."
    assert cited(document) == [("Of [2].", "B2")]


def test_sections_nest_and_those_that_hold_nothing_are_left_out(tmp_path: Path) -> None:
    path = article_file(
        tmp_path,
        "<p>Opening.</p><sec><title>One</title><sec><title>Within</title><p>A.</p><list><list-item>"
        "<p>B.</p></list-item></list></sec><sec><title>Empty</title></sec></sec>",
        abstract="<abstract><sec><title>Aim</title><p>To see.</p></sec></abstract>",
        back="<ack><p>Thanks.</p></ack>",
        after="<sub-article><body><p>Another.</p></body></sub-article>",
    )
    found = [(each.id, each.title, each.text, each.parent) for each in read_one(path).sections]
    assert found == [
        ("abstract", "", "", None),
        ("abstract.1", "Aim", "To see.", "abstract"),
        ("0", "", "Opening.", None),
        ("1", "One", "", None),
        ("1.1", "Within", "A.\nB.", "1"),
        ("2", "Acknowledgements", "Thanks.", None),
    ]


def test_a_default_namespace_and_entities_of_the_dtd_are_read(tmp_path: Path) -> None:
    path = article_file(tmp_path, "<p>A&nbsp;b &mdash; c &unknown; d.</p>")
    text = path.read_text(encoding="utf-8").replace(
        "<article ", '<article xmlns="https://jats.nlm.nih.gov/ns/archiving/1.3/" '
    )
    path.write_text(f'<!DOCTYPE article SYSTEM "a.dtd">{text}', encoding="utf-8")
    assert read_one(path).sections[0].text == "A b — c &unknown; d."


def test_a_feed_gives_every_article(tmp_path: Path) -> None:
    one = article_file(tmp_path, name="one.xml").read_text(encoding="utf-8")
    path = tmp_path / "feed.xml"
    two = one.replace("10.1000/River.1", "")
    path.write_text(f"<pmc-articleset>{one}{two}</pmc-articleset>", encoding="utf-8")
    found = [
        each.id for each in ArticlesSource(path=path).documents() if isinstance(each, Document)
    ]
    assert found == ["10.1000/river.1", "feed#2"]


@pytest.mark.parametrize(
    "pattern", ["jats/plos/*.xml", "jats/epmc/*.xml", "tool-output/*/*.cermxml"]
)
def test_real_articles_are_read_with_their_places_right(pattern: str) -> None:
    for path in sorted(shared_data("scholar").glob(pattern))[:3]:
        document = read_one(path)
        assert document.work
        assert document.work.title
        assert document.work.authors
        assert len(document.citing) > 10
        assert sum(bool(reference.raw) for reference in document.references) == len(
            document.references
        )
