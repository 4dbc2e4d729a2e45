"""The bounds of a label's sentence, and whom they hold."""

from __future__ import annotations

import pytest

from cauce.assistant.personal.bounds import intervals_in
from cauce.assistant.personal.kidneys import kidney_findings
from cauce.assistant.personal.people import age_findings
from cauce.knowledge.sections.store import DocumentEntry, SectionEntry
from cauce.twin.summary.summary import summary_of
from invented_people import WHEN, measured, record

DOCUMENT = DocumentEntry(1, "test", "x", "1", "X", "es", "x", "")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("clcr < 30 ml/min", 29.9, 30),
        ("clcr ≤ 30 ml/min", 30, 30.1),
        ("por debajo de un aclaramiento de creatinina de 50 ml/min", 49, 50),
        ("desde 30 hasta menos de 45 ml/min", 30, 29),
        ("between 30 and 59 ml/min", 59, 60),
        ("30 ml/min o menos", 30, 31),
        ("above 60 ml/min", 61, 59),
        ("clcr 15-29 ml/min", 20, 14),
    ],
)
def test_a_bound_holds_those_on_its_side(text: str, inside: float, outside: float) -> None:
    intervals = intervals_in(text, "ml/min")
    assert any(one.holds(inside) for one in intervals)
    assert not any(one.holds(outside) for one in intervals)


def test_numbers_of_another_unit_bound_nothing() -> None:
    assert intervals_in("menos de 30 mg", "ml/min") == ()
    assert intervals_in("no supere los 30 ml/min", "ml/min") == ()


@pytest.mark.parametrize(
    ("sentence", "egfr", "notes"),
    [
        ("No usar con ClCr < 30 ml/min.", 28, ("clearance",)),
        ("No usar con ClCr < 30 ml/min.", 31, None),
        ("No usar con un filtrado inferior a 30 ml/min.", 28, ()),
        ("No usar si eGFR < 30.", 28, ()),
        ("Ajustar según el filtrado (ml/min): vea la tabla.", 90, ("unread",)),
        ("Contraindicado en la insuficiencia renal grave.", 28, ("grade",)),
        ("Contraindicado en la insuficiencia renal grave.", 31, None),
        ("Reducir en la insuficiencia renal moderada o grave.", 45, ("grade",)),
        ("La insuficiencia renal exige menos.", 55, ("no_figure",)),
        ("La insuficiencia renal exige menos.", 65, None),
        ("Puede causar insuficiencia renal.", 20, None),
        ("Tome 30 ml por la mañana.", 20, None),
    ],
)
def test_a_sentence_is_told_where_it_holds_the_recorded_filtration(sentence, egfr, notes) -> None:
    section = SectionEntry(DOCUMENT, "4.3", "contraindications", "4.3", sentence)
    summary = summary_of(record(measured("egfr", egfr)), "es", WHEN)
    found = list(kidney_findings([section], summary.reading("egfr")))
    assert [one.notes for one in found] == ([] if notes is None else [notes])


TABLE = """Posología en la insuficiencia renal
Aclaramiento de creatinina (ml/min) | Dosis
>= 50 | 150 mg
30 a 50 | 100 mg
15 a 29 | 50 mg
Insuficiencia renal
"""


def test_of_a_table_the_row_is_quoted_that_holds_the_recorded_filtration() -> None:
    section = SectionEntry(DOCUMENT, "4.2", "dose", "4.2", TABLE)
    summary = summary_of(record(measured("egfr", 28.0)), "es", WHEN)
    (found,) = kidney_findings([section], summary.reading("egfr"))
    assert found.passage is not None
    assert found.passage.quote in TABLE
    assert found.passage.quote.startswith("Aclaramiento de creatinina (ml/min) | Dosis")
    assert found.passage.quote.endswith("15 a 29 | 50 mg")
    assert found.notes == ("clearance", "table")


@pytest.mark.parametrize(
    ("sentence", "age", "is_told"),
    [
        ("Por encima de 65 años, la mitad.", 70, True),
        ("Por encima de 65 años, la mitad.", 60, False),
        ("Over the age of 75, start with less.", 78, True),
        ("No dar a menores de 12 años.", 10, True),
        ("No dar a menores de 12 años.", 13, False),
        ("No dar a menores de 12 años.", 70, False),
        ("Niños mayores de 6 años: 5 mg.", 4, True),
        ("No usar en mayores de 18 años.", 70, False),
        ("Los ancianos necesitan menos.", 65, True),
        ("Los ancianos necesitan menos.", 64, False),
        ("Manténgalo fuera del alcance de los niños.", 6, False),
    ],
)
def test_a_sentence_on_an_age_is_told_to_those_of_that_age(sentence, age, is_told) -> None:
    section = SectionEntry(DOCUMENT, "4.2", "dose", "4.2", sentence)
    born = WHEN.date().replace(year=WHEN.year - age)
    summary = summary_of(record(birth=born), "es", WHEN)
    assert bool(list(age_findings([section], summary.of("person")[0]))) == is_told
