"""Energy and emissions out of measured CPU seconds: an estimate, and its constants beside it.

A tracker of `codecarbon` is not run: where a machine tells it no power, as a virtual one does not,
it multiplies time by constants too, after seconds of looking. Of codecarbon only its published
table of grids is read, as a file: none of its code runs, so nothing is sent anywhere.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cauce.errors import UserError
from cauce.report.trust.evidence import Evidence, measure_of

WATTS = 4.0
"""Of a busy thread, codecarbon's own figure for a processor that it does not know."""
_TABLE = "codecarbon/data/private_infra/global_energy_mix.json"
_ESTIMATES = {
    "training_cpu": ("training_energy", "training_carbon"),
    "answers_cpu": ("answers_energy", "answers_carbon"),
}


class Grid(NamedTuple):
    """What a kilowatt-hour of a country's electricity emits."""

    grams: float
    """Of CO2e."""
    note: str
    """Every constant of the estimate."""


def grid_of(country: str) -> Grid | None:
    """The grid of the country (ISO 3166-1 alpha-3); None without the extra `energy`.

    Raises UserError where the table has no such country.
    """
    try:
        installed = importlib.metadata.distribution("codecarbon")
    except importlib.metadata.PackageNotFoundError:
        return None
    table: dict[str, Any] = json.loads(Path(str(installed.locate_file(_TABLE))).read_bytes())
    if country not in table:
        raise UserError(
            f"no grid of {country!r} is known.\n"
            f"Give a country by its three letters, such as ESP; there are {len(table)}."
        )
    row = table[country]
    note = (
        f"{WATTS:g} W/thread; {row['carbon_intensity']:g} g CO2e/kWh ({country} {row['year']}); "
        f"codecarbon {installed.version}; CPU only: no memory, accelerator, cooling"
    )
    return Grid(row["carbon_intensity"], note)


def estimates(rows: Iterable[Evidence], country: str) -> Iterator[Evidence]:
    """Energy and emissions of every row of processor time."""
    if (grid := grid_of(country)) is None:
        return
    for row in rows:
        if row.name in _ESTIMATES and isinstance(row.value, float):
            watt_hours = row.value * WATTS / 3600
            grams = watt_hours / 1000 * grid.grams
            for name, value in zip(_ESTIMATES[row.name], (watt_hours, grams), strict=True):
                measure = measure_of(name)
                made = {"name": name, "value": value, "unit": measure.unit, "note": grid.note}
                yield row.model_copy(update={**made, "source": "estimated"})
