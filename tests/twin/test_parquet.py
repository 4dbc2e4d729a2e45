from __future__ import annotations

import stat
import sys
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.errors import MissingExtra
from cauce.twin.parquet import read_timelines, write_timelines
from cauce.twin.timeline import Code, Event, Person, Timeline, in_order

MOMENTS = st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
EVENTS = st.builds(
    Event,
    kind=st.sampled_from(("reading", "medicine", "allergy")),
    name=st.text(),
    codes=st.lists(st.builds(Code, system=st.text(), code=st.text()), max_size=2).map(tuple),
    start=MOMENTS,
    end=MOMENTS,
    value=st.none() | st.floats(allow_nan=False),
    text=st.text(),
    is_active=st.booleans(),
    file=st.just("a.json"),
    origin=st.just("Observation/1"),
)
TIMELINES = st.builds(
    Timeline,
    person=st.builds(
        Person,
        id=st.text(min_size=1),
        name=st.text(),
        birth=st.none() | st.dates(date(1900, 1, 1)),
        sex=st.sampled_from(("female", "unknown")),
    ),
    events=st.lists(EVENTS, max_size=4).map(tuple),
)


@settings(max_examples=12)
@given(timelines=st.lists(TIMELINES, max_size=3))
def test_what_is_written_is_read_again(tmp_path_factory, timelines):
    path = tmp_path_factory.mktemp("twin") / "timeline.parquet"
    assert write_timelines(path, timelines) == len(timelines)
    assert read_timelines(path) == timelines
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"cauce\[twin\]"):
        write_timelines(tmp_path / "t.parquet", [])


def test_events_without_a_time_come_first_and_those_of_one_time_stay_in_order():
    late, early = datetime(2021, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    events = [event("a", late), event("b", None), event("c", early), event("d", early)]
    assert [one.name for one in in_order(events)] == ["b", "c", "d", "a"]


def test_readings_written_in_error_are_no_readings():
    wrong = event("x", None).model_copy(update={"reading": "weight", "value": 3.0})
    right = wrong.model_copy(update={"value": 60.0})
    timeline = Timeline(
        person=Person(id="p"), events=(wrong.model_copy(update={"is_active": False}), right)
    )
    assert timeline.readings("weight") == (right,)
    assert len(timeline.of_kind("reading")) == 2


def event(name, start):
    return Event(kind="reading", name=name, start=start, file="f", origin="line 1")
