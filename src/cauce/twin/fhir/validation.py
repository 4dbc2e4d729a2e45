"""Whether a resource is what its release of FHIR defines, told by `fhir.resources`."""

from __future__ import annotations

from typing import Any

from cauce.errors import MissingExtra
from cauce.twin.fhir.elements import Element

_ONLY_R4 = {"medicationCodeableConcept", "medicationReference", "hospitalization", "reasonCode"}
_ONLY_R4 |= {"performedDateTime", "performedPeriod", "performedString", "reasonReference"}
_ONLY_R5 = {"medication", "actualPeriod", "admission", "adherence", "occurrencePeriod"}
_ONLY_R5 |= {"occurenceDateTime", "occurencePeriod", "occurenceTiming"}


def releases(resource: Element) -> tuple[str, ...]:
    """`R4`, `R5` or both, as far as what stands in the resource tells.

    R4 gives one class to an encounter and R5 a list; R4 names a medicine beside its kind, R5 in it.
    """
    if isinstance(resource.get("class"), list) or _ONLY_R5 & resource.keys():
        return ("R5",)
    if isinstance(resource.get("class"), dict) or _ONLY_R4 & resource.keys():
        return ("R4",)
    return ("R4", "R5")


def fault_in(resource: Element) -> str:
    """The first thing in it that its release does not allow, without its content; else empty.

    A resource that may be of either release is right when one of them allows it. MissingExtra
    without `fhir.resources`.
    """
    faults = [_fault(resource, release) for release in releases(resource)]
    return faults[0] if all(faults) else ""


def _fault(resource: Element, release: str) -> str:
    from pydantic import ValidationError

    kind = str(resource.get("resourceType"))
    try:
        model = _model(kind, release)
    except ValueError:
        return f"{release} has no {kind}"
    try:
        model.model_validate(resource)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        return f"not valid as {release}: {place or kind} ({first['type']})"
    return ""


def _model(kind: str, release: str) -> Any:
    """The class of that kind of resource; R4B is the R4 that is maintained."""
    try:
        from fhir.resources import R4B, get_fhir_model_class
    except ImportError as error:
        raise MissingExtra("validating FHIR", "twin") from error
    return R4B.get_fhir_model_class(kind) if release == "R4" else get_fhir_model_class(kind)
