"""References as publishers tag them: fields, DOIs wherever they stand, and the printed line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cauce.records import Reference
from sources.articles.jats_files import article_file, cited, read_one

NAME = "<name><surname>Roe</surname><given-names>J K</given-names></name>"


def reference_of(folder: Path, inner: str) -> Reference:
    [reference] = read_one(
        article_file(folder, references=f'<ref id="r1"><label>1</label>{inner}</ref>')
    ).references
    return reference


def test_an_element_citation_is_put_together(tmp_path: Path) -> None:
    reference = reference_of(
        tmp_path,
        '<element-citation publication-type="journal"><person-group person-group-type="author">'
        f"{NAME}<collab>River Group</collab></person-group><person-group "
        'person-group-type="editor"><name><surname>Poe</surname></name></person-group>'
        "<article-title>How <italic>rivers</italic> move</article-title><source>Rivers</source>"
        '<year iso-8601-date="2001">2001a</year><volume>3</volume><issue>4</issue><fpage>12</fpage>'
        '<lpage>19</lpage><pub-id pub-id-type="pmid">77</pub-id>'
        '<pub-id pub-id-type="doi">https://doi.org/10.1000/ABC</pub-id></element-citation>',
    )
    assert reference == Reference(
        id="r1",
        raw="Roe, J K; River Group. (2001). How rivers move. Rivers, 3(4):12-19. "
        "https://doi.org/10.1000/abc",
        title="How rivers move",
        authors=("Roe, J K", "River Group"),
        year="2001",
        container="Rivers",
        volume="3",
        issue="4",
        pages="12-19",
        doi="10.1000/abc",
    )


def test_a_mixed_citation_is_kept_as_printed(tmp_path: Path) -> None:
    reference = reference_of(
        tmp_path,
        f"<mixed-citation>[1] {NAME} (<year>2001</year>) <article-title>Rivers</article-title>. "
        '<source>J Seas</source> <elocation-id>e7</elocation-id>. <object-id pub-id-type="pmid">'
        "123</object-id></mixed-citation>",
    )
    assert reference.raw == "[1] RoeJ K (2001) Rivers. J Seas e7."
    assert (reference.title, reference.container, reference.pages) == ("Rivers", "J Seas", "e7")


@pytest.mark.parametrize(
    "inner",
    [
        '<ext-link xlink:href="http://dx.doi.org/10.1000%2Fabc">link</ext-link>',
        '<ext-link xlink:href="https://example.org">10.1000/abc</ext-link>',
        '<comment>doi: <uri xlink:href="https://doi.org/10.1000/ABC"/></comment>',
        "doi:10.1000/abc.",
        '<object-id pub-id-type="doi">10.1000/abc</object-id>',
    ],
)
def test_a_doi_is_found_wherever_it_stands(tmp_path: Path, inner: str) -> None:
    citation = f"<mixed-citation>Text <source>Seas</source>, {inner}</mixed-citation>"
    assert reference_of(tmp_path, citation).doi == "10.1000/abc"


def test_a_book_is_the_work_itself_and_a_chapter_is_in_it(tmp_path: Path) -> None:
    book = '<element-citation publication-type="book"><source>Seas</source>{}</element-citation>'
    alone = reference_of(tmp_path, book.format("<series>All seas</series>"))
    assert (alone.title, alone.container) == ("Seas", "All seas")
    chapter = reference_of(tmp_path, book.format("<chapter-title>Tides</chapter-title>"))
    assert (chapter.title, chapter.container) == ("Tides", "Seas")
    untitled = '<citation citation-type="journal"><source>Phys Rev</source></citation>'
    physics = reference_of(tmp_path, untitled)
    assert (physics.title, physics.container) == ("", "Phys Rev")


def test_names_in_one_string_are_turned(tmp_path: Path) -> None:
    reference = reference_of(
        tmp_path,
        "<mixed-citation><string-name>O'Reily S</string-name>, <string-name><surname>De</surname>"
        " <given-names>BR</given-names></string-name> <source>Seas</source></mixed-citation>",
    )
    assert reference.authors == ("O'Reily, S", "De, BR")


def test_several_works_in_one_reference_are_several(tmp_path: Path) -> None:
    work = "<citation {}><article-title>{}</article-title></citation>"
    two = work.format("", "A") + work.format('id="q"', "B")
    ways = work.format("", "C") + work.format("", "D")
    same = f"<citation-alternatives>{ways}</citation-alternatives>"
    path = article_file(
        tmp_path,
        '<p>Both [<xref rid="r1">1</xref>]. One [<xref rid="q">1b</xref>].</p>',
        references=f'<ref id="r1">{two}</ref><ref-list><ref id="r2">{same}</ref></ref-list>',
    )
    document = read_one(path)
    assert [(each.id, each.title) for each in document.references] == [
        ("r1", "A"),
        ("r1.2", "B"),
        ("r2", "C"),
    ]
    assert cited(document) == [("Both [1].", "r1 r1.2"), ("One [1b].", "r1.2")]


def test_a_printed_line_without_fields_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pycrfsuite")
    printed = "Roe J, Díaz A. How rivers move. J Seas 2001;3(4):12-19. doi:10.1000/abc"
    reference = reference_of(tmp_path, f"<mixed-citation>{printed}</mixed-citation>")
    assert (reference.id, reference.raw, reference.doi) == ("r1", printed, "10.1000/abc")
    assert (reference.year, reference.volume) == ("2001", "3")
