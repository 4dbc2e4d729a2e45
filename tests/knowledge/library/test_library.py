"""A library finds the same whether its passages are in its folder or on a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.errors import DataRefused, NotFound, SourceUnavailable
from cauce.knowledge.library.library import (
    ON_CLUSTER,
    QUESTIONS,
    SENTENCES,
    Embedding,
    Evidence,
    Library,
    write_library,
)
from cauce.records import Citation, Reference
from knowledge.passages.cluster import FakeCluster, serve
from knowledge.passages.hashing import hashing

pytest.importorskip("tantivy")
pytest.importorskip("opensearchpy")

EMBEDDING = Embedding(hashing(), "hashing", "0" * 64)
SAID = (
    "Night trains cut emissions between capitals",
    "Cover crops keep nitrogen in steep vineyards",
    "Handrails prevent falls in nursing homes",
)


def evidence(number: int) -> Evidence:
    work = Reference(id="1", title=f"Work {number}", doi=f"10.5555/{number}")
    quote = f"{SAID[number]} [1]."
    return Evidence(
        id=f"sentence-{number}",
        citation=Citation(source="a", id="a", version="1", section="1", quote=quote),
        text=SAID[number],
        article=f"article-{number}",
        works=(work,),
    )


def written(folder: Path, opensearch: str = "", embedding: Embedding | None = EMBEDDING) -> Path:
    asked = [
        ("sentence-0", "What do trains at night change?"),
        ("sentence-2", "What stops falls of residents?"),
    ]
    kept = [evidence(number) for number in range(len(SAID))]
    assert write_library(folder, kept, asked, embedding, opensearch=opensearch) == len(SAID)
    return folder


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def url(cluster: FakeCluster) -> Iterator[str]:
    with serve(cluster) as address:
        yield address


def ids(library: Library, text: str, without: str | None = None) -> list[list[str]]:
    searches = (library.by_sentence, library.by_question)
    return [
        [found.evidence.id for found in search(text, 2, without=without)] for search in searches
    ]


@pytest.mark.parametrize("embedding", [None, EMBEDDING], ids=["words", "meaning"])
def test_a_cluster_finds_what_a_folder_does(
    tmp_path: Path, url: str, embedding: Embedding | None
) -> None:
    embed = embedding.embed if embedding else None
    here = Library.open(written(tmp_path / "here", embedding=embedding), embed)
    there = Library.open(written(tmp_path / "there", url, embedding), embed)
    assert not (tmp_path / "there" / SENTENCES).exists()
    for text in ("night trains", "falls of residents", "nitrogen in vineyards"):
        assert ids(there, text)[0][:1] == ids(here, text)[0][:1]
    assert ids(there, "night trains")[1][:1] == ids(here, "night trains")[1][:1] == ["sentence-0"]
    assert "sentence-0" not in ids(there, "night trains", without="article-0")[0]


def test_what_another_library_serves_is_not_replaced(
    tmp_path: Path, cluster: FakeCluster, url: str
) -> None:
    first = Library.open(written(tmp_path / "first", url), EMBEDDING.embed)
    write_library(tmp_path / "second", [evidence(1)], [], EMBEDDING, opensearch=url)
    written(tmp_path / "first", url)
    kinds = [name.rpartition("-")[2] for name in cluster.entries]
    assert sorted(kinds) == [QUESTIONS, QUESTIONS, SENTENCES, SENTENCES]
    assert ids(first, "night trains")[0][0] == "sentence-0"


def test_user_and_password_come_from_the_environment_and_are_written_nowhere(
    tmp_path: Path, cluster: FakeCluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.password = "of the tests"
    with pytest.raises(SourceUnavailable, match=r"not let this user in \(401\).*\nSet CAUCE_OPEN"):
        written(tmp_path, url)
    monkeypatch.setenv("CAUCE_OPENSEARCH_USER", "reader")
    monkeypatch.setenv("CAUCE_OPENSEARCH_PASSWORD", cluster.password)
    library = Library.open(written(tmp_path, url), EMBEDDING.embed)
    assert ids(library, "night trains")[0][0] == "sentence-0"
    assert {*json.loads((tmp_path / ON_CLUSTER).read_text())} == {"url", "name"}
    told = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert cluster.password.encode() not in told


def test_a_cluster_that_is_down_is_named(tmp_path: Path) -> None:
    with serve(FakeCluster()) as url:
        library = Library.open(written(tmp_path, url), EMBEDDING.embed)
    for attempt in (
        lambda: ids(library, "night trains"),
        lambda: Library.open(tmp_path, EMBEDDING.embed),
        lambda: written(tmp_path / "other", url),
    ):
        with pytest.raises(SourceUnavailable, match=f"OpenSearch at {url} does not answer"):
            attempt()
    assert not (tmp_path / "other" / ON_CLUSTER).exists()


def test_a_cluster_that_is_not_ready_is_named(
    tmp_path: Path, cluster: FakeCluster, url: str
) -> None:
    library = Library.open(written(tmp_path, url), EMBEDDING.embed)
    cluster.is_ready = False
    with pytest.raises(SourceUnavailable, match=r"is not ready to answer \(503\)"):
        ids(library, "night trains")


def test_a_cluster_that_lost_the_passages_is_named(
    tmp_path: Path, cluster: FakeCluster, url: str
) -> None:
    library = Library.open(written(tmp_path, url), EMBEDDING.embed)
    cluster.entries.clear()
    cluster.mappings.clear()
    with pytest.raises(NotFound, match="no longer holds what was loaded"):
        ids(library, "night trains")
    with pytest.raises(NotFound, match="no finished load of passages 'cauce-"):
        Library.open(tmp_path, EMBEDDING.embed)


def test_a_folder_that_was_on_a_cluster_is_its_own_again(tmp_path: Path, url: str) -> None:
    written(tmp_path, url)
    library = Library.open(written(tmp_path), EMBEDDING.embed)
    assert not (tmp_path / ON_CLUSTER).exists()
    assert ids(library, "night trains")[0][0] == "sentence-0"


def test_a_folder_without_a_library_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no library at"):
        Library.open(tmp_path)
