"""Whom a model tells a risk of: people like those learned from, and hardly anyone else."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from scipy.stats import binom

from cauce.twin import domain, domain_text
from cauce.twin.domain import Comparison, Domain, domain_of
from cauce.twin.domain_text import withheld_text
from cauce.twin.series import Series, Variables
from cauce.twin.state import TwinSettings

VARIABLES = Variables(
    readings=("creatinine", "glucose", "sodium", "taking metformin"), statics=("age", "height")
)


class StandIn:
    """Its state is what was measured last, on one scale."""

    variables = VARIABLES

    def __init__(self, *members):
        self.settings = TwinSettings(members=members or ("liquid",))

    def states(self, series):
        columns = zip(MEANS, series.values.T[:3], strict=True)
        last = [[mean, *column[~np.isnan(column)]][-1] for mean, column in columns]
        scaled = (np.array(last) - MEANS) / SPREADS
        return torch.from_numpy(np.tile(scaled, (len(series.hours), 1)))


MEANS, SPREADS = np.array([1.0, 100.0, 140.0]), np.array([0.2, 15.0, 3.0])


def people(count, seed):
    """Eight to sixteen times in two days; the height is known of half."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        times = int(generator.integers(8, 17))
        hours = np.sort(np.append(generator.uniform(1, 47, times - 2), (0.0, 48.0)))
        values = np.column_stack([generator.normal(MEANS, SPREADS, (times, 3)), np.ones(times)])
        values[:, :3][generator.random((times, 3)) < 0.2] = np.nan
        height = generator.normal(170, 8) if number % 2 else np.nan
        found.append(
            Series(f"p{number}", hours, values, np.array([generator.normal(70, 8), height]))
        )
    return found


@pytest.fixture(scope="module")
def learned() -> Domain:
    return domain_of(StandIn(), people(400, seed=0))


ANA = people(1, seed=7)[0]


def test_of_people_like_those_learned_from_few_are_turned_away(learned):
    turned = [learned.doubts(StandIn(), one) for one in people(400, seed=1)]
    for compared in ("readings", "variables", "hours", "static", "outside", "state"):
        times = sum(one.compared == compared for found in turned for one in found)
        assert times <= binom.ppf(0.999, 400, 0.02), compared
    assert 0 < sum(map(bool, turned)) <= binom.ppf(0.999, 400, 0.06)
    assert learned.doubts(StandIn(), ANA) == ()


def changed(**columns):
    values = ANA.values.copy()
    for name, value in columns.items():
        column = values[:, VARIABLES.readings.index(name)]
        column[~np.isnan(column)] = value
    return ANA._replace(values=values)


@pytest.mark.parametrize(
    ("person", "compared"),
    [
        (
            ANA._replace(hours=ANA.hours[:0], values=ANA.values[:0]),
            {"readings", "variables", "hours"},
        ),
        (ANA._replace(hours=ANA.hours / 10), {"hours"}),
        (ANA._replace(hours=ANA.hours * 100), {"hours"}),
        (changed(glucose=np.nan), {"variables"}),
        (changed(glucose=400.0), {"outside", "state"}),
        (ANA._replace(statics=np.array([9.0, 170.0])), {"static"}),
        (ANA._replace(statics=np.array([np.nan, 170.0])), {"static"}),
        (ANA._replace(statics=np.array([70.0, 90.0])), set()),
    ],
)
def test_what_is_unlike_is_named(learned, person, compared):
    assert {one.compared for one in learned.doubts(StandIn(), person)} == compared


def test_a_medicine_taken_is_no_reading(learned):
    untaken = ANA.values.copy()
    untaken[:, 3] = 0.0
    assert learned.doubts(StandIn(), ANA._replace(values=untaken)) == ()
    assert learned.fewest_readings < 3 * 16 and learned.fewest_variables == 3


def test_the_distance_is_mahalanobis_by_the_shrunk_covariance(learned):
    states = np.stack([StandIn().states(one)[-1].numpy() for one in people(400, seed=0)])
    covariance, share = np.cov(states.T), 3 / 403
    shrunk = (1 - share) * covariance + share * covariance.trace() / 3 * np.eye(3)
    point = np.array([3.0, -1.0, 0.5])
    expected = mahalanobis(point, states.mean(0), np.linalg.inv(shrunk))
    assert learned.cloud is not None
    assert learned.cloud.distance(point) == pytest.approx(expected)


def test_it_is_the_same_after_being_kept_and_holds_nobodys_numbers(learned):
    kept = learned.model_dump_json()
    assert Domain.model_validate_json(kept) == learned
    assert not any(repr(value) in kept for one in people(400, seed=0) for value in one.values[0])


def test_a_model_without_a_state_compares_the_rest():
    found = domain_of(StandIn("trees"), people(50, seed=0))
    assert found.cloud is None
    assert {one.compared for one in found.doubts(StandIn(), changed(glucose=400.0))} == {"outside"}


@pytest.mark.parametrize("language", ["es", "en", "ca"])
def test_every_reason_is_told_with_its_figures(language):
    doubts = [
        Comparison(compared="readings", found=4, low=34),
        Comparison(compared="variables", found=2, low=11),
        Comparison(compared="hours", found=12, low=15.72, high=48),
        Comparison(compared="static", found=8, low=19, high=90, name="age"),
        Comparison(compared="static", found=0, low=1, high=1, name="female"),
        Comparison(compared="static", found=None, low=0, high=1, name="coronary care"),
        Comparison(compared="static", found=None, low=0, high=1, name="surgical intensive care"),
        Comparison(compared="outside", found=0.5, high=0.082),
        Comparison(compared="state", found=19.73, high=15.4),
    ]
    text = withheld_text(doubts, language)
    comma = text.replace(".", ",")
    assert all(figure in comma for figure in ("34", "11", "15,7", "48", "50 %", "8,2 %", "19,7"))
    assert text.count(domain_text.NAMES[language]["unit"]) == 1
    assert "{" not in text and "None" not in text


def test_examples_in_the_text():
    assert doctest.testmod(domain).failed == 0
