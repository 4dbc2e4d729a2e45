"""The text format of the PhysioNet/CinC Challenge 2012: two days in intensive care, a file each.

    Time,Parameter,Value
    00:00,RecordID,132539
    00:00,Age,54
    00:07,HR,73

Times are hours and minutes since admission. -1 is what is not known. Silva, Moody, Scott, Celi and
Mark, Computing in Cardiology 39 (2012), 245-248. Units are those of the known readings.
"""

from __future__ import annotations

import math
import tarfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cauce.errors import DataRefused, NotFound
from cauce.records import Refusal
from cauce.sources.paths import UNPACKING_FAULTS
from cauce.twin.readings import known_readings
from cauce.twin.series import Series, Variables
from cauce.twin.timeline import Event, Person, Timeline, in_order

ADMISSION = datetime(2000, 1, 1, tzinfo=UTC)
"""The challenge hides dates; where a timeline needs one, every person is admitted on this day."""
UNITS_OF_CARE = (
    "coronary care",
    "cardiac surgery recovery",
    "medical intensive care",
    "surgical intensive care",
)
"""What ICUType 1 to 4 stand for."""
_HEADER = "Time,Parameter,Value"
_OUTCOME_COLUMNS = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death"
_STATIC_COLUMNS = {"RecordID", "Age", "Gender", "Height", "ICUType"}
_UNKNOWN = -1.0


class Challenge(NamedTuple):
    """A set of the challenge, its records in the order of their ids."""

    series: list[Series]
    variables: Variables
    refusals: list[Refusal]


class Outcome(NamedTuple):
    """What became of one person; None where it is not known."""

    died: bool
    """In hospital."""
    stay_days: int | None
    survival_days: int | None
    """From admission to death; None also for who is not known to have died."""
    saps: int | None
    sofa: int | None


class _Record(NamedTuple):
    """One file: what it says of the person, and its numbers as they come."""

    id: str
    statics: dict[str, float]
    rows: list[tuple[int, int, str, float]]
    """Line, minutes since admission, reading, number."""
    file: str


def challenge_variables() -> Variables:
    """The 37 readings and the statics of a record."""
    readings = tuple(reading.name for reading in known_readings().values() if reading.physionet)
    return Variables(readings=readings, statics=("age", "female", "height", *UNITS_OF_CARE))


def read_challenge(path: Path) -> Challenge:
    """The series of a folder of records, or of a tar archive of them, packed or not.

    A line that cannot be read is refused and the rest of its record goes on. Of two numbers of a
    variable at the same time the later one counts. NotFound where there are no records.
    """
    variables = challenge_variables()
    place = {name: number for number, name in enumerate(variables.readings)}
    series: list[Series] = []
    refusals: list[Refusal] = []
    for item in _records(path):
        if isinstance(item, Refusal):
            refusals.append(item)
        else:
            series.append(_series(item, place))
    if not series:
        raise NotFound(
            f"no record of the challenge in {str(path)!r}.\n"
            f"Give a folder or an archive of text files that open with {_HEADER!r}."
        )
    return Challenge(sorted(series, key=lambda one: one.id), variables, refusals)


def challenge_timelines(path: Path) -> Iterator[Timeline | Refusal]:
    """The same records one by one as timelines, every person admitted on `ADMISSION`."""
    for item in _records(path):
        yield item if isinstance(item, Refusal) else _timeline(item)


def read_outcomes(path: Path) -> tuple[dict[str, Outcome], list[Refusal]]:
    """The outcomes by id, of an `Outcomes-a.txt`, or of the folder or archive that holds one."""
    outcomes: dict[str, Outcome] = {}
    refusals: list[Refusal] = []
    for file, text in _texts(path):
        if not text.startswith(_OUTCOME_COLUMNS):
            continue
        for number, line in enumerate(text.splitlines()[1:], 2):
            cells = line.split(",")
            try:
                id, saps, sofa, stay, survival, died = cells
                outcomes[id] = Outcome(
                    {"0": False, "1": True}[died], *map(_known, (stay, survival, saps, sofa))
                )
            except (ValueError, KeyError):
                reason = "not the six numbers of an outcome"
                refusals.append(Refusal(file=file, position=f"line {number}", reason=reason))
    if not outcomes:
        raise NotFound(
            f"no outcomes of the challenge in {str(path)!r}.\nGive the file `Outcomes-a.txt`."
        )
    return outcomes, refusals


def _known(cell: str) -> int | None:
    number = int(cell)
    return None if number == _UNKNOWN else number


def _records(path: Path) -> Iterator[_Record | Refusal]:
    for file, text in _texts(path):
        if text.startswith(_HEADER):
            yield from _record(file, text)
        elif not text.startswith(_OUTCOME_COLUMNS):
            reason = f"no record: its first line is not {_HEADER!r}"
            yield Refusal(file=file, position="line 1", reason=reason)


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Every text file of a folder or an archive, or the one file, with its name."""
    if path.is_dir():
        for file in sorted(path.rglob("*.txt")):
            yield str(file), file.read_text("utf-8", errors="replace")
    elif not path.is_file():
        raise NotFound(f"no file or folder {str(path)!r}.\nGive one that exists.")
    elif path.suffix == ".txt":
        yield str(path), path.read_text("utf-8", errors="replace")
    else:
        yield from _archived(path)


def _archived(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream and member.name.endswith(".txt"):
                    yield f"{path}/{member.name}", stream.read().decode("utf-8", errors="replace")
    except (tarfile.TarError, *UNPACKING_FAULTS) as error:
        raise DataRefused(
            f"{path}: no archive, or a damaged one ({error}).\nGet the file again, or unpack it."
        ) from error


def _record(file: str, text: str) -> Iterator[_Record | Refusal]:
    """The record of a file, after what is wrong with its lines."""
    names = _names()
    statics: dict[str, float] = {}
    rows: list[tuple[int, int, str, float]] = []
    minutes: dict[str, int] = {}
    for number, line in enumerate(text.splitlines()[1:], 2):
        try:
            time, column, cell = line.split(",")
            value = float(cell)
            if time not in minutes:
                minutes[time] = _minutes(time)
            if not math.isfinite(value):
                raise ValueError(cell)
        except ValueError:
            reason = "not a time, a parameter and a number"
            yield Refusal(file=file, position=f"line {number}", reason=reason)
            continue
        if column in names:
            if value != _UNKNOWN:
                rows.append((number, minutes[time], names[column], value))
        elif column in _STATIC_COLUMNS:
            statics |= {column: value} if value != _UNKNOWN else {}
        else:
            reason = "its parameter is none of the challenge"
            yield Refusal(file=file, position=f"line {number}", reason=reason)
    if "RecordID" in statics:
        yield _Record(f"{statics['RecordID']:.0f}", statics, rows, file)
    else:
        yield Refusal(file=file, position="the whole file", reason="no RecordID")


@cache
def _names() -> dict[str, str]:
    """The known reading of each column."""
    return {one.physionet: one.name for one in known_readings().values() if one.physionet}


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    if not (hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60):
        raise ValueError(time)
    return int(hours) * 60 + int(minutes)


def _series(record: _Record, place: dict[str, int]) -> Series:
    minutes = sorted({at for _, at, _, _ in record.rows})
    row_of = {at: row for row, at in enumerate(minutes)}
    values = np.full((len(minutes), len(place)), np.nan)
    for _, at, reading, value in record.rows:
        values[row_of[at], place[reading]] = value
    return Series(record.id, np.array(minutes) / 60.0, values, np.array(_statics(record)))


def _statics(record: _Record) -> list[float]:
    told = record.statics
    unit = told.get("ICUType")
    return [
        told.get("Age", math.nan),
        1.0 - told["Gender"] if "Gender" in told else math.nan,
        told.get("Height", math.nan),
        *(math.nan if unit is None else float(unit == n + 1) for n in range(len(UNITS_OF_CARE))),
    ]


def _timeline(record: _Record) -> Timeline:
    told = record.statics
    sex = {0.0: "female", 1.0: "male"}.get(told.get("Gender", math.nan), "unknown")
    age = told.get("Age")
    person = Person.model_validate(
        {
            "id": record.id,
            "birth": date(ADMISSION.year - int(age), 1, 1) if age is not None else None,
            "sex": sex,
        }
    )
    return Timeline(person=person, events=in_order([*_stay(record), *_numbers(record)]))


def _stay(record: _Record) -> Iterator[Event]:
    """The admission, to a unit where it is told, and the height."""
    unit = record.statics.get("ICUType")
    is_known = unit is not None and 1 <= unit <= len(UNITS_OF_CARE)
    name = UNITS_OF_CARE[int(unit or 0) - 1] if is_known else "intensive care"
    yield Event(kind="encounter", name=name, start=ADMISSION, file=record.file, origin="ICUType")
    if "Height" in record.statics:
        yield _reading(record, "height", ADMISSION, record.statics["Height"], "Height")


def _numbers(record: _Record) -> Iterator[Event]:
    for line, at, reading, value in record.rows:
        time = ADMISSION + timedelta(minutes=at)
        yield _reading(record, reading, time, value, f"line {line}")


def _reading(record: _Record, name: str, time: datetime, value: float, origin: str) -> Event:
    reading = known_readings()[name]
    return Event(
        kind="reading",
        name=reading.physionet or name.capitalize(),
        reading=name,
        start=time,
        value=value,
        unit=reading.unit,
        file=record.file,
        origin=origin,
    )
