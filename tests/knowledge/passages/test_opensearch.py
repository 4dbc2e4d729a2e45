"""What only a cluster can do wrong; that it finds what a folder does is tested in `test_index`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from cauce.errors import DataRefused, MissingExtra, NotFound, SourceUnavailable
from cauce.knowledge.passages.opensearch import OpenSearchPassages, build_passages_opensearch
from cauce.knowledge.passages.passage import Passage
from knowledge.passages.cluster import FakeCluster, serve
from knowledge.passages.hashing import hashing
from knowledge.passages.test_index import EMBED, PASSAGES

pytest.importorskip("opensearchpy")


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def url(cluster: FakeCluster) -> Iterator[str]:
    with serve(cluster) as address:
        yield address


def test_a_load_replaces_the_one_before(cluster: FakeCluster, url: str) -> None:
    build_passages_opensearch(url, "texts", PASSAGES, EMBED)
    assert build_passages_opensearch(url, "texts", PASSAGES[:1], EMBED) == 1
    assert len(cluster.entries["texts"]) == 1


def test_a_load_that_was_interrupted_is_refused(url: str) -> None:
    def broken() -> Iterator[Passage]:
        yield PASSAGES[0]
        raise KeyboardInterrupt

    build_passages_opensearch(url, "texts", PASSAGES)
    with pytest.raises(KeyboardInterrupt):
        build_passages_opensearch(url, "texts", broken())
    with pytest.raises(NotFound, match="no finished load of passages 'texts'"):
        OpenSearchPassages(url, "texts")


def test_a_passage_that_the_cluster_refuses_is_named(cluster: FakeCluster, url: str) -> None:
    cluster.refused = "c"
    with pytest.raises(DataRefused, match=r"refused texts/2: .*mapper_parsing"):
        build_passages_opensearch(url, "texts", PASSAGES)


def test_another_embedding_is_refused(url: str) -> None:
    build_passages_opensearch(url, "texts", PASSAGES, EMBED, embedding_name="hashing")
    with pytest.raises(DataRefused, match="texts on OpenSearch are of the embedding 'hashing'"):
        OpenSearchPassages(url, "texts", hashing(seed=1))


def test_without_an_embedding_words_alone_are_asked(cluster: FakeCluster, url: str) -> None:
    build_passages_opensearch(url, "texts", PASSAGES)
    assert "vector" not in cluster.mappings["texts"]["properties"]
    found = OpenSearchPassages(url, "texts").search("pituitary adenoma", 4)
    assert [(hit.id, hit.dense_rank, hit.cosine) for hit in found] == [("c", None, 0.0)]


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with serve(FakeCluster()) as gone:
        pass
    with pytest.raises(SourceUnavailable, match="does not answer"):
        OpenSearchPassages(gone, "texts")


def test_without_the_extra_the_command_to_install_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opensearchpy", None)
    with pytest.raises(MissingExtra, match=r"cauce\[opensearch\]"):
        OpenSearchPassages("http://127.0.0.1:9", "texts")
