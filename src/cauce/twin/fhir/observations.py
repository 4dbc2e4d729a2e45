"""Observations and the answers to questionnaires, as events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cauce.records import Refusal
from cauce.twin.fhir.elements import (
    BadResource,
    Element,
    Span,
    codes_of,
    moment,
    name_of,
    number,
    part,
    parts,
    period_of,
    quantity_text,
    range_text,
    span_of,
    unit_text,
    word,
)
from cauce.twin.fhir.files import Found
from cauce.twin.measuring import measured
from cauce.twin.readings import reading_of_loinc
from cauce.twin.timeline import Code, Event

WITHDRAWN = "entered-in-error"
_TEXTS = ("String", "DateTime", "Date", "Time", "Instant", "Uri", "Code", "Markdown")
_POINTS = ("ordinalValue", "itemWeight", "questionnaire-ordinalValue")
_LOINC = re.compile(r"\d{1,6}-\d")


class Value(NamedTuple):
    """What was measured or answered."""

    number: float | None = None
    unit: str = ""
    text: str = ""
    codes: tuple[Code, ...] = ()
    """Of a value that is a term."""


def observation_events(found: Found) -> Iterator[Event | Refusal]:
    """A reading for the value of the observation and for that of each of its components.

    A number that cannot be told in its reading's unit stays as it is, and a Refusal says so.
    """
    resource = found.resource
    if word(resource, "status") == "cancelled":
        raise BadResource("cancelled: nothing was measured")
    span = span_of(resource, "effective", "issued")
    components = parts(resource, "component")
    told = False
    for place, element in enumerate((resource, *components)):
        value = value_of(element, "value")
        if value is not None:
            told = True
            yield from _reading(found, element, value, span)
        elif place:
            yield Refusal(
                file=found.file,
                position=f"{found.origin} component {place}",
                reason=_why_empty(element),
            )
    if not told and not components:
        raise BadResource(_why_empty(resource))


def _reading(found: Found, element: Element, value: Value, span: Span) -> Iterator[Event | Refusal]:
    concept = part(element, "code")
    codes = codes_of(concept)
    if not (name := name_of(concept)):
        raise BadResource("it does not say what was measured")
    event = Event(
        kind="reading",
        name=name,
        codes=(*codes, *value.codes),
        start=span.start,
        end=span.end,
        value=value.number,
        unit=value.unit,
        text=value.text,
        is_active=word(found.resource, "status") != WITHDRAWN,
        file=found.file,
        origin=found.origin,
    )
    if value.number is None:
        yield event
        return
    known = (reading_of_loinc(code.code) for code in codes if code.system == "loinc")
    number = measured(next(filter(None, known), None), value.number, value.unit)
    told = {"reading": number.reading, "value": number.value, "unit": number.unit}
    yield event.model_copy(update=told)
    if number.problem:
        yield Refusal(file=found.file, position=found.origin, reason=number.problem)


def _why_empty(element: Element) -> str:
    if element.get("hasMember"):
        return "a panel without a value of its own: its members are read by themselves"
    absent = name_of(part(element, "dataAbsentReason"))
    return f"no value ({absent})" if absent else "no value"


def value_of(element: Element, name: str) -> Value | None:
    """The value[x] of that name in any of its types; None where there is none."""
    form = next((key for key in element if key.startswith(name) and key != name), "")
    kind = form.removeprefix(name)
    if not form or element[form] is None:
        return None
    if kind == "Quantity":
        return _quantity(part(element, form))
    if kind in ("Integer", "Decimal", "Integer64"):
        return Value(number(element, form))
    if kind == "Boolean":
        is_so = element[form] is True
        return Value(float(is_so), text="true" if is_so else "false")
    if kind in ("CodeableConcept", "Coding"):
        concept = part(element, form)
        return Value(_points(concept), text=name_of(concept), codes=codes_of(concept))
    text = word(element, form) if kind in _TEXTS else _text_of(kind, part(element, form))
    return Value(text=text) if text else None


def _quantity(quantity: Element) -> Value | None:
    """A limit (`< 5 mg/L`) is its number, and its text says that it is one."""
    value = number(quantity, "value")
    if value is None:
        return None
    is_limit = bool(word(quantity, "comparator"))
    return Value(value, unit_text(quantity), quantity_text(quantity) if is_limit else "")


def _points(concept: Element) -> float | None:
    """The points that an answer is worth, where its extension tells them."""
    for coding in (concept, *parts(concept, "coding")):
        for extension in parts(coding, "extension"):
            if word(extension, "url").rpartition("/")[2] in _POINTS:
                return number(extension, "valueDecimal")
    return None


def _text_of(kind: str, value: Element) -> str:
    if kind == "Range":
        return range_text(value)
    if kind == "Ratio":
        ends = (quantity_text(part(value, name)) for name in ("numerator", "denominator"))
        return " : ".join(filter(None, ends))
    if kind == "Period":
        return " - ".join(str(day.date()) for day in period_of(value) if day)
    if kind == "Reference":
        return word(value, "display") or word(value, "reference")
    if kind == "Attachment":
        return word(value, "title") or word(value, "contentType")
    raise BadResource(f"a value of type {kind} is not read")


def answer_events(found: Found) -> Iterator[Event | Refusal]:
    """An event for each answer to each question, those inside others too, in their order."""
    resource = found.resource
    answered = list(_answered(parts(resource, "item")))
    if not answered:
        raise BadResource("no question is answered")
    questionnaire = word(resource, "questionnaire").partition("|")[0] or "questionnaire"
    for item, value in answered:
        link = word(item, "linkId")
        yield Event(
            kind="answer",
            name=word(item, "text") or link,
            codes=(_question_code(link, questionnaire), *value.codes),
            start=moment(word(resource, "authored")),
            value=value.number,
            unit=value.unit,
            text=value.text,
            is_active=word(resource, "status") != WITHDRAWN,
            file=found.file,
            origin=found.origin,
        )


def _answered(items: list[Element]) -> Iterator[tuple[Element, Value]]:
    for item in items:
        for answer in parts(item, "answer"):
            value = value_of(answer, "value")
            if value is not None:
                yield item, value
            yield from _answered(parts(answer, "item"))
        yield from _answered(parts(item, "item"))


def _question_code(link: str, questionnaire: str) -> Code:
    """LOINC where the question is known by its code (`/83254-3`), else its place in the form."""
    code = link.rpartition("/")[2]
    is_loinc = _LOINC.fullmatch(code)
    return Code(system="loinc", code=code) if is_loinc else Code(system=questionnaire, code=link)
