"""People from what a user names: readings and medicines in columns, twins by consent."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from cauce.errors import ConsentRefused, NotFound, UserError
from cauce.twin.cohort import read_cohort, variables_of
from cauce.twin.consent import Consent
from cauce.twin.csv_table import read_csv
from cauce.twin.medicines import TAKING, with_medicines
from cauce.twin.parquet import write_timelines
from cauce.twin.series import Series, Variables
from cauce.twin.series_of import measurements_of, series_of
from cauce.twin.store import add_twin
from cauce.twin.timeline import Event, Person, Timeline


def event(kind, name, day, **other):
    start = datetime(2026, 3, day, tzinfo=UTC)
    return Event(kind=kind, name=name, start=start, file="x.json", origin="x/1", **other)


def reading(name, day, value):
    return event("reading", name, day, reading=name, value=value)


ANA = Timeline(
    person=Person(id="ana", birth=date(1940, 5, 1), sex="female"),
    events=(
        reading("creatinine", 1, 1.1),
        event("medicine", "Metformin 500 MG", 2),
        reading("creatinine", 3, 1.4),
        event("medicine", "Enalapril", 4, end=datetime(2026, 3, 6, tzinfo=UTC)),
        reading("glucose", 5, 120.0),
        reading("creatinine", 7, 1.5),
    ),
)
PERE = Timeline(person=Person(id="pere"), events=(reading("heart_rate", 1, 70.0),))
CHALLENGE = "Time,Parameter,Value\n00:00,RecordID,{id}\n00:00,Age,54\n00:07,HR,73\n01:00,HR,{hr}\n"


@pytest.fixture
def timelines(tmp_path):
    path = tmp_path / "people.parquet"
    write_timelines(path, [ANA, PERE])
    return str(path)


def test_variables_are_what_people_have():
    found = variables_of([ANA, PERE])
    assert set(found.readings) == {
        "creatinine",
        "glucose",
        "heart_rate",
        "taking enalapril",
        "taking metformin 500 mg",
    }
    assert set(variables_of([ANA, *[PERE] * 99]).readings) == {"heart_rate"}


def test_a_medicine_is_taken_from_its_start_until_its_end(timelines):
    cohort = read_cohort([timelines], purpose="training")
    ana = next(one for one in cohort.people if one.id == "ana")
    taken = {
        name: ana.values[:, cohort.variables.readings.index(name)].tolist()
        for name in cohort.variables.readings
        if name.startswith(TAKING)
    }
    assert taken["taking metformin 500 mg"] == [0, 1, 1, 1]
    assert taken["taking enalapril"] == [0, 0, 1, 0]
    assert cohort.timelines["ana"] == ANA


def test_a_timeline_is_told_as_pairs_of_hour_and_value():
    events = (
        event("condition", "Diabetes", 1),
        *(reading("creatinine", 2, 1.1), reading("glucose", 2, 98.0)),
        *(reading("creatinine", 4, 1.4), reading("creatinine", 4, 9.0)),
        reading("glucose", 5, 120.0).model_copy(update={"is_active": False}),
    )
    told = measurements_of(Timeline(person=Person(id="ana"), events=events)).of
    assert told == {"creatinine": ((24.0, 1.1), (72.0, 9.0)), "glucose": ((24.0, 98.0),)}


def test_a_number_in_a_unit_that_cannot_be_compared_is_told_to_no_model(tmp_path):
    table = tmp_path / "a.csv"
    table.write_text(
        "person,time,name,value,unit\n"
        "ana,2026-01-01,creatinine,1.1,mg/dL\nana,2026-01-02,creatinine,5,kg\n"
    )
    [timeline], [refused] = read_csv(table)
    assert "compared with nothing" in refused.reason
    told = series_of(timeline, Variables(readings=("creatinine",), statics=()))
    assert told.values.tolist() == [[1.1]]
    assert measurements_of(timeline).of == {"creatinine": ((0.0, 1.1),)}


def test_a_medicine_that_is_over_and_tells_no_end_was_taken_for_a_day():
    over = event("medicine", "Enalapril", 1, is_active=False)
    timeline = Timeline(person=Person(id="x"), events=(over,))
    series = Series("x", np.array([0.0, 23.0, 25.0]), np.full((3, 1), np.nan), np.zeros(0))
    variables = Variables(readings=("taking enalapril",))
    assert with_medicines(series, timeline, variables).values[:, 0].tolist() == [1, 1, 0]


def test_the_challenge_is_told_in_the_columns_of_a_model(tmp_path):
    for id, hr in (("1", 80), ("2", 90)):
        (tmp_path / f"{id}.txt").write_text(CHALLENGE.format(id=id, hr=hr))
    whole = read_cohort([str(tmp_path)], purpose="training")
    assert [one.id for one in whole.people] == ["1", "2"]
    wanted = Variables(readings=("creatinine", "heart_rate"), statics=("female", "age"))
    told = read_cohort([str(tmp_path)], wanted, purpose="training")
    assert told.variables == wanted
    assert told.people[1].values[:, 1].tolist() == [73, 90]
    assert np.isnan(told.people[1].values[:, 0]).all()
    assert told.people[0].statics[1] == 54


def consent(*purposes):
    return Consent(
        by="Ana", quality="self", purposes=purposes, given=date(2026, 1, 1), until=date(2099, 1, 1)
    )


def test_a_twin_is_read_by_its_name_where_that_was_agreed_to(tmp_path):
    csv = tmp_path / "ana.csv"
    csv.write_text("person,time,name,value,unit\nana,2026-03-01T08:00,creatinine,1.1,mg/dL\n")
    twins = tmp_path / "twins"
    add_twin("ana", [csv], consent("training"), twins=twins)
    cohort = read_cohort(["ana"], purpose="training", twins=twins)
    assert cohort.people[0].id == "ana" and len(cohort.twins["ana"]) == 16
    with pytest.raises(ConsentRefused, match="display"):
        read_cohort(["ana"], purpose="display", twins=twins)


def test_a_file_that_is_not_there_is_not_taken_for_a_twin():
    with pytest.raises(NotFound, match=r"no file or folder 'set-b.tar.xz'"):
        read_cohort(["set-b.tar.xz"], purpose="training")


def test_nobody_is_learned_from_twice_and_nobody_at_all_is_refused(timelines, tmp_path):
    with pytest.raises(UserError, match="2 people are in two"):
        read_cohort([timelines, timelines], purpose="training")
    empty = tmp_path / "none.csv"
    empty.write_text("person,time,name,value,unit\n")
    with pytest.raises(UserError, match="no person in it"):
        read_cohort([str(empty)], purpose="training")
