"""One record out of several readings of it, with nothing in it twice.

A file that is read again tells of the same events: of a resource (`Observation/5f2c`), the later
reading replaces the earlier; of a line of a table, which has no name of its own, the same content
is the same event. What two files tell differently is kept from both.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from cauce.errors import UserError
from cauce.twin.timeline import Event, Person, Timeline, in_order


class Merged(NamedTuple):
    """A timeline, and what the last reading brought to it."""

    timeline: Timeline
    new: int
    changed: int
    """Events whose resource says something else than before."""
    known: int


def merge(before: Timeline | None, readings: Sequence[Timeline]) -> Merged:
    """`before` with the events of each reading in turn; events stay as their last reader wrote.

    Raises UserError where two of them name different dates of birth: those are two people.
    """
    person = before.person if before else readings[0].person
    held = _grouped(before.events if before else ())
    new = changed = known = 0
    for reading in readings:
        person = _same_person(person, reading.person)
        for key, told in _grouped(reading.events).items():
            old = held.get(key, [])
            both = min(len(old), len(told))
            new += max(len(told) - len(old), 0)
            if [*map(_content, old[:both])] == [*map(_content, told[:both])]:
                known += both
                held[key] = max(told, old, key=len)
            else:
                changed += both
                held[key] = told
    events = in_order(event for group in held.values() for event in group)
    return Merged(Timeline(person=person, events=events), new, changed, known)


def _grouped(events: Iterable[Event]) -> dict[Hashable, list[Event]]:
    groups: dict[Hashable, list[Event]] = {}
    for event in events:
        groups.setdefault(_key(event), []).append(event)
    return groups


def _key(event: Event) -> Hashable:
    """What makes two readings of an event the same one."""
    if "/" in event.origin:
        return (event.origin, event.kind, event.name, event.codes, event.start)
    return _content(event)


def _content(event: Event) -> Hashable:
    return event.model_dump_json(exclude={"file", "origin"})


def _same_person(first: Person, second: Person) -> Person:
    if first.birth and second.birth and first.birth != second.birth:
        raise UserError(
            "two of the records tell different dates of birth, so they are of two people.\n"
            "Give the files of one person, and another name to the twin of the other."
        )
    return first.model_copy(
        update={
            "name": first.name or second.name,
            "birth": first.birth or second.birth,
            "sex": second.sex if first.sex == "unknown" else first.sex,
        }
    )
