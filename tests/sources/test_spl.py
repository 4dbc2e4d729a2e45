from __future__ import annotations

from pathlib import Path

import pytest

from cauce.records import Document, Refusal
from cauce.sources import SplSource
from cauce.sources.cleaning import character_counts
from cauce.testing import check_source
from shared import shared_data

NAMESPACE = "{urn:hl7-org:v3}"


@pytest.fixture(scope="module")
def items() -> dict[str, Document | Refusal]:
    folder = shared_data("spl")
    return {
        path.name: next(SplSource(path=path).documents()) for path in sorted(folder.glob("*.xml"))
    }


def document(items: dict[str, Document | Refusal], name: str) -> Document:
    found = items[name]
    assert isinstance(found, Document)
    return found


def test_names_version_and_codes(items: dict[str, Document | Refusal]) -> None:
    lipitor = document(items, "lipitor-orig.xml")
    assert (lipitor.id[:8], lipitor.version, lipitor.effective) == ("c6e131fe", "11", "2014-01-13")
    assert lipitor.title == "Lipitor"
    assert lipitor.names.substances == ("ATORVASTATIN CALCIUM TRIHYDRATE",)
    assert lipitor.group == "atorvastatin"
    assert document(items, "cough.xml").group == "difenhidramin+fenilefrin"


def test_sections_nest_and_inherit_their_kind(items: dict[str, Document | Refusal]) -> None:
    lipitor = document(items, "lipitor-orig.xml")
    skeletal = next(s for s in lipitor.sections if s.title == "5.1 Skeletal Muscle")
    assert (skeletal.parent, skeletal.kind) == ("43685-7", "warnings")
    pregnancy = lipitor.section("34077-8")
    assert (pregnancy.kind, pregnancy.parent) == ("pregnancy", "42228-7-2")
    haloperidol = document(items, "no-title.xml")
    usage = next(s for s in haloperidol.sections if s.title == "Usage in Pregnancy")
    assert (usage.kind, usage.parent) == ("pregnancy", "34071-1")


def test_every_table_and_every_character_is_kept(items: dict[str, Document | Refusal]) -> None:
    from lxml import etree

    for name in ("lipitor-orig.xml", "cough.xml", "no-title.xml"):
        found = document(items, name)
        root = etree.parse(shared_data(f"spl/{name}")).getroot()
        holders = (f"{NAMESPACE}section", f"{NAMESPACE}highlight")
        texts = [e for e in root.iter(f"{NAMESPACE}text") if e.getparent().tag in holders]
        tables = [table for text in texts for table in text.iter(f"{NAMESPACE}table")]
        assert sum(len(section.tables) for section in found.sections) == len(tables)
        needed = character_counts("".join("".join(text.itertext()) for text in texts))
        held = character_counts("".join(section.text for section in found.sections))
        assert not needed - held


def test_an_indexing_file_and_a_broken_one_are_refused(
    items: dict[str, Document | Refusal], tmp_path: Path
) -> None:
    indexing = items["METHOXSALEN.xml"]
    assert isinstance(indexing, Refusal)
    assert "no section holds text" in indexing.reason
    (tmp_path / "a.xml").write_text("<document>\n<unclosed>\n</document>")
    (tmp_path / "b.xml").write_text("<other/>")
    broken, other = SplSource(path=tmp_path).documents()
    assert isinstance(broken, Refusal)
    assert broken.position == "line 3"
    assert isinstance(other, Refusal)
    assert "no setId" in other.reason


def test_the_source_conforms() -> None:
    check_source(SplSource(path=shared_data("spl")))


def test_what_a_reader_would_not_see_is_marked(tmp_path: Path) -> None:
    (tmp_path / "label.xml").write_text(
        "<document xmlns='urn:hl7-org:v3'><setId root='a'/><component><structuredBody><component>"
        "<section><code code='34068-7'/><title>Dose <content hidden=''>x</content></title><text>"
        "<paragraph>One a day.</paragraph><paragraph style='display:none'>Take ten.</paragraph>"
        "</text></section></component></structuredBody></component></document>",
        "utf-8",
    )
    (document,) = SplSource(path=tmp_path).documents()
    assert isinstance(document, Document)
    (section,) = document.sections
    assert section.text == "One a day.\n<span hidden>Take ten.</span>"
    assert section.title == "Dose <span hidden>x</span>"
