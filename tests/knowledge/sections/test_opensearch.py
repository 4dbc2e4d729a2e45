"""What only a cluster can do wrong; that it answers as the index does is tested in `test_index`."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from cauce.assistant.assistant import Assistant
from cauce.assistant.settings import AssistantSettings
from cauce.errors import DataRefused, MissingExtra, NotFound, SourceUnavailable
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.knowledge.sections.opensearch import OpenSearchIndex
from cauce.knowledge.sections.opensearch_loading import build_opensearch
from cauce.records import Document
from documents import medicine
from knowledge.sections.opensearch_server import FakeCluster, serve
from knowledge.sections.stores import DOCUMENTS

pytest.importorskip("opensearchpy")


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def url(cluster: FakeCluster) -> Iterator[str]:
    with serve(cluster) as address:
        yield address


def test_loading_twice_changes_nothing(cluster: FakeCluster, url: str) -> None:
    first = build_opensearch(url, "labels", DOCUMENTS)
    entries = {index: dict(found) for index, found in cluster.entries.items()}
    assert build_opensearch(url, "labels", DOCUMENTS) == first
    assert cluster.entries == entries


def test_a_load_that_was_interrupted_is_refused_until_it_is_finished(url: str) -> None:
    def broken() -> Iterator[Document]:
        yield DOCUMENTS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_opensearch(url, "labels", broken())
    with pytest.raises(NotFound, match="no finished load of 'labels'"):
        OpenSearchIndex(url, "labels")
    build_opensearch(url, "labels", DOCUMENTS)
    assert OpenSearchIndex(url, "labels").statistics()["documents"] == len(DOCUMENTS)


def test_each_text_is_kept_once(cluster: FakeCluster, url: str) -> None:
    build_opensearch(url, "labels", DOCUMENTS)
    texts = [entry["text"] for entry in cluster.entries["labels-texts"].values()]
    assert len(texts) == len(set(texts)) < len(cluster.entries["labels-sections"])


def test_credentials_come_from_the_environment(
    cluster: FakeCluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.authorization = "Basic " + base64.b64encode(b"reader:secret").decode()
    with pytest.raises(SourceUnavailable, match="does not let this user in"):
        build_opensearch(url, "labels", DOCUMENTS)
    monkeypatch.setenv("CAUCE_OPENSEARCH_USER", "reader")
    monkeypatch.setenv("CAUCE_OPENSEARCH_PASSWORD", "secret")
    assert build_opensearch(url, "labels", DOCUMENTS)


def test_an_entry_that_the_cluster_refuses_is_named(cluster: FakeCluster, url: str) -> None:
    cluster.refuse_bulk_of = "sections"
    with pytest.raises(DataRefused, match=r"refused labels-sections/\w+: .*mapper_parsing"):
        build_opensearch(url, "labels", DOCUMENTS)


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with serve(FakeCluster()) as gone:
        pass
    with pytest.raises(SourceUnavailable, match="does not answer"):
        OpenSearchIndex(gone, "labels")


def test_without_the_extra_the_command_to_install_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opensearchpy", None)
    with pytest.raises(MissingExtra, match=r"cauce\[opensearch\]"):
        OpenSearchIndex("http://127.0.0.1:9", "labels")


def test_the_assistant_answers_the_same_over_both_stores(url: str, tmp_path_factory) -> None:
    documents = (medicine("ibuprofen", brands=("Advil",)), medicine("metformin", dose=850))
    path = tmp_path_factory.mktemp("index") / "index.sqlite"
    build_index(path, documents)
    build_opensearch(url, "labels", documents)
    index = Index(path)
    local = Assistant(None, index, AssistantSettings())
    remote = Assistant(None, OpenSearchIndex(url, "labels"), AssistantSettings())
    for question in ("What is the dose of Advil?", "Can I drive with metformine?", "And zebrol?"):
        assert remote.reply(question) == local.reply(question)
    index.close()
