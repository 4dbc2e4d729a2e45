"""A table of what was measured, found or given: a line for each, as people keep it themselves.

    person,time,name,value,unit          persona;fecha;nombre;valor;unidad
    ana,2026-03-01T08:00,weight,64,kg    ana;01/03/2026 08:00;peso;64,5;kg

Columns are known by their names, in English or Spanish and in any order; `kind`, `end`, `text`,
`code`, `birth` and `sex` may be there too. Columns are parted by commas, semicolons or tabs. Dates
are those of ISO 8601, and with a Spanish heading day/month/year too; a time without a zone is UTC.
A comma is a decimal sign where columns are parted by something else.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from cauce.errors import UserError
from cauce.records import Refusal
from cauce.sources.paths import UNPACKING_FAULTS, matching_files, open_bytes
from cauce.twin.measuring import measured
from cauce.twin.readings import Reading, plain, reading_of_loinc, reading_of_name
from cauce.twin.timeline import Code, Event, EventKind, Person, Timeline, in_order

MOST_CHARACTERS_IN_CELL = 131_072
"""A longer cell is a quote that was never closed."""
_COLUMNS = {
    "person": ("person", "patient", "id", "persona", "paciente"),
    "time": ("time", "date", "start", "fecha", "momento", "inicio", "fecha y hora"),
    "name": ("name", "what", "nombre", "que", "lectura", "concepto"),
    "value": ("value", "valor", "resultado"),
    "unit": ("unit", "unidad", "unidades"),
    "kind": ("kind", "type", "tipo", "clase"),
    "end": ("end", "fin"),
    "text": ("text", "texto", "nota", "dosis", "dose"),
    "code": ("code", "codigo"),
    "birth": ("birth", "birth date", "nacimiento", "fecha de nacimiento"),
    "sex": ("sex", "sexo"),
}
_SPANISH_TIMES = ("fecha", "momento", "inicio", "fecha y hora")
_KINDS: dict[str, EventKind] = {
    "reading": "reading",
    "lectura": "reading",
    "medida": "reading",
    "condition": "condition",
    "enfermedad": "condition",
    "diagnostico": "condition",
    "medicine": "medicine",
    "medicamento": "medicine",
    "medicina": "medicine",
    "allergy": "allergy",
    "alergia": "allergy",
    "encounter": "encounter",
    "visita": "encounter",
    "ingreso": "encounter",
    "procedure": "procedure",
    "procedimiento": "procedure",
    "plan": "plan",
    "answer": "answer",
    "respuesta": "answer",
}
_SEXES: dict[str, Literal["female", "male", "other", "unknown"]] = {
    "female": "female",
    "f": "female",
    "mujer": "female",
    "male": "male",
    "m": "male",
    "hombre": "male",
    "varon": "male",
    "other": "other",
    "otro": "other",
}
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_LOINC = re.compile(r"(?:loinc[:|])?(\d{1,6}-\d)", re.IGNORECASE)


class _Table(NamedTuple):
    """What the heading of a file says of its lines."""

    columns: dict[str, int]
    unread: tuple[str, ...]
    """Columns that no name is known of."""
    separator: str
    is_day_first: bool
    file: str


class _Row(NamedTuple):
    person: Person
    event: Event
    problem: str
    """Why its number cannot be compared; empty where it can."""


class _BadRow(ValueError):
    """A line that cannot be read, and why."""


def read_csv(path: Path) -> tuple[list[Timeline], list[Refusal]]:
    """The timelines of the people in a table, a folder or a glob of tables, packed or not.

    A line that cannot be read is refused, and so is a number that is none where one is known to be
    measured; a number in another unit than its reading's is told in that. UserError where a column
    is missing, NotFound where there is no table.
    """
    people: dict[str, Person] = {}
    events: dict[str, list[Event]] = {}
    refusals: list[Refusal] = []
    for file in matching_files(path, (".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        for item in _rows(file):
            if isinstance(item, Refusal):
                refusals.append(item)
                continue
            person = people.setdefault(item.person.id, item.person)
            if person.birth and item.person.birth and person.birth != item.person.birth:
                problem = "this person was born on another day by an earlier line"
                refusals.append(_refusal(item.event, problem))
                continue
            people[person.id] = _known_better(person, item.person)
            events.setdefault(person.id, []).append(item.event)
            if item.problem:
                refusals.append(_refusal(item.event, item.problem))
    timelines = [Timeline(person=people[id], events=in_order(own)) for id, own in events.items()]
    return timelines, refusals


def _known_better(person: Person, told: Person) -> Person:
    """The person, with what a later line tells that was not known."""
    if (told.birth and not person.birth) or (told.sex != "unknown" and person.sex == "unknown"):
        return Person(
            id=person.id,
            birth=person.birth or told.birth,
            sex=told.sex if person.sex == "unknown" else person.sex,
        )
    return person


def _refusal(event: Event, reason: str) -> Refusal:
    return Refusal(file=event.file, position=event.origin, reason=reason)


def _rows(path: Path) -> Iterator[_Row | Refusal]:
    try:
        with open_bytes(path) as stream:
            text = stream.read().decode("utf-8-sig")
    except (UnicodeDecodeError, *UNPACKING_FAULTS) as error:
        reason = f"neither UTF-8 nor a whole packed file ({type(error).__name__})"
        yield Refusal(file=str(path), position="the whole file", reason=reason)
        return
    table = _table(text, path)
    if table.unread:
        reason = f"columns that are not read: {', '.join(table.unread)}"
        yield Refusal(file=str(path), position="line 1", reason=reason)
    # The limit is the interpreter's, and other readers raise it.
    csv.field_size_limit(MOST_CHARACTERS_IN_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=table.separator)
    next(reader, None)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _told(_Cells(cells, table), f"line {reader.line_num}")
    except csv.Error as error:
        reason = f"the rest is no table: {error}"
        yield Refusal(file=str(path), position=f"line {reader.line_num}", reason=reason)


def _told(cells: _Cells, place: str) -> _Row | Refusal:
    try:
        return _row(cells, place)
    except _BadRow as error:
        return Refusal(file=cells.table.file, position=place, reason=str(error))


def _table(text: str, path: Path) -> _Table:
    """The columns by their heading; UserError where one that is needed is not there."""
    heading = text.partition("\n")[0]
    separator = max(";\t,", key=heading.count)
    names = [plain(cell) for cell in next(csv.reader([heading], delimiter=separator), [])]
    columns = {
        column: next(place for place, name in enumerate(names) if name in spellings)
        for column, spellings in _COLUMNS.items()
        if set(names) & set(spellings)
    }
    if missing := [name for name in ("person", "time", "name") if name not in columns]:
        raise UserError(
            f"{path} has no column {', '.join(missing)}: its heading is {heading.strip()!r}.\n"
            "Give the columns person, time, name, value and unit, or persona, fecha, nombre, "
            "valor and unidad."
        )
    is_day_first = names[columns["time"]] in _SPANISH_TIMES
    unread = tuple(name for place, name in enumerate(names) if place not in columns.values())
    return _Table(columns, unread, separator, is_day_first, str(path))


class _Cells:
    """The cells of a line by the column's name."""

    def __init__(self, cells: list[str], table: _Table) -> None:
        self._cells = cells
        self.table = table

    def __getitem__(self, column: str) -> str:
        place = self.table.columns.get(column)
        return "" if place is None or place >= len(self._cells) else self._cells[place].strip()


def _row(cells: _Cells, place: str) -> _Row:
    if not (id := cells["person"]) or not (name := cells["name"]):
        raise _BadRow("no person, or no name of what it tells")
    kind = _KINDS.get(plain(cells["kind"] or "reading"))
    if kind is None:
        raise _BadRow("its kind is none of reading, condition, medicine, allergy, encounter...")
    code = _code(cells["code"])
    reading = _reading(kind, name, code)
    value = _number(cells["value"], cells.table)
    if cells["value"] and value is None and reading:
        raise _BadRow(f"the value is no number, and {reading.name} is one")
    number = None if value is None else measured(reading, value, cells["unit"])
    event = Event(
        kind=kind,
        name=name,
        codes=(code,) if code else (),
        reading=number.reading if number else "",
        start=_time(cells["time"], cells.table),
        end=_time(cells["end"], cells.table),
        value=number.value if number else None,
        unit=number.unit if number else "",
        text=cells["text"] or ("" if number else cells["value"]),
        file=cells.table.file,
        origin=place,
    )
    if event.start and event.end and event.end < event.start:
        raise _BadRow("it ends before it starts")
    birth = _time(cells["birth"], cells.table)
    sex = _SEXES.get(plain(cells["sex"]), "unknown")
    person = Person(id=id, birth=birth.date() if birth else None, sex=sex)
    return _Row(person, event, number.problem if number else "")


def _code(text: str) -> Code | None:
    """`2160-0` and `loinc:2160-0` are of LOINC; another system is named before its code."""
    if not text:
        return None
    if loinc := _LOINC.fullmatch(text):
        return Code(system="loinc", code=loinc[1])
    system, _, code = text.partition(":")
    return Code(system=system.lower(), code=code) if code else Code(system="unknown", code=text)


def _reading(kind: EventKind, name: str, code: Code | None) -> Reading | None:
    if kind != "reading":
        return None
    coded = reading_of_loinc(code.code) if code and code.system == "loinc" else None
    return coded or reading_of_name(name)


def _number(text: str, table: _Table) -> float | None:
    """The number; None for a text that is none, such as one whose comma may part thousands."""
    written = text.replace(",", ".") if table.separator != "," and "." not in text else text
    try:
        value = float(written)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _time(text: str, table: _Table) -> datetime | None:
    if not text:
        return None
    try:
        if table.is_day_first and (found := _DAY_FIRST.fullmatch(text)):
            day, month, year, hour, minute, second = (int(one or 0) for one in found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        told = datetime.fromisoformat(text)
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise _BadRow("a date is none: write 2026-03-01 or 2026-03-01T08:00") from error
