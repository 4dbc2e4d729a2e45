from __future__ import annotations

import time

import pytest

from cauce.knowledge.names.resolver import NameResolver
from cauce.knowledge.sections.store import NameEntry

GENERICS = {
    "ibuprofen": "ibuprofen",
    "omeprazole": "omeprazol",
    "paracetamol": "paracetamol",
    "citalopram": "citalopram",
    "haloperidol": "haloperidol",
    "losartan": "losartan",
    "hydrochlorothiazide": "hidroclorotiazid",
    "mycophenolic acid": "micofenolic",
    "ferrous sulfate": "iron sulfic",
    "simvastatin": "simvastatin",
    "doxorubicin": "doxorubicin",
    "sofosbuvir": "sofosbuvir",
    "zolpidem": "zolpidem",
    "mesalazine": "mesalazin",
}
BRANDS = {
    "ASA": "acetilsalicilic",
    "Zyrtec": "cetirizin",
    "Herceptin": "trastuzumab",
    "Soma": "carisoprodol",
    "Tabloid": "tioguanin",
    "Rayos": "prednison",
    "Lyrica": "pregabalin",
}


@pytest.fixture(scope="module")
def resolver() -> NameResolver:
    entries = [NameEntry(name, group) for name, group in GENERICS.items()]
    brands = [NameEntry(name, group, "brand") for name, group in BRANDS.items()]
    usual = {"diureticos", "tabloid", "used", "rayos", "harvoni", "mtx"}
    return NameResolver([*entries, *brands], is_common_word=usual.__contains__)


@pytest.mark.parametrize(
    ("question", "choices"),
    [
        ("losartan/hydrochlorothiazide dose", {"losartan", "hydrochlorothiazide"}),
        ("dosis de losartán 50 mg/hidroclorotiazida 12.5 mg", {"losartan", "hydrochlorothiazide"}),
        ("losartan hydrochlorothiazide side effects", {"losartan", "hydrochlorothiazide"}),
        ("R-citalopram dose", {"citalopram"}),
        ("haloperidol decanoate dose", {"haloperidol"}),
        ("liposomal doxorubicin dose", {"doxorubicin"}),
        ("Zyrtec-D dose", {"Zyrtec"}),
        ("Z-zolpidem or R-zolpidem", {"zolpidem"}),
        ("ibuprofen-6-glucuronide dose", {"ibuprofen"}),
        ("dose of Herceptin Hylecta", {"Herceptin"}),
        ("ibuprofen PM dose", {"ibuprofen"}),
        ("What is tabloid used for?", {"Tabloid"}),
        ("dose of dizolpidem", {"zolpidem"}),
        ("what is the dose of a statin?", {"simvastatin"}),
        ("side effects of iron", {"ferrous sulfate"}),
    ],
)
def test_what_the_words_beside_a_name_may_make_another_medicine_is_asked_about(
    resolver: NameResolver, question: str, choices: set[str]
) -> None:
    resolution = resolver.resolve(question)
    assert (resolution.kind, {*resolution.choices}) == ("ask", choices)


@pytest.mark.parametrize(
    ("question", "looked_for"),
    [
        ("ledipasvir/sofosbuvir dose", "ledipasvir sofosbuvir"),
        ("losartan er/valsartan dose", "losartan er valsartan"),
        ("ferrous fumarate dose", "ferrous fumarate"),
        ("micofenolato de mofetilo dosis", "micofenolato de mofetilo"),
        ("zolpidem/barium sulfate dose", "zolpidem barium sulfate"),
        ("dose of MTX", "mtx"),
        ("and 5-FU?", "5 fu"),
        ("TMP-SMX dose", "tmp-smx"),
        ("Harvoni dose", "harvoni"),
        ("efectos adversos de la vacuna", "vacuna"),
        ("and the other one?", "the other one"),
    ],
)
def test_what_the_store_lacks_is_never_its_part_or_the_medicine_of_the_turn_before(
    resolver: NameResolver, question: str, looked_for: str
) -> None:
    resolution = resolver.resolve(question)
    assert (resolution.kind, resolution.looked_for) == ("unknown", (looked_for,))


@pytest.mark.parametrize(
    ("question", "groups"),
    [
        ("not ibuprofen, I mean omeprazole: what is it for?", ["omeprazol"]),
        ("no ibuprofeno, quiero decir omeprazol", ["omeprazol"]),
        ("instead of ibuprofen give me the omeprazole dose", ["omeprazol"]),
        ("I don't take ibuprofen. Dose of omeprazole?", ["omeprazol"]),
        ("sin ibuprofeno: dosis de paracetamol", ["paracetamol"]),
        ("omeprazole dose, not ibuprofen", ["omeprazol"]),
        ("ibuprofen, sorry, omeprazole dose", ["omeprazol"]),
        ("Can I not take ibuprofen with omeprazole?", ["ibuprofen", "omeprazol"]),
        ("What can I take instead of ibuprofen?", ["ibuprofen"]),
        ("Dr. Soma said ibuprofen, dose?", ["ibuprofen"]),
        ("What did Dr. Lyrica say? Dose of ibuprofen", ["ibuprofen"]),
        ("ibuprofen/omeprazole interactions", ["ibuprofen", "omeprazol"]),
        ("5-ASA dose", ["mesalazin"]),
        ("ASA class III, ibuprofen dose", ["ibuprofen"]),
        ("ibuprofen-free diet", ["ibuprofen"]),
        ("ibu\u200bprofen dose", ["ibuprofen"]),
        ("ibu\u00adprofen dose", ["ibuprofen"]),
        ("ibu-profen dose", ["ibuprofen"]),
        ("ibuprоfеn dose", ["ibuprofen"]),
        ("<b>ibuprofen</b>&nbsp;dose", ["ibuprofen"]),
    ],
)
def test_only_the_medicines_that_are_meant_are_found(
    resolver: NameResolver, question: str, groups: list[str]
) -> None:
    resolution = resolver.resolve(question)
    assert resolution.kind == "found"
    assert [mention.group for mention in resolution.mentions] == groups


@pytest.mark.parametrize(
    "question",
    [
        "and in pregnancy?",
        "¿y si tomo diuréticos?",
        "and with antibiotics?",
        "and in COPD?",
        "is it a statin?",
        "Rayos X y embarazo",
        "I read it in a tabloid, is it safe?",
        "iron deficiency",
    ],
)
def test_what_leans_on_the_turn_before_names_nothing(resolver: NameResolver, question: str) -> None:
    assert resolver.resolve(question).kind == "unnamed"


@pytest.mark.parametrize("text", ["n." * 50_000, "ndc " * 25_000, "00000-0000 " * 9_000])
def test_a_text_of_any_length_is_read_at_once(resolver: NameResolver, text: str) -> None:
    start = time.process_time()
    resolver.resolve(text)
    assert time.process_time() - start < 1
