"""Numbers that a record does not hold and that follow from it: the filtration of the kidneys."""

from __future__ import annotations

from cauce.twin.summary.kidney import YOUNGEST_YEARS, ckd_epi_2021
from cauce.twin.summary.recorded import age_at
from cauce.twin.timeline import Event, Person


def filtration_of(creatinine: Event, person: Person) -> float | None:
    """Estimated filtration in whole mL/min/1.73 m²; None for a child or where sex or birth lacks.

    Whole, as laboratories are asked to report it (KDIGO 2024); the age is that at the reading.
    """
    sex, birth = person.sex, person.birth
    if not creatinine.value or creatinine.value < 0 or creatinine.unit != "mg/dL":
        return None
    if creatinine.start is None or birth is None or sex not in ("female", "male"):
        return None
    age = age_at(birth, creatinine.start)
    if age < YOUNGEST_YEARS:
        return None
    return float(round(ckd_epi_2021(creatinine.value, age, sex)))
