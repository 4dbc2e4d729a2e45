"""Which files of a folder are read: not those that somebody dropped, nor the same article twice."""

from __future__ import annotations

from articles import write_articles
from cauce.records import Document
from cauce.sources.articles import ArticlesSource
from cauce.sources.curation import drop, keep


def titles(path) -> set[str]:
    found = ArticlesSource(path=path).documents()
    return {document.title for document in found if isinstance(document, Document)}


def test_dropped_articles_are_not_read_until_they_are_kept_again(tmp_path):
    folder = write_articles(tmp_path / "articles")
    everything = titles(folder)
    before = ArticlesSource(path=folder).inputs()
    drop(folder, ["article-3"], "of another field")
    assert titles(folder) == everything - {"Article number 3"}
    assert titles(folder / "article-3.xml") == set()
    assert ArticlesSource(path=folder).inputs() != before
    keep(folder, ["article-3"], "its last part is not")
    assert titles(folder) == everything
    assert folder / "curation.jsonl" in ArticlesSource(path=folder).inputs()


def test_a_pdf_is_left_where_the_article_is_there_as_xml(tmp_path):
    folder = write_articles(tmp_path / "articles")
    (folder / "article-1.pdf").write_bytes(b"%PDF-1.7 of no use")
    (folder / "other.pdf").write_bytes(b"%PDF-1.7 of no use")
    names = {path.name for path in ArticlesSource(path=folder).inputs()}
    assert "article-1.xml" in names and "other.pdf" in names and "article-1.pdf" not in names
