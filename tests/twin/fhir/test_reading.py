"""Files, bundles, versions and whose a resource is."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from cauce.errors import MissingExtra, NotFound
from cauce.twin.fhir import read_fhir
from shared import shared_data

ANA = {
    "resourceType": "Patient",
    "id": "ana",
    "name": [
        {"text": "old", "use": "old"},
        {"use": "official", "given": ["Ana", "B"], "family": "C"},
    ],
    "gender": "female",
    "birthDate": "1940-05",
}


def weight(id="w", value=60.0, **fields):
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Weight"},
        "subject": {"reference": "Patient/ana"},
        "effectiveDateTime": "2026-03-01T08:00:00+01:00",
        "valueQuantity": {"value": value, "unit": "kg", "code": "kg"},
        **fields,
    }


def bundle(*resources, type="collection"):
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": type, "entry": entries}


def write(tmp_path, content, name="a.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_a_bundle_is_a_timeline(tmp_path):
    path = write(tmp_path, bundle(ANA, weight()))
    [timeline], refusals = read_fhir(path)
    assert refusals == []
    person = timeline.person
    assert (person.id, person.name, person.sex) == ("ana", "Ana B C", "female")
    assert person.birth == date(1940, 5, 1)
    [event] = timeline.events
    assert (event.kind, event.name, event.reading) == ("reading", "Weight", "weight")
    assert event.start == datetime(2026, 3, 1, 7, tzinfo=UTC)
    assert (event.file, event.origin) == (str(path), "Observation/w")


def test_lines_packed_files_archives_and_bundles_in_bundles_are_the_same(tmp_path):
    lines = "\n".join(map(json.dumps, (ANA, weight()))) + "\n\n"
    content = json.dumps(bundle(bundle(ANA), weight())).encode()
    write(tmp_path, lines, "a.ndjson")
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(lines.encode()))
    with tarfile.open(tmp_path / "c.tar.xz", "w:xz") as archive:
        member = tarfile.TarInfo("folder/c.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    read = [read_fhir(tmp_path / name) for name in ("a.ndjson", "b.ndjson.gz", "c.tar.xz")]
    bare = [[e.model_copy(update={"file": ""}) for e in one.timelines[0].events] for one in read]
    assert bare[0] == bare[1] == bare[2]
    assert read[2].timelines[0].events[0].file == f"{tmp_path}/c.tar.xz/folder/c.json"
    assert not any(one.refusals for one in read)


@pytest.mark.parametrize(
    ("content", "position", "reason"),
    [
        ("{", "the whole file", "not JSON"),
        ("[1]", "the whole file", "no resource"),
        ({"id": "x"}, "the whole file", "no resourceType"),
        (bundle(3), "entry 1", "no resource"),
        ({"resourceType": "Bundle", "entry": [7]}, "entry 1", "no object"),
        ({"resourceType": "Claim", "id": "c"}, "Claim: 1", "no place"),
        ({**ANA, "id": 5}, "Patient, the whole file", "without an id"),
        (weight(subject={"reference": "Group/1"}), "Observation/w", "no patient"),
        (weight(subject=None), "Observation/w", "no subject"),
        (weight(subject="Patient/ana"), "Observation/w", "subject is no object"),
        (weight(effectiveDateTime="soon"), "Observation/w", "no date"),
        (weight(value="60"), "Observation/w", "value is no number"),
        (weight(valueQuantity=None), "Observation/w", "no value"),
        (weight(code={"coding": "x"}), "Observation/w", "no list of objects"),
        (weight(code={}), "Observation/w", "what was measured"),
        (weight(status="cancelled"), "Observation/w", "nothing was measured"),
        (weight(contained=[4]), "Observation/w", "no resource"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path, content, position, reason):
    path = write(tmp_path, content)
    refusal = read_fhir(path).refusals[0]
    assert (refusal.file, refusal.position) == (str(path), position)
    assert reason in refusal.reason


def test_a_bad_resource_leaves_the_rest(tmp_path):
    path = write(tmp_path, bundle(ANA, weight("bad", value=True), weight("good")))
    [timeline], [refusal] = read_fhir(path)
    assert [event.origin for event in timeline.events] == ["Observation/good"]
    assert refusal.position == "Observation/bad"


def test_damaged_files_are_told_and_the_others_read(tmp_path):
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b"{}")[:-6])
    (tmp_path / "b.tar.xz").write_bytes(b"none")
    write(tmp_path, weight(), "c.json")
    timelines, refusals = read_fhir(tmp_path)
    assert len(timelines) == 1
    assert [one.reason.split(":")[0] for one in refusals] == ["packed, and damaged"] * 2
    with pytest.raises(NotFound):
        read_fhir(tmp_path / "none.json")


def test_of_several_versions_the_newest_counts_and_the_other_is_told(tmp_path):
    old = weight(value=50.0, meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    new = weight(value=55.0, meta={"lastUpdated": "2026-02-01T00:00:00Z"})
    for order in ((old, new), (new, old)):
        [timeline], [refusal] = read_fhir(write(tmp_path, bundle(*order)))
        assert [event.value for event in timeline.events] == [55.0]
        assert "another version" in refusal.reason


def test_a_history_begins_with_its_latest(tmp_path):
    content = bundle(weight(value=55.0), weight(value=50.0), type="history")
    [timeline], _ = read_fhir(write(tmp_path, content))
    assert [event.value for event in timeline.events] == [55.0]
    deletion = {"request": {"method": "DELETE", "url": "Observation/w"}}
    content["entry"].insert(0, deletion)
    timelines, refusals = read_fhir(write(tmp_path, content))
    assert timelines == []
    assert "deletes Observation/w" in [one.reason for one in refusals]


def test_references_by_address_and_new_resources_without_an_id(tmp_path):
    nameless = {key: value for key, value in ANA.items() if key != "id"}
    of_ana = weight(subject={"reference": "urn:uuid:0f-1"})
    elsewhere = weight("v", subject={"reference": "https://a.es/fhir/Patient/eva/_history/2"})
    content = bundle(nameless, of_ana, elsewhere, type="transaction")
    content["entry"][0]["fullUrl"] = "urn:uuid:0f-1"
    timelines, refusals = read_fhir(write(tmp_path, content))
    assert refusals == []
    told = {one.person.id: (one.person.name, len(one.events)) for one in timelines}
    assert told == {"0f-1": ("Ana B C", 1), "eva": ("", 1)}


def test_one_id_of_two_people_is_never_mixed(tmp_path):
    write(tmp_path, bundle(ANA, weight("1")), "a.json")
    write(tmp_path, bundle({**ANA, "birthDate": "1951-01-01"}, weight("2")), "b.json")
    timelines, refusals = read_fhir(tmp_path)
    assert timelines == []
    by_reason = Counter(one.position for one in refusals if "dates of birth" in one.reason)
    assert by_reason == {"Patient/ana": 1, "Observation/1": 1, "Observation/2": 1}


def test_validation_is_by_the_release_that_a_resource_is_of(tmp_path):
    encounter = {
        "resourceType": "Encounter",
        "status": "completed",
        "subject": {"reference": "Patient/ana"},
    }
    five = {**encounter, "id": "five", "class": [{"coding": [{"code": "AMB"}]}]}
    four = {**encounter, "id": "four", "status": "finished", "class": {"code": "AMB"}}
    bad = weight("bad", made_up="x")
    path = write(tmp_path, bundle(ANA, weight(), five, four, bad, {"resourceType": "Nothing"}))
    [timeline], refusals = read_fhir(path, validate=True)
    assert sorted(event.origin for event in timeline.events) == [
        "Encounter/five",
        "Encounter/four",
        "Observation/w",
    ]
    assert [(one.position, one.reason) for one in refusals] == [
        ("Observation/bad", "not valid as R4: made_up (extra_forbidden)"),
        ("Nothing, entry 6", "R4 has no Nothing"),
    ]


def test_without_the_extra_validation_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fhir.resources", None)
    with pytest.raises(MissingExtra, match=r"cauce\[twin\]"):
        read_fhir(write(tmp_path, ANA), validate=True)


def test_xml_is_told_by_what_it_holds(tmp_path):
    patient = '<Patient xmlns="http://hl7.org/fhir"><id value="a"/></Patient>'
    write(tmp_path, patient, "a.xml")
    write(tmp_path, "<Patient", "b.xml")
    timelines, refusals = read_fhir(tmp_path)
    assert timelines == []
    assert refusals[0].position == "Patient: 1"
    assert "give the same in JSON" in refusals[0].reason
    assert "not XML" in refusals[1].reason


def test_the_real_medicine_documents_are_told_to_be_no_records():
    timelines, refusals = read_fhir(shared_data("epi-aemps"))
    assert timelines == []
    assert len({one.file for one in refusals}) == 8
    assert Counter(one.position for one in refusals) == {"List: 1": 8, "Composition: 2": 8}
    assert all("kind: epi" in one.reason for one in refusals)


def test_the_real_bundles_lose_nothing_and_say_what_their_json_says():
    """Oracle: plain look-ups in the JSON of the ten patients."""
    path = shared_data("synthea/bundles-10.tar.xz")
    timelines, refusals = read_fhir(path)
    with tarfile.open(path) as archive:
        files = [archive.extractfile(one) for one in archive if one.name.endswith(".json")]
        resources = [e["resource"] for f in files for e in json.load(f)["entry"]]
    events = {event.origin: event for line in timelines for event in line.events}
    people = {line.person.id: line.person for line in timelines}
    told = Counter()
    for refusal in refusals:
        kind, _, count = refusal.position.partition(": ")
        told[kind] += int(count)
    for one in resources:
        kind = one["resourceType"]
        if kind == "Patient":
            assert people[one["id"]].birth.isoformat() == one["birthDate"]
        elif f"{kind}/{one['id']}" in events:
            check(events[f"{kind}/{one['id']}"], one)
        else:
            told[kind] -= 1
    inside = Counter(c["resourceType"] for one in resources for c in one.get("contained", []))
    assert told - inside == Counter()
    assert len(people) == 10


def check(event, resource):
    code = resource.get("code") or resource.get("vaccineCode") or {}
    if code and "component" not in resource:
        assert event.name == code["text"]
        assert event.codes[0].code == code["coding"][0]["code"]
    if quantity := resource.get("valueQuantity"):
        assert (event.value, event.unit) == (quantity["value"], quantity["code"])
    if time := resource.get("effectiveDateTime") or resource.get("onsetDateTime"):
        assert event.start == datetime.fromisoformat(time)
