"""What a search of passages finds: in a folder, and on OpenSearch with the same tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cauce.errors import DataRefused, MissingExtra
from cauce.knowledge.passages.building import MANIFEST, build_passages
from cauce.knowledge.passages.fusion import fuse
from cauce.knowledge.passages.index import PassageIndex
from cauce.knowledge.passages.lexical import WordHit, written_in
from cauce.knowledge.passages.opensearch import OpenSearchPassages, build_passages_opensearch
from cauce.knowledge.passages.passage import Passage
from cauce.knowledge.passages.vectors import VectorIndex, write_vectors
from knowledge.passages.cluster import FakeCluster, serve
from knowledge.passages.hashing import hashing

pytest.importorskip("tantivy")

EMBED = hashing()
PASSAGES = (
    Passage(id="a", text="Ships navigate by the stars", title="Celestial routes", group="one"),
    Passage(id="b", text="Los buques navegan por las estrellas", group="two"),
    Passage(id="c", text="Pituitary adenomas of the sellar region", group="one"),
    Passage(id="d", text="The stars of a distant cluster", title="Ships of light", group="three"),
)


@pytest.fixture(scope="module", params=["folder", "opensearch"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    if request.param == "folder":
        folder = tmp_path_factory.mktemp("index")
        assert build_passages(folder, PASSAGES, EMBED, "hashing", "0" * 64) == len(PASSAGES)
        yield PassageIndex.open(folder, EMBED)
        return
    pytest.importorskip("opensearchpy")
    with serve(FakeCluster()) as url:
        build_passages_opensearch(url, "texts", PASSAGES, EMBED, embedding_name="hashing")
        remote = OpenSearchPassages(url, "texts", EMBED)
        yield remote
        remote.close()


def test_a_passage_tells_all_that_it_was_given(index: PassageIndex) -> None:
    hit = index.search("ships that navigate", 1)[0]
    assert (hit.id, hit.text, hit.title, hit.group) == tuple(dict(PASSAGES[0]).values())
    assert hit.lexical_rank == 1
    assert hit.lexical_score > 0
    assert hit.dense_rank is not None


def test_the_cosine_is_that_of_question_and_passage(index: PassageIndex) -> None:
    for hit in index.search("stars of a cluster", 4):
        expected = EMBED(["stars of a cluster"])[0] @ EMBED([f"{hit.text} {hit.title}".strip()])[0]
        assert hit.cosine == pytest.approx(expected, abs=2e-3)


def test_stems_are_found_in_both_languages(index: PassageIndex) -> None:
    assert index.search("navigating ship", 1)[0].id == "a"
    assert index.search("la estrella y el buque", 1)[0].id == "b"


def test_the_words_of_a_title_count(index: PassageIndex) -> None:
    found = {hit.id for hit in index.search("light", 4) if hit.lexical_rank}
    assert found == {"d"}


def test_a_group_is_left_out_of_both_rankings(index: PassageIndex) -> None:
    found = index.search("ships navigate by the stars", 4, exclude_group="one")
    assert [hit.id for hit in found] and {hit.group for hit in found} == {"two", "three"}


def test_the_limit_is_kept_and_a_question_without_words_is_answered(index: PassageIndex) -> None:
    assert len(index.search("stars", 2)) == 2
    assert all(hit.lexical_rank is None for hit in index.search("?!", 4))


def test_without_an_embedding_words_alone_are_asked(tmp_path: Path) -> None:
    build_passages(tmp_path, PASSAGES, None, "", "")
    found = PassageIndex.open(tmp_path).search("pituitary adenoma", 4)
    assert [(hit.id, hit.dense_rank, hit.cosine) for hit in found] == [("c", None, 0.0)]
    assert PassageIndex.open(tmp_path).search("", 4) == []


def test_an_index_of_nothing_finds_nothing(tmp_path: Path) -> None:
    assert build_passages(tmp_path, [], EMBED, "hashing", "") == 0
    assert PassageIndex.open(tmp_path, EMBED).search("stars", 4, exclude_group="one") == []


@pytest.mark.parametrize("other", [hashing(seed=1), hashing(axes=64)])
def test_another_embedding_is_refused(tmp_path: Path, other) -> None:
    build_passages(tmp_path, PASSAGES, EMBED, "hashing", "abcdef0123")
    with pytest.raises(DataRefused, match=r"'hashing' \(abcdef01\), not of the one that now asks"):
        PassageIndex.open(tmp_path, other)
    build_passages(tmp_path, PASSAGES, None, "", "")
    with pytest.raises(DataRefused, match="are of none"):
        PassageIndex.open(tmp_path, EMBED)


def test_an_index_that_was_not_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no finished index"):
        PassageIndex.open(tmp_path)

    def broken(texts):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_passages(tmp_path, PASSAGES, broken, "hashing", "")
    with pytest.raises(DataRefused, match="no finished index"):
        PassageIndex.open(tmp_path)


def test_an_index_of_another_format_is_refused(tmp_path: Path) -> None:
    build_passages(tmp_path, PASSAGES, None, "", "")
    manifest = json.loads((tmp_path / MANIFEST).read_bytes())
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(DataRefused, match="format 99, not 1"):
        PassageIndex.open(tmp_path)


def test_an_index_replaces_the_one_that_was_there(tmp_path: Path) -> None:
    build_passages(tmp_path, PASSAGES, EMBED, "hashing", "")
    build_passages(tmp_path, PASSAGES[2:3], EMBED, "hashing", "")
    assert [hit.id for hit in PassageIndex.open(tmp_path, EMBED).search("stars", 4)] == ["c"]


def test_without_tantivy_the_command_to_install_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tantivy", None)
    with pytest.raises(MissingExtra, match=r"cauce\[scholar\]"):
        build_passages(tmp_path, PASSAGES, None, "", "")


def test_few_vectors_are_ranked_by_cosine_exactly(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((500, 70), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    write_vectors(tmp_path, [rows[:300], rows[300:]])
    kept = rows.astype(np.float16).astype(np.float32)
    found = VectorIndex(tmp_path, 70).search(rows[7], 20, without=[3])
    expected = [n for n in np.argsort(-(kept @ rows[7]), kind="stable").tolist() if n != 3][:20]
    assert found == expected


def test_of_many_vectors_the_near_ones_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cauce.knowledge.passages.vectors.LEAST_COMPARED", 50)
    draw = np.random.default_rng(1)
    rows = draw.standard_normal((2000, 128), np.float32)
    rows[40:50] = rows[40] + 0.3 * draw.standard_normal((10, 128), np.float32)
    write_vectors(tmp_path, [rows / np.linalg.norm(rows, axis=1, keepdims=True)])
    asked = rows[40] / np.linalg.norm(rows[40])
    assert {*VectorIndex(tmp_path, 128).search(asked, 10)} == {*range(40, 50)}


def test_fusion_prefers_what_both_rankings_found() -> None:
    fused = fuse([WordHit(1, 9.0), WordHit(2, 8.0)], [3, 2], 10)
    assert fused[0].number == 2
    assert (fused[0].lexical_rank, fused[0].dense_rank, fused[0].lexical_score) == (2, 2, 8.0)
    assert fuse([], [], 3) == []


def test_a_language_is_told_by_its_commonest_words() -> None:
    assert written_in("La resistencia de las bacterias en los hospitales") == "es"
    assert written_in("Resistance of bacteria in hospitals") == written_in("") == "en"
