from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cauce.knowledge.labels.classes import (
    classes_of,
    folded,
    medicine_classes,
    phrase,
    speaks_of_another,
)
from cauce.sources.substances import known_medicines
from shared import CHECKOUT

MEDICINES = [
    yaml.safe_load(path.read_text("utf-8"))
    for path in sorted((CHECKOUT / "src" / "cauce" / "data" / "vademecum").glob("*.yaml"))
]


def names(found) -> set[str]:
    return {one.names["en"] for one in found}


@given(st.text())
def test_folding_keeps_every_place(text):
    assert len(folded(text)) == len(text)


@pytest.mark.parametrize("medicine", MEDICINES, ids=lambda medicine: medicine["id"])
def test_the_classes_that_a_name_tells_are_those_that_its_code_tells(medicine):
    """The stems are an addition for labels without codes; they may know less, never otherwise."""
    called = [medicine["names"]["en"], medicine["names"]["es"]]
    by_name = names(classes_of(called, {}))
    by_code = names(classes_of([], {"atc": [medicine["atc"]]}))
    assert by_name <= by_code


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_class_is_found_by_its_own_name(language):
    for one in medicine_classes():
        text = folded(f"se toma con {one.names[language]} a la vez")
        assert any(list(words.found_in(text)) for words in one.said), one.names[language]


@pytest.mark.parametrize(
    ("lacking", "name"),
    [
        ("proton pump inhibitors", "aripiprazole"),
        ("benzodiazepines", "acetazolamide"),
        ("triptans", "oxitriptan"),
        ("antipsychotics", "domperidone"),
        ("opioids", "apomorphine"),
        ("GLP-1 agonists", "teduglutide"),
        ("statins", "nystatin"),
        ("beta blockers", "stanozolol"),
    ],
)
def test_a_name_that_only_ends_alike_is_no_member(lacking, name):
    assert lacking not in names(classes_of([name], {}))


def test_the_class_of_a_label_tells_a_member():
    codes = {"pharm_class": ["Nonsteroidal Anti-inflammatory Drug [EPC]"]}
    assert "NSAIDs" in names(classes_of(["nameless"], codes))
    assert classes_of(["nameless"], {}) == ()


def test_no_known_medicine_is_in_more_than_seven_classes():
    assert max(len(classes_of(medicine, {})) for medicine in known_medicines()) <= 7


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("non-steroidal anti-inflammator*", "nonsteroidal antiinflammatory drugs"),
        ("non-steroidal anti-inflammator*", "non steroidal  anti-inflammatories"),
        ("aine*", "los AINEs"),
        ("beta-blocker*", "betablockers"),
    ],
)
def test_hyphens_spaces_and_endings_of_a_phrase_are_free(words, text):
    assert list(phrase(words).found_in(folded(text)))


def test_a_phrase_is_whole_words():
    assert not list(phrase("aine*").found_in("lidocaine"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("indapamide", "loop diuretics", "diuretics"),
        ("duloxetine", "tricyclic antidepressants", "antidepressants"),
        ("cetirizine", "antihistaminicos h2", "antihistaminicos"),
    ],
)
def test_words_inside_the_phrase_of_another_class_speak_of_that_one(name, text, said):
    classes = classes_of([name], {})
    start = text.index(said)
    assert speaks_of_another(text, start, start + len(said), classes)
    assert not speaks_of_another(said, 0, len(said), classes)
