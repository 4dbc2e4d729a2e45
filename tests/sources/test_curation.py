from __future__ import annotations

from pathlib import Path

import pytest

from cauce.errors import DataRefused, NotFound, UserError
from cauce.sources.curation import article_id, drop, dropped, keep, listed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four articles, one of them as two files and one of them in the manifest only."""
    names = ("a.pdf", "a.cermxml", "2101.00001.pdf", "es/b.tei.xml", "c.nxml.gz")
    for name in (*names, "notes.txt", ".answers/kept.xml", "curation.jsonl.bak"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_every_article_is_listed_once(folder: Path) -> None:
    assert [article.id for article in listed(folder)] == ["2101.00001", "a", "c", "es/b"]
    assert all(article.kept and not article.by for article in listed(folder))
    assert article_id(folder / "es" / "b.tei.xml", folder) == "es/b"


def test_titles_come_from_the_manifest(folder: Path) -> None:
    line = (
        '{"id":"2101.00001","version":"1","title":"Ports","authors":[],"abstract":"",'
        '"categories":[],"published":"","updated":"","doi":"","url":""}\n'
    )
    (folder / "manifest.jsonl").write_text(line + line.replace("00001", "00002"))
    found = {article.id: article.title for article in listed(folder)}
    assert found["2101.00001"] == found["2101.00002"] == "Ports"
    assert found["a"] == ""


def test_the_last_word_counts_and_nothing_is_lost(folder: Path) -> None:
    drop(folder, ["a", "es/b", "a"], "not about ports")
    assert dropped(folder) == {"a": "not about ports", "es/b": "not about ports"}
    before = (folder / "curation.jsonl").read_bytes()
    [decision] = keep(folder, ["a"], "it is, in its appendix")
    assert dropped(folder) == {"es/b": "not about ports"}
    after = (folder / "curation.jsonl").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\n") == 3
    assert decision in listed(folder)
    assert decision.by
    assert decision.decided


def test_nothing_decided_is_nothing_dropped(folder: Path) -> None:
    assert dropped(folder) == {}
    assert dropped(folder / "absent") == {}


def test_unknown_articles_name_the_nearest_and_change_nothing(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no article '2101\.0001' .* nearest: 2101\.00001"):
        drop(folder, ["a", "2101.0001"], "wrong")
    assert dropped(folder) == {}


def test_a_drop_without_a_reason_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="--reason"):
        drop(folder, ["a"], " ")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no folder"):
        listed(tmp_path / "absent")


def test_a_damaged_line_is_named(folder: Path) -> None:
    (folder / "curation.jsonl").write_text('{"id": "a"\n')
    with pytest.raises(DataRefused, match=r"curation\.jsonl, line 1"):
        dropped(folder)
