"""What a twin's model is made of: against scikit-learn and plain loops, and by property."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.errors import MissingExtra
from cauce.twin.series import Series
from cauce.twin.state.folds import stratified_folds
from cauce.twin.state.logistic import fit_logistic, sigmoid
from cauce.twin.state.network import Network, known_at
from cauce.twin.state.scaling import REACH, reading_scale, scale_of, static_scale
from cauce.twin.state.settings import NetworkSettings
from cauce.twin.state.steps import batch_of, steps_of
from cauce.twin.state.summaries import last_values, summaries
from cauce.twin.state.trees import grow_trees, trees_of
from twin.state.invented import people

few = settings(max_examples=20)


def test_logistic_is_that_of_scikit_learn():
    linear = pytest.importorskip("sklearn.linear_model")
    generator = np.random.default_rng(0)
    features = generator.normal(size=(80, 4))
    outcomes = (features[:, 0] + generator.normal(size=80) > 0).astype(float)
    mine = fit_logistic(features, outcomes, ridge=2.0)
    theirs = linear.LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(features, outcomes)
    assert mine.weights == pytest.approx(theirs.coef_[0], abs=1e-5)
    assert mine.probabilities(features) == pytest.approx(theirs.predict_proba(features)[:, 1])


def test_logistic_of_separable_people_ends():
    features = np.array([[-1.0], [1.0]]).repeat(10, 0)
    mine = fit_logistic(features, (features[:, 0] > 0).astype(float), ridge=1e-6)
    assert mine.probabilities(features) == pytest.approx(features[:, 0].clip(0), abs=1e-3)


def test_sigmoid_neither_overflows_nor_loses_digits():
    assert sigmoid(np.array([-800.0, 0.0, 800.0])).tolist() == [0.0, 0.5, 1.0]


def test_trees_are_those_of_scikit_learn_also_where_values_are_missing():
    ensemble = pytest.importorskip("sklearn.ensemble")
    generator = np.random.default_rng(1)
    features = generator.normal(size=(200, 5))
    features[generator.random(features.shape) < 0.3] = np.nan
    outcomes = (np.nan_to_num(features[:, 0]) + generator.normal(size=200) > 0).astype(float)
    grown = ensemble.HistGradientBoostingClassifier(max_iter=12, max_leaf_nodes=6)
    model = grown.fit(features, outcomes)
    asked = generator.normal(size=(100, 5))
    asked[generator.random(asked.shape) < 0.3] = np.nan
    mine = sigmoid(trees_of(model).logits(asked))
    assert mine == pytest.approx(model.predict_proba(asked)[:, 1], abs=1e-12)


def test_trees_without_scikit_learn_name_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.ensemble", None)
    with pytest.raises(MissingExtra, match="twin"):
        grow_trees(np.zeros((4, 1)), np.array([0.0, 1, 0, 1]), seed=0)


@few
@given(st.lists(st.booleans(), min_size=12, max_size=40), st.integers(2, 5))
def test_folds_share_out_both_kinds_of_people(happened, folds):
    outcomes = np.array(happened, float)
    found = stratified_folds(outcomes, folds, seed=3)
    for outcome in (0.0, 1.0):
        sizes = np.bincount(found[outcomes == outcome], minlength=folds)
        assert sizes.max() - sizes.min() <= 1
    assert (found == stratified_folds(outcomes, folds, seed=3)).all()


def test_scales_are_inverted_and_hold_faults_back():
    generator = np.random.default_rng(2)
    values = np.column_stack([generator.normal(100, 5, 500), generator.lognormal(2, 1, 500)])
    values[0, 0] = -1e4
    scale = scale_of(values)
    assert scale.bend[0] == 0 < scale.bend[1]
    assert scale.apply(values[:1])[0, 0] == -REACH
    inner = np.abs(scale.apply(values)).max(1) < REACH
    assert scale.invert(scale.apply(values[inner])) == pytest.approx(values[inner])
    assert abs(scale.centre[0] - 100) < 1


def test_scale_of_what_was_never_measured_or_never_differs_changes_nothing_but_the_origin():
    scale = scale_of(np.array([[np.nan, 7.0], [np.nan, 7.0]]))
    assert scale.apply(np.array([[2.0, 8.0]])).tolist() == [[2.0, 1.0]]


def test_summaries_are_those_of_plain_loops():
    for one in people(8, seed=4):
        found = summaries([one])[0].reshape(-1)
        expected: list[float] = []
        known = [column[~np.isnan(column)] for column in one.values.T]
        for of in (lambda k: k[0], lambda k: k[-1], min, max, np.median, sum):
            expected += [float(of(k)) if len(k) else np.nan for k in known]
        assert found == pytest.approx([*expected, *one.statics], nan_ok=True)
        ends = [k[-1] if len(k) else np.nan for k in known]
        assert last_values([one])[0] == pytest.approx([*ends, *one.statics], nan_ok=True)


def test_steps_merge_what_is_measured_within_their_hours():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, 5.0]])
    one = Series("a", np.array([0.1, 0.9, 5.0]), values, np.array([1.0]))
    scale = scale_of(np.array([[0.0, 0.0], [1.0, 1.0]]))._replace(
        bend=np.zeros(2), centre=np.zeros(2), spread=np.ones(2)
    )
    steps = steps_of(one, scale, scale_of(np.array([[0.0]])), step_hours=1.0)
    assert steps.values == pytest.approx(np.array([[2.0, np.nan], [np.nan, 4.0]]), nan_ok=True)
    assert steps.hours.tolist() == [0.9, 5.0]
    assert steps.rows.tolist() == [0, 0, 1]


def batch_of_people(count: int):
    series = people(count, seed=5)
    scales = reading_scale(series), static_scale(series)
    return batch_of([steps_of(one, *scales, step_hours=1.0) for one in series])


def test_what_is_known_is_that_of_plain_loops():
    batch = batch_of_people(4)
    known = known_at(batch)
    for b, v in np.ndindex(4, batch.values.shape[2]):
        last, at = 0.0, -np.inf
        for t in range(int((~batch.padding[b]).sum())):
            if batch.measured[b, t, v]:
                last, at = float(batch.values[b, t, v]), float(batch.hours[b, t])
            assert known.last[b, t, v] == last
            assert known.ago[b, t, v] == pytest.approx(float(batch.hours[b, t]) - at)


@pytest.mark.parametrize("cell", ["cfc", "gru"])
def test_no_person_is_told_of_another_even_where_rows_are_as_many_as_neurons(cell):
    batch = batch_of_people(8)
    network = Network(3, 1, cell, NetworkSettings(units=8, backbone=8)).eval()
    with torch.no_grad():
        together = network.logits(batch, network.states(batch, known_at(batch)))
        for row in range(8):
            alone = batch.rows(torch.tensor([row]))
            logit = network.logits(alone, network.states(alone, known_at(alone)))
            assert float(logit) == pytest.approx(float(together[row]), abs=1e-5)
