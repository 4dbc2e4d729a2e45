"""Invented people and their records, for tests."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

from cauce.twin.readings import known_readings
from cauce.twin.timeline import Event, EventKind, Person, Timeline

WHEN = datetime(2025, 6, 1, tzinfo=UTC)
MEASURED = datetime(2025, 3, 12, tzinfo=UTC)


def event(kind: EventKind, name: str, **fields: Any) -> Event:
    """An event of Ana's record; its resource is called by its own name."""
    return Event(
        **{
            "kind": kind,
            "name": name,
            "start": MEASURED,
            "file": "ana.json",
            "origin": f"Resource/{name}",
            **fields,
        }
    )


def measured(reading: str, value: float, **fields: Any) -> Event:
    """A known reading in its own unit."""
    told = {"reading": reading, "value": value, "unit": known_readings()[reading].unit}
    return event("reading", reading, **{**told, **fields})


def record(
    *events: Event,
    birth: date | None = date(1940, 3, 12),
    sex: Literal["female", "male"] = "female",
) -> Timeline:
    """The record of Ana, who is 85 at `WHEN`."""
    return Timeline(person=Person(id="ana", birth=birth, sex=sex), events=events)
