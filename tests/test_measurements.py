"""What was measured, as text and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.records import Measurements

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.sampled_from(["glucose", "presión sistólica", "HbA1c (%)", "a:b"])


@given(st.dictionaries(NAMES, st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=4)))
def test_text_keeps_every_number(of):
    series = Measurements(of={name: tuple(pairs) for name, pairs in of.items()})
    assert Measurements.of_text(series.text) == series


@pytest.mark.parametrize("line", ["glucose", "glucose 98", "0:98", "glucose 0:98 high", "g 0:1:2"])
def test_a_line_that_is_none_is_named(line):
    with pytest.raises(ValueError, match="is not written as `glucose 0:98"):
        Measurements.of_text(f"temperature 0:37\n{line}")


def test_hours_are_those_of_all_names():
    series = Measurements.of_text("a 0:1 6.5:2\n\n b 3:1 6.5:9 ")
    assert series.hours() == [0.0, 3.0, 6.5]
    assert series.text == "a 0:1 6.5:2\nb 3:1 6.5:9"
