"""Documents of people, masked before anything is made of them."""

from __future__ import annotations

from cauce.corpus.masking import masked_document, write_masked
from cauce.records import Document, Section, Table
from cauce.runs import read_records, write_records


def document(number: int, text: str, cell: str = "5 mg") -> Document:
    table = Table(rows=(("Dosis", cell),))
    section = Section(id="1", kind="other", title="Informe", text=text, tables=(table,))
    return Document(
        source="files",
        id=str(number),
        version="1",
        title="Alta",
        language="es",
        sections=(section,),
        group=str(number),
    )


def test_texts_and_tables_are_masked_and_the_rest_stays(tmp_path):
    told = document(1, "Llame al 612 345 678. Toma ramipril 5 mg.", "ana@gil.es")
    silent = document(2, "Toma ramipril 5 mg cada día.")
    write_records(tmp_path / "a.jsonl", [told, silent])
    assert write_masked(tmp_path / "a.jsonl", tmp_path / "b.jsonl") == 1
    first, second = read_records(tmp_path / "b.jsonl", Document)
    assert second == silent
    assert first == masked_document(told)
    (section,) = first.sections
    assert section.text == "Llame al [TELÉFONO]. Toma ramipril 5 mg."
    assert section.tables[0].rows == (("Dosis", "[CORREO]"),)
    assert (first.key, first.group) == (told.key, told.group)
