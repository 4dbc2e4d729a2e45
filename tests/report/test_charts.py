import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.report.charts import (
    MAX_POINTS,
    Scale,
    interval_chart,
    nice_ticks,
    thinned,
    training_curve,
)
from cauce.report.metrics import NBSP, metric_of

values = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(values, values)
def test_ticks_enclose_the_values_at_equal_distances(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 7
    slack = 1e-9 * max(abs(low), abs(high), 1.0)
    assert ticks[0] <= low + slack and high - slack <= ticks[-1]
    gaps = [right - left for left, right in itertools.pairwise(ticks)]
    assert all(gap == pytest.approx(gaps[0], rel=1e-3, abs=1e-12) for gap in gaps)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=2000))
def test_thinning_keeps_the_ends_near_and_the_mean_inside(losses: list[float]) -> None:
    points = [(float(step), loss) for step, loss in enumerate(losses)]
    thin = thinned(points)
    assert len(thin) == min(len(points), MAX_POINTS)
    assert min(losses) - 1e-9 <= min(y for _, y in thin)
    assert max(y for _, y in thin) <= max(losses) + 1e-9


def test_scale_is_straight_and_survives_one_value() -> None:
    scale = Scale(2.0, 4.0, 100.0, 0.0)
    assert [scale(2.0), scale(3.0), scale(4.0)] == [100.0, 50.0, 0.0]
    assert Scale(1.0, 1.0, 0.0, 10.0)(1.0) == 5.0


def test_curve_skips_what_is_no_number_and_marks_the_best_step() -> None:
    log: list[dict[str, float]] = [
        {"step": 1, "loss": 3.0, "lr": 0.1},
        {"step": 2, "loss": math.nan, "lr": 0.1},
        {"step": 4, "loss": 1.0, "lr": 0.0},
        {"step": 4, "validation_loss": 1.5},
    ]
    curve = training_curve(log, 4)
    assert curve is not None and curve.best is not None
    assert len(curve.train.split()) == 2
    assert curve.best.place == curve.validation_dots[0][0] == curve.right
    assert "from 3.000 at step 1 to 1.000 at step 4" in curve.description


@pytest.mark.parametrize("log", [[], [{"step": 1, "lr": 0.1}], [{"step": 1, "loss": math.inf}]])
def test_no_curve_without_a_loss(log: list[dict[str, float]]) -> None:
    assert training_curve(log, None) is None


def test_intervals_lie_on_one_axis_and_missing_ones_are_named() -> None:
    chart = interval_chart(
        {
            "base": {"rougeL": {"value": 0.5, "low": 0.25, "high": 0.75}, "chrf": {"value": 50.0}},
            "tuned": {"chrf": {"value": 100.0, "low": 90.0, "high": 100.0}},
        }
    )
    assert chart is not None
    ticks = [tick.place for tick in chart.ticks]
    rouge, chrf = chart.bands
    assert (rouge.marks[0].low, rouge.marks[0].x, rouge.marks[0].high) == tuple(ticks[1:4])
    assert (rouge.marks[1].x, rouge.marks[1].text) == (None, "not measured")
    assert (chrf.marks[0].x, chrf.marks[0].low, chrf.marks[1].x) == (ticks[2], None, ticks[4])
    assert "ROUGE-L: base 50.0" in chart.description


def test_no_chart_of_nothing() -> None:
    assert interval_chart({}) is None
    assert interval_chart({"base": {"perplexity": {"value": 3.0}}}) is None


def test_values_are_printed_with_their_unit() -> None:
    share, points, number = (metric_of(name) for name in ("rougeL", "chrf", "perplexity"))
    assert share.shown(0.125) == f"12.5{NBSP}%"
    assert share.shown_change(-0.125) == f"−12.5{NBSP}pp"
    assert points.shown_change(0.0) == "0.00"
    assert number.shown(123.456) == "123.5"
    assert number.shown(None) == "not measured"
    assert share.shown_interval(0.1, 0.2) == f"10.0 to 20.0{NBSP}%"
    assert share.shown_interval(None, 0.2) == ""
