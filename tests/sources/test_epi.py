from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cauce.records import Document, Refusal
from cauce.sources import EpiSource
from cauce.sources.cleaning import INVISIBLE
from cauce.sources.epi import LEAFLET_TYPE
from cauce.sources.fhir import read_resource, values
from cauce.sources.medicines import KINDS
from cauce.sources.tables import text_of
from cauce.testing import check_source
from shared import shared_data

FHIR = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def texts() -> dict[str, Document]:
    found = list(EpiSource(path=shared_data("epi-aemps")).documents())
    assert all(isinstance(item, Document) for item in found)
    return {item.id: item for item in found if isinstance(item, Document)}


def test_eight_bundles_give_sixteen_texts(texts: dict[str, Document]) -> None:
    assert len(texts) == 16
    assert {document.language for document in texts.values()} == {"es"}
    assert sum(identifier.endswith("-ft") for identifier in texts) == 8


def letters(text: str) -> str:
    """What cleaning must keep, in order; the bar between cells is the reader's own."""
    return "".join(c for c in text if not c.isspace() and c not in INVISIBLE and c != "|")


def unaccounted(composition: Any, document: Document) -> list[str]:
    """Titles, narratives, rows and cells of a Composition that its document does not hold whole.

    Narratives are looked for letter for letter and in order, so that a lost or moved character
    shows even where the same letter stands elsewhere.
    """
    whole = letters("".join(s.title.removesuffix("…") + s.text for s in document.sections))
    divs = composition.findall(f".//{FHIR}section/{FHIR}text/{XHTML}div")
    titles = [s.find(f"{FHIR}title").get("value") for s in composition.iter(f"{FHIR}section")]
    narratives = ["".join(div.itertext()) for div in divs]
    # The outermost section has the text's own title, which opens no section of the document.
    lost = [text for text in (*titles[1:], *narratives) if letters(text) not in whole]
    cells = Counter(
        letters(cell)
        for section in document.sections
        for table in section.tables
        for row in table.rows
        for cell in row
    )
    printed = Counter(
        letters("".join(cell.itertext()))
        for div in divs
        for tag in ("td", "th")
        for cell in div.iter(f"{XHTML}{tag}")
    )
    return lost + [cell for cell in (printed - cells) if cell]


def test_every_text_node_of_every_bundle_is_there(texts: dict[str, Document]) -> None:
    from lxml import etree

    tables = 0
    for path in sorted(shared_data("epi-aemps").glob("*.xml")):
        for composition in etree.parse(path).getroot().iter(f"{FHIR}Composition"):
            title = composition.find(f"{FHIR}title").get("value")
            document = texts[f"{path.stem}-{'p' if title == 'Prospecto' else 'ft'}"]
            assert unaccounted(composition, document) == []
            tables += len(composition.findall(f".//{XHTML}table"))
    assert tables == sum(len(s.tables) for document in texts.values() for s in document.sections)
    assert tables == 133


def test_no_picture_is_carried_along(texts: dict[str, Document]) -> None:
    whole = "".join(document.model_dump_json() for document in texts.values())
    assert "base64" not in whole
    assert len(whole) < 2_000_000


def test_professional_texts_answer_every_kind_by_number(texts: dict[str, Document]) -> None:
    for identifier, document in texts.items():
        if identifier.endswith("-ft"):
            kinds = {section.kind for section in document.sections if section.text}
            missing = set(KINDS) - kinds
            assert missing <= ({"side_effects"} if identifier.startswith("53508") else set())
            assert document.section("4.7").kind == "driving"
            assert document.section("4.5").parent == "4"


def test_patient_texts_answer_every_kind(texts: dict[str, Document]) -> None:
    for identifier, document in texts.items():
        if identifier.endswith("-p") and identifier != "1181325001-p":
            kinds = {section.kind for section in document.sections if section.text}
            assert set(KINDS) <= kinds, identifier


def test_bold_headings_open_sections(texts: dict[str, Document]) -> None:
    pentasa = texts["62670-p"].section("2.2.1")
    assert pentasa.title == "Interacción de Pentasa con otros medicamentos"
    assert (pentasa.kind, pentasa.parent) == ("interactions", "2.2")
    assert texts["04298002-p"].section("3.1").kind == "overdose"


def test_a_heading_without_text_is_lent_to_the_text_below_it(texts: dict[str, Document]) -> None:
    pregnancy = texts["04298002-p"].section("2.4")
    assert (pregnancy.title, pregnancy.kind) == ("Embarazo", "pregnancy")
    assert pregnancy.text.startswith("No se recomienda el uso de Kivexa durante el embarazo.")


@pytest.mark.parametrize(
    ("identifier", "brand", "substances", "atc"),
    [
        ("04298002", "Kivexa", ("abacavir", "lamivudina"), "J05AR02"),
        ("103256021", "Humira", ("adalimumab",), "L04AB04"),
        ("114967001", "REZOLSTA", ("darunavir", "cobicistat"), "J05AR14"),
        ("1181286004", "Hyrimoz", ("adalimumab",), "L04AB04"),
        ("1181325001", "Flucelvax Tetra", ("Vacuna antigripal",), "J07BB02"),
        ("53508", "Recto Menaderm", ("Beclometasona dipropionato",), "C05AA"),
        ("62670", "Pentasa", ("mesalazina",), "A07EC02"),
        ("96015003", "Epivir", ("lamivudina",), "J05AF05"),
    ],
)
def test_names_are_read_out_of_the_texts(
    texts: dict[str, Document], identifier: str, brand: str, substances: tuple[str, ...], atc: str
) -> None:
    names = texts[f"{identifier}-p"].names
    assert (names.brands, names.substances) == ((brand,), substances)
    assert names.codes["atc"] == (atc,)
    assert names.codes["nregistro"] == (identifier,)


def bundle(language: str = "en") -> dict[str, Any]:
    div = (
        "<div xmlns='http://www.w3.org/1999/xhtml'><p>Take 1&nbsp;tablet if CLcr &lt;30.</p></div>"
    )
    section = {"title": "4.2 Posology", "text": {"status": "generated", "div": div}}
    composition = {
        "resourceType": "Composition",
        "language": language,
        "date": "2026-01-02",
        "title": "SmPC",
        "section": [{"title": "Product", "section": [section]}],
    }
    product = {
        "resourceType": "MedicinalProductDefinition",
        "name": [{"productName": "Xanadu"}],
        "classification": [{"coding": [{"code": "A10BA02"}]}],
    }
    substance = {
        "resourceType": "Ingredient",
        "substance": {"code": {"concept": {"text": "metformin"}}},
    }
    inner = {"resourceType": "Bundle", "entry": [{"resource": composition}]}
    resources = [inner, product, substance]
    return {
        "resourceType": "Bundle",
        "identifier": {"value": "EPI-7"},
        "entry": [{"resource": resource} for resource in resources],
    }


def test_json_bundles_with_resources(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(bundle()))
    (document,) = EpiSource(path=tmp_path).documents()
    assert isinstance(document, Document)
    assert (document.id, document.language, document.version) == ("EPI-7-ft", "en", "2026-01-02")
    assert document.names.brands == ("Xanadu",)
    assert document.group == "metformin"
    assert document.names.codes == {"atc": ("A10BA02",)}
    assert document.section("4.2").text == "Take 1 tablet if CLcr <30."
    assert document.section("4.2").kind == "dose"


def test_json_and_xml_of_one_bundle_read_alike(tmp_path: Path) -> None:
    from lxml import etree

    path = shared_data("epi-aemps/62670.xml")
    copy = tmp_path / "62670.json"
    copy.write_text(json.dumps(_as_json(etree.parse(path).getroot())))
    assert list(EpiSource(path=copy).documents()) == list(EpiSource(path=path).documents())


def _as_json(element: Any) -> Any:
    """FHIR JSON of FHIR XML, by the rules of the specification."""
    from lxml import etree

    name = etree.QName(element).localname
    if name == "div":
        return etree.tostring(element, encoding="unicode", with_tail=False)
    if element.get("value") is not None:
        return element.get("value")
    if name == "resource":
        return _as_json(element[0])
    node: dict[str, Any] = dict(element.attrib)
    if name in ("Bundle", "List", "Composition"):
        node["resourceType"] = name
    for child in element:
        node.setdefault(etree.QName(child).localname, []).append(_as_json(child))
    return node


LEAFLET_DIVS = {
    "1. What Xanadu is and what it is used for": "<p>Lowers sugar &amp; <i>HbA1c</i>.</p>",
    "2. What you need to know before you take Xanadu": (
        "<p>Talk to your doctor if eGFR &lt;30.</p><p><b>Driving and using machines</b></p>"
        "<p>No effect known.</p><ul><li>one</li><li>two<br/>lines</li></ul>"
    ),
    "3. How to take Xanadu": (
        "Loose words<p>1 tablet</p>more<p><b>If you take more Xanadu than you should</b></p>end"
        "<table><tr><th>Age</th><td>Dose<table><tr><td>in</td></tr></table></td></tr></table>"
    ),
    "4. Possible side effects": "<div><div><p><b>Pregnancy</b></p><p>Ask.</p></div></div>",
}


def test_every_text_node_of_a_bundle_as_ema_gives_it_is_there(tmp_path: Path) -> None:
    from lxml import etree

    wrapped = {
        title: f"<div xmlns='http://www.w3.org/1999/xhtml'>{div}</div>"
        for title, div in LEAFLET_DIVS.items()
    }
    resource = bundle()
    composition = resource["entry"][0]["resource"]["entry"][0]["resource"]
    composition["type"] = {"coding": [{"code": LEAFLET_TYPE}]}
    composition["section"][0]["section"] = [
        {"title": title, "text": {"status": "generated", "div": div}}
        for title, div in wrapped.items()
    ]
    (tmp_path / "bundle.json").write_text(json.dumps(resource))
    (document,) = EpiSource(path=tmp_path).documents()
    assert isinstance(document, Document)
    whole = letters("".join(section.title + section.text for section in document.sections))
    for title, div in wrapped.items():
        assert letters(title) in whole
        assert letters("".join(etree.fromstring(div).itertext())) in whole
    assert [len(section.tables) for section in document.sections if section.tables] == [2]
    assert document.section("2.1").kind == "driving"
    assert document.section("4.1").kind == "pregnancy"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<Bundle>", "not XML"),
        ('{"resourceType": ', "Expecting value"),
        ('{"resourceType": "Bundle"}', "no Composition"),
        (json.dumps(bundle("de")), "language 'de' is neither"),
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "a.xml").write_text(content)
    (refusal,) = EpiSource(path=tmp_path).documents()
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


def test_the_source_conforms() -> None:
    check_source(EpiSource(path=shared_data("epi-aemps")))


def test_what_a_narrative_in_xml_hides_is_marked(tmp_path: Path) -> None:
    (tmp_path / "text.xml").write_text(
        "<Composition xmlns='http://hl7.org/fhir'><section><text>"
        "<div xmlns='http://www.w3.org/1999/xhtml'><p>Seen</p><p style='opacity:0'>Hidden</p></div>"
        "</text></section></Composition>",
        "utf-8",
    )
    (div,) = values(read_resource(tmp_path / "text.xml"), "section.text.div")
    assert text_of(div) == "Seen\n<span hidden>Hidden</span>"
