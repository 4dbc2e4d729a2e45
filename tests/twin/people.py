"""Invented people, and files that tell of them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from cauce.twin.consent import Consent, Purpose
from cauce.twin.domain import Domain

PERSON_ID = "7c1f6a52-0b7e-4f0e-9d7c-aa51c2f0be11"
NAME = "Íngrid Sañudo Ferrer"
CREATININE = "b2c9798e-c8dc-472e-bdbf-5568bd1917ee"
ANYONE = Domain(
    ranges={},
    statics={},
    fewest_readings=1,
    fewest_variables=1,
    hours=(0.0, 1000.0),
    most_outside=1.0,
    cloud=None,
    farthest=0.0,
)
"""Of a model that may be asked of anyone of whom something was measured."""


def resource(kind: str, id: str, **fields: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": id, **fields}


def bundle(*resources: dict[str, Any], person_id: str = PERSON_ID, name: str = NAME) -> str:
    """A bundle of the person's resources."""
    given, *family = name.split()
    names = [{"given": [given], "family": " ".join(family)}]
    patient = resource("Patient", person_id, name=names, birthDate="1941-05-02", gender="female")
    subject = {"reference": f"Patient/{person_id}"}
    key = {"AllergyIntolerance": "patient"}
    own = [{**one, key.get(one["resourceType"], "subject"): subject} for one in resources]
    entries = [{"resource": one} for one in (patient, *own)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def creatinine(id: str, day: str, value: float) -> dict[str, Any]:
    return resource(
        "Observation",
        id,
        status="final",
        code={"coding": [{"system": "http://loinc.org", "code": "2160-0"}], "text": "Creatinine"},
        effectiveDateTime=f"{day}T08:00:00Z",
        valueQuantity={
            "value": value,
            "unit": "mg/dL",
            "system": "http://unitsofmeasure.org",
            "code": "mg/dL",
        },
    )


def medicine(id: str, text: str, day: str, status: str = "active") -> dict[str, Any]:
    return resource(
        "MedicationRequest",
        id,
        status=status,
        intent="order",
        medicationCodeableConcept={"text": text},
        authoredOn=f"{day}T08:00:00Z",
    )


def allergy(id: str, text: str) -> dict[str, Any]:
    status = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    return resource(
        "AllergyIntolerance",
        id,
        clinicalStatus={"coding": [{"system": status, "code": "active"}]},
        code={"text": text},
    )


def record(folder: Path) -> Path:
    """A file with a creatinine, a medicine and an allergy of the person."""
    path = folder / "ingrid-2026.json"
    own = (
        creatinine(CREATININE, "2026-01-10", 1.837465921),
        medicine("f0152cb2-8eaf-4bd5-8a01-d4c8b93b5d48", "Apixaban 5 mg", "2025-11-02"),
        allergy("06052ae5-1095-4993-868e-c63d2c4e012b", "Penicillin"),
    )
    path.write_text(bundle(*own), "utf-8")
    return path


def consent(*purposes: Purpose, until: date = date(2999, 1, 1)) -> Consent:
    return Consent(
        by=NAME,
        quality="self",
        purposes=purposes or ("display", "conversation"),
        given=date(2026, 1, 1),
        until=until,
    )
