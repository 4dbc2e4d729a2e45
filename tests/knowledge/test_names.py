from __future__ import annotations

import random

import pytest

from cauce.knowledge.index import NameEntry
from cauce.knowledge.names import NameResolver, allowed_typos

NAMES = {
    "ibuprofen": ("ibuprofen", "ibuprofeno", "Advil"),
    "citalopram": ("citalopram", "Celexa"),
    "escitalopram": ("escitalopram", "Lexapro"),
    "omeprazole": ("omeprazole", "omeprazol"),
    "esomeprazole": ("esomeprazole", "esomeprazol"),
    "quinine": ("quinine", "quinina"),
    "amoxicillin": ("amoxicillin", "amoxicilina"),
    "amoxicillin+clavulanic": ("amoxicillin/clavulanic acid", "Augmentine"),
    "metoprolol": ("metoprolol succinate", "Toprol-XL"),
}


@pytest.fixture
def resolver() -> NameResolver:
    entries = [
        NameEntry(name, group)
        for number, (group, names) in enumerate(NAMES.items())
        for name in names
    ]
    return NameResolver(entries, elsewhere={"quinidine": "quinidine", "quinidina": "quinidine"})


@pytest.mark.parametrize("group", NAMES)
def test_every_exact_name_is_found_in_a_question(resolver: NameResolver, group: str) -> None:
    for name in NAMES[group]:
        for wording in ("What is {} for?", "¿Puedo conducir con {}?", "{}"):
            resolution = resolver.resolve(wording.format(name.upper()))
            assert resolution.kind == "found"
            assert [mention.group for mention in resolution.mentions] == [group]


def test_the_longest_name_wins(resolver: NameResolver) -> None:
    resolution = resolver.resolve("dose of amoxicillin / clavulanic acid")
    assert [mention.group for mention in resolution.mentions] == ["amoxicillin+clavulanic"]


def test_missing_accents_and_case_do_not_matter(resolver: NameResolver) -> None:
    assert resolver.resolve("IBUPROFÉNO").mentions[0].group == "ibuprofen"


def test_look_alikes_are_asked_about(resolver: NameResolver) -> None:
    resolution = resolver.resolve("dosis de esitalopram")
    assert resolution.kind == "ask"
    assert set(resolution.choices) == {"citalopram", "escitalopram"}


def test_a_real_medicine_that_the_store_lacks_is_never_taken_for_its_neighbour(
    resolver: NameResolver,
) -> None:
    assert resolver.resolve("What is quinidine for?").kind == "unknown"
    assert resolver.resolve("What is quinidine for?").looked_for == ("quinidine",)
    assert resolver.resolve("What is quinidin for?").kind == "unknown"
    assert resolver.resolve("What is quinidne for?").choices == ("quinidine", "quinine")


def test_a_store_name_that_is_nearer_than_one_elsewhere_is_understood() -> None:
    entries = [NameEntry("metformina", "metformin")]
    resolver = NameResolver(entries, elsewhere={"metirosina": "metirosine"})
    assert resolver.resolve("metfromina").mentions[0].group == "metformin"
    assert resolver.resolve("metirosina").kind == "unknown"
    assert resolver.resolve("metirosiná").kind == "unknown"
    assert resolver.resolve("metorosina").looked_for == ("metirosina",)


def test_a_question_without_a_medicine_is_unnamed(resolver: NameResolver) -> None:
    assert resolver.resolve("What time is it in Madrid?").kind == "unnamed"


def test_several_medicines_are_found_in_order(resolver: NameResolver) -> None:
    mentions = resolver.resolve("Advil with Lexapro").mentions
    assert [mention.group for mention in mentions] == ["ibuprofen", "escitalopram"]


def test_a_common_word_is_no_misspelled_name() -> None:
    entries = [NameEntry("tablex", "tablex")]
    assert NameResolver(entries, elsewhere={}).resolve("the tablet").kind == "found"
    common = NameResolver(entries, is_common_word={"tablet"}.__contains__, elsewhere={})
    assert common.resolve("the tablet").kind == "unnamed"


def test_typos_within_the_limit_never_give_another_medicine(resolver: NameResolver) -> None:
    draw = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    wrong = 0
    for group, names in NAMES.items():
        for name in names:
            if " " in name or "/" in name or "-" in name:
                continue
            for _ in range(30):
                text = name.lower()
                for _ in range(allowed_typos(text)):
                    place = draw.randrange(len(text))
                    text = text[:place] + draw.choice(letters) + text[place + 1 :]
                resolution = resolver.resolve(text)
                if resolution.kind == "found":
                    wrong += resolution.mentions[0].group != group
    assert wrong == 0
