from __future__ import annotations

import stat
from datetime import date, timedelta
from pathlib import Path

import pytest

from cauce import audit
from cauce.errors import ConsentExpired, ConsentRefused, DataRefused, NotFound, UserError
from cauce.twin import store
from cauce.twin.merging import merge
from cauce.twin.store import add_twin, list_twins, open_twin, renew
from cauce.twin.timeline import Event, Person, Timeline
from twin.people import CREATININE, PERSON_ID, bundle, consent, creatinine, medicine, record

pytest.importorskip("pyarrow")


@pytest.fixture
def twins(tmp_path: Path) -> Path:
    return tmp_path / "home" / "twins"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return record(tmp_path)


def test_a_twin_is_kept_for_its_owner_alone(twins: Path, file: Path) -> None:
    added = add_twin("ana", [file], consent(), twins=twins)
    assert (added.new, added.changed, added.known) == (3, 0, 0)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (twins, *twins.rglob("*"))}
    folders = {"twins": 0o700, "ana": 0o700}
    files = dict.fromkeys(("timeline.parquet", "consent.json", "sources.json"), 0o600)
    assert modes == {**folders, **files, "access.jsonl": 0o600}
    assert str(file.parent) not in (twins / "ana" / "sources.json").read_text()
    found = open_twin("ana", "display", twins=twins)
    assert found.timeline == added.twin.timeline
    assert {event.file for event in found.timeline.events} == {file.name}


def test_files_that_are_read_again_double_nothing(twins: Path, file: Path) -> None:
    first = add_twin("ana", [file], consent(), twins=twins)
    again = add_twin("ana", [file, file], twins=twins)
    assert (again.new, again.changed) == (0, 0)
    assert again.twin == first.twin
    later = file.with_name("later.json")
    later.write_text(
        bundle(creatinine(CREATININE, "2026-01-10", 2.1), creatinine("c-2", "2026-02-10", 2.2))
    )
    grown = add_twin("ana", [later], twins=twins)
    assert (grown.new, grown.changed) == (1, 1)
    values = [event.value for event in grown.twin.timeline.readings("creatinine")]
    assert values == [2.1, 2.2]
    assert [one.file for one in grown.twin.sources.files] == [file.name, "later.json"]


def test_lines_of_tables_are_the_same_event_by_what_they_say() -> None:
    def reading(value: float, line: int) -> Event:
        place = f"line {line}"
        return Event(kind="reading", name="weight", value=value, file="a.csv", origin=place)

    ana = Person(id="ana")
    before = Timeline(person=ana, events=(reading(64, 2), reading(64, 3), reading(65, 4)))
    moved = Timeline(person=ana, events=(reading(65, 2), reading(66, 3), reading(64, 4)))
    merged = merge(before, [moved])
    assert (merged.new, merged.changed, merged.known) == (1, 0, 2)
    assert sorted(event.value or 0 for event in merged.timeline.events) == [64, 64, 65, 66]
    assert merge(merged.timeline, [before, moved]).new == 0


def test_a_new_twin_needs_a_consent_and_a_safe_name(twins: Path, file: Path) -> None:
    with pytest.raises(UserError, match="nobody's consent"):
        add_twin("ana", [file], twins=twins)
    for name in ("", "../ana", "Ana", ".ana", "a/b", "a" * 65):
        with pytest.raises(UserError, match="cannot be named"):
            add_twin(name, [file], consent(), twins=twins)
    assert not twins.exists()


def test_a_twin_is_of_one_person(twins: Path, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(bundle(medicine("m-9", "X", "2026-01-01"), person_id="p-9"))
    with pytest.raises(UserError, match="2 people") as refused:
        add_twin("ana", [file, other], consent(), twins=twins)
    assert PERSON_ID not in str(refused.value)
    added = add_twin("ana", [file, other], consent(), persons=[PERSON_ID], twins=twins)
    assert (len(added.twin.timeline.events), added.others) == (3, 1)
    with pytest.raises(UserError, match="none of whom"):
        add_twin("ana", [other], twins=twins)


def test_why_files_tell_of_nobody_is_told(twins: Path, tmp_path: Path) -> None:
    for name, text, reason in (
        ("half.json", '{"a":', "not JSON"),
        ("note.txt", "hola", "no record"),
        ("empty.csv", "person,time,name\n", "there is nothing in them"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(UserError, match=f"tell of nobody .*{reason}"):
            add_twin("ana", [tmp_path / name], consent(), twins=twins)


def test_a_record_of_the_challenge_is_a_twin(twins: Path, tmp_path: Path) -> None:
    record = tmp_path / "132539.txt"
    record.write_text("Time,Parameter,Value\n00:00,RecordID,132539\n00:07,HR,73\n00:07,Shoe,4\n")
    added = add_twin("ana", [record], consent(), twins=twins)
    assert [event.value for event in added.twin.timeline.readings("heart_rate")] == [73]
    assert [one.position for one in added.refusals] == ["line 4"]


def test_what_is_not_valid_is_set_aside_on_request(twins: Path, tmp_path: Path) -> None:
    pytest.importorskip("fhir.resources")
    file = tmp_path / "a.json"
    file.write_text(bundle({**creatinine("o-1", "2026-01-01", 0.9), "shoe": 4}))
    assert len(add_twin("ana", [file], consent(), twins=twins).twin.timeline.events) == 1
    checked = add_twin("eva", [file], consent(), validate=True, twins=twins)
    assert checked.twin.timeline.events == ()
    assert "not valid as R" in checked.refusals[0].reason


def test_two_dates_of_birth_are_two_people() -> None:
    first, second = (
        Timeline(person=Person(id="a", birth=day), events=())
        for day in (date(1941, 5, 2), date(1951, 5, 2))
    )
    with pytest.raises(UserError, match="two people"):
        merge(first, [second])


def test_what_is_not_used_is_told(twins: Path, file: Path) -> None:
    broken = file.with_name("broken.ndjson")
    broken.write_text('{"resourceType": "Observation"\n')
    refusals = add_twin("ana", [file, broken], consent(), twins=twins).refusals
    assert [(Path(one.file).name, one.position) for one in refusals] == [
        ("broken.ndjson", "line 1")
    ]


def test_a_purpose_that_was_not_agreed_to_is_refused_and_logged(twins: Path, file: Path) -> None:
    add_twin("ana", [file], consent("display"), twins=twins)
    with pytest.raises(ConsentRefused) as refused:
        open_twin("ana", "training", twins=twins)
    assert "--for display --for training" in str(refused.value)
    renew("ana", date(2999, 2, 1), ["display", "training"], twins=twins)
    assert open_twin("ana", "training", twins=twins).consent.until == date(2999, 2, 1)
    lines = (twins / store.LOG).read_text()
    events = [audit.Entry.model_validate_json(line) for line in lines.splitlines()]
    assert [entry.event for entry in events] == [
        "twin added to",
        "reading refused",
        "consent renewed",
        "twin read",
    ]
    assert audit.verify(twins / store.LOG).fault is None
    assert not {"ana", "Apixaban", PERSON_ID, "creatinine"} & set(lines.split('"'))


def test_a_consent_ends_after_its_last_day(twins: Path, file: Path) -> None:
    add_twin("ana", [file], consent(until=store.today()), twins=twins)
    assert open_twin("ana", "display", twins=twins)
    yesterday = store.today() - timedelta(days=1)
    add_twin("ana", [file], consent(until=yesterday), twins=twins)
    with pytest.raises(ConsentExpired) as ended:
        open_twin("ana", "display", twins=twins)
    assert str(yesterday) in str(ended.value)
    assert "cauce twin renew ana --until" in str(ended.value)
    assert [(one.name, one.is_expired) for one in list_twins(twins)] == [("ana", True)]


def test_what_is_missing_or_damaged_is_named(twins: Path, file: Path) -> None:
    with pytest.raises(NotFound, match="none yet"):
        open_twin("ana", "display", twins=twins)
    add_twin("ana", [file], consent(), twins=twins)
    with pytest.raises(NotFound, match="twins there: ana"):
        open_twin("eva", "display", twins=twins)
    (twins / "ana" / "consent.json").write_text("{}")
    with pytest.raises(DataRefused, match=r"consent\.json"):
        open_twin("ana", "display", twins=twins)
