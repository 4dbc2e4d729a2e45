"""What is masked, and what has to stay."""

from __future__ import annotations

import importlib.resources
import itertools
import re

import pytest

from cauce.safety.personal.finding import find, mask, tells_who
from cauce.safety.personal.spans import PersonalSpan


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "Soy María García y mi DNI es 12345678Z",
            "Soy [NOMBRE] y mi DNI es [DNI]",
        ),
        ("me llamo antonio lopez y tomo enalapril", "me llamo [NOMBRE] y tomo enalapril"),
        ("Mi teléfono es el 612 345 678.", "Mi teléfono es el [TELÉFONO]."),
        ("escríbame a ana.gil@correo.es", "escríbame a [CORREO]"),
        ("NIE X1234567L, seguridad social 28 12345678 40", "NIE [DNI], seguridad social [NUSS]"),
        ("cuenta ES91 2100 0418 4502 0005 1332 abierta", "cuenta [CUENTA] abierta"),
        ("NHC: 2498674.", "NHC: [IDENTIFICADOR]."),
        ("Fecha de ingreso: 12/06/2018.", "Fecha de ingreso: [FECHA]."),
        ("mire https://ejemplo.es/foto, por favor", "mire [WEB], por favor"),
        ("Em dic Montserrat Vila", "Em dic [NOMBRE]"),
        ("My name is Emily Clark", "My name is [NOMBRE]"),
        ("SSN 123-45-6789, call 415-555-0132", "SSN [NUSS], call [TELÉFONO]"),
        ("Mi abuela tiene 96 años", "Mi abuela tiene [EDAD]"),
    ],
)
def test_who_it_is_about_is_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Mi madre, de 82 años, tiene Alzheimer y toma memantina 20 mg",
        "enfermedad de Crohn y síndrome de Guillain-Barré",
        "Glasgow 15, Barthel 60, signo de Murphy negativo",
        "Metformina 850 mg 1-0-1, tensión 140/90, glucosa 126",
        "2000 mg de metformina",
        "1000 ml de agua al día",
        "¿Puedo tomar Nolotil con Sintrom?",
        "soy diabético y me duelen los pies",
        "What is Parkinson's disease?",
        "",
        "\n\n",
    ],
)
def test_what_is_clinical_stays_letter_for_letter(text):
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Tel: 612345678\n20 mg de enalapril", "Tel: [TELÉFONO]\n20 mg de enalapril"),
        ("Llame al 612345678\n20 mg de enalapril", "Llame al [TELÉFONO]\n20 mg de enalapril"),
        ("Seguridad social: 28 12345678\n40 mg", "Seguridad social: [NUSS]\n40 mg"),
        ("Ingreso el 5 de mayo\n20 mg de enalapril", "Ingreso el [FECHA]\n20 mg de enalapril"),
        ("Teléfono:\n612345678", "Teléfono:\n[TELÉFONO]"),
        ("mire https://ejemplo.es/foto\ny llame", "mire [WEB]\ny llame"),
    ],
)
def test_a_number_ends_with_its_line(text, masked):
    assert mask(text) == masked


def test_spans_stand_in_order_and_apart_and_masking_twice_changes_nothing():
    text = (
        "Dr. Luis Pérez Gil\nC/ Mayor, 3, 28013 Madrid\nTel. 91 234 56 78, luis@gil.es 3/4/2020\n"
    )
    spans = find(text)
    assert len(spans) >= 6
    for before, after in itertools.pairwise(spans):
        assert before.start < before.end <= after.start
    assert all(0 < span.certainty <= 1 for span in spans)
    clean = mask(text)
    assert clean.count("\n") == text.count("\n")
    assert not re.search(r"\d", clean)
    assert mask(clean) == clean


def test_a_number_with_right_check_digits_is_certain():
    (right,) = find("DNI 12345678Z")
    (wrong,) = find("DNI 12345678A")
    assert right.certainty == 1 > wrong.certainty


def test_ages_above_89_tell_who_somebody_is():
    ages = ("89 años", "ocho meses", "90 años", "noventa y dos años", "ninety")
    spans = {text: PersonalSpan(0, len(text), "EDAD", 1.0) for text in ages}
    assert [tells_who(text, span) for text, span in spans.items()] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_the_table_is_small():
    path = importlib.resources.files("cauce") / "data/safety/personal.bin"
    assert len(path.read_bytes()) <= 500_000
