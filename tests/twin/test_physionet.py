from __future__ import annotations

import csv
import gzip
import itertools
import math
import tarfile

import numpy as np
import pytest

from cauce.errors import DataRefused, NotFound
from cauce.records import Refusal
from cauce.twin.physionet import (
    ADMISSION,
    challenge_timelines,
    challenge_variables,
    read_challenge,
    read_outcomes,
)
from cauce.twin.series import Variables
from cauce.twin.series_of import series_of
from cauce.twin.timeline import Event, Person, Timeline
from shared import shared_data

RECORD = """Time,Parameter,Value
00:00,RecordID,132539
00:00,Age,54
00:00,Gender,0
00:00,Height,-1
00:00,ICUType,4
00:00,Weight,-1
00:07,GCS,15
00:07,HR,73
00:37,HR,77
00:37,HR,78
47:59,Temp,35.6
"""
OUTCOMES = """RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death
132539,6,1,5,-1,0
7,-1,8,8,5,1
"""

COMPARED = {"HR": "heart_rate", "GCS": "coma_score"}
"""Of the other columns, some are of times that the records do not hold."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set-a").mkdir()
    (tmp_path / "set-a" / "132539.txt").write_text(RECORD)
    other = (
        RECORD.replace("132539", "7")
        .replace("Gender,0", "Gender,1")
        .replace("Height,-1", "Height,170")
    )
    (tmp_path / "set-a" / "7.txt").write_text(other.replace("ICUType,4", "ICUType,-1"))
    (tmp_path / "Outcomes-a.txt").write_text(OUTCOMES)
    return tmp_path


def test_a_record_is_a_series(folder):
    series, variables, refusals = read_challenge(folder)
    assert [one.id for one in series] == ["132539", "7"]
    assert refusals == []
    first = series[0]
    assert first.hours == pytest.approx([7 / 60, 37 / 60, 47 + 59 / 60])
    heart = variables.readings.index("heart_rate")
    assert first.values[:, heart] == pytest.approx([73, 78, math.nan], nan_ok=True)
    assert np.isnan(first.values[:, variables.readings.index("weight")]).all()
    assert first.statics == pytest.approx([54, 1, math.nan, 0, 0, 0, 1], nan_ok=True)
    assert series[1].statics == pytest.approx([54, 0, 170, *[math.nan] * 4], nan_ok=True)


def test_a_packed_archive_is_the_same_as_the_folder(folder, tmp_path):
    path = tmp_path / "set-a.tar.xz"
    with tarfile.open(path, "w:xz") as archive:
        archive.add(folder / "set-a", "set-a")
        archive.add(folder / "Outcomes-a.txt", "Outcomes-a.txt")
    packed, plain = read_challenge(path), read_challenge(folder)
    for one, other in zip(packed.series, plain.series, strict=True):
        assert np.array_equal(one.values, other.values, equal_nan=True)
    assert read_outcomes(path)[0] == read_outcomes(folder / "Outcomes-a.txt")[0]


def test_outcomes_by_id(folder):
    outcomes, refusals = read_outcomes(folder)
    assert refusals == []
    assert outcomes["132539"] == (False, 5, None, 6, 1)
    assert outcomes["7"] == (True, 8, 5, None, 8)


def test_a_timeline_of_a_record_gives_its_series(folder):
    series, variables, _ = read_challenge(folder)
    by_id = {one.id: one for one in series}
    for timeline in challenge_timelines(folder):
        assert isinstance(timeline, Timeline)
        again, wanted = series_of(timeline, variables), by_id[timeline.person.id]
        assert again.hours == pytest.approx(wanted.hours)
        assert np.array_equal(again.values, wanted.values, equal_nan=True)
        assert np.array_equal(again.statics, wanted.statics, equal_nan=True)


@pytest.mark.parametrize(
    "line", ["00:99,HR,70", "00:10,HR,x", "00:10,HR", "00:10,Shoe,40", "1,HR,inf"]
)
def test_a_bad_line_is_told_and_the_rest_goes_on(tmp_path, line):
    (tmp_path / "1.txt").write_text(f"{RECORD}{line}\n")
    [series], _, [refusal] = read_challenge(tmp_path)
    assert (refusal.file, refusal.position) == (str(tmp_path / "1.txt"), "line 13")
    assert len(series.hours) == 3


def test_what_is_no_record_is_told(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.txt").write_text("Time,Parameter,Value\n00:00,Age,3\n")
    told = list(challenge_timelines(tmp_path))
    assert all(isinstance(one, Refusal) for one in told)
    assert len(told) == 2
    with pytest.raises(NotFound, match="no record of the challenge"):
        read_challenge(tmp_path)
    with pytest.raises(NotFound, match="no outcomes"):
        read_outcomes(tmp_path)
    with pytest.raises(NotFound, match="no file or folder"):
        read_challenge(tmp_path / "none")
    (tmp_path / "bad.tar.xz").write_bytes(b"none")
    with pytest.raises(DataRefused, match="damaged"):
        read_challenge(tmp_path / "bad.tar.xz")


def test_a_bad_outcome_is_told(tmp_path):
    (tmp_path / "o.txt").write_text(f"{OUTCOMES}9,1,2,3,4,maybe\n9,1\n")
    outcomes, refusals = read_outcomes(tmp_path / "o.txt")
    assert len(outcomes) == 2
    assert [one.position for one in refusals] == ["line 4", "line 5"]


def test_a_series_of_a_timeline_without_numbers_is_empty():
    variables = Variables(readings=("weight", "steps"), statics=("age", "female", "height"))
    empty = series_of(Timeline(person=Person(id="p"), events=()), variables)
    assert empty.values.shape == (0, 2)
    assert np.isnan(empty.statics).all()
    wrong = Event(
        kind="reading",
        name="w",
        reading="weight",
        value=1.0,
        start=ADMISSION,
        is_active=False,
        file="f",
        origin="o",
    )
    assert len(series_of(Timeline(person=Person(id="p"), events=(wrong,)), variables).hours) == 0


def test_the_real_records_against_their_published_features(tmp_path):
    """Oracle: the first numbers of each record as another reader told them."""
    features = shared_data("icu-series/PhysionetChallenge2012-set-a.csv.gz")
    with gzip.open(features, "rt") as file:
        rows = {row["recordid"]: row for row in csv.DictReader(file)}
    with tarfile.open(shared_data("icu-series/set-a.tar.xz")) as archive:
        records = (member for member in archive if "/" in member.name and member.isfile())
        for member in itertools.islice(records, 40):
            archive.extract(member, tmp_path, filter="data")
    series, variables, refusals = read_challenge(tmp_path)
    assert refusals == []
    assert (len(series), variables) == (40, challenge_variables())
    for one in series:
        for column, name in COMPARED.items():
            told = one.values[:, variables.readings.index(name)]
            told = told[~np.isnan(told)]
            expected = rows[one.id][f"{column}_first"]
            found = told[0] if len(told) else None
            assert found == (pytest.approx(float(expected)) if expected else None)
