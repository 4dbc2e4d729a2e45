from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cauce.knowledge.labels.interactions import Interaction, interactions
from cauce.knowledge.names.resolver import Mention, NameResolver
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document, Language, Names, Section
from cauce.sources.vademecum import VademecumSource


def label(
    name: str,
    texts: dict[str, str],
    *,
    language: Language = "en",
    brands: tuple[str, ...] = (),
    codes: dict[str, tuple[str, ...]] | None = None,
    group: str = "",
    document_id: str = "",
) -> Document:
    return Document(
        source="test",
        id=document_id or name,
        version="1",
        title=name.capitalize(),
        language=language,
        group=group or name,
        names=Names(substances=(name,), generics=(name,), brands=brands, codes=codes or {}),
        sections=tuple(
            Section(id=kind, kind=kind, title=kind, text=text) for kind, text in texts.items()
        ),
    )


LONG = " ".join(f"Patient {number} took many other tablets without harm." for number in range(900))
DOCUMENTS = (
    label(
        "warfarin",
        {
            "interactions": "Metronidazole raises its effect. Ask about NSAIDs. Avoid cranberry.",
            "warnings": "Bleeding is the principal danger of Warfarin.",
        },
        codes={"atc": ("B01AA03",)},
    ),
    label(
        "ibuprofen",
        {
            "interactions": f"{LONG} The INR rises with warfarin. {LONG}",
            "contraindications": "Do not take it with anticoagulants.",
            "warnings": "NSAIDs such as ibuprofen harm the stomach.",
        },
        brands=("Advil",),
        codes={"pharm_class": ("Nonsteroidal Anti-inflammatory Drug [EPC]",)},
    ),
    label(
        "naproxen",
        {
            "warnings": "NSAIDs harm the stomach. Do not combine it with other NSAIDs.",
            "interactions": "Take care with:\n• Advil\n• lithium",
        },
    ),
    label("metronidazole", {"interactions": "Lithium rises. Today is not a brand."}),
    label("lithium", {"interactions": "Nothing is known."}, brands=("Today",)),
    label(
        "aspirin",
        {"interactions": "La warfarina aumenta el sangrado."},
        language="es",
        group="acetilsalicilic",
    ),
)


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Iterator[Index]:
    path: Path = tmp_path_factory.mktemp("interactions") / "index.sqlite"
    build_index(path, DOCUMENTS)
    index = Index(path)
    yield index
    index.close()


def between(index: Index, *groups: str, language: Language = "en", limit: int = 700):
    mentions = [Mention(group, group.lstrip("?"), 0) for group in groups]
    found = interactions(index, NameResolver.of_index(index), mentions, language, limit)
    return {(one.of.group, one.other.group): one for one in found}


def said(one: Interaction) -> list[tuple[str, str, str]]:
    return [(naming.by, naming.said, naming.quote) for naming in one.namings]


def test_both_directions_are_read_and_a_name_comes_before_a_class(index):
    found = between(index, "ibuprofen", "warfarin")
    assert said(found["ibuprofen", "warfarin"]) == [
        ("name", "warfarin", "The INR rises with warfarin."),
        ("class", "anticoagulants", "Do not take it with anticoagulants."),
    ]
    assert said(found["warfarin", "ibuprofen"]) == [("class", "NSAIDs", "Ask about NSAIDs.")]


def test_every_passage_stands_letter_for_letter_where_its_citation_says(index):
    for one in between(index, "ibuprofen", "warfarin", "naproxen").values():
        for naming in one.namings:
            citation = naming.citation
            part = index.section(citation.source, citation.id, citation.section)
            end = citation.start + len(citation.quote)
            assert part and part.body[citation.start : end] == naming.quote


def test_a_text_that_names_its_own_class_does_not_name_another_member(index):
    found = between(index, "ibuprofen", "naproxen")
    assert said(found["ibuprofen", "naproxen"]) == []
    assert [by for by, _, quote in said(found["naproxen", "ibuprofen"]) if "harm" in quote] == []
    assert ("class", "NSAIDs", "Do not combine it with other NSAIDs.") in said(
        found["naproxen", "ibuprofen"]
    )


def test_an_item_of_a_list_is_quoted_with_what_announces_it(index):
    first = said(between(index, "naproxen", "ibuprofen")["naproxen", "ibuprofen"])[0]
    assert first == ("name", "Advil", "Take care with:\n• Advil")


def test_a_brand_that_is_an_ordinary_word_names_nothing_in_lower_case(index):
    assert said(between(index, "metronidazole", "lithium")["metronidazole", "lithium"]) == [
        ("name", "Lithium", "Lithium rises.")
    ]


def test_no_mention_is_told_with_the_texts_that_were_read(index):
    one = between(index, "lithium", "warfarin")["lithium", "warfarin"]
    assert (one.namings, one.texts) == ((), 1)


def test_texts_of_the_other_language_are_read_where_those_of_the_first_name_nothing(index):
    found = between(index, "acetilsalicilic", "warfarin")
    assert said(found["acetilsalicilic", "warfarin"])[0][1] == "warfarina"
    assert said(found["warfarin", "acetilsalicilic"])[0][:2] == ("class", "NSAIDs")


def test_a_medicine_that_the_store_lacks_is_named_by_others_and_says_nothing(index):
    found = between(index, "warfarin", "?metronidazol")
    assert said(found["warfarin", "?metronidazol"])[0][1] == "Metronidazole"
    assert found["?metronidazol", "warfarin"].texts == 0


def test_passages_stay_within_the_limit(index):
    for one in between(index, "ibuprofen", "warfarin", limit=40).values():
        assert sum(len(naming.quote) for naming in one.namings) <= 40
    assert said(between(index, "ibuprofen", "warfarin", limit=12)["ibuprofen", "warfarin"])


def test_the_embedded_texts_tell_the_classic_interactions_in_both_languages(tmp_path):
    build_index(
        tmp_path / "index.sqlite",
        (one for one in VademecumSource().documents() if isinstance(one, Document)),
    )
    index = Index(tmp_path / "index.sqlite")
    pairs = {"warfarin": "ibuprofen", "omeprazol": "clopidogrel", "fluoxetin": "tramadol"}
    for language in ("en", "es"):
        for a, b in pairs.items():
            for one in between(index, a, b, language=language).values():
                assert one.namings, (language, a, b)
                assert {naming.section.document.language for naming in one.namings} == {language}
    index.close()
