"""Which format a file holds, deposits and CSV, what is refused, and the rows that are printed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cauce.records import Document, Refusal
from cauce.sources.articles import ArticlesSource
from cauce.sources.articles.rows import links, references
from shared import shared_data
from sources.articles.jats_files import article_file, read_one

DEPOSIT = """<doi_batch xmlns="http://www.crossref.org/schema/5.3.1"
 xmlns:jats="http://www.ncbi.nlm.nih.gov/JATS1"><body><journal>
<journal_metadata><full_title>Rivers</full_title></journal_metadata><journal_issue>
<journal_volume><volume>7</volume></journal_volume><issue>2</issue></journal_issue>
<journal_article language="es"><titles><title>Ríos</title></titles><contributors>
<person_name contributor_role="author"><given_name>Ana</given_name><surname>Díaz</surname>
</person_name><organization contributor_role="author">River Group</organization>
<person_name contributor_role="editor"><surname>Poe</surname></person_name></contributors>
<jats:abstract><jats:p>Los ríos se mueven.</jats:p></jats:abstract>
<publication_date><month>3</month><year>2020</year></publication_date>
<pages><first_page>10</first_page><last_page>19</last_page></pages>
<doi_data><doi>10.1000/RIOS</doi></doi_data><citation_list>
<citation key="c1"><article_title>Seas</article_title><author>Roe</author><cYear>1999b</cYear>
<journal_title>J Seas</journal_title><first_page>7</first_page><doi>10.1000/Sea</doi></citation>
<citation key="c2"><volume_title>A book</volume_title></citation>
</citation_list></journal_article></journal></body></doi_batch>"""


def refusal_of(path: Path) -> Refusal:
    [refusal] = ArticlesSource(path=path).documents()
    assert isinstance(refusal, Refusal)
    assert refusal.file == str(path)
    return refusal


def test_a_deposit(tmp_path: Path) -> None:
    path = tmp_path / "deposit.xml"
    path.write_text(DEPOSIT, encoding="utf-8")
    document = read_one(path)
    assert (document.id, document.language, document.effective) == ("10.1000/rios", "es", "2020-03")
    work = document.work
    assert work
    assert (work.authors, work.year) == (("Díaz, Ana", "River Group"), "2020")
    assert (work.container, work.volume, work.issue, work.pages) == ("Rivers", "7", "2", "10-19")
    assert document.section("abstract").text == "Los ríos se mueven."
    seas, book = document.references
    assert (seas.title, seas.container, seas.year, seas.pages) == ("Seas", "J Seas", "1999", "7")
    assert (seas.doi, book.title, book.container) == ("10.1000/sea", "A book", "")


def test_sentences_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "citing.csv"
    path.write_text(
        'Context,Title,Year,DOIs\n"Rivers move.","A\nB","2001\n2002","10.1000/a\n10.1000/B"\n'
        '"Seas stay.",A,2001,10.1000/a\n"Lakes.","C\nD",2003,\n,E,,\n"Ponds.",F,,\n',
        encoding="utf-8",
    )
    *refused, document = ArticlesSource(path=path, language="es", licence="own").documents()
    assert isinstance(document, Document)
    assert [(each.text, each.references) for each in document.citing] == [
        ("Rivers move.", ("r1", "r2")),
        ("Seas stay.", ("r1",)),
        ("Ponds.", ("r3",)),
    ]
    text = document.sections[0].text
    assert all(text[each.start : each.end] == each.text for each in document.citing)
    assert [each.doi for each in document.references] == ["10.1000/a", "10.1000/b", None]
    assert (document.id, document.language, document.licence) == ("citing", "es", "own")
    assert [(each.position, each.reason) for each in refused if isinstance(each, Refusal)] == [
        ("line 8", "2 in Title but 1 in Year: which is whose is not told"),
        ("line 9", "no Context"),
    ]


def test_a_packed_file_and_a_name_that_says_nothing(tmp_path: Path) -> None:
    plain = article_file(tmp_path, name="plain.csv")
    packed = tmp_path / "packed.nxml.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_one(packed).sections == read_one(plain).sections
    assert {path.name for path in ArticlesSource(path=tmp_path).inputs()} == {
        "plain.csv",
        "packed.nxml.gz",
    }
    cut = tmp_path / "cut.xml.gz"
    cut.write_bytes(packed.read_bytes()[:-20])
    assert refusal_of(cut).reason.startswith("packed: ")


def test_what_the_file_does_not_tell_is_given(tmp_path: Path) -> None:
    path = article_file(tmp_path, attributes='xml:lang="FR"')
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<license xlink", "<other xlink").replace("license>", "other>"))
    [document] = ArticlesSource(path=path, language="es", licence="own").documents()
    assert isinstance(document, Document)
    assert (document.language, document.licence) == ("es", "own")


@pytest.mark.parametrize(
    ("content", "position", "reason"),
    [
        (b"<article>\n<body>\n<p>cut", "line 3", "not XML"),
        (b"<html><body/></html>", "line 1", "<html> is neither JATS, TEI nor a deposit"),
        (b"<article><front/></article>", "line 1", "holds neither text nor references"),
        (b"name,age\nAna,7\n", "line 1", "no CSV with Context, Title, Year, DOIs"),
        (b"", "line 1", "begins with nothing"),
        (b"Context\xff,Title", "byte 7", "not XML, PDF or UTF-8"),
    ],
)
def test_what_is_no_article_is_refused_by_its_place(
    tmp_path: Path, content: bytes, position: str, reason: str
) -> None:
    path = tmp_path / "bad.xml"
    path.write_bytes(content)
    refusal = refusal_of(path)
    assert refusal.position == position
    assert reason in refusal.reason


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    path = article_file(tmp_path, "<p>See &big; here.</p>")
    text = path.read_text(encoding="utf-8")
    path.write_text(f'<!DOCTYPE article [<!ENTITY big "bigbigbig">]>{text}', encoding="utf-8")
    assert read_one(path).sections[0].text == "See &big; here."


def test_a_pdf_is_handed_on(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    path = tmp_path / "damaged.xml"
    path.write_bytes(b"%PDF-1.7 and nothing more")
    assert "damaged" in refusal_of(path).reason


def test_rows_of_links_and_references(tmp_path: Path) -> None:
    path = article_file(tmp_path, '<p>Rivers move [<xref rid="B1">1</xref>].</p>')
    bad = tmp_path / "bad.xml"
    bad.write_text("<html/>", encoding="utf-8")
    row, refusal = links([path, bad])
    assert row == {
        "file": str(path),
        "sentence": "Rivers move [1].",
        "refs": [{"id": "B1", "title": "Work 1", "year": "2001", "doi": None}],
    }
    assert isinstance(refusal, Refusal)
    [listed] = references([path])
    assert not isinstance(listed, Refusal)
    assert len(listed["refs"]) == 9
    assert listed["refs"][0] == {
        "raw": "Roe, J. (2001). Work 1. Rivers",
        "title": "Work 1",
        "authors": ["Roe, J"],
        "year": "2001",
        "container": "Rivers",
        "volume": "",
        "pages": "",
        "doi": None,
    }


def test_real_deposits_are_read() -> None:
    for path in sorted(shared_data("scholar").glob("pdf-jats/jose/*/*.crossref.xml")):
        document = read_one(path)
        assert document.id.startswith("10.21105/jose.")
        assert [section.text for section in document.sections] == [document.title]
        assert all(reference.title for reference in document.references)
