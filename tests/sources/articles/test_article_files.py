"""Which format a file holds, what is refused, and the rows printed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cauce.records import Document, Refusal
from cauce.sources.articles import ArticlesSource
from cauce.sources.articles.rows import links, references
from sources.articles.jats_files import article_file, read_one


def refusal_of(path: Path) -> Refusal:
    [refusal] = ArticlesSource(path=path).documents()
    assert isinstance(refusal, Refusal)
    assert refusal.file == str(path)
    return refusal


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
