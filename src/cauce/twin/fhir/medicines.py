"""What was prescribed, dispensed, given, or is taken as its taker says, as events.

R4 names the medicine by `medicationCodeableConcept` or `medicationReference`, R5 by `medication`
with a concept or a reference in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from cauce.records import Refusal
from cauce.twin.fhir.elements import (
    BadResource,
    Element,
    Span,
    codes_of,
    days_after,
    name_of,
    number,
    part,
    parts,
    period_of,
    quantity_text,
    range_text,
    span_of,
    status_of,
    unit_text,
    word,
)
from cauce.twin.fhir.files import Found
from cauce.twin.fhir.observations import WITHDRAWN
from cauce.twin.timeline import Code, Event

LookUp = Callable[[str, Element], Element | None]
"""The resource that a reference of a resource means; None where it is in none of the files."""

_OVER = {WITHDRAWN, "completed", "stopped", "cancelled", "ended", "draft", "intended", "declined"}
_NOT_DONE = {"not-done", "not-taken"}
_ONLY_SAID = {"proposal", "option"}
_NOT_TAKEN = ("not-taking", "stopped")
"""How the words begin by which R5 says so: `stopped-not-as-directed`."""


def statement_events(found: Found, look_up: LookUp) -> Iterator[Event | Refusal]:
    """What its taker, or someone who knows, says to be taken."""
    resource = found.resource
    adherence = status_of(part(resource, "adherence"), "code")
    is_taken = _is_current(resource) and not adherence.startswith(_NOT_TAKEN)
    span = span_of(resource, "effective")
    yield _event(found, look_up, span, is_taken, parts(resource, "dosage"))


def request_events(found: Found, look_up: LookUp) -> Iterator[Event | Refusal]:
    """A prescription, with the time for which it is meant where its dosage tells it."""
    resource = found.resource
    if resource.get("doNotPerform") is True:
        raise BadResource("an order not to give the medicine")
    dosages = parts(resource, "dosageInstruction")
    bounds = [_bounds(dosage, span_of(resource, "authoredOn").start) for dosage in dosages]
    starts = [bound.start for bound in bounds if bound.start]
    ends = [bound.end for bound in bounds]
    span = Span(
        min(starts, default=span_of(resource, "authoredOn").start),
        max((end for end in ends if end), default=None) if all(ends) else None,
    )
    ordered = word(resource, "intent") not in _ONLY_SAID
    yield _event(found, look_up, span, ordered and _is_current(resource), dosages)


def dispense_events(found: Found, look_up: LookUp) -> Iterator[Event | Refusal]:
    """What was handed over, until its days of supply are over; those are its value."""
    resource = found.resource
    start = span_of(resource, "whenHandedOver", "whenPrepared").start
    supply = part(resource, "daysSupply")
    end = days_after(start, supply)
    handed = word(resource, "status") == "completed"
    event = _event(
        found,
        look_up,
        Span(start, end),
        handed and end is not None,
        parts(resource, "dosageInstruction"),
    )
    days = number(supply, "value")
    unit = "" if days is None else unit_text(supply) or "d"
    yield event.model_copy(update={"value": days, "unit": unit})


def administration_events(found: Found, look_up: LookUp) -> Iterator[Event | Refusal]:
    """What was given, with its dose as value; `occurence` is how R5 spells it."""
    resource = found.resource
    span = span_of(resource, "effective", "occurence")
    dosage = part(resource, "dosage")
    dose = part(dosage, "dose")
    is_being_given = word(resource, "status") in ("in-progress", "on-hold")
    event = _event(found, look_up, span, is_being_given, [dosage] if dosage else [])
    yield event.model_copy(update={"value": number(dose, "value"), "unit": unit_text(dose)})


def _event(
    found: Found, look_up: LookUp, span: Span, is_active: bool, dosages: list[Element]
) -> Event:
    if (status := word(found.resource, "status")) in _NOT_DONE:
        raise BadResource(f"{status}: the medicine was not given or taken")
    name, codes = _medicine(found, look_up)
    return Event(
        kind="medicine",
        name=name,
        codes=codes,
        start=span.start,
        end=span.end,
        text="; ".join(filter(None, map(dosage_text, dosages))),
        is_active=is_active,
        file=found.file,
        origin=found.origin,
    )


def _is_current(resource: Element) -> bool:
    return word(resource, "status") not in _OVER


def _medicine(found: Found, look_up: LookUp) -> tuple[str, tuple[Code, ...]]:
    """The name and the codes of the medicine; BadResource where neither is told."""
    resource = found.resource
    either = part(resource, "medication")
    concept = part(resource, "medicationCodeableConcept") or part(either, "concept")
    reference = part(resource, "medicationReference") or part(either, "reference")
    medication = look_up(word(reference, "reference"), found.holder) or {}
    for told in (concept, part(medication, "code"), *_ingredients(medication)):
        if name := name_of(told):
            return name, codes_of(told)
    if name := word(reference, "display"):
        return name, ()
    raise BadResource("the medicine is neither named nor in the files")


def _ingredients(medication: Element) -> list[Element]:
    return [
        part(one, "itemCodeableConcept") or part(part(one, "item"), "concept")
        for one in parts(medication, "ingredient")
    ]


def _bounds(dosage: Element, start: datetime | None) -> Span:
    """When the dosage begins and ends; a duration begins with the prescription."""
    repeat = part(part(dosage, "timing"), "repeat")
    if repeat.get("boundsPeriod") is not None:
        return period_of(part(repeat, "boundsPeriod"))
    return Span(start, days_after(start, part(repeat, "boundsDuration")))


def dosage_text(dosage: Element) -> str:
    """The dosage as its prescriber wrote it, else in signs: `500 mg, 2/1 d, oral, p.r.n.`."""
    if text := word(dosage, "text") or word(dosage, "patientInstruction"):
        return text
    doses = [*parts(dosage, "doseAndRate"), dosage]
    amounts = [
        quantity_text(part(one, "doseQuantity"))
        or range_text(part(one, "doseRange"))
        or quantity_text(part(one, "dose"))
        for one in doses
    ]
    as_needed = dosage.get("asNeededBoolean") is True or dosage.get("asNeeded") is True
    needed = as_needed or bool(dosage.get("asNeededCodeableConcept") or dosage.get("asNeededFor"))
    said = [*amounts[:1], _rhythm(part(dosage, "timing")), name_of(part(dosage, "route"))]
    return ", ".join(filter(None, [*said, "p.r.n." if needed else ""]))


def _rhythm(timing: Element) -> str:
    """How often: the timing's own words (`BID`), else times in a period: `2/1 d`."""
    repeat = part(timing, "repeat")
    times, period = number(repeat, "frequency"), number(repeat, "period")
    if period is None:
        return name_of(part(timing, "code"))
    return f"{times or 1:g}/{period:g} {word(repeat, 'periodUnit')}"
