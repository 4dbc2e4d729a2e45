"""Timelines out of FHIR."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cauce.records import Refusal
from cauce.twin.fhir.elements import BadResource, moment, part, word
from cauce.twin.fhir.events import (
    allergy_events,
    condition_events,
    encounter_events,
    immunization_events,
    plan_events,
    procedure_events,
)
from cauce.twin.fhir.files import Deleted, Found, found_resources, set_aside
from cauce.twin.fhir.medicines import (
    LookUp,
    administration_events,
    dispense_events,
    request_events,
    statement_events,
)
from cauce.twin.fhir.observations import answer_events, observation_events
from cauce.twin.fhir.people import Known, id_of, person_from
from cauce.twin.fhir.validation import fault_in
from cauce.twin.timeline import Event, Person, Timeline, in_order

_READERS: dict[str, Callable[[Found], Iterator[Event | Refusal]]] = {
    "Observation": observation_events,
    "QuestionnaireResponse": answer_events,
    "Condition": condition_events,
    "AllergyIntolerance": allergy_events,
    "Encounter": encounter_events,
    "Procedure": procedure_events,
    "Immunization": immunization_events,
    "CarePlan": plan_events,
}
_MEDICINE_READERS: dict[str, Callable[[Found, LookUp], Iterator[Event | Refusal]]] = {
    "MedicationStatement": statement_events,
    "MedicationRequest": request_events,
    "MedicationDispense": dispense_events,
    "MedicationAdministration": administration_events,
}
_OF_EVENTS = {*_READERS, *_MEDICINE_READERS}
_READ = {*_OF_EVENTS, "Patient", "Medication"}
_NO_PLACE = "a timeline has no place for them"
_BY_OTHERS = "told where a prescription refers to them"
_TWO_PEOPLE = "patients of this id have different dates of birth: read each file by itself"
_FIRST = datetime.min.replace(tzinfo=UTC)


class ReadFhir(NamedTuple):
    """What was read; every resource is in an event, or its place or kind in a refusal."""

    timelines: list[Timeline]
    refusals: list[Refusal]
    """Resources that are set aside, each by its place, and by their kind, with how many of them the
    file holds (`Claim: 22`), those that a timeline has no place for."""


def read_fhir(path: Path, *, validate: bool = False) -> ReadFhir:
    """The timelines of the people that a file, a folder or a glob of FHIR tells of.

    R4 and R5 (JSON): bundles of every type, single resources and bulk exports (one resource a
    line), packed by gzip or xz, and archives of them. Of a resource that is there in several
    versions the newest counts. `validate` refuses what its release does not allow, thirty times
    slower; it needs `fhir.resources` (MissingExtra).
    """
    gathered = _gather(path, validate)
    people, refusals = _people(gathered)
    known = Known(gathered.latest.values())
    events: dict[str, list[Event]] = {id: [] for id in people}
    for found in gathered.latest.values():
        if word(found.resource, "resourceType") not in _OF_EVENTS:
            continue
        try:
            person = known.person_of(found)
            if person in gathered.two_people:
                raise BadResource(_TWO_PEOPLE)
            told = list(_events(found, known))
        except BadResource as error:
            refusals.append(_refused(found, str(error)))
            continue
        events.setdefault(person, []).extend(one for one in told if isinstance(one, Event))
        refusals.extend(one for one in told if isinstance(one, Refusal))
    timelines = [
        Timeline(person=people.get(id, Person(id=id)), events=in_order(own))
        for id, own in events.items()
    ]
    return ReadFhir(timelines, refusals)


class _Gathered(NamedTuple):
    latest: dict[str, Found]
    """The newest version of every resource that is read, by where it comes from."""
    refusals: list[Refusal]
    two_people: set[str]
    """Ids that two files give to people with different dates of birth."""


def _gather(path: Path, validate: bool) -> _Gathered:
    gathered = _Gathered({}, [], set())
    unread: Counter[tuple[str, str]] = Counter()
    for found in found_resources(path):
        if isinstance(found, Refusal):
            gathered.refusals.append(found)
        elif isinstance(found, Deleted):
            gathered.latest.pop(found.origin, None)
            reason = f"deletes {found.origin}"
            gathered.refusals.append(Refusal(file=found.file, position=found.place, reason=reason))
        elif validate and found.holder is found.resource and (fault := fault_in(found.resource)):
            gathered.refusals.append(_refused(found, fault))
        else:
            kind = word(found.resource, "resourceType")
            if kind not in _OF_EVENTS:
                unread[found.file, kind] += kind != "Patient"
            if kind in _READ:
                _keep(found, gathered)
    for (file, kind), count in (+unread).items():
        reason = _BY_OTHERS if kind == "Medication" else _NO_PLACE
        gathered.refusals.append(set_aside(file, kind, count, reason))
    return gathered


def _keep(found: Found, gathered: _Gathered) -> None:
    """Adds it, or the newer of the two where it is there already; the other one is told."""
    key = found.origin if "/" in found.origin else f"{found.file}, {found.origin}"
    before = gathered.latest.get(key)
    try:
        is_newer = _version(found) >= (_version(before) if before else _FIRST)
        if before and _are_two_people(before, found):
            gathered.two_people.add(id_of(found))
    except BadResource as error:
        gathered.refusals.append(_refused(found, str(error)))
        return
    if is_newer:
        gathered.latest[key] = found
    if before:
        newer, older = (found, before) if is_newer else (before, found)
        reason = f"another version of it counts, the one in {newer.file}"
        gathered.refusals.append(_refused(older, reason))


def _are_two_people(one: Found, other: Found) -> bool:
    """Two dates of birth in one file are a correction; in two files they may be of two people."""
    births = {word(found.resource, "birthDate") for found in (one, other)} - {""}
    return one.file != other.file and len(births) > 1


def _version(found: Found) -> datetime:
    """When this version was written; the beginning of time where it does not tell."""
    return moment(word(part(found.resource, "meta"), "lastUpdated")) or _FIRST


def _people(gathered: _Gathered) -> tuple[dict[str, Person], list[Refusal]]:
    """The people by id, and what was refused so far."""
    people: dict[str, Person] = {}
    refusals = list(gathered.refusals)
    for found in gathered.latest.values():
        if word(found.resource, "resourceType") != "Patient":
            continue
        try:
            if id_of(found) in gathered.two_people:
                raise BadResource(_TWO_PEOPLE)
            people[id_of(found)] = person_from(found)
        except BadResource as error:
            refusals.append(_refused(found, str(error)))
    return people, refusals


def _events(found: Found, known: Known) -> Iterator[Event | Refusal]:
    kind = word(found.resource, "resourceType")
    if kind in _READERS:
        return _READERS[kind](found)
    return _MEDICINE_READERS[kind](found, known.look_up)


def _refused(found: Found, reason: str) -> Refusal:
    return Refusal(file=found.file, position=found.origin, reason=reason)
