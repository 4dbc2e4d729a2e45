"""People to learn from or to foretell, read from what a user names, as series of one width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cauce.errors import NotFound, UserError
from cauce.records import Refusal
from cauce.twin.consent import Purpose
from cauce.twin.medicines import medicine_variables, with_medicines
from cauce.twin.readings import known_readings
from cauce.twin.series import Series, Variables
from cauce.twin.store import TWINS, open_twin
from cauce.twin.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

ARCHIVES = (".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2")
FHIR_FILES = (".json", ".ndjson", ".jsonl")
LEAST_SHARE = 0.02
"""Of the people must have a reading for a model to be told of it."""
STATICS = ("age", "female")


class Cohort(NamedTuple):
    """People, and what the columns of their series are."""

    people: list[Series]
    variables: Variables
    refusals: list[Refusal]
    timelines: dict[str, Timeline]
    """Of those who have one, by the id of the series."""
    twins: dict[str, str]
    """The id of each twin by its name, which is that of its series."""

    def series_of(self, name: str) -> Series:
        """That person's."""
        return next(one for one in self.people if one.id == name)


class _Read(NamedTuple):
    series: list[Series]
    variables: Variables | None
    """Of the series; None where there are none."""
    timelines: dict[str, Timeline]
    refusals: list[Refusal]
    twins: dict[str, str]


def read_cohort(
    data: Sequence[str],
    variables: Variables | None = None,
    *,
    purpose: Purpose,
    twins: Path = TWINS,
) -> Cohort:
    """The people of the files, folders, archives and twins named.

    `variables` are those of a model that is to be asked; without, they are what the data tell.
    Twins are read where `purpose` was consented to. Raises UserError where a name is neither, and
    where there are no people.
    """
    read = _Read([], None, {}, [], {})
    for name in data:
        read = _joined(read, _read(name, purpose, twins))
    wanted = variables or read.variables or variables_of(list(read.timelines.values()))
    people = [_aligned(one, read.variables, wanted) for one in read.series]
    people += [_series_of(name, timeline, wanted) for name, timeline in read.timelines.items()]
    if not people:
        raise UserError(
            f"{', '.join(data)}: no person in it ({len(read.refusals)} records refused).\n"
            "Name files of people: the challenge's folder or archive, FHIR, CSV, or added twins."
        )
    return Cohort(people, wanted, read.refusals, read.timelines, read.twins)


def variables_of(timelines: Sequence[Timeline]) -> Variables:
    """The known readings and the medicines that some of the people have."""
    having = Counter(
        reading
        for timeline in timelines
        for reading in {event.reading for event in timeline.of_kind("reading")}
    )
    least = max(1, LEAST_SHARE * len(timelines))
    readings = tuple(name for name in known_readings() if having[name] >= least)
    medicines = medicine_variables(timelines, least=least)
    return Variables(readings=(*readings, *medicines), statics=STATICS)


def _read(name: str, purpose: Purpose, twins: Path) -> _Read:
    path = Path(name)
    if not path.exists() and ("." in name or "/" in name):
        raise NotFound(
            f"no file or folder {name!r}.\nGive one that exists, or a twin's name: cauce twin list"
        )
    if not path.exists():
        twin = open_twin(name, purpose, twins=twins)
        return _Read([], None, {name: twin.timeline}, [], {name: twin.sources.id})
    if _is_challenge(path):
        from cauce.twin.physionet import read_challenge

        series, variables, refusals = read_challenge(path)
        return _Read(series, variables, {}, refusals, {})
    timelines, refusals = _timelines(path)
    return _Read([], None, {line.person.id: line for line in timelines}, refusals, {})


def _is_challenge(path: Path) -> bool:
    if path.is_dir():
        return any(path.rglob("*.txt"))
    return path.name.lower().endswith(ARCHIVES)


def _timelines(path: Path) -> tuple[list[Timeline], list[Refusal]]:
    from cauce.twin.csv_table import read_csv
    from cauce.twin.fhir import read_fhir
    from cauce.twin.parquet import read_timelines

    if path.suffix == ".parquet":
        return read_timelines(path), []
    return read_csv(path) if path.suffix == ".csv" else read_fhir(path)


def _joined(one: _Read, other: _Read) -> _Read:
    twice = {*one.timelines, *(s.id for s in one.series)} & {
        *other.timelines,
        *(s.id for s in other.series),
    }
    if twice:
        raise UserError(
            f"{len(twice)} people are in two of the data named.\nName each of them once."
        )
    if one.variables and other.variables and one.variables != other.variables:
        raise UserError("the series named have other columns.\nName those of one kind together.")
    return _Read(
        [*one.series, *other.series],
        one.variables or other.variables,
        {**one.timelines, **other.timelines},
        [*one.refusals, *other.refusals],
        {**one.twins, **other.twins},
    )


def _series_of(name: str, timeline: Timeline, variables: Variables) -> Series:
    from cauce.twin.series_of import series_of

    series = series_of(timeline, variables)._replace(id=name)
    return with_medicines(series, timeline, variables)


def _aligned(series: Series, own: Variables | None, wanted: Variables) -> Series:
    """The columns wanted, NaN where the series has none of the name."""
    if own is None or own == wanted:
        return series
    values = np.full((len(series.hours), len(wanted.readings)), np.nan)
    _copy(own.readings, wanted.readings, series.values, values)
    statics = np.full(len(wanted.statics), np.nan)
    _copy(own.statics, wanted.statics, series.statics, statics)
    return series._replace(values=values, statics=statics)


def _copy(
    own: Sequence[str], wanted: Sequence[str], source: np.ndarray, target: np.ndarray
) -> None:
    places: Mapping[str, int] = {name: place for place, name in enumerate(own)}
    for column, name in enumerate(wanted):
        if name in places:
            target[..., column] = source[..., places[name]]
