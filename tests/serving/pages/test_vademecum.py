"""The pages on medicines: found by a name, read, compared, and what changed in them."""

from __future__ import annotations

import doctest
import html

import httpx

from cauce.knowledge.labels.shelf import Shelf
from cauce.knowledge.names.resolver import NameResolver
from cauce.knowledge.names.search import NameSearch
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Spoken
from cauce.serving.pages import medicines
from cauce.serving.wording.vademecum import VADEMECUM
from documents import medicine


def text_of(answer: httpx.Response) -> str:
    return html.unescape(answer.text)


def test_names_are_found_by_how_their_words_begin(shelf) -> None:
    names = NameSearch(shelf.store)
    assert [(it.name, it.label) for it in names.starting("ADV")] == [("Advil", "ibuprofen")]
    assert [it.name for it in names.starting("citalo")] == ["citalopram"]
    assert names.starting("  ") == names.starting("talopram") == []


def test_the_search_needs_no_script(reader) -> None:
    page = text_of(reader.get("/vademecum", params={"q": "adv", "lang": "en"}))
    assert "1 medicine" in page and 'href="/medicine?name=Advil&lang=en"' in page
    assert '<input type="hidden" name="lang" value="en">' in page


def test_a_misspelled_name_is_asked_about_and_an_unknown_one_is_said(reader) -> None:
    page = text_of(reader.get("/vademecum", params={"q": "ibuprofeno 400"}))
    assert 'href="/medicine?name=ibuprofen"' in page
    unknown = text_of(reader.get("/vademecum", params={"q": "zzyzx"}))
    assert VADEMECUM["es"]["nothing"].format(name="zzyzx") in unknown


def test_a_monograph_shows_its_sections_its_version_and_where_its_words_stand(reader) -> None:
    page = text_of(reader.get("/medicine", params={"name": "Advil", "lang": "en"}))
    assert "version 3 of 2023-01-01" in page
    assert page.count("Adults take 400 mg every 8 hours.") == 2
    assert "/section?source=test&id=ibuprofen&language=en&section=dose&start=0" in page
    easy = text_of(reader.get("/medicine", params={"name": "Advil", "easy": "1"}))
    assert '<div class="easy"' in easy and "400 mg" in easy


def test_an_unknown_name_and_an_unknown_document_are_not_there(reader) -> None:
    unknown = reader.get("/medicine", params={"name": "zzyzx"})
    assert (unknown.status_code, 'id="search"' in unknown.text) == (404, True)
    other = reader.get("/medicine", params={"name": "Advil", "document": "test/warfarin/en"})
    assert other.status_code == 404


def test_what_changed_between_versions_is_marked(reader) -> None:
    page = text_of(reader.get("/medicine/changes", params={"name": "ibuprofen"}))
    assert "<del>300</del><ins>400</ins>" in page.replace("\n", "")
    assert '<option value="2" selected>2 (2022-01-01)</option>' in page
    asked = {"name": "ibuprofen", "older": "1", "newer": "2"}
    page = text_of(reader.get("/medicine/changes", params=asked))
    assert "<del>200</del><ins>300</ins>" in page.replace("\n", "")
    only = text_of(reader.get("/medicine/changes", params={"name": "warfarin", "lang": "en"}))
    assert VADEMECUM["en"]["only_one"].format(version="1") in only
    assert reader.get("/medicine/changes", params={"name": "zzyzx"}).status_code == 404


def test_two_are_compared_each_with_its_source(reader) -> None:
    page = text_of(reader.get("/compare", params={"a": "Advil", "b": "warfarin", "lang": "en"}))
    assert "Adults take 400 mg" in page and "Adults take 5 mg" in page
    assert "Warfarin bleeds more with ibuprofen" in page
    assert page.count("/section?") >= 3
    assert "What the texts of warfarin say of Advil" in page
    half = reader.get("/compare", params={"a": "Advil"})
    assert half.status_code == 200 and 'value="Advil"' in half.text
    unknown = text_of(reader.get("/compare", params={"a": "Advil", "b": "zzyzx", "lang": "en"}))
    assert VADEMECUM["en"]["nothing"].format(name="zzyzx") in unknown


def test_a_medicine_is_called_by_its_name_in_the_language(tmp_path) -> None:
    spanish = medicine("ibuprofeno", language="es", group="ibuprofen")
    build_index(tmp_path / "index.sqlite", [medicine("ibuprofen", brands=("Advil",)), spanish])
    store = Index(tmp_path / "index.sqlite")
    vademecum = medicines.Vademecum(Shelf(store, NameResolver.of_index(store), None))

    def called(typed: str, spoken: Spoken) -> tuple[str, str]:
        [found] = vademecum.search(typed)
        shown = vademecum.called(found, typed, spoken)
        return shown.name, shown.label

    assert called("ibu", "es") == called("ibuprofeno", "ca") == ("ibuprofeno", "ibuprofeno")
    assert called("ibu", "en") == ("ibuprofen", "ibuprofen")
    assert called("ADV", "es") == ("Advil", "ibuprofeno")
    assert called("ibuprofeno", "en") == ("ibuprofeno", "ibuprofen")
    store.close()


def test_doc_examples() -> None:
    assert doctest.testmod(medicines).failed == 0
