from __future__ import annotations

from cauce.records import Document, Refusal
from cauce.sources import VademecumSource
from cauce.sources.medicines import KINDS
from cauce.sources.vademecum import document_of_medicine
from cauce.testing import check_source

MEDICINE = {
    "id": "ibuprofen",
    "names": {"en": "ibuprofen", "es": "ibuprofeno", "also": ["Advil", "Nurofen"]},
    "atc": "M01AE01",
    "sections": {kind: {"en": f"About {kind}.", "es": f"Sobre {kind}."} for kind in KINDS},
}


def test_a_medicine_becomes_one_document_per_language() -> None:
    english = document_of_medicine(MEDICINE, "en", "ibuprofen.yaml")
    spanish = document_of_medicine(MEDICINE, "es", "ibuprofen.yaml")
    assert isinstance(english, Document)
    assert isinstance(spanish, Document)
    assert (english.title, spanish.title) == ("Ibuprofen", "Ibuprofeno")
    assert english.group == spanish.group == "ibuprofen"
    assert [section.id for section in spanish.sections] == list(KINDS)
    assert spanish.section("use").title == "Para qué se usa"
    assert spanish.names.generics == ("ibuprofen", "ibuprofeno")
    assert spanish.names.codes == {"atc": ("M01AE01",)}


def test_a_missing_section_is_refused_by_name() -> None:
    sections = {**MEDICINE["sections"], "driving": {"en": "You may drive."}}
    found = document_of_medicine({**MEDICINE, "sections": sections}, "es", "ibuprofen.yaml")
    assert isinstance(found, Refusal)
    assert found.position == "sections.driving.es"


def test_the_embedded_medicines_are_whole_and_distinct() -> None:
    items = list(VademecumSource().documents())
    assert [item for item in items if isinstance(item, Refusal)] == []
    documents = [item for item in items if isinstance(item, Document)]
    groups = {document.group for document in documents}
    assert len(documents) == 2 * len(groups) > 0
    check_source(VademecumSource(languages=("es",)))
