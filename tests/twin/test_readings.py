from __future__ import annotations

from collections import Counter

import pytest

from cauce.twin.readings import known_readings, plain, reading_of_loinc, reading_of_name
from cauce.twin.units import in_unit, ucum

READINGS = known_readings().values()


def check_digit(number: str) -> int:
    """LOINC's, modulo 10: every other digit from the right is doubled as one number."""
    odd = int(number[::-1][::2][::-1]) * 2
    return -sum(map(int, number[::-1][1::2][::-1] + str(odd))) % 10


def test_every_loinc_code_has_its_check_digit_and_one_reading():
    codes = [code for reading in READINGS for code in reading.loinc]
    assert all(int(code.split("-")[1]) == check_digit(code.split("-")[0]) for code in codes)
    assert [code for code, times in Counter(codes).items() if times > 1] == []
    assert all(reading_of_loinc(code) in READINGS for code in codes)
    assert reading_of_loinc("1-8") is None


def test_no_name_is_that_of_two_readings():
    names = [
        (plain(name), reading.name)
        for reading in READINGS
        for name in (reading.name, *reading.names.values(), *reading.other_names)
    ]
    assert [name for name, times in Counter(n for n, _ in set(names)).items() if times > 1] == []


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.name)
def test_every_unit_is_one_that_is_known(reading):
    assert ucum(reading.unit) == reading.unit
    assert in_unit(7.0, reading.unit, reading.unit, reading=reading.name) == 7.0
    assert in_unit(7.0, reading.unit.replace("L", "l"), reading.unit) == pytest.approx(7.0)


def test_a_reading_is_known_by_its_names_in_three_languages():
    for name in ("Frecuencia cardíaca", "heart rate", "freqüència cardíaca", "PULSO", "heart_rate"):
        assert reading_of_name(name).name == "heart_rate"
    assert reading_of_name("shoe size") is None


def test_all_columns_of_the_challenge_are_known():
    columns = "Albumin ALP ALT AST Bilirubin BUN Cholesterol Creatinine DiasABP FiO2 GCS Glucose "
    columns += "HCO3 HCT HR K Lactate MAP MechVent Mg NIDiasABP NIMAP NISysABP Na PaCO2 PaO2 pH "
    columns += "Platelets RespRate SaO2 SysABP Temp TroponinI TroponinT Urine WBC Weight"
    assert {reading.physionet for reading in READINGS} - {""} == set(columns.split())
