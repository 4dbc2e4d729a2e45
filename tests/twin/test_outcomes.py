"""Tables of outcomes: what is not known is left out, what is no outcome refused with its line."""

from __future__ import annotations

import gzip

import pytest

from cauce.errors import DataRefused, NotFound, UserError
from cauce.twin.outcomes import read_outcomes
from shared import shared_data

TABLE = "RecordID,SAPS-I,In-hospital_death\n1,6,0\n2,-1,1\n3,4,-1\n4,4,\n"


def test_what_happened_is_read_by_the_id_in_the_first_column(tmp_path):
    path = tmp_path / "Outcomes.txt"
    path.write_text(TABLE)
    assert read_outcomes(path, "In-hospital_death") == {"1": False, "2": True}


def test_a_packed_table_is_the_same(tmp_path):
    path = tmp_path / "outcomes.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode()))
    assert read_outcomes(path, "In-hospital_death") == {"1": False, "2": True}


def test_what_is_no_table_of_outcomes_is_refused(tmp_path):
    path = tmp_path / "outcomes.csv"
    with pytest.raises(NotFound, match="--outcomes"):
        read_outcomes(path, "death")
    path.write_text(TABLE)
    with pytest.raises(UserError, match=r"no column 'death'\.\nIts columns: SAPS-I, In-hospital"):
        read_outcomes(path, "death")
    with pytest.raises(DataRefused, match="line 2: the outcome SAPS-I"):
        read_outcomes(path, "SAPS-I")


def test_the_outcomes_of_the_challenge_are_read():
    path = shared_data("icu-series/PhysionetChallenge2012-set-a.csv.gz")
    found = read_outcomes(path, "In-hospital_death")
    assert len(found) == 4000 and sum(found.values()) == 554
