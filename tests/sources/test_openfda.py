from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest
from benchmarks.sources import lost_cells, lost_characters

from cauce.errors import NotFound
from cauce.records import Document, Refusal
from cauce.sources import OpenFdaSource
from cauce.sources.openfda_names import names_of
from cauce.sources.openfda_record import document_of, sections_of
from cauce.testing import check_source
from shared import shared_data
from sources.labels import label


def read(path: Path) -> list[Document | Refusal]:
    return list(OpenFdaSource(path=path).documents())


def document(**fields: object) -> Document:
    found = document_of(label(**fields), file="f", position="p", retrieved="2026-11-01")
    assert isinstance(found, Document), found
    return found


def test_every_container_gives_the_same_documents(tmp_path: Path) -> None:
    records = [label("a1"), label("b2")]
    whole = json.dumps({"meta": {}, "results": records})
    lines = "\n".join(map(json.dumps, records))
    (tmp_path / "a.json").write_text(whole)
    (tmp_path / "array.json").write_text(json.dumps(records))
    (tmp_path / "c.jsonl").write_text(lines)
    with gzip.open(tmp_path / "d.jsonl.gz", "wt") as stream:
        stream.write(lines)
    with zipfile.ZipFile(tmp_path / "e.json.zip", "w") as archive:
        archive.writestr("drug-label-0001-of-0013.json", whole)
    expected = read(tmp_path / "a.json")
    assert [found.id for found in expected if isinstance(found, Document)] == ["a1", "b2"]
    for name in ("array.json", "c.jsonl", "d.jsonl.gz", "e.json.zip"):
        assert read(tmp_path / name) == expected
    assert len(read(tmp_path)) == 10
    assert len(read(tmp_path / "*.json")) == 4


def test_a_path_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file or folder .*absent.json"):
        read(tmp_path / "absent.json")
    with pytest.raises(NotFound, match=r"no file there ends in \.json\.zip"):
        read(tmp_path)


def test_damage_is_refused_with_its_place_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        f"{json.dumps(label('a1'))}\n{{broken\n{json.dumps(label('b2'))}"
    )
    (tmp_path / "b.json").write_text(json.dumps({"results": [label("c3"), label("d4")]})[:-30])
    (tmp_path / "c.json.zip").write_bytes(b"PK not a zip")
    (tmp_path / "d.json").write_text('{"meta": {}}')
    with gzip.open(tmp_path / "e.jsonl.gz", "wb") as stream:
        stream.write(json.dumps(label("e5")).encode() * 50)
    (tmp_path / "e.jsonl.gz").write_bytes((tmp_path / "e.jsonl.gz").read_bytes()[:-20])
    items = read(tmp_path)
    assert [item.id for item in items if isinstance(item, Document)] == ["a1", "b2", "c3"]
    refused = [(Path(r.file).name, r.position) for r in items if isinstance(r, Refusal)]
    assert refused == [
        ("a.jsonl", "line 2"),
        ("b.json", "results[1]"),
        ("c.json.zip", "the archive"),
        ("d.json", "the whole file"),
        ("e.jsonl.gz", "the archive"),
    ]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"openfda": {"spl_set_id": ["other"]}}, "carries the openfda object of other"),
        ({"set_id": ""}, "no set_id"),
        ({"version": "two"}, "version 'two' is not a whole number"),
        ({"indications_and_usage": [" "]}, "no section of the label holds text"),
        ({"overdosage": [None]}, "overdosage holds something that is not text"),
        ({"openfda": "IBUPROFEN"}, "openfda is not a JSON object but str"),
    ],
)
def test_untrustworthy_records_are_refused(fields: dict[str, object], reason: str) -> None:
    found = document_of(label() | fields, file="f", position="results[3]", retrieved="")
    assert isinstance(found, Refusal)
    assert reason in found.reason
    assert (found.file, found.position) == ("f", "results[3]")


def test_the_printed_heading_becomes_the_title() -> None:
    (section,) = document().sections
    assert (section.title, section.text) == ("1 INDICATIONS AND USAGE", "Ibuprofen relieves pain.")
    assert (section.id, section.kind) == ("indications_and_usage", "use")
    (bare,) = sections_of({"overdosage": ["Call for help."]})
    assert (bare.title, bare.text) == ("Overdosage", "Call for help.")
    (lone,) = sections_of({"pregnancy": ["8.1 Pregnancy"]})
    assert lone.text == "8.1 Pregnancy"


def test_a_repeated_child_is_stored_once() -> None:
    teratogenic = "Teratogenic Effects: none were seen in rats."
    pregnancy = f"8.1 Pregnancy Category B. {teratogenic}"
    whole = f"8 USE IN SPECIFIC POPULATIONS Be careful. {pregnancy} 8.6 Liver Reduce the dose."
    found = sections_of(
        {
            "use_in_specific_populations": [whole],
            "pregnancy": [pregnancy],
            "teratogenic_effects": [teratogenic],
            "pediatric_use": ["8.4 Pediatric Use not in the parent"],
        }
    )
    texts = {section.id: (section.parent, section.text) for section in found}
    assert texts == {
        "use_in_specific_populations": (None, "Be careful.\n8.6 Liver Reduce the dose."),
        "pregnancy": ("use_in_specific_populations", "Category B."),
        "teratogenic_effects": ("pregnancy", "none were seen in rats."),
        "pediatric_use": (None, "not in the parent"),
    }


def test_elements_of_one_field_that_repeat_each_other_nest() -> None:
    whole = "2 DOSAGE AND ADMINISTRATION 2.1 Adults 400 mg daily 2.2 Renal impairment 200 mg daily"
    inner = "2.2 Renal impairment 200 mg daily"
    outer, repeated = sections_of({"dosage_and_administration": [whole, inner]})
    assert outer.text == "2.1 Adults 400 mg daily"
    assert (repeated.parent, repeated.text) == ("dosage_and_administration", inner)


def test_tables_belong_to_the_child_and_stand_once() -> None:
    table = "<table><tr><td>Cmax</td><td>5</td></tr></table>"
    parent, child = sections_of(
        {
            "clinical_pharmacology": ["12 CLINICAL PHARMACOLOGY 12.3 Pharmacokinetics Cmax 5"],
            "clinical_pharmacology_table": [table],
            "pharmacokinetics": ["12.3 Pharmacokinetics Cmax 5"],
            "pharmacokinetics_table": [table],
        }
    )
    assert parent.tables == ()
    assert child.tables[0].rows == (("Cmax", "5"),)


def test_a_table_without_its_field_is_a_section() -> None:
    (section,) = sections_of({"active_ingredient_table": ["<table><tr><td>A</td></tr></table>"]})
    assert (section.id, section.text) == ("active_ingredient", "A")


def test_names_without_openfda_come_from_the_label() -> None:
    names = names_of(
        {
            "spl_product_data_elements": [
                "Quick Relief Ibuprofen IBUPROFEN IBUPROFEN STARCH, CORN"
            ],
            "active_ingredient": ["Active ingredient (in each tablet) Ibuprofen 200 mg"],
        }
    )
    assert (names.brands, names.generics) == (("Quick Relief",), ("Ibuprofen",))
    assert names.substances == ("Ibuprofen",)


def test_a_label_is_known_by_its_products_their_packages_and_its_own_number() -> None:
    codes = {"product_ndc": ["0573-0150"], "package_ndc": ["0573-0150-20", "0573-0150-30"]}
    found = names_of(label(openfda=codes, id="50f25f3d-31a5")).codes
    assert found["ndc"] == ("0573-0150",)
    assert found["package_ndc"] == ("0573-0150-20", "0573-0150-30")
    assert found["spl_id"] == ("50f25f3d-31a5",)
    assert "spl_id" not in names_of({}).codes


def test_homeopathic_products_are_flagged() -> None:
    names = names_of({"package_label_principal_display_panel": ["HOMEOPATHIC drops 1 FL OZ"]})
    assert names.codes["status"] == ("homeopathic",)
    assert "status" not in names_of(label()).codes


def test_the_altered_file_gives_three_labels_and_two_refusals() -> None:
    items = read(shared_data("openfda/otc-5-altered.json"))
    refused = [item for item in items if isinstance(item, Refusal)]
    assert [item.position for item in refused] == ["results[0]", "results[1]"]
    assert all("otc-5-altered.json" in item.file for item in refused)
    assert len(items) == 5


def test_real_labels_lose_no_character_and_no_cell() -> None:
    path = shared_data("openfda/labels-150.jsonl.gz")
    with gzip.open(path, "rb") as stream:
        raws = [json.loads(line) for line, _ in zip(stream, range(25), strict=False)]
    for raw, found in zip(raws, OpenFdaSource(path=path, limit=25).documents(), strict=True):
        assert isinstance(found, Document)
        assert lost_characters(raw, found) == 0, found.id
        assert lost_cells(raw, found) == 0, found.id


def test_children_of_real_labels_are_not_doubled() -> None:
    documents = OpenFdaSource(path=shared_data("openfda/api-response.json")).documents()
    for found in documents:
        assert isinstance(found, Document)
        for section in found.sections:
            if section.parent and len(section.text) > 200:
                assert section.text not in found.section(section.parent).text


def test_the_source_conforms() -> None:
    check_source(OpenFdaSource(path=shared_data("openfda/api-response.json")))


def test_a_record_may_hold_nothing_but_its_text() -> None:
    bare = {"set_id": "a", "version": "3", "openfda": None, "overdosage": ["Call.", ""]}
    found = document_of(bare | {"overdosage_table": [""]}, file="f", position="p", retrieved="")
    assert isinstance(found, Document)
    assert (found.title, found.group, found.effective) == ("Call.", "a", "")
