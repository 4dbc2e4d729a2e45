from __future__ import annotations

import pytest

from cauce.knowledge.labels.overview import key_passages, overview, ranked_documents
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Section
from documents import medicine


def shortage(text: str) -> tuple[Section, ...]:
    return (Section(id="psum", kind="other", title="Problemas de suministro", text=text),)


@pytest.fixture
def index(tmp_path):
    english = medicine("ibuprofen", brands=("Advil",), also=("ibuprofeno",))
    english = english.model_copy(
        update={
            "names": english.names.model_copy(
                update={"codes": {"atc": ("M01AE01",)}, "makers": ("Bayer",)}
            )
        }
    )
    spanish = medicine("ibuprofeno", language="es", group="ibuprofen", document_id="es")
    spanish = spanish.model_copy(
        update={"sections": (*spanish.sections, *shortage("Falta desde mayo."))}
    )
    build_index(tmp_path / "index.sqlite", [english, spanish])
    index = Index(tmp_path / "index.sqlite")
    yield index
    index.close()


def test_names_codes_makers_and_sections_are_told(index):
    found = overview(index, ranked_documents(index, "ibuprofen", "Advil", "en"))
    assert (found.title, found.language, found.documents_in_all) == ("Ibuprofen", "en", 2)
    assert set(found.generics) == {"ibuprofen", "ibuprofeno"}
    assert (found.brands, found.makers) == (("Advil",), ("Bayer",))
    assert found.codes == {"atc": ("M01AE01",)}
    assert [part.kind for part in found.documents[0].sections] == [
        "use",
        "dose",
        "driving",
        "storage",
    ]


def test_the_name_and_the_language_choose_the_document(index):
    assert ranked_documents(index, "ibuprofen", "ibuprofeno")[0].language == "es"
    assert ranked_documents(index, "ibuprofen", "ibuprofeno", "en")[0].language == "en"
    assert ranked_documents(index, "ibuprofen", "Advil")[0].language == "en"


def test_key_passages_are_whole_sentences_letter_for_letter_and_urgent_ones_come_first(index):
    document = ranked_documents(index, "ibuprofen", "ibuprofeno")[0]
    parts = {part.id: part for part in index.all_sections(document)}
    found = list(key_passages(list(parts.values())))
    assert [one.citation.section for one in found] == ["psum", "use", "dose", "driving"]
    for one in found:
        assert one.text in parts[one.citation.section].body
        assert one.text.endswith(".")
