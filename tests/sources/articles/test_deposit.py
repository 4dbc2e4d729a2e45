"""Deposits to Crossref: works, their dates and languages, and citations of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from lxml import etree

from cauce.records import Document, Refusal
from cauce.sources.articles import ArticlesSource
from shared import shared_data
from sources.articles.jats_files import read_one

NAMESPACES = (
    'xmlns="http://www.crossref.org/schema/5.3.1" xmlns:jats="http://www.ncbi.nlm.nih.gov/JATS1"'
)
RIVERS = """<journal_metadata language="en"><full_title>Rivers</full_title></journal_metadata>
<journal_issue><publication_date><year>2019</year></publication_date>
<journal_volume><volume>7</volume></journal_volume><issue>2</issue></journal_issue>"""
SEAS = "<citation key='c1'><article_title>Seas</article_title></citation>"


def deposit(folder: Path, body: str) -> Path:
    path = folder / "deposit.xml"
    text = f"<doi_batch {NAMESPACES}><body>\n{body}</body></doi_batch>"
    path.write_text(text, encoding="utf-8")
    return path


def article(inner: str, *, citations: str = SEAS, attributes: str = "") -> str:
    return (
        f"<journal_article {attributes}><titles><title>Ríos</title></titles>{inner}"
        f"<citation_list>{citations}</citation_list></journal_article>"
    )


def in_rivers(*articles: str) -> str:
    return f"<journal>{RIVERS}{''.join(articles)}</journal>"


def test_a_work_with_its_references(tmp_path: Path) -> None:
    inner = """<contributors><person_name contributor_role="author"><given_name>Ana</given_name>
<surname>Díaz</surname></person_name><organization contributor_role="author">River Group
</organization><anonymous contributor_role="author"/>
<person_name contributor_role="editor"><surname>Poe</surname></person_name></contributors>
<jats:abstract><jats:p>Los ríos se mueven.</jats:p></jats:abstract>
<jats:abstract><jats:p>Y el mar.</jats:p></jats:abstract>
<publication_date><month>3</month><year>2020</year></publication_date>
<pages><first_page>10</first_page><last_page>19</last_page></pages>
<doi_data><doi>10.1000/RIOS</doi></doi_data>"""
    citations = """<citation key="c1"><article_title>Seas</article_title><author>Roe</author>
<cYear>1999b</cYear><journal_title>J Seas</journal_title><first_page>7</first_page>
<doi>10.1000/Sea</doi></citation>
<citation key="c2"><volume_title>A book</volume_title></citation>
<citation key="c3"><std_designator>ISO 26324</std_designator></citation>"""
    body = in_rivers(article(inner, citations=citations, attributes='language="es"'))
    document = read_one(deposit(tmp_path, body))
    assert (document.id, document.language, document.effective) == ("10.1000/rios", "es", "2020-03")
    work = document.work
    assert work
    assert (work.authors, work.year) == (("Díaz, Ana", "River Group"), "2020")
    assert (work.container, work.volume, work.issue, work.pages) == ("Rivers", "7", "2", "10-19")
    assert [each.text for each in document.sections] == ["Los ríos se mueven.", "Y el mar."]
    seas, book, standard = document.references
    assert (seas.title, seas.container, seas.year, seas.pages) == ("Seas", "J Seas", "1999", "7")
    assert (seas.doi, book.title, book.container) == ("10.1000/sea", "A book", "")
    assert standard.title == "ISO 26324"


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("<month>5</month><day>9</day><year>2020</year>", "2020-05-09"),
        ("<day>9</day><year>2020</year>", "2020"),
        ("<month>22</month><year>2020</year>", "2020"),
        ("<month>5</month><day>0</day><year>2020</year>", "2020-05"),
        ("<year/>", "2019"),
    ],
)
def test_dates_as_far_as_they_are_told(tmp_path: Path, date: str, expected: str) -> None:
    dated = article(f"<publication_date>{date}</publication_date>")
    document = read_one(deposit(tmp_path, in_rivers(dated)))
    assert document.effective == expected
    assert document.work
    assert document.work.year == expected[:4]


@pytest.mark.parametrize(
    ("attributes", "abstract", "expected"),
    [
        (
            'language="es"',
            '<jats:abstract xml:lang="en"><jats:p>Sea.</jats:p></jats:abstract>',
            "es",
        ),
        ("", '<jats:abstract xml:lang="es"><jats:p>Mar.</jats:p></jats:abstract>', "es"),
        ("", "", "en"),
    ],
)
def test_the_language_is_the_work_s_then_that_around(
    tmp_path: Path, attributes: str, abstract: str, expected: str
) -> None:
    path = deposit(tmp_path, in_rivers(article(abstract, attributes=attributes)))
    [document] = ArticlesSource(path=path, language="es").documents()
    assert isinstance(document, Document)
    assert document.language == expected


def test_citations_without_a_key_or_with_another_s_are_all_kept(tmp_path: Path) -> None:
    citations = "".join(
        f"<citation{key}><article_title>{title}</article_title></citation>"
        for key, title in [
            (' key="a"', "One"),
            (' key="a"', "Two"),
            (' key=""', "Three"),
            ("", "4"),
        ]
    )
    document = read_one(deposit(tmp_path, in_rivers(article("", citations=citations))))
    assert [(each.id, each.title) for each in document.references] == [
        ("a", "One"),
        ("a#2", "Two"),
        ("ref-3", "Three"),
        ("ref-4", "4"),
    ]


def test_what_cannot_be_read_is_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    inner = "<doi_data><doi>rios-1</doi></doi_data>"
    citations = (
        "<citation key='c1'/>\n<citation key='c2'><article_title>Seas</article_title>"
        "<cYear>soon</cYear><doi>pending</doi></citation>"
    )
    path = deposit(tmp_path, in_rivers(article(inner, citations=citations)))
    *refused, document = ArticlesSource(path=path).documents()
    assert isinstance(document, Document)
    assert [(each.id, each.title) for each in document.references] == [("c2", "Seas")]
    assert [(each.position, each.reason) for each in refused if isinstance(each, Refusal)] == [
        ("line 4", "journal_article: rios-1 is no DOI"),
        ("line 4", "citation c1: holds nothing"),
        ("line 5", "citation c2: pending is no DOI"),
        ("line 5", "citation c2: soon is no year"),
    ]


BOOK = f"""<book><book_series_metadata language="es"><series_metadata><titles>
<title>All water</title></titles></series_metadata><titles><title>Lakes</title>
<subtitle>A survey</subtitle></titles><publication_date><year>2011</year></publication_date>
<doi_data><doi>10.1000/lakes</doi></doi_data><citation_list>{SEAS}</citation_list>
</book_series_metadata><content_item><titles><title>Ponds</title></titles>
<doi_data><doi>10.1000/ponds</doi></doi_data><citation_list>{SEAS}</citation_list></content_item>
</book>"""


def test_every_work_of_a_file(tmp_path: Path) -> None:
    works: Sequence[str] = (
        in_rivers(article("<doi_data><doi>10.1000/a</doi></doi_data>"), article("")),
        BOOK,
    )
    found = list(ArticlesSource(path=deposit(tmp_path, "".join(works))).documents())
    documents = [each for each in found if isinstance(each, Document)]
    assert [each.id for each in documents] == [
        "10.1000/a",
        "deposit#2",
        "10.1000/lakes",
        "10.1000/ponds",
    ]
    lakes, ponds = (each.work for each in documents[2:])
    assert lakes
    assert ponds
    assert (lakes.title, lakes.container, lakes.year) == ("Lakes: A survey", "All water", "2011")
    assert (ponds.container, ponds.year, documents[3].language) == ("Lakes", "2011", "es")


def test_real_deposits_are_read_whole() -> None:
    for path in sorted(shared_data("scholar").glob("pdf-jats/*/*/*.crossref.xml")):
        document = read_one(path)
        root = etree.parse(path).getroot()
        keys = [each.get("key") for each in root.iter("{*}citation")]
        dois = [each.findtext("{*}doi") for each in root.iter("{*}citation")]
        assert document.id.startswith("10.21105/")
        assert len(document.effective) == len("2020-01-31")
        assert [section.text for section in document.sections] == [document.title]
        assert [reference.id for reference in document.references] == keys
        assert [reference.doi for reference in document.references] == [
            doi and doi.lower() for doi in dois
        ]
