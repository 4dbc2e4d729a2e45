"""Whose resource it is: patients, and the references to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, cast

from cauce.twin.fhir.elements import BadResource, Element, moment, part, parts, word, words
from cauce.twin.fhir.files import Found
from cauce.twin.timeline import Person

_SEXES = ("female", "male", "other", "unknown")
_UUID = "urn:uuid:"
_RELATIVE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[^/#]+?)(?:/_history/[^/]+)?$")


class Known:
    """The resources that others refer to, by every address that they have."""

    def __init__(self, found: Iterable[Found]) -> None:
        self._by_address: dict[str, Found] = {}
        for one in found:
            self._by_address[one.origin] = one
            if one.address and not one.address.startswith("#"):
                self._by_address[one.address] = one

    def look_up(self, reference: str, holder: Element) -> Element | None:
        """The resource that a reference in `holder` means; None where it is not there."""
        if reference.startswith("#"):
            inside = parts(holder, "contained")
            return next((one for one in inside if word(one, "id") == reference[1:]), None)
        found = self._found(reference)
        return found.resource if found else None

    def person_of(self, found: Found) -> str:
        """The id of the patient whom a resource is of; BadResource where it is of none."""
        either = part(found.resource, "subject") or part(found.resource, "patient")
        reference = word(either, "reference")
        target = self._found(reference)
        if target:
            if word(target.resource, "resourceType") != "Patient":
                raise BadResource("its subject is no patient")
            return id_of(target)
        kind, _, id = _relative(reference).partition("/")
        if kind == "Patient" or reference.startswith(_UUID):
            return id or reference.removeprefix(_UUID)
        raise BadResource("its subject is no patient" if reference else "it has no subject")

    def _found(self, reference: str) -> Found | None:
        return self._by_address.get(reference) or self._by_address.get(_relative(reference))


def id_of(found: Found) -> str:
    """The id of a resource; empty where it has none."""
    return found.origin.partition("/")[2]


def person_from(found: Found) -> Person:
    """The person that a Patient tells of; a year or month of birth is its first day."""
    patient = found.resource
    if not (id := id_of(found)):
        raise BadResource("a patient without an id")
    birth = moment(word(patient, "birthDate"))
    sex = word(patient, "gender")
    return Person(
        id=id,
        name=_name(parts(patient, "name")),
        birth=birth.date() if birth else None,
        sex=cast(
            "Literal['female', 'male', 'other', 'unknown']", sex if sex in _SEXES else "unknown"
        ),
    )


def _relative(reference: str) -> str:
    """`Patient/1` of an address that ends so; empty where it does not."""
    found = _RELATIVE.search(reference)
    return found[1] if found else ""


def _name(names: list[Element]) -> str:
    """The official name, else the first one."""
    chosen = next((one for one in names if word(one, "use") == "official"), None)
    name = chosen or next(iter(names), {})
    said = [*words(name, "given"), word(name, "family")]
    return word(name, "text") or " ".join(filter(None, said))
