"""CKD-EPI 2021 against its published equation, worked out in logarithms and high precision."""

from __future__ import annotations

from decimal import Decimal, getcontext

import pytest

from cauce.twin.summary.deriving import filtration_of
from cauce.twin.summary.kidney import ckd_epi_2021
from invented_people import MEASURED, measured, record

getcontext().prec = 40


def published(creatinine: str, age: int, *, female: bool) -> Decimal:
    """142 x min(Scr/k, 1)^a x max(Scr/k, 1)^-1.200 x 0.9938^age [x 1.012], one branch at a time."""
    kappa, alpha = (Decimal("0.7"), "-0.241") if female else (Decimal("0.9"), "-0.302")
    ratio = Decimal(creatinine) / kappa
    exponent = Decimal(alpha) if ratio <= 1 else Decimal("-1.2")
    value = Decimal(142) * (ratio.ln() * exponent).exp()
    value *= (Decimal("0.9938").ln() * age).exp()
    return value * Decimal("1.012") if female else value


@pytest.mark.parametrize("creatinine", ["0.4", "0.7", "0.9", "1.0", "1.3", "2.1", "6.5"])
@pytest.mark.parametrize("age", [18, 50, 85])
@pytest.mark.parametrize("female", [True, False])
def test_the_equation_is_the_published_one(creatinine: str, age: int, female: bool) -> None:
    expected = float(published(creatinine, age, female=female))
    found = ckd_epi_2021(float(creatinine), age, "female" if female else "male")
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("creatinine", "age", "sex", "expected"),
    [
        (1.0, 50, "male", 92),
        (1.0, 50, "female", 69),
        (0.9, 50, "male", 104),
        (2.1, 85, "female", 23),
    ],
)
def test_examples_worked_out_on_paper(creatinine, age, sex, expected) -> None:
    assert round(ckd_epi_2021(creatinine, age, sex)) == expected


def test_it_is_told_whole_and_at_the_age_of_the_reading() -> None:
    person = record().person
    creatinine = measured("creatinine", 2.1)
    assert filtration_of(creatinine, person) == 23.0
    long_ago = creatinine.model_copy(update={"start": MEASURED.replace(year=1960)})
    assert filtration_of(long_ago, person) == round(ckd_epi_2021(2.1, 20, "female"))


@pytest.mark.parametrize(
    "change",
    [{"birth": None}, {"sex": "unknown"}, {"birth": MEASURED.date().replace(year=2010)}],
)
def test_it_is_not_told_of_children_nor_without_age_or_sex(change) -> None:
    person = record().person.model_copy(update=change)
    assert filtration_of(measured("creatinine", 1.0), person) is None
    assert filtration_of(measured("creatinine", 1.0, start=None), record().person) is None
    assert filtration_of(measured("creatinine", 88.0, unit="umol/L"), record().person) is None
