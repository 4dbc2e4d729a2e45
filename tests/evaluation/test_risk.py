"""Told risks: against scikit-learn, scipy and plain loops, and by property."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cauce.evaluation.calibration import BINS
from cauce.evaluation.risk import (
    Judged,
    _ranked,
    by_group,
    forecast_figures,
    gain,
    readings_drop,
    risk_figures,
    thinned,
)
from cauce.twin.series import Series, Variables
from cauce.twin.state.model import Forecast

metrics = pytest.importorskip("sklearn.metrics")

told = st.lists(
    st.tuples(st.sampled_from([0.1, 0.3, 0.30001, 0.7, 0.9]), st.booleans(), st.integers(1, 3)),
    min_size=4,
    max_size=30,
).filter(lambda items: 0 < sum(item[1] for item in items) < len(items))
few = settings(max_examples=40)


def judged(risks, happened, people=None) -> Judged:
    people = people or [str(n) for n in range(len(risks))]
    return Judged(np.asarray(risks, float), np.asarray(happened, bool), people)


def people_of(count: int, seed: int) -> Judged:
    """Risks that are worth something, and people with one or two items."""
    generator = np.random.default_rng(seed)
    risks = generator.beta(1, 3, count)
    return judged(risks, generator.random(count) < risks, [f"p{n * 2 // 3}" for n in range(count)])


@few
@given(told)
def test_ranks_are_those_of_scikit_learn_with_ties_and_weights(items):
    risks, happened, weights = (np.array(column) for column in zip(*items, strict=True))
    ranked = _ranked(judged(risks, happened))
    given_weights = {"sample_weight": weights}
    assert ranked.auroc(weights) == pytest.approx(
        metrics.roc_auc_score(happened, risks, **given_weights)
    )
    expected = metrics.average_precision_score(happened, risks, **given_weights)
    assert ranked.auprc(weights) == pytest.approx(expected)
    both = ranked.auroc(np.stack([weights, np.ones(len(weights))]))
    assert both[1] == pytest.approx(metrics.roc_auc_score(happened, risks))


@few
@given(told)
def test_sensitivity_and_precision_are_those_of_every_threshold(items):
    risks, happened, _ = (np.array(column) for column in zip(*items, strict=True))
    expected = max(
        min(happened[risks >= at].sum() / happened.sum(), happened[risks >= at].mean())
        for at in risks
    )
    ranked = _ranked(judged(risks, happened))
    assert ranked.sensitivity_and_precision(np.ones(len(risks))) == pytest.approx(expected)


def test_figures_are_those_of_scikit_learn_and_of_plain_loops():
    items = people_of(300, 0)
    found = risk_figures(items, draws=100)
    assert (found.n, found.events) == (300, int(items.happened.sum()))
    assert found.brier.value == pytest.approx(metrics.brier_score_loss(items.happened, items.risks))
    error = 0.0
    for low in np.arange(BINS) / BINS:
        chosen = (items.risks > low) & (items.risks <= low + 1 / BINS)
        if chosen.any():
            gap = items.risks[chosen].mean() - items.happened[chosen].mean()
            error += abs(gap) * chosen.mean()
    assert found.calibration_error == pytest.approx(error)


def test_the_interval_of_the_auroc_is_that_of_delong_where_people_have_one_item_each():
    items = people_of(400, 1)
    items = items._replace(people=[str(n) for n in range(400)])
    found = risk_figures(items, draws=1000).auroc
    ill, well = items.risks[items.happened], items.risks[~items.happened]
    won = (ill[:, None] > well) + 0.5 * (ill[:, None] == well)
    variance = won.mean(1).var(ddof=1) / len(ill) + won.mean(0).var(ddof=1) / len(well)
    low, high = stats.norm.interval(0.95, won.mean(), np.sqrt(variance))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_a_gain_is_paired():
    items = people_of(200, 2)
    assert gain(items, items, draws=50).auroc.high == 0
    noise = np.random.default_rng(3).normal(0, 0.1, 200)
    worse = items._replace(risks=items.risks + noise)
    more = gain(items, worse, draws=200).auroc
    alone = risk_figures(items, draws=200).auroc
    assert more.value > 0
    assert more.high - more.low < alone.high - alone.low


def test_groups_have_their_own_figures_and_no_ranks_where_too_little_happened():
    items = people_of(400, 5)
    few = np.arange(400) >= 320
    happened = items.happened & ~few
    names = ["b" if is_few else "a" for is_few in few]
    found = by_group(items._replace(happened=happened), names, draws=20)
    assert found["a"].auroc is not None
    expected = metrics.roc_auc_score(happened[~few], items.risks[~few])
    assert found["a"].auroc.value == pytest.approx(expected)
    assert (found["b"].auroc, found["b"].n, found["b"].events) == (None, 80, 0)
    assert found["b"].told == pytest.approx(items.risks[few].mean())
    with pytest.raises(ValueError, match="0 of 80"):
        risk_figures(items._replace(happened=happened).where(few))


def series_of(count: int) -> list[Series]:
    generator = np.random.default_rng(4)
    return [
        Series(f"p{n}", np.arange(20.0), generator.normal(n % 2, 1, (20, 2)), np.zeros(0))
        for n in range(count)
    ]


def test_as_many_readings_are_left_out_as_was_asked():
    one = thinned(series_of(1)[0], 0.95, np.random.default_rng(0))
    assert len(one.hours) < 10
    assert not np.isnan(one.values).all(1).any()
    many = [thinned(it, 0.3, np.random.default_rng(n)) for n, it in enumerate(series_of(50))]
    assert sum((~np.isnan(it.values)).sum() for it in many) / 2000 == pytest.approx(0.7, abs=0.03)


def test_the_drop_is_that_of_what_is_told_of_fewer_readings():
    series = series_of(80)
    happened = np.arange(80) % 2 == 1

    def told_by_the_mean(some):
        return np.array([np.nanmean(one.values[-2:]) if len(one.hours) else 0.5 for one in some])

    found = readings_drop(told_by_the_mean, series, happened, share=0.6)
    whole = metrics.roc_auc_score(happened, told_by_the_mean(series))
    assert found.drop.value == pytest.approx(whole - found.auroc.value)
    assert found.drop.value > 0


class Straight:
    """Foretells the mean of what is known, give or take one."""

    variables = Variables(readings=("a", "b"))

    def forecast(self, series, hours):
        mean = np.tile(np.nanmean(series.values, axis=0), (len(hours), 1))
        return Forecast(mean, np.ones_like(mean))


def test_forecasts_are_compared_with_the_last_value():
    values = np.array([[0.0, np.nan], [2.0, 5.0], [1.5, 9.0], [4.0, np.nan]])
    one = Series("p", np.array([0.0, 1.0, 2.0, 40.0]), values, np.zeros(0))
    found = forecast_figures(Straight(), [one], ahead=24.0)
    assert found["a"].n == 1
    assert found["a"].error == pytest.approx(4 - 3.5 / 3)
    assert found["a"].error_of_last == pytest.approx(2.5)
    assert found["a"].covered == 0
    assert "b" not in found
