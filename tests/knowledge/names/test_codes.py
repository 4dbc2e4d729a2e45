from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.knowledge.names.codes import codes_in
from cauce.knowledge.names.resolver import NameResolver
from cauce.knowledge.sections.store import NameEntry

SET_ID = "606101a0-6244-7eff-e053-2a91aa0acadd"
MEDICINES = {
    "0078-0979": ["siponimod"],
    "62670": ["mesalazin"],
    "N02BE01": ["paracetamol"],
    "N02BE": ["paracetamol", "metamizol"],
    SET_ID: ["azatioprin"],
}


@pytest.fixture
def resolver() -> NameResolver:
    entries = [NameEntry(group, group) for groups in MEDICINES.values() for group in groups]

    def coded(code: str) -> list[NameEntry]:
        return [NameEntry(code, group, "code") for group in MEDICINES.get(code, ())]

    return NameResolver(entries, coded=coded, elsewhere={})


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("NDC 0078-0979-20, please", ["0078-0979-20"]),
        ("código nacional 654321.7", ["654321.7"]),
        ("número de registro: 62.670", ["62.670"]),
        ("EU/1/18/1286/004", ["EU/1/18/1286/004"]),
        (f"what is {SET_ID}?", [SET_ID]),
        ("n02be01 y L04AB04", ["n02be01", "L04AB04"]),
        ("RxCUI 5640", ["5640"]),
        ("103256021-ft", ["103256021-ft"]),
        ("take 500 mg twice, 10000 UI or 400-800 mg", []),
        ("in 2019/2020 or 12-2020", []),
        ("vitamin B12, covid-19 and 2,5 ml", []),
    ],
)
def test_codes_are_told_from_doses(text: str, codes: list[str]) -> None:
    assert [code.text for code in codes_in(text)] == codes


@given(st.text(max_size=60))
def test_codes_never_overlap_and_stand_in_the_text(text: str) -> None:
    codes = codes_in(text)
    assert all(code.text in text[code.start : code.stop] for code in codes)
    assert all(one.stop <= other.start for one, other in itertools.pairwise(codes))


@pytest.mark.parametrize(
    ("question", "group"),
    [
        ("NDC 0078-0979 side effects", "siponimod"),
        ("nregistro 62670 y el embarazo", "mesalazin"),
        ("¿Qué es N02BE01?", "paracetamol"),
        (f"what is {SET_ID} for?", "azatioprin"),
    ],
)
def test_a_code_finds_its_medicine(resolver: NameResolver, question: str, group: str) -> None:
    resolution = resolver.resolve(question)
    assert [mention.group for mention in resolution.mentions] == [group]
    assert resolution.looked_for == ()


def test_a_code_of_several_medicines_is_asked_about(resolver: NameResolver) -> None:
    resolution = resolver.resolve("dose of ATC N02BE")
    assert (resolution.kind, resolution.choices) == ("ask", ("metamizol", "paracetamol"))


def test_a_code_that_no_medicine_bears_is_unknown(resolver: NameResolver) -> None:
    assert resolver.resolve("código nacional 999999").looked_for == ("999999",)
    assert resolver.resolve("NDC 1234-5678").kind == "unknown"
    assert resolver.resolve("I paid 123456 for it").kind == "unnamed"


def test_a_code_and_a_name_of_one_medicine_are_one(resolver: NameResolver) -> None:
    resolution = resolver.resolve("siponimod (NDC 0078-0979) dose")
    assert [mention.group for mention in resolution.mentions] == ["siponimod"]
