"""What a store of sections answers: the SQLite index, and OpenSearch with the same tests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.errors import DataRefused
from cauce.knowledge.sections.code_keys import looked_up_keys
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.knowledge.sections.opensearch import OpenSearchIndex
from cauce.knowledge.sections.opensearch_loading import build_opensearch
from cauce.knowledge.sections.ranking import distinct_words, word_counts
from cauce.knowledge.sections.store import NameEntry, SectionStore, body_of
from cauce.records import Document
from knowledge.sections.opensearch_server import FakeCluster, serve
from knowledge.sections.stores import CHANGED, DOCUMENTS, SHARED, label, section


@pytest.fixture(scope="module", params=["sqlite", "opensearch"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("store") / "index.sqlite"
        assert build_index(path, DOCUMENTS) == sum(len(found.sections) for found in DOCUMENTS)
        index = Index(path)
        yield index
        index.close()
        return
    pytest.importorskip("opensearchpy")
    patch = pytest.MonkeyPatch()
    # Pages of two entries, so that every answer takes several.
    patch.setattr("cauce.knowledge.sections.opensearch.PAGE", 2)
    patch.setattr("cauce.knowledge.sections.opensearch.TEXTS_PAGE", 2)
    with serve(FakeCluster()) as url:
        build_opensearch(url, "labels", DOCUMENTS)
        remote = OpenSearchIndex(url, "labels")
        yield remote
        remote.close()
    patch.undo()


def groups(entries: list[NameEntry]) -> list[str]:
    return [entry.group for entry in entries]


def test_every_name_in_words_is_given_once_and_no_code(store: SectionStore) -> None:
    assert store.names() == [
        NameEntry("Advil", "ibuprofen", "brand"),
        NameEntry("ibuprofen", "ibuprofen", "generic"),
        NameEntry("Ibu", "ibuprofen", "brand"),
        NameEntry("ibuprofeno", "ibuprofen", "generic"),
        NameEntry("Duexis", "famotidine+ibuprofen", "brand"),
        NameEntry("famotidine+ibuprofen", "famotidine+ibuprofen", "generic"),
        NameEntry("abacavir+lamivudine", "abacavir+lamivudine", "generic"),
    ]
    assert store.names_of("ibuprofen") == store.names()[:4]
    assert store.names_of("unheard of") == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("0573-0150", NameEntry("0573-0150", "ibuprofen", "ndc")),
        ("00573-0150", NameEntry("0573-0150", "ibuprofen", "ndc")),
        ("0573-0150-20", NameEntry("0573-0150-20", "ibuprofen", "ndc")),
        ("00573015020", NameEntry("0573-0150-20", "ibuprofen", "ndc")),
        ("0573015020", NameEntry("0573-0150-20", "ibuprofen", "ndc")),
        ("0573-0150-99", NameEntry("0573-0150", "ibuprofen", "ndc")),
        ("75987-010-03", NameEntry("75987-010", "famotidine+ibuprofen", "ndc")),
        ("wk2xyi10qm", NameEntry("WK2XYI10QM", "ibuprofen", "unii")),
        ("SET-20", NameEntry("set-20", "famotidine+ibuprofen", "set_id")),
        ("04298002", NameEntry("04298002", "abacavir+lamivudine", "id")),
        ("EU/1/04/298/002", NameEntry("EU/1/04/298/002", "abacavir+lamivudine", "eu")),
        ("eu/1/04/298", NameEntry("EU/1/04/298/002", "abacavir+lamivudine", "eu")),
        ("654321.7", NameEntry("654321", "abacavir+lamivudine", "cn")),
        ("j05ar02", NameEntry("J05AR02", "abacavir+lamivudine", "atc")),
    ],
)
def test_a_code_is_found_however_it_is_written(
    store: SectionStore, code: str, found: NameEntry
) -> None:
    assert store.coded(code) == [found]
    assert store.documents_named(found.name)


@pytest.mark.parametrize("code", ["0573-0151", "0573-0150-2x", "99999", "ibuprofen", "", "J05A"])
def test_a_code_that_no_document_bears_finds_nothing(store: SectionStore, code: str) -> None:
    assert store.coded(code) == []


def test_the_code_of_one_substance_is_not_that_of_its_combinations(store: SectionStore) -> None:
    assert groups(store.coded("WK2XYI10QM")) == ["ibuprofen"]
    assert store.coded("5QZO15J2Z8") == []


def test_a_description_is_kept_and_is_no_code(store: SectionStore) -> None:
    (newest, *_) = store.documents("ibuprofen")
    assert store.codes(newest)["pharm_class"] == ("NSAID 1 [EPC]",)
    assert store.codes(newest)["package_ndc"] == ("0573-0150-20",)
    assert store.coded("NSAID 1 [EPC]") == []


def test_documents_come_in_the_order_of_their_keys_with_maker_and_date(
    store: SectionStore,
) -> None:
    found = store.documents("ibuprofen")
    assert [(entry.id, entry.language) for entry in found][:4] == [
        ("set-1", "en"),
        ("set-1", "es"),
        ("set-10", "en"),
        ("set-2", "en"),
    ]
    first = found[0]
    assert (first.title, first.version, first.effective) == ("Advil", "3", "2024-01-01")
    assert (first.makers, first.url) == (("Alfa",), "https://example.org/set-1")
    assert store.documents("unheard of") == []
    named = store.documents_named("Advil")
    assert [entry.id for entry in found if entry.doc in named] == ["set-1"]


def test_sections_of_a_kind_come_outermost_first_and_all_as_printed(store: SectionStore) -> None:
    document = store.documents("ibuprofen")[0]
    assert [entry.id for entry in store.sections(document, "dose")] == ["2", "2.1", "2.2"]
    assert [entry.id for entry in store.all_sections(document)] == ["2", "2.2", "2.1", "9"]
    assert store.sections(document, "storage") == []
    (table,) = store.sections(document, "other")
    assert (table.body, table.title) == ("Cmax | 5 µg\nbeta-carotene | ", "9")


def test_a_citation_opens_its_section(store: SectionStore) -> None:
    found = store.section("openfda", "set-1", "2.1")
    assert found is not None and found.body == SHARED and found.document.language == "en"
    citation = found.cite("Do not take more than 1200 mg a day.")
    assert found.body[citation.start :] == citation.quote
    spanish = store.section("openfda", "set-1", "2", "es")
    assert spanish is not None and spanish.body == "Tome 400 mg con comida."
    assert store.section("openfda", "set-1", "2.1", "es") is None
    assert store.section("openfda", "set-99", "2") is None


def test_a_quote_that_does_not_stand_there_is_refused(store: SectionStore) -> None:
    found = store.section("openfda", "set-1", "2.1")
    assert found is not None
    with pytest.raises(DataRefused, match=r"set-1/2\.1 does not hold the quote 'Take 40 g"):
        found.cite("Take 40 g")


def test_one_text_of_many_makers_is_one_variant(store: SectionStore) -> None:
    variants = store.variants("ibuprofen", "dose", "en")
    assert [(found.section.body, found.documents) for found in variants] == [
        (SHARED, 9),
        (CHANGED, 1),
        ("Read this first.", 1),
        ("In children 10 mg/kg.", 1),
    ]
    shared = variants[0]
    assert shared.section.document.id == "set-1"
    assert shared.makers == ("Alfa", "Maker 9", "Maker 8", "Maker 7", "Maker 6")
    assert len(store.variants("ibuprofen", "dose", "en", limit=2)) == 2
    assert [found.documents for found in store.variants("ibuprofen", "dose", "es")] == [1]
    assert store.variants("ibuprofen", "driving", "en") == []


def test_search_finds_the_section_of_the_document_that_speaks_of_it(store: SectionStore) -> None:
    document = store.documents("ibuprofen")[0]
    assert [entry.id for entry in store.search(document, "How much for children?")] == ["2.2"]
    assert [entry.id for entry in store.search(document, "mg with food", limit=1)] == ["2.1"]
    assert store.search(document, "beta-carotene")[0].id == "9"
    assert store.search(document, "of the") == store.search(document, "zebra") == []


def test_words_are_counted_in_distinct_texts(store: SectionStore) -> None:
    assert store.sections_holding("mg") == 4
    assert store.sections_holding("dia") == 1
    assert store.sections_holding("beta-carotene") == 1
    assert store.sections_holding("renal-zebra") == store.sections_holding("") == 0


def test_statistics_count_what_there_is(store: SectionStore) -> None:
    found = store.statistics()
    assert (found["documents"], found["groups"]) == (len(DOCUMENTS), 3)
    assert found["texts"] == len({body_of(s) for d in DOCUMENTS for s in d.sections} - {""})
    assert found["names"] == 24
    assert found["sections"] == sum(len(document.sections) for document in DOCUMENTS)


def test_the_same_documents_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build_index(tmp_path / name, iter(DOCUMENTS))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_build_that_is_interrupted_leaves_the_index_that_was_there(tmp_path: Path) -> None:
    def broken() -> Iterator[Document]:
        yield DOCUMENTS[0]
        raise KeyboardInterrupt

    path = tmp_path / "index.sqlite"
    with pytest.raises(KeyboardInterrupt):
        build_index(path, broken())
    assert not path.exists()
    build_index(path, DOCUMENTS)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        build_index(path, broken())
    assert path.read_bytes() == before


def test_two_documents_under_one_key_are_refused(tmp_path: Path) -> None:
    twice = (DOCUMENTS[0], DOCUMENTS[0])
    with pytest.raises(DataRefused, match="openfda/set-1/en stands twice"):
        build_index(tmp_path / "index.sqlite", twice)
    assert not (tmp_path / "index.sqlite").exists()


def test_no_index_or_one_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no section index at"):
        Index(tmp_path / "index.sqlite")
    old = sqlite3.connect(tmp_path / "old.sqlite")
    old.execute("CREATE TABLE documents (doc)")
    old.close()
    with pytest.raises(DataRefused, match="format 0, not"):
        Index(tmp_path / "old.sqlite")
    (tmp_path / "text.sqlite").write_text("not a database at all, but long enough to be read")
    with pytest.raises(DataRefused, match="file is not a database"):
        Index(tmp_path / "text.sqlite")


def test_a_question_reads_few_pages_however_many_documents_there_are(tmp_path: Path) -> None:
    plans = []
    many = [label(f"x-{n}", f"drug{n}", section("2", "dose", f"Take {n} mg.")) for n in range(300)]
    build_index(tmp_path / "index.sqlite", many)
    connection = sqlite3.connect(tmp_path / "index.sqlite")
    for query in (
        "SELECT * FROM documents WHERE subject = 'x' ORDER BY source, id, language",
        "SELECT * FROM names WHERE name = 'x'",
        "SELECT * FROM names WHERE subject = 'x'",
        "SELECT * FROM codes WHERE key = 'x'",
        "SELECT * FROM sections JOIN bodies USING (body) WHERE doc = 1 AND kind = 'dose'",
        "SELECT * FROM documents JOIN sections USING (doc) WHERE subject = 'x' AND kind = 'dose'",
        "SELECT texts FROM words WHERE word = 'x'",
    ):
        plans += [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    connection.close()
    assert not [plan for plan in plans if plan.startswith("SCAN")], plans


def test_words_are_the_same_counted_or_distinct() -> None:
    for text in ("Ácido ácido 5-ASA", "≥60 mg—día_2 naïve İstanbul ß", "e\u0301l 10µg", ""):
        assert {word.encode() for word in word_counts(text)} == distinct_words(text)


def test_what_has_no_digit_is_no_code() -> None:
    assert looked_up_keys("set-id").exact == frozenset()
