from __future__ import annotations

import random
import time

import pytest

from cauce.knowledge.names.near_words import allowed_typos
from cauce.knowledge.names.resolver import NameResolver, known_medicine_names
from cauce.knowledge.sections.store import NameEntry
from cauce.knowledge.words import is_common_word

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


def test_a_misspelling_near_a_medicine_that_the_store_lacks_is_asked_about() -> None:
    entries = [NameEntry("metformina", "metformin")]
    resolver = NameResolver(entries, elsewhere={"metirosina": "metirosine"})
    assert resolver.resolve("metfromina").choices == ("metformina", "metirosina")
    assert resolver.resolve("metformona").mentions[0].group == "metformin"
    assert resolver.resolve("metirosina").kind == "unknown"
    assert resolver.resolve("metirosiná").kind == "unknown"
    assert resolver.resolve("metorosina").looked_for == ("metirosina",)


def test_a_question_without_a_medicine_is_unnamed(resolver: NameResolver) -> None:
    assert resolver.resolve("What time is it in Madrid?").kind == "unnamed"


def test_several_medicines_are_found_in_order(resolver: NameResolver) -> None:
    mentions = resolver.resolve("Advil with Lexapro").mentions
    assert [mention.group for mention in mentions] == ["ibuprofen", "escitalopram"]


def test_a_common_word_is_no_misspelled_name() -> None:
    entries = [NameEntry("tablexon", "tablexon", "brand")]
    assert NameResolver(entries, elsewhere={}).resolve("two tablets").kind == "unnamed"
    assert NameResolver(entries, elsewhere={}).resolve("take tablexan").kind == "found"
    usual = NameResolver(entries, is_common_word={"tablexan"}.__contains__, elsewhere={})
    assert usual.resolve("take tablexan").kind == "unnamed"


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


ENTRIES = [
    *(NameEntry(name, group) for name, group in (
        ("amoxicillin", "amoxicilin"),
        ("amoxicillin/clavulanic acid", "amoxicilin+clavulanic"),
        ("lidocaine and tetracaine", "lidocain+tetracain"),
        ("ibuprofen", "ibuprofen"),
        ("paracetamol", "paracetamol"),
        ("ibuprofen and paracetamol", "ibuprofen+paracetamol"),
        ("insulin glargine", "glargin insulin"),
        ("insulin lispro", "insulin lispr"),
        ("hydroxycarbamide", "hidroxicarbamid"),
        ("metformin", "metformin"),
    )),
    *(NameEntry(name, group, "brand") for name, group in (
        ("Toprol-XL", "metoprolol"),
        ("Nexium", "esomeprazol"),
        ("Nexium Control", "esomeprazol"),
        ("Mopral", "omeprazol"),
        ("Tabloid", "tioguanin"),
        ("transdermal fentanyl", "fentanil"),
    )),
]  # fmt: skip


@pytest.fixture(scope="module")
def real() -> NameResolver:
    return NameResolver(ENTRIES)


@pytest.mark.parametrize(
    ("question", "groups"),
    [
        ("dosis de metformina clorhidrato", ["metformin"]),
        ("hidrocloruro de metformina", ["metformin"]),
        ("hydroxyurea side effects", ["hidroxicarbamid"]),
        ("amoxi-clavulánico en niños", ["amoxicilin+clavulanic"]),
        ("amoxicilina con ácido clavulánico", ["amoxicilin+clavulanic"]),
        ("¿Para qué sirve la amoxicilina?", ["amoxicilin"]),
        ("¿Puedo tomar ibuprofeno con paracetamol?", ["ibuprofen", "paracetamol"]),
        ("ibuprofen and paracetamol together?", ["ibuprofen", "paracetamol"]),
        ("dose of ibuprofen and paracetamol", ["ibuprofen+paracetamol"]),
        ("toprol dose", ["metoprolol"]),
        ("paracetmol o ibuprfeno", ["paracetamol", "ibuprofen"]),
        ("Is Tabloid safe?", ["tioguanin"]),
        ("Nexium plus ibuprofen", ["esomeprazol", "ibuprofen"]),
        ("ibuprofen cold", ["ibuprofen"]),
    ],
)
def test_a_medicine_is_found_by_any_of_its_names(
    real: NameResolver, question: str, groups: list[str]
) -> None:
    resolution = real.resolve(question)
    assert [mention.group for mention in resolution.mentions] == groups
    assert resolution.kind == "found"


@pytest.mark.parametrize(
    ("question", "choices"),
    [
        ("dosis de insulina", {"insulin glargine", "insulin lispro"}),
        ("lidocaína en el embarazo", {"lidocaine and tetracaine"}),
        ("¿Qué es el clavulánico?", {"amoxicillin/clavulanic acid"}),
        ("esmeprazole", {"Nexium", "Mopral"}),
        ("maproal dose", {"Mopral"}),
        ("Nexium Plus", {"Nexium"}),
        ("co-mopral", {"Mopral"}),
        ("metformina comp", {"metformin"}),
        ("ibuprofeno con insulina", {"insulin glargine", "insulin lispro"}),
    ],
)
def test_what_may_be_several_medicines_or_another_is_asked_about(
    real: NameResolver, question: str, choices: set[str]
) -> None:
    resolution = real.resolve(question)
    assert (resolution.kind, set(resolution.choices)) == ("ask", choices)


@pytest.mark.parametrize(
    ("question", "looked_for"),
    [
        ("¿para qué sirve el xylofenazol?", "xylofenazol"),
        ("¿Y el xylofenazol?", "xylofenazol"),
        ("What are the side effects of Xylobrun Qwertolan?", "xylobrun qwertolan"),
        ("Is Toradol safe?", "toradol"),
        ("dosis de warfarina", "warfarina"),
        ("What is insulin detemir for?", "insulin detemir"),
    ],
)
def test_an_unknown_medicine_is_named_as_what_was_looked_for(
    real: NameResolver, question: str, looked_for: str
) -> None:
    resolution = real.resolve(question)
    assert (resolution.kind, resolution.looked_for) == ("unknown", (looked_for,))


def test_an_unknown_or_misspelled_medicine_beside_a_known_one_is_not_passed_over(
    real: NameResolver,
) -> None:
    beside = real.resolve("Can I take Zorblax with ibuprofen?")
    assert (beside.mentions[0].group, beside.looked_for) == ("ibuprofen", ("zorblax",))
    both = real.resolve("ibuprofeno con metfornina")
    assert [mention.group for mention in both.mentions] == ["ibuprofen", "metformin"]


@pytest.mark.parametrize(
    "question",
    [
        "What is Crohn's disease?",
        "What are the treatments for Langerhans cell histiocytosis?",
        "¿Puedo beber alcohol?",
        "¿Y en el embarazo?",
        "the transdermal patch",
    ],
)
def test_ordinary_words_name_no_medicine(real: NameResolver, question: str) -> None:
    assert real.resolve(question).kind == "unnamed"


@pytest.mark.parametrize(
    "question",
    [
        "Can people with Crohn's disease take ibuprofen?",
        "¿Puedo tomar ibuprofeno si tengo colitis ulcerosa?",
        "ibuprofeno y alcohol",
    ],
)
def test_an_ailment_beside_a_medicine_is_no_second_one(real: NameResolver, question: str) -> None:
    resolution = real.resolve(question)
    assert (len(resolution.mentions), resolution.looked_for) == (1, ())


def test_a_substance_that_mixtures_are_also_called_means_it_alone() -> None:
    entries = [
        NameEntry("acetaminophen", "paracetamol"),
        NameEntry("acetaminophen", "codein+paracetamol"),
    ]
    assert NameResolver(entries).resolve("acetaminophen").mentions[0].group == "paracetamol"


def test_a_brand_of_several_medicines_is_asked_about() -> None:
    entries = [
        NameEntry("ibuprofen", "ibuprofen"),
        NameEntry("Femidol", "ibuprofen", "brand"),
        NameEntry("naproxen", "naproxen"),
        NameEntry("Femidol", "naproxen", "brand"),
    ]
    assert set(NameResolver(entries).resolve("femidol").choices) == {"ibuprofen", "naproxen"}


def test_what_a_text_names_is_told_apart_from_what_the_store_lacks(real: NameResolver) -> None:
    named = real.medicines_of("Ibuprofeno raises the effect of warfarin; take it with milk.")
    assert named == {"ibuprofen", "?warfarin"}


def test_a_letter_between_two_names_is_always_asked_about(real: NameResolver) -> None:
    entries = [NameEntry("prednisone", "prednison"), NameEntry("prednisolone", "prednisolon")]
    resolver = NameResolver(entries)
    for text in ("prednislone", "prednisolne", "prednosone", "predniolone"):
        resolution = resolver.resolve(text)
        groups = {mention.group for mention in resolution.mentions}
        assert resolution.kind == "ask" or len(groups) == 1, text
    assert resolver.resolve("prednislone").kind == "ask"


def test_a_spelling_in_no_list_that_is_near_another_medicine_is_asked_about() -> None:
    entries = [NameEntry("morphine", "morfin"), NameEntry("Motrin", "ibuprofen", "brand")]
    resolver = NameResolver(entries)
    assert set(resolver.resolve("Where do I keep morfin?").choices) == {"morphine", "Motrin"}
    assert resolver.resolve("Where do I keep morfina?").mentions[0].group == "morfin"


def test_thousands_of_names_are_searched_in_milliseconds() -> None:
    draw = random.Random(1)
    letters = "abcdefghilmnoprstuvxz"
    names = {"".join(draw.choices(letters, k=draw.randint(6, 12))) for _ in range(30_000)}
    resolver = NameResolver([NameEntry(name, name, "brand") for name in names])
    start = time.process_time()
    for _ in range(20):
        resolver.resolve("What are the side effects of xvoltarenq in my family doctor's words?")
    assert (time.process_time() - start) / 20 < 0.1


def test_no_known_medicine_is_an_ordinary_word() -> None:
    single = {name for name in known_medicine_names() if name.isalpha() and len(name) >= 5}
    assert {name for name in single if is_common_word(name)} == set()


@pytest.mark.parametrize("word", ["amoxicil·lina", "AMOXICIL·LINA", "amoxici\u0140lina"])
def test_a_double_l_as_catalan_parts_it_is_one_of_spanish(
    resolver: NameResolver, word: str
) -> None:
    resolution = resolver.resolve(f"Puc prendre {word}?")
    assert (resolution.kind, resolution.mentions[0].typos) == ("found", 0)
    assert resolution.mentions[0].group == "amoxicillin"
