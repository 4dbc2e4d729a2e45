"""What happened to one person, in the order of time, each event with the place it is written at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Literal

from cauce.records import Record

EventKind = Literal[
    "reading", "condition", "medicine", "allergy", "encounter", "procedure", "plan", "answer"
]
"""`reading`: something measured. `answer`: an item of a questionnaire, or a scale's total."""

_FIRST = datetime.min.replace(tzinfo=UTC)


class Code(Record):
    """A term of a code system: `Code(system="loinc", code="2160-0")`."""

    system: str
    """`loinc`, `snomed`, `rxnorm`, `atc`, `ndc`, `icd10`... or the system's own address."""
    code: str


class Event(Record):
    """One thing that was measured, found, given or done."""

    kind: EventKind
    name: str
    """As its source prints it."""
    codes: tuple[Code, ...] = ()
    reading: str = ""
    """Which of the known readings (`cauce.twin.readings`) it measures; empty where none."""
    start: datetime | None = None
    """UTC; None where its source tells no time."""
    end: datetime | None = None
    """UTC; None for what has no length, or has not ended."""
    value: float | None = None
    unit: str = ""
    """UCUM; of a known reading, the one that this reading is always told in."""
    text: str = ""
    """A value that is no number, the dose of a medicine, the reaction of an allergy."""
    is_active: bool = True
    """False for what is over, was refuted, or was written in error."""
    file: str
    origin: str
    """Where in the file it is written: `Observation/5f2c...`, `line 12`."""


class Person(Record):
    """Whose record it is."""

    id: str
    name: str = ""
    birth: date | None = None
    sex: Literal["female", "male", "other", "unknown"] = "unknown"


class Timeline(Record):
    """Everything known of one person, those events without a time first."""

    person: Person
    events: tuple[Event, ...]

    def of_kind(self, kind: EventKind) -> tuple[Event, ...]:
        """The events of that kind, oldest first."""
        return tuple(event for event in self.events if event.kind == kind)

    def readings(self, reading: str) -> tuple[Event, ...]:
        """The numbers measured of a known reading, oldest first, but those written in error."""
        return tuple(
            event
            for event in self.events
            if event.kind == "reading"
            and event.reading == reading
            and event.value is not None
            and event.is_active
        )


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """The events oldest first, those without a time before all; those of one time as they came."""
    return tuple(sorted(events, key=lambda event: event.start or _FIRST))
