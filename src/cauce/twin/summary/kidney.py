"""How well the kidneys filter, estimated from creatinine: CKD-EPI 2021, which asks for no race.

Inker et al. 2021, N Engl J Med 385:1737-1749, doi 10.1056/NEJMoa2102953.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

YOUNGEST_YEARS = 18
"""The equation was developed in adults."""


class _Terms(NamedTuple):
    kappa: float
    alpha: float
    factor: float


_OF_SEX: dict[str, _Terms] = {
    "female": _Terms(0.7, -0.241, 1.012),
    "male": _Terms(0.9, -0.302, 1.0),
}


def ckd_epi_2021(
    creatinine_mg_dl: float, age_years: float, sex: Literal["female", "male"]
) -> float:
    """Estimated glomerular filtration rate in mL/min/1.73 m².

    142 · min(Scr/κ, 1)^α · max(Scr/κ, 1)^-1.200 · 0.9938^age · (1.012 if female).

    >>> round(ckd_epi_2021(0.9, 50, "male")), round(ckd_epi_2021(0.7, 50, "female"))
    (104, 105)
    """
    kappa, alpha, factor = _OF_SEX[sex]
    ratio = creatinine_mg_dl / kappa
    below, above = min(ratio, 1.0) ** alpha, max(ratio, 1.0) ** -1.2
    return float(142 * below * above * 0.9938**age_years * factor)
