"""Conditions, allergies, encounters, procedures, vaccinations and plans, as events."""

from __future__ import annotations

from collections.abc import Iterator

from cauce.records import Refusal
from cauce.twin.fhir.elements import (
    BadResource,
    Element,
    Span,
    codes_of,
    name_of,
    part,
    parts,
    quantity_text,
    range_text,
    span_of,
    status_of,
    word,
)
from cauce.twin.fhir.files import Found
from cauce.twin.fhir.observations import WITHDRAWN
from cauce.twin.timeline import Event, EventKind

_PAST = {"inactive", "remission", "resolved"}
_WRONG = {"refuted", WITHDRAWN}
_SURE = {"", "confirmed", *_WRONG}
_OVER = {WITHDRAWN, "finished", "completed", "discharged", "stopped", "revoked", "draft"}
_OVER |= {"discontinued", "unknown"}
_NEVER = {"not-done", "cancelled"}


def condition_events(found: Found) -> Iterator[Event | Refusal]:
    """What the person has or had; its text says what is not sure of it."""
    resource = found.resource
    onset = span_of(resource, "onset", "recordedDate")
    abated = span_of(resource, "abatement")
    sureness = status_of(resource, "verificationStatus")
    clinical = status_of(resource, "clinicalStatus")
    end = abated.end or abated.start or onset.end
    if onset.start and end and end < onset.start:
        raise BadResource("it ends before it starts")
    said = ("" if sureness in _SURE else sureness, _age(resource), word(resource, "onsetString"))
    has_passed = clinical in _PAST or (not clinical and end is not None)
    yield _event(
        found,
        "condition",
        part(resource, "code"),
        Span(onset.start, end),
        text=said,
        is_active=sureness not in _WRONG and not has_passed,
    )


def allergy_events(found: Found) -> Iterator[Event | Refusal]:
    """What the person does not tolerate; its text tells the reactions and how grave they may be."""
    resource = found.resource
    reactions = parts(resource, "reaction")
    named = (part(resource, "code"), *(part(one, "substance") for one in reactions))
    criticality = word(resource, "criticality")
    is_wrong = status_of(resource, "verificationStatus") in _WRONG
    yield _event(
        found,
        "allergy",
        next(filter(name_of, named), {}),
        Span(span_of(resource, "onset", "recordedDate").start),
        text=(*map(_reaction, reactions), f"criticality {criticality}" if criticality else ""),
        is_active=not is_wrong and status_of(resource, "clinicalStatus") not in _PAST,
    )


def encounter_events(found: Found) -> Iterator[Event | Refusal]:
    """A visit or a stay; R4 has one class, R5 a list of them."""
    resource = found.resource
    kind = resource.get("class")
    classes = parts(resource, "class") if isinstance(kind, list) else [part(resource, "class")]
    reasons = [
        *parts(resource, "reasonCode"),
        *(part(one, "concept") for why in parts(resource, "reason") for one in parts(why, "value")),
    ]
    yield _event(
        found,
        "encounter",
        next(filter(name_of, (*parts(resource, "type"), *classes)), {}),
        span_of(resource, "period", "actualPeriod", "plannedStartDate"),
        text=map(name_of, reasons),
        is_active=word(resource, "status") not in _OVER,
    )


def procedure_events(found: Found) -> Iterator[Event | Refusal]:
    """What was done: `performed` in R4, `occurrence` in R5."""
    resource = found.resource
    reasons = [*parts(resource, "reasonCode"), *map(_concept, parts(resource, "reason"))]
    yield _event(
        found,
        "procedure",
        part(resource, "code"),
        span_of(resource, "performed", "occurrence"),
        text=(*map(name_of, reasons), name_of(part(resource, "outcome"))),
        is_active=word(resource, "status") not in _OVER,
    )


def immunization_events(found: Found) -> Iterator[Event | Refusal]:
    """A vaccination: something that was done, by the name of the vaccine."""
    resource = found.resource
    span = span_of(resource, "occurrence")
    said = (word(resource, "occurrenceString"),)
    yield _event(found, "procedure", part(resource, "vaccineCode"), span, said, is_active=False)


def plan_events(found: Found) -> Iterator[Event | Refusal]:
    """A plan of care by its title or category; its text lists what is to be done."""
    resource = found.resource
    activities = [
        concept
        for activity in parts(resource, "activity")
        for concept in (
            part(part(activity, "detail"), "code"),
            *map(_concept, parts(activity, "performedActivity")),
        )
    ]
    title = word(resource, "title")
    categories = parts(resource, "category")
    yield _event(
        found,
        "plan",
        {"text": title} if title else next(filter(name_of, reversed(categories)), {}),
        span_of(resource, "period", "created"),
        text=(word(resource, "description"), *map(name_of, activities)),
        is_active=word(resource, "status") not in _OVER,
    )


def _event(
    found: Found,
    kind: EventKind,
    concept: Element,
    span: Span,
    text: Iterator[str] | tuple[str, ...] | map[str],
    *,
    is_active: bool,
) -> Event:
    """The event; BadResource where nothing is named, or what is named did not take place."""
    if (status := status_of(found.resource, "status")) in _NEVER:
        raise BadResource(f"{status}: it did not take place")
    if not (name := name_of(concept)):
        raise BadResource("it does not say what it is")
    return Event(
        kind=kind,
        name=name,
        codes=codes_of(concept),
        start=span.start,
        end=span.end,
        text="; ".join(dict.fromkeys(filter(None, text))),
        is_active=is_active,
        file=found.file,
        origin=found.origin,
    )


def _concept(element: Element) -> Element:
    """The concept itself (R4), or that of R5's reference with a concept in it."""
    return part(element, "concept") or element


def _reaction(reaction: Element) -> str:
    shown = [name_of(_concept(one)) for one in parts(reaction, "manifestation")]
    severity = word(reaction, "severity")
    return ", ".join(filter(None, shown)) + (f" ({severity})" if severity and shown else "")


def _age(resource: Element) -> str:
    """The age at which it began, where that is how its beginning is told."""
    age = quantity_text(part(resource, "onsetAge")) or range_text(part(resource, "onsetRange"))
    return f"{age} old" if age else ""
