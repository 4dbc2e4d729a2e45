"""The pieces that resources are made of, read from plain JSON and checked as they are read."""

from __future__ import annotations

import calendar
import math
import re
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from cauce.twin.timeline import Code

Element = dict[str, Any]
"""A resource or a part of one, as JSON has it."""

_SYSTEMS = {
    "http://loinc.org": "loinc",
    "http://snomed.info/sct": "snomed",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "http://www.whocc.no/atc": "atc",
    "http://hl7.org/fhir/sid/ndc": "ndc",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "http://hl7.org/fhir/sid/icd-10-es": "icd10es",
    "http://hl7.org/fhir/sid/icd-9-cm": "icd9cm",
    "http://hl7.org/fhir/sid/cvx": "cvx",
    "http://fdasis.nlm.nih.gov": "unii",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "urn:oid:2.16.840.1.113883.6.3": "icd10",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.90": "icd10cm",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
}
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class BadResource(ValueError):
    """A resource cannot be read; the message says what is wrong with it, in one line."""


class Span(NamedTuple):
    """When something began and ended, as far as it is told."""

    start: datetime | None = None
    end: datetime | None = None


def part(element: Element, name: str) -> Element:
    """The object of that name, an empty one where there is none; BadResource where it is else."""
    value = element.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadResource(f"{name} is no object")
    return value


def parts(element: Element, name: str) -> list[Element]:
    """The objects of that name, none where there are none; BadResource where it is no list."""
    value = element.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise BadResource(f"{name} is no list of objects")
    return value


def word(element: Element, name: str) -> str:
    """The text of that name, empty where there is none; BadResource where it is no text."""
    value = element.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadResource(f"{name} is no text")
    return value.strip()


def words(element: Element, name: str) -> list[str]:
    """The texts of that name, none where there are none; BadResource where it is no list."""
    value = element.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadResource(f"{name} is no list of texts")
    return value


def number(element: Element, name: str) -> float | None:
    """The number of that name, None where there is none; BadResource where it is no number."""
    value = element.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadResource(f"{name} is no number")
    return float(value)


def name_of(concept: Element) -> str:
    """What a CodeableConcept or a Coding is called: its text, its display, or else its code."""
    codings = parts(concept, "coding") or [concept]
    named = [word(concept, "text"), *(word(one, "display") for one in codings)]
    return next(filter(None, [*named, *(word(one, "code") for one in codings)]), "")


def codes_of(concept: Element) -> tuple[Code, ...]:
    """The codes of a CodeableConcept or a Coding."""
    return tuple(
        Code(system=_SYSTEMS.get(system, system), code=code)
        for coding in parts(concept, "coding") or [concept]
        if (code := word(coding, "code")) and (system := word(coding, "system") or "unknown")
    )


def status_of(element: Element, name: str) -> str:
    """A status that is a word, as most are, or a concept, as those of conditions are."""
    if isinstance(element.get(name), str):
        return word(element, name)
    return next((word(one, "code") for one in parts(part(element, name), "coding")), "")


def moment(text: str, *, is_end: bool = False) -> datetime | None:
    """A date, a part of one or a time, in UTC; None for an empty text.

    A year or a month is its first moment, or its last one where it ends something. A time without
    a zone is taken to be UTC. BadResource where it is none of these.
    """
    if not text:
        return None
    partial = _PARTIAL.fullmatch(text)
    try:
        if not partial:
            told = datetime.fromisoformat(text)
            return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
        year, month, day = (int(group or 0) for group in partial.groups())
        first = datetime(year, month or 1, day or 1, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadResource("a date is no date") from error
    if not is_end:
        return first
    last_month = month or 12
    last_day = day or calendar.monthrange(first.year, last_month)[1]
    return datetime.combine(first.replace(month=last_month, day=last_day), time.max, UTC)


def span_of(element: Element, *names: str) -> Span:
    """When something was: the first of those properties that is there, in any of FHIR's forms.

    `span_of(observation, "effective")` reads effectiveDateTime, effectivePeriod, effectiveInstant
    and effectiveTiming; a plain `period` or `authoredOn` is read too.
    """
    for name in names:
        for form in (f"{name}DateTime", f"{name}Instant", f"{name}Date", name):
            if isinstance(element.get(form), str):
                return Span(moment(word(element, form)))
        for form in (f"{name}Period", name):
            if element.get(form) is not None:
                return period_of(part(element, form))
        if events := words(part(element, f"{name}Timing"), "event"):
            return Span(moment(events[0]), moment(events[-1], is_end=True))
    return Span()


def period_of(period: Element) -> Span:
    """A Period; BadResource where it ends before it starts."""
    span = Span(moment(word(period, "start")), moment(word(period, "end"), is_end=True))
    if span.start and span.end and span.end < span.start:
        raise BadResource("the period ends before it starts")
    return span


def days_after(start: datetime | None, duration: Element) -> datetime | None:
    """The end of a duration in days, weeks or months from there; None where it is not told."""
    value = number(duration, "value")
    days = {"d": 1, "wk": 7, "mo": 30.4375, "a": 365.25}.get(word(duration, "code") or "d")
    try:
        return start + timedelta(days=value * days) if start and value and days else None
    except OverflowError as error:
        raise BadResource("a duration is longer than time") from error


def quantity_text(quantity: Element) -> str:
    """A Quantity as it is printed: `< 5 mg`; empty where it has no number."""
    value = number(quantity, "value")
    if value is None:
        return ""
    said = [word(quantity, "comparator"), f"{value:.12g}", unit_text(quantity)]
    return " ".join(filter(None, said))


def unit_text(quantity: Element) -> str:
    """The unit of a Quantity: its code, which is UCUM almost always, else as it is printed."""
    return word(quantity, "code") or word(quantity, "unit")


def range_text(element: Element) -> str:
    """A Range as it is printed: `2 mg - 4 mg`."""
    ends = (quantity_text(part(element, name)) for name in ("low", "high"))
    return " - ".join(filter(None, ends))
