from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.twin.measuring import measured
from cauce.twin.readings import known_readings
from cauce.twin.units import NotComparable, in_unit, ucum

# Values and factors as laboratories print them in their tables of conversion.
PUBLISHED = [
    (1.0, "mg/dL", "umol/L", "creatinine", 88.4),
    (100.0, "mg/dL", "mmol/L", "glucose", 5.55),
    (200.0, "mg/dL", "mmol/L", "cholesterol", 5.17),
    (150.0, "mg/dL", "mmol/L", "triglycerides", 1.69),
    (14.0, "mg/dL", "mmol/L", "urea_nitrogen", 5.0),
    (30.0, "mg/dL", "mmol/L", "urea", 5.0),
    (1.0, "mg/dL", "umol/L", "bilirubin", 17.1),
    (10.0, "mg/dL", "mmol/L", "calcium", 2.5),
    (10.0, "mg/dL", "meq/L", "calcium", 4.99),
    (2.0, "mg/dL", "mmol/L", "magnesium", 0.823),
    (4.0, "meq/L", "mmol/L", "potassium", 4.0),
    (6.0, "mg/dL", "umol/L", "uric_acid", 357.0),
    (7.0, "%", "mmol/mol", "hba1c", 53.0),
    (30.0, "mg/g", "mg/mmol", "urine_albumin_creatinine", 3.39),
    (15.0, "g/dL", "mmol/L", "haemoglobin", 9.31),
    (98.6, "[degF]", "Cel", "temperature", 37.0),
    (310.15, "K", "Cel", "temperature", 37.0),
    (1.0, "kPa", "mm[Hg]", "arterial_oxygen", 7.5006),
    (150.0, "[lb_av]", "kg", "weight", 68.04),
    (5.5, "[ft_i]", "cm", "height", 167.64),
    (250.0, "10*9/L", "10*3/uL", "platelets", 250.0),
    (9500.0, "/mm3", "10*3/uL", "white_cells", 9.5),
    (45.0, "%", "1", "inspired_oxygen", 0.45),
    (14.0, "ng/L", "ug/L", "troponin_t", 0.014),
]


@pytest.mark.parametrize(("value", "unit", "wanted", "reading", "expected"), PUBLISHED)
def test_conversions_are_those_of_published_tables(value, unit, wanted, reading, expected):
    assert in_unit(value, unit, wanted, reading=reading) == pytest.approx(expected, rel=4e-3)


@given(st.sampled_from(PUBLISHED), st.floats(1e-3, 1e5))
def test_there_and_back_is_the_same_number(conversion, value):
    _, unit, wanted, reading, _ = conversion
    there = in_unit(value, unit, wanted, reading=reading)
    assert in_unit(there, wanted, unit, reading=reading) == pytest.approx(value, rel=1e-9, abs=1e-8)


@given(
    st.sampled_from(("k", "d", "c", "m", "u", "n", "p", "f", "")),
    st.sampled_from(("g", "mol", "L", "m", "U", "[iU]", "eq", "s")),
    st.sampled_from(("", "/L", "/dL", "/min", ".m-2", "/10*3")),
)
def test_a_prefix_is_its_power_of_ten(prefix, atom, rest):
    power = {"": 1, "k": 1e3, "d": 0.1, "c": 0.01, "m": 1e-3, "u": 1e-6, "n": 1e-9}
    power |= {"p": 1e-12, "f": 1e-15}
    told = in_unit(1.0, f"{prefix}{atom}{rest}", f"{atom}{rest}")
    assert told == pytest.approx(power[prefix], rel=1e-9)


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("mmHg", "mm[Hg]"),
        ("mm Hg", "mm[Hg]"),
        ("mL/min/1,73 m²", "mL/min/{1.73_m2}"),
        ("ml/min/1.73m2", "ml/min/{1.73_m2}"),
        ("x10^9/L", "10*9/L"),
        ("10e3/µL", "10*3/uL"),
        ("K/uL", "10*3/uL"),
        ("mEq/L", "meq/l"),
        ("Mg/dL", "mg/dl"),
        ("mcg/L", "ug/L"),
        ("µUI/mL", "u[iU]/mL"),
        ("ºC", "Cel"),
        ("lpm", "/min"),
        ("kg/m²", "kg/m2"),
        ("furlong", "furlong"),
        ("10 3/uL", "10 3/uL"),
        ("mg/", "mg/"),
    ],
)
def test_units_as_they_are_printed(printed, code):
    assert ucum(printed) == code


@pytest.mark.parametrize(
    ("unit", "wanted", "reading"),
    [
        ("mg/dL", "mmol/L", ""),
        ("kg", "cm", "weight"),
        ("furlong", "cm", "height"),
        ("cm", "furlong", "height"),
        ("mg/dL", "mmol/L", "c_reactive_protein"),
    ],
)
def test_what_measures_something_else_is_refused(unit, wanted, reading):
    with pytest.raises(NotComparable, match=r"cannot be told in|no known unit"):
        in_unit(1.0, unit, wanted, reading=reading)


def test_a_number_that_cannot_be_compared_is_kept_as_it_is():
    creatinine = known_readings()["creatinine"]
    assert measured(creatinine, 88.4, "µmol/L")[:3] == (
        "creatinine",
        pytest.approx(1, 1e-4),
        "mg/dL",
    )
    assert measured(creatinine, 1.0, "furlong")[:3] == ("", 1.0, "furlong")
    assert "without a unit" in measured(creatinine, 1.0, "").problem
    assert measured(known_readings()["inr"], 2.5, "") == ("inr", 2.5, "{INR}", "")
    assert measured(None, 3.0, "µg") == ("", 3.0, "ug", "")
