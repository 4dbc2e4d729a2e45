from __future__ import annotations

import gzip
from datetime import UTC, date, datetime

import pytest

from cauce.errors import NotFound, UserError
from cauce.twin.csv_table import read_csv
from cauce.twin.timeline import Code

ENGLISH = """unit,value,name,person,time,kind,end,text,code,birth,sex
kg,64.5,weight,ana,2026-03-01T08:00,,,,,1940-05-02,female
umol/L,88.4,creatinine,ana,2026-03-02,,,,loinc:2160-0,,
,,Metformin,ana,2026-01-01,medicine,2026-02-01,500 mg twice a day,atc:A10BA02,,
,positive,Strep test,ben,2026-01-05T10:00+02:00,,,,,,male
"""
SPANISH = """﻿persona;fecha;nombre;valor;unidad;tipo
ana;01/03/2026 08:30;Tensión sistólica;131,5;mmHg;
ana;2026-03-02;Penicilina;;;alergia
"""


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_a_table_in_english(tmp_path):
    (ana, ben), refusals = read_csv(write(tmp_path, ENGLISH))
    assert refusals == []
    assert (ana.person.id, ana.person.birth, ana.person.sex) == ("ana", date(1940, 5, 2), "female")
    metformin, weight, creatinine = ana.events
    assert (metformin.kind, metformin.text) == ("medicine", "500 mg twice a day")
    assert metformin.end == datetime(2026, 2, 1, tzinfo=UTC)
    assert metformin.codes == (Code(system="atc", code="A10BA02"),)
    assert (weight.reading, weight.value, weight.unit) == ("weight", 64.5, "kg")
    assert creatinine.value == pytest.approx(1.0, rel=1e-4)
    assert (creatinine.unit, creatinine.origin) == ("mg/dL", "line 3")
    [strep] = ben.events
    assert (strep.value, strep.text, strep.reading) == (None, "positive", "")
    assert strep.start == datetime(2026, 1, 5, 8, tzinfo=UTC)


def test_a_table_in_spanish_has_days_first_and_decimal_commas(tmp_path):
    [ana], refusals = read_csv(write(tmp_path, SPANISH))
    pressure, penicillin = ana.events
    assert refusals == []
    assert (pressure.reading, pressure.value) == ("systolic_pressure", 131.5)
    assert pressure.unit == "mm[Hg]"
    assert pressure.start == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
    assert penicillin.kind == "allergy"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('ana,2026-01-01,weight,"64,5",kg', "no number"),
        ("ana,01/02/2026,weight,64,kg", "a date is none"),
        (",2026-01-01,weight,64,kg", "no person"),
        ("ana,2026-01-01,weight,nan,kg", "no number"),
        ("ana,2026-02-30,weight,64,kg", "a date is none"),
    ],
)
def test_a_bad_line_is_told_and_the_rest_goes_on(tmp_path, line, reason):
    text = f"person,time,name,value,unit\n{line}\nana,2026-01-02,weight,65,kg\n"
    [ana], [refusal] = read_csv(write(tmp_path, text))
    assert [event.value for event in ana.events] == [65.0]
    assert refusal.position == "line 2"
    assert reason in refusal.reason


def test_a_number_without_its_unit_is_kept_and_not_compared(tmp_path):
    path = write(tmp_path, "person,time,name,value\nana,2026-01-01,weight,65\n")
    [ana], [refusal] = read_csv(path)
    assert (ana.events[0].reading, ana.events[0].value) == ("", 65.0)
    assert "without a unit" in refusal.reason


def test_unread_columns_and_kinds_and_two_births_are_told(tmp_path):
    text = "person,time,name,kind,birth,shoe\na,,x,nothing,,\na,,y,,1950-01-01,\na,,z,,1951-01-01,"
    [a], refusals = read_csv(write(tmp_path, text))
    assert [event.name for event in a.events] == ["y"]
    assert [one.position for one in refusals] == ["line 1", "line 2", "line 4"]


def test_packed_tables_of_a_folder_are_of_the_same_people(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(ENGLISH.encode()))
    write(tmp_path, SPANISH, "b.csv")
    (tmp_path / "c.csv.gz").write_bytes(b"not packed")
    timelines, [refusal] = read_csv(tmp_path)
    assert [(one.person.id, len(one.events)) for one in timelines] == [("ana", 5), ("ben", 1)]
    assert refusal.position == "the whole file"


def test_a_table_without_its_columns_or_no_table_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no column person, name.*\nGive the columns"):
        read_csv(write(tmp_path, "who,time,value\n1,2,3\n"))
    with pytest.raises(NotFound):
        read_csv(tmp_path / "nothing.csv")


def test_what_is_no_table_from_some_line_on_is_told(tmp_path):
    text = 'person,time,name\na,2026-01-01,x\na,2026-01-01,"' + "y" * 140_000 + '"\n'
    [a], [refusal] = read_csv(write(tmp_path, text))
    assert len(a.events) == 1
    assert "the rest is no table" in refusal.reason
