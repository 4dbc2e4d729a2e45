"""The monitor's charts: what is drawn lies where its value says; odd values are left out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.report.charts import CURVE_HEIGHT, CURVE_TOP
from cauce.report.layers import layer_charts, log_ticks, routing_rows, series

positive = st.floats(1e-9, 1e9)


def line(step, **values):
    return {"step": step, **{f"activation_rms/{name}": value for name, value in values.items()}}


@given(positive, positive)
def test_ticks_enclose_the_values_and_are_few(a, b):
    low, high = min(a, b), max(a, b)
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= 10
    assert ticks == sorted(set(ticks))
    assert ticks[0] <= low * 1.001
    assert high <= ticks[-1] * 1.001


def test_equal_ratios_are_equal_lengths():
    chart = layer_charts([line(1, a=1.0), line(2, a=10.0), line(3, a=100.0)])[0]
    heights = [float(point.split(",")[1]) for point in chart.lines[0].points.split()]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.11)
    assert (heights[0], heights[2]) == (CURVE_TOP + CURVE_HEIGHT, CURVE_TOP)
    assert chart.fastest.growth == "100.00"


def test_depth_is_told_by_opacity_and_order():
    chart = layer_charts([line(1, a=1.0, b=2.0, c=3.0), line(5, a=1.0, b=2.0, c=1.0)])[0]
    assert [it.name for it in chart.lines] == ["a", "b", "c"]
    assert [it.opacity for it in chart.lines] == [0.5, 0.75, 1.0]
    assert [it.last for it in chart.lines] == ["1", "2", "1"]


def test_what_is_no_positive_number_is_left_out():
    log = [line(1, a=0.0, b=math.nan), line(2, a=2.0, b=math.inf), line(3, a=4.0)]
    chart = layer_charts(log)[0]
    assert [it.name for it in chart.lines] == ["a"]
    assert len(chart.lines[0].points.split()) == 2
    assert "a grew most, 2.00 times: from 2 at step 2 to 4 at step 3." in chart.summary


def test_nothing_is_drawn_of_nothing():
    assert layer_charts([]) == []
    assert layer_charts([{"step": 1, "loss": 2.0}]) == []
    assert layer_charts([line(1, a=0.0)]) == []
    assert routing_rows([line(1, a=1.0)]) == []


def test_one_watched_step_is_enough():
    (chart,) = layer_charts([line(50, a=1.0, b=1.0)])
    assert chart.lines[0].growth == "1.00"


@pytest.mark.parametrize(
    "name", ["experts/layers.1.experts/least_used", "layers.1.experts/least_used"]
)
def test_figures_of_experts_are_found_under_either_name(name):
    rows = routing_rows([{"step": 1, name: 0.5}, {"step": 2, name: 0.125}, {"step": 2, "x/y": 1.0}])
    assert [(row.part, row.first, row.last) for row in rows] == [
        ("layers.1.experts", "50 %", "12.5 %")
    ]


def test_series_keep_the_steps_of_each_name():
    log = [{"step": 1, "a": 1.0}, {"step": 2, "b": 5.0}, {"step": 3, "a": 2.0}]
    assert series(log, ["a", "b", "c"]) == {"a": [(1, 1.0), (3, 2.0)], "b": [(2, 5.0)]}
