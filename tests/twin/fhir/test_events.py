"""What each kind of resource becomes, in R4 and in R5; every one is valid by `fhir.resources`."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.twin.fhir import read_fhir
from cauce.twin.timeline import Code

SUBJECT = {"reference": "Patient/ana"}
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


@pytest.fixture
def events(tmp_path):
    """Reads resources after validating them; refusals are the test's to expect."""

    def read(*resources, refusals=()):
        path = tmp_path / "a.json"
        entries = [{"resource": one} for one in resources]
        path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
        timelines, refused = read_fhir(path, validate=True)
        assert [one.reason for one in refused] == list(refusals)
        return [event for line in timelines for event in line.events]

    return read


def of(kind, **fields):
    place = "patient" if kind in ("AllergyIntolerance", "Immunization") else "subject"
    return {"resourceType": kind, "id": "1", place: SUBJECT, **fields}


def concept(text, **fields):
    return {"text": text, **fields}


def coded(code, system=CLINICAL):
    return {"coding": [{"system": system, "code": code}]}


def observation(**fields):
    return of("Observation", **{"status": "final", "code": concept("Something"), **fields})


def utc(*moment):
    return datetime(*moment, tzinfo=UTC)


def test_blood_pressure_is_two_readings(events):
    def component(code, value):
        quantity = {"value": value, "unit": "mmHg"}
        return {"code": coded(code, "http://loinc.org"), "valueQuantity": quantity}

    absent = {"code": concept("Mean"), "dataAbsentReason": concept("not measured")}
    both = [component("8480-6", 131), component("8462-4", 82), absent]
    systolic, diastolic = events(
        observation(code=concept("Blood pressure"), effectiveDateTime="2026-03", component=both),
        refusals=["no value (not measured)"],
    )
    assert (systolic.reading, systolic.value, systolic.unit) == ("systolic_pressure", 131, "mm[Hg]")
    assert (diastolic.reading, diastolic.origin) == ("diastolic_pressure", "Observation/1")
    assert systolic.start == utc(2026, 3, 1)


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        ({"valueInteger": 3}, 3.0, ""),
        ({"valueBoolean": False}, 0.0, "false"),
        ({"valueString": "clear"}, None, "clear"),
        ({"valueCodeableConcept": concept("Never smoker")}, None, "Never smoker"),
        ({"valueQuantity": {"value": 5, "comparator": "<", "code": "mg/L"}}, 5.0, "< 5 mg/L"),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}, None, "1 - 2"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 8}}}, None, "1 : 8"),
        (
            {"valuePeriod": {"start": "2026-01-01", "end": "2026-01-02"}},
            None,
            "2026-01-01 - 2026-01-02",
        ),
        ({"valueTime": "08:00:00"}, None, "08:00:00"),
    ],
)
def test_values_of_every_type(events, value, number, text):
    [event] = events(observation(**value))
    assert (event.value, event.text, event.start) == (number, text, None)


@pytest.mark.parametrize(
    ("fields", "start", "end"),
    [
        ({"effectiveDateTime": "2026"}, utc(2026, 1, 1), None),
        ({"effectiveInstant": "2026-03-01T08:00:00+02:00"}, utc(2026, 3, 1, 6), None),
        (
            {"effectiveTiming": {"event": ["2026-03-01"]}},
            utc(2026, 3, 1),
            utc(2026, 3, 1, 23, 59, 59, 999999),
        ),
        ({"issued": "2026-03-01T08:00:00.1234567Z"}, utc(2026, 3, 1, 8, 0, 0, 123456), None),
        (
            {"effectivePeriod": {"start": "2024-01", "end": "2024-02"}},
            utc(2024, 1, 1),
            utc(2024, 2, 29, 23, 59, 59, 999999),
        ),
    ],
)
def test_times_of_every_type_and_parts_of_dates(events, fields, start, end):
    [event] = events(observation(valueInteger=1, **fields))
    assert (event.start, event.end) == (start, end)


def test_units_are_those_of_the_reading_or_told(events):
    def creatinine(**quantity):
        return observation(code=coded("2160-0", "http://loinc.org"), valueQuantity=quantity)

    [event] = events(creatinine(value=88.4, unit="µmol/L"))
    assert (event.reading, event.value, event.unit) == (
        "creatinine",
        pytest.approx(1, 1e-4),
        "mg/dL",
    )
    [event] = events(
        creatinine(value=3, code="kg"),
        refusals=[
            "creatinine: 'kg' cannot be told in 'mg/dL'; kept as it is written, and compared with "
            "nothing"
        ],
    )
    assert (event.reading, event.value, event.unit) == ("", 3.0, "kg")


def test_what_was_entered_in_error_is_not_active_and_a_panel_is_told(events):
    [event] = events(observation(status="entered-in-error", valueInteger=1))
    assert not event.is_active
    panel = observation(hasMember=[{"reference": "Observation/2"}])
    reason = "a panel without a value of its own: its members are read by themselves"
    assert events(panel, refusals=[reason]) == []


def test_conditions_begin_end_and_may_be_unsure_or_wrong(events):
    def condition(**fields):
        return of("Condition", **{"code": concept("Asthma"), **fields})

    [event] = events(condition(clinicalStatus=coded("active"), onsetDateTime="2019-05"))
    assert (event.kind, event.start, event.end) == ("condition", utc(2019, 5, 1), None)
    assert event.is_active
    [event] = events(
        condition(
            clinicalStatus=coded("resolved"),
            verificationStatus=coded("provisional"),
            onsetAge={"value": 34, "unit": "a"},
            recordedDate="2019-05-01",
            abatementDateTime="2020-01-01",
        )
    )
    assert (event.text, event.start, event.end) == (
        "provisional; 34 a old",
        utc(2019, 5, 1),
        utc(2020, 1, 1),
    )
    assert not event.is_active
    [event] = events(condition(verificationStatus=coded("refuted")))
    assert not event.is_active
    events(
        condition(onsetDateTime="2020", abatementDateTime="2019"),
        refusals=["it ends before it starts"],
    )
    assert events(condition(code={}), refusals=["it does not say what it is"]) == []


MEDICINE = {
    "text": "Metformin",
    "coding": [{"system": "http://www.whocc.no/atc", "code": "A10BA02"}],
}
NAMED = [{"medicationCodeableConcept": MEDICINE}, {"medication": {"concept": MEDICINE}}]


@pytest.mark.parametrize("named", NAMED, ids=["R4", "R5"])
def test_prescriptions_in_both_releases(events, named):
    dosage = {
        "doseAndRate": [{"doseQuantity": {"value": 850, "unit": "mg"}}],
        "timing": {
            "repeat": {
                "frequency": 2,
                "period": 1,
                "periodUnit": "d",
                "boundsDuration": {"value": 4, "code": "wk"},
            }
        },
        "route": concept("oral"),
    }
    common = {"intent": "order", "status": "active", "authoredOn": "2026-01-01", **named}
    [event] = events(of("MedicationRequest", **common, dosageInstruction=[dosage]))
    assert (event.kind, event.name, event.text) == ("medicine", "Metformin", "850 mg, 2/1 d, oral")
    assert event.codes == (Code(system="atc", code="A10BA02"),)
    assert (event.start, event.end, event.is_active) == (utc(2026, 1, 1), utc(2026, 1, 29), True)
    [event] = events(of("MedicationRequest", **{**common, "status": "stopped"}))
    assert not event.is_active
    [event] = events(of("MedicationRequest", **{**common, "intent": "proposal"}))
    assert not event.is_active
    never = of("MedicationRequest", **common, doNotPerform=True)
    assert events(never, refusals=["an order not to give the medicine"]) == []


def test_a_medicine_by_reference_in_the_resource_and_beside_it(events):
    medication = {"resourceType": "Medication", "id": "m", "code": concept("Ibuprofen")}
    common = {"intent": "order", "status": "active"}
    inside = of(
        "MedicationRequest",
        **common,
        contained=[medication],
        medicationReference={"reference": "#m"},
    )
    [event] = events(inside, refusals=["told where a prescription refers to them"])
    assert event.name == "Ibuprofen"
    beside = of(
        "MedicationRequest", **common, medication={"reference": {"reference": "Medication/m"}}
    )
    [event] = events(beside, medication, refusals=["told where a prescription refers to them"])
    assert event.name == "Ibuprofen"
    lost = of("MedicationRequest", **common, medicationReference={"reference": "Medication/x"})
    assert events(lost, refusals=["the medicine is neither named nor in the files"]) == []


def test_statements_in_both_releases(events):
    four = of(
        "MedicationStatement",
        status="active",
        medicationCodeableConcept=MEDICINE,
        effectivePeriod={"start": "2025-01-01"},
        dosage=[{"text": "one at breakfast", "asNeededBoolean": True}],
    )
    [event] = events(four)
    assert (event.text, event.start, event.is_active) == ("one at breakfast", utc(2025, 1, 1), True)
    five = of("MedicationStatement", status="recorded", medication={"concept": MEDICINE})
    [event] = events(five)
    assert event.is_active
    for code, is_taken in (
        ("not-taking", False),
        ("stopped-as-directed", False),
        ("taking-as-directed", True),
    ):
        [event] = events({**five, "adherence": {"code": coded(code, "x:y")}})
        assert event.is_active is is_taken
    reason = "not-taken: the medicine was not given or taken"
    assert events({**four, "status": "not-taken"}, refusals=[reason]) == []


def test_what_was_given_and_what_was_dispensed(events):
    dosage = {"dose": {"value": 5, "code": "mg"}, "route": concept("intravenous")}
    given = [
        {"medicationCodeableConcept": MEDICINE, "effectiveDateTime": "2026-03-01T08:00:00Z"},
        {"medication": {"concept": MEDICINE}, "occurenceDateTime": "2026-03-01T08:00:00Z"},
    ]
    for fields in given:
        [event] = events(
            of("MedicationAdministration", status="completed", dosage=dosage, **fields)
        )
        assert (event.value, event.unit, event.text) == (5.0, "mg", "5 mg, intravenous")
        assert (event.start, event.is_active) == (utc(2026, 3, 1, 8), False)
    dispensed = of(
        "MedicationDispense",
        status="completed",
        medicationCodeableConcept=MEDICINE,
        whenHandedOver="2026-03-01",
        daysSupply={"value": 30},
    )
    [event] = events(dispensed)
    assert (event.value, event.unit, event.end) == (30.0, "d", utc(2026, 3, 31))
    assert event.is_active


@pytest.mark.parametrize("release", ["R4", "R5"])
def test_allergies_in_both_releases(events, release):
    rash = concept("Rash")
    fields = {
        "R4": {"type": "allergy", "reaction": [{"manifestation": [rash], "severity": "mild"}]},
        "R5": {
            "type": concept("Allergy"),
            "reaction": [{"manifestation": [{"concept": rash}], "severity": "mild"}],
        },
    }[release]
    common = {
        "clinicalStatus": coded("active"),
        "code": concept("Penicillin"),
        "criticality": "high",
    }
    [event] = events(of("AllergyIntolerance", **common, **fields, recordedDate="2014"))
    assert (event.kind, event.name, event.is_active) == ("allergy", "Penicillin", True)
    assert event.text == "Rash (mild); criticality high"
    [event] = events(of("AllergyIntolerance", **{**common, "clinicalStatus": coded("resolved")}))
    assert not event.is_active


ENCOUNTERS = [
    {
        "status": "finished",
        "class": {"code": "AMB", "display": "ambulatory"},
        "period": {"start": "2026-03-01T08:00:00Z"},
        "reasonCode": [concept("Cough")],
    },
    {
        "status": "completed",
        "class": [concept("ambulatory")],
        "actualPeriod": {"start": "2026-03-01T08:00:00Z"},
        "reason": [{"value": [{"concept": concept("Cough")}]}],
    },
]


@pytest.mark.parametrize("fields", ENCOUNTERS, ids=["R4", "R5"])
def test_encounters_in_both_releases(events, fields):
    [event] = events(of("Encounter", **fields))
    assert (event.kind, event.name, event.text) == ("encounter", "ambulatory", "Cough")
    assert (event.start, event.is_active) == (utc(2026, 3, 1, 8), False)
    reason = "cancelled: it did not take place"
    assert events(of("Encounter", **{**fields, "status": "cancelled"}), refusals=[reason]) == []


@pytest.mark.parametrize("time", ["performedDateTime", "occurrenceDateTime"])
def test_procedures_in_both_releases(events, time):
    done = of("Procedure", status="completed", code=concept("X-ray"), **{time: "2026-03-01"})
    [event] = events(done)
    assert (event.kind, event.name, event.start) == ("procedure", "X-ray", utc(2026, 3, 1))


def test_vaccinations_are_procedures(events):
    [event] = events(
        of(
            "Immunization",
            status="completed",
            vaccineCode=concept("Flu"),
            occurrenceDateTime="2025-10-01",
        )
    )
    assert (event.kind, event.name, event.start) == ("procedure", "Flu", utc(2025, 10, 1))


PLANS = [
    {"activity": [{"detail": {"status": "scheduled", "code": concept("Walk")}}]},
    {"activity": [{"performedActivity": [{"concept": concept("Walk")}]}]},
]


@pytest.mark.parametrize("activities", PLANS, ids=["R4", "R5"])
def test_plans_in_both_releases(events, activities):
    common = {"status": "active", "intent": "plan", "category": [concept("Exercise")]}
    [event] = events(
        of("CarePlan", **common, **activities, period={"start": "2026", "end": "2026"})
    )
    assert (event.kind, event.name, event.text) == ("plan", "Exercise", "Walk")
    assert (event.start, event.end) == (utc(2026, 1, 1), utc(2026, 12, 31, 23, 59, 59, 999999))
    assert event.is_active


def test_answers_nested_and_with_their_points(events):
    points = {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 10}
    coding = {
        "system": "http://loinc.org",
        "code": "LA1-8",
        "display": "Alone",
        "extension": [points],
    }
    eats = {"linkId": "/83184-2", "text": "Feeding", "answer": [{"valueCoding": coding}]}
    why = {"linkId": "1.1", "answer": [{"valueString": "tired"}]}
    walks = {"linkId": "1", "answer": [{"valueBoolean": True, "item": [why]}]}
    response = of(
        "QuestionnaireResponse",
        status="completed",
        questionnaire="http://a.es/barthel|1",
        authored="2026-03-01",
        item=[{"linkId": "g", "item": [eats, walks, {"linkId": "2"}]}],
    )
    first, second, third = events(response)
    assert (first.kind, first.name, first.value, first.text) == ("answer", "Feeding", 10.0, "Alone")
    assert first.codes == (Code(system="loinc", code="83184-2"), Code(system="loinc", code="LA1-8"))
    assert (second.value, second.codes) == (1.0, (Code(system="http://a.es/barthel", code="1"),))
    assert (third.name, third.text, third.start) == ("1.1", "tired", utc(2026, 3, 1))
    empty = of("QuestionnaireResponse", status="completed", questionnaire="http://a.es/b")
    assert events(empty, refusals=["no question is answered"]) == []


RICH = [
    {
        **of("MedicationRequest", status="active", intent="order", authoredOn="2020"),
        "contained": [{"resourceType": "Medication", "id": "m", "code": concept("M")}],
        "medicationReference": {"reference": "#m"},
        "dosageInstruction": [
            {
                "timing": {"repeat": {"period": 1, "boundsDuration": {"value": 3, "code": "d"}}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "mg"}}],
            }
        ],
    },
    of(
        "QuestionnaireResponse",
        item=[{"linkId": "1", "answer": [{"valueCoding": {"code": "a"}, "item": [{}]}]}],
    ),
    observation(
        meta={"lastUpdated": "2020-01-01"},
        effectiveTiming={"event": ["2020"]},
        valueQuantity={"value": 3, "unit": "kg"},
        component=[{"code": concept("C"), "valueRatio": {"numerator": {"value": 1}}}],
    ),
    {"resourceType": "Patient", "id": "ana", "birthDate": "1950", "name": [{"given": ["Ana"]}]},
    of("AllergyIntolerance", code=concept("P"), reaction=[{"manifestation": [concept("R")]}]),
    of("Encounter", type=[concept("T")], period={"start": "2020", "end": "2021"}),
]
JUNK = st.sampled_from([None, -1, 1e308, "", True, [], {}, [1], {"a": 1}, "2020-13", [{}], "9999"])


@settings(max_examples=80)
@given(st.sampled_from(RICH), st.data())
def test_nothing_in_a_resource_stops_the_reading(tmp_path_factory, resource, data):
    """Whatever is put in place of one of its parts, it is an event, a person or a refusal."""
    damaged = json.loads(json.dumps(resource))
    holder, key = data.draw(st.sampled_from(list(places(damaged))))
    holder[key] = data.draw(JUNK)
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    path.write_text(json.dumps(damaged))
    timelines, refusals = read_fhir(path)
    assert timelines or refusals


def places(element):
    for key, value in element.items() if isinstance(element, dict) else enumerate(element):
        yield element, key
        if isinstance(value, dict | list):
            yield from places(value)
