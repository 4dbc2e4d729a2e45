"""What-if: only the value changes, the intervals hold, and what cannot be told is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import binom

from cauce.errors import UserError
from cauce.evaluation.margins import measure_margins
from cauce.twin.domain import Cloud, ranges_of
from cauce.twin.series import Series, Variables
from cauce.twin.simulation import (
    WARNING,
    Change,
    Learned,
    Margin,
    simulate,
    stopped,
)
from cauce.twin.simulation_text import simulation_text
from cauce.twin.state.model import Forecast
from twin.people import ANYONE

VARIABLES = Variables(readings=("creatinine", "glucose", "taking metformin 500 mg"))


class StandIn:
    """Foretells the last values, drifting with creatinine; too sure of itself by a half."""

    variables = VARIABLES
    outcome = "death"

    def __init__(self, deviation=0.5):
        self.deviation = deviation
        self.asked = []

    def forecast(self, series, hours):
        self.asked.append(series)
        last = [
            column[~np.isnan(column)][-1] if (~np.isnan(column)).any() else 0.0
            for column in series.values.T
        ]
        mean = np.array([last] * len(hours)) + np.array([0.0, 0.5 * last[0], 0.0])
        return Forecast(mean, np.full_like(mean, self.deviation))

    def risk_by_member(self, series):
        creatinine = np.array([np.nanmax(one.values[:, 0]) for one in series])
        return {"liquid": creatinine / 10, "trees": creatinine / 20}

    def risk(self, series):
        return np.mean(list(self.risk_by_member(series).values()), axis=0)


def person(generator, noise=1.0):
    """Readings every three hours, that go by nothing but chance."""
    hours = np.arange(0, 30, 3.0)
    levels = np.abs(generator.normal(2, 0.5, 3))
    values = levels + noise * generator.normal(size=(len(hours), 3))
    values[generator.random(values.shape) < 0.4] = np.nan
    return Series("x", hours, values, np.zeros(0))


DOMAIN = ANYONE.model_copy(
    update={
        "ranges": {
            "creatinine": (0.4, 8.0),
            "glucose": (40.0, 400.0),
            "taking metformin 500 mg": (0.0, 1.0),
        }
    }
)
LEARNED = Learned(
    domain=DOMAIN,
    margins=(
        Margin(
            reading="creatinine",
            after_hours=6,
            upto_hours=24,
            people=200,
            usual=2.0,
            far=3.0,
            paired=1.5,
        ),
    ),
)
ANA = Series(
    "ana",
    np.array([0.0, 5.0, 9.0]),
    np.array([[1.0, 100.0, 0.0], [1.4, np.nan, 1.0], [np.nan, 120.0, 1.0]]),
    np.zeros(0),
)


def test_nothing_but_the_last_value_is_another():
    model = StandIn()
    found = simulate(model, LEARNED, ANA, [Change("creatinine", 2.4)], hours=24)
    before, after = model.asked
    assert before is ANA
    expected = ANA.values.copy()
    expected[1, 0] = 2.4
    np.testing.assert_array_equal(after.values, expected)
    assert ANA.values[1, 0] == 1.4
    (replaced,) = found.replaced
    assert (replaced.measured, replaced.supposed, replaced.hours_ago) == (1.4, 2.4, 4.0)
    assert found.risk_as_is is not None and found.risk_changed is not None
    assert found.risk_as_is.together == pytest.approx(0.105)
    assert found.risk_changed.members == pytest.approx({"liquid": 0.24, "trees": 0.12})
    assert found.warning == WARNING


def test_intervals_are_the_models_deviation_times_the_margin():
    found = simulate(StandIn(0.5), LEARNED, ANA, [Change("creatinine", 2.4)], hours=24)
    creatinine, glucose = found.effects
    assert (creatinine.as_is.low, creatinine.as_is.high) == pytest.approx((0.4, 2.4))
    assert creatinine.difference.value == pytest.approx(1.0)
    width = 1.5 * 0.5 * 2**0.5
    assert creatinine.difference.high == pytest.approx(1.0 + width)
    assert glucose.difference.value == pytest.approx(0.5)
    assert glucose.difference.low is None and glucose.last == 120.0


def test_where_no_margin_was_measured_there_is_no_interval():
    found = simulate(StandIn(), LEARNED, ANA, [Change("creatinine", 2.4)], hours=25)
    assert all(effect.as_is.low is None for effect in found.effects)


def test_a_change_to_what_is_measured_changes_nothing():
    found = simulate(StandIn(), LEARNED, ANA, [Change("creatinine", 1.4)], hours=24)
    assert {effect.difference.value for effect in found.effects} == {0.0}
    assert found.risk_as_is == found.risk_changed


def test_a_medicine_that_the_model_is_told_of_is_stopped_at_the_last_time():
    model = StandIn()
    changes = stopped("Metformin", ANA, VARIABLES)
    found = simulate(model, LEARNED, ANA, changes, hours=24)
    assert (found.replaced[0].measured, found.replaced[0].supposed) == (1.0, 0.0)
    assert model.asked[1].values[:, 2].tolist() == [0.0, 1.0, 0.0]
    assert {effect.reading for effect in found.effects} == {"creatinine", "glucose"}


@pytest.mark.parametrize(
    ("medicine", "found"),
    [
        ("Metformina", ["taking metformin 500 mg", "taking metformina 850 mg"]),
        ("metformin", ["taking metformin 500 mg", "taking metformina 850 mg"]),
        ("ibuprofeno", ["taking ibuprofen 400"]),
        ("zyxorin", ["taking zyxorin forte"]),
    ],
)
def test_a_medicine_is_found_by_its_substance_in_either_language(medicine, found):
    readings = (
        *("taking metformin 500 mg", "taking metformina 850 mg", "taking ibuprofen 400"),
        *("taking dexibuprofen 400", "taking zyxorin forte"),
    )
    takes_all = Series("ana", np.zeros(1), np.ones((1, 5)), np.zeros(0))
    changes = stopped(medicine, takes_all, Variables(readings=readings))
    assert changes == [Change(name, 0.0) for name in found]


@pytest.mark.parametrize("medicine", ["warfarin", "creatinine"])
def test_a_medicine_without_input_cannot_be_stopped(medicine):
    with pytest.raises(UserError, match=f"no input for '{medicine}'.*\n.*metformin 500 mg"):
        stopped(medicine, ANA, VARIABLES)
    with pytest.raises(UserError, match="readings alone"):
        stopped(medicine, ANA, Variables(readings=("creatinine",)))


def test_what_is_not_taken_cannot_be_stopped():
    values = ANA.values.copy()
    values[-1, 2] = 0.0
    with pytest.raises(UserError, match="ana does not take 'metformin'"):
        stopped("metformin", ANA._replace(values=values), VARIABLES)


@pytest.mark.parametrize(
    ("changes", "hours", "said"),
    [
        ([], 24, "0 changes"),
        ([Change("creatinine", 2.0)], 0, "--hours"),
        ([Change("creatinine", 2.0)], float("nan"), "--hours"),
        ([Change("albumin", 2.0)], 24, "never saw a reading 'albumin'"),
        ([Change("creatinine", 80.0)], 24, "0.4 to 8"),
        ([Change("creatinine", float("nan"))], 24, "0.4 to 8"),
    ],
)
def test_what_cannot_be_told_is_refused(changes, hours, said):
    with pytest.raises(UserError, match=said):
        simulate(StandIn(), LEARNED, ANA, changes, hours=hours)


def test_a_reading_that_the_person_never_had_is_refused():
    values = ANA.values.copy()
    values[:, 1] = np.nan
    with pytest.raises(UserError, match="glucose was never measured of ana"):
        simulate(
            StandIn(), LEARNED, ANA._replace(values=values), [Change("glucose", 100.0)], hours=24
        )


def test_the_range_is_the_middle_of_what_was_learned_from():
    values = np.concatenate([np.linspace(1, 3, 997), [-1, 999, 1000]])[:, None]
    people = [Series("x", np.arange(1000.0), values, np.zeros(0))]
    low, high = ranges_of(people, Variables(readings=("creatinine",)))["creatinine"]
    assert 1.0 <= low < 1.02 and 2.98 < high <= 3.0
    nobody = Series("y", np.zeros(1), np.full((1, 1), np.nan), np.zeros(0))
    assert ranges_of([nobody], Variables(readings=("creatinine",))) == {}


def test_new_people_keep_within_the_margins_as_often_as_promised():
    """Their forecasts, and the differences between two of them, whatever the deviation told."""
    generator = np.random.default_rng(0)
    model = StandIn(0.3)
    margins = measure_margins(model, [person(generator) for _ in range(200)], seed=1)
    learned = Learned(domain=ANYONE, margins=margins)
    margin = learned.margin("creatinine", 3.0)
    assert margin is not None and margin.people > 150
    assert margin.usual is not None and margin.far is not None and margin.paired is not None
    kept_usual = kept_far = kept_paired = tries = pairs = 0
    before = None
    for _ in range(1000):
        series = person(generator)
        if np.isnan(series.values[5, 0]):
            continue
        past = series._replace(hours=series.hours[:5], values=series.values[:5])
        miss = series.values[5, 0] - model.forecast(past, [3.0]).mean[0, 0]
        tries += 1
        kept_usual += abs(miss) <= margin.usual * 0.3
        kept_far += abs(miss) <= margin.far * 0.3
        if before is None:
            before = miss
        else:
            pairs += 1
            kept_paired += abs(miss - before) <= margin.paired * 0.3 * 2**0.5
            before = None
    assert binom.ppf(0.001, tries, 0.85) <= kept_usual <= binom.ppf(0.999, tries, 0.95)
    assert kept_far >= binom.ppf(0.001, tries, 0.96)
    assert binom.ppf(0.001, pairs, 0.83) <= kept_paired <= binom.ppf(0.999, pairs, 0.97)


def test_of_few_people_no_margin_is_told():
    generator = np.random.default_rng(0)
    margins = measure_margins(StandIn(), [person(generator) for _ in range(8)])
    assert margins and all(one.usual is None and one.paired is None for one in margins)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            [
                "Creatinine: 2.4 mg/dL instead of 1.4 mg/dL",
                "risk of death: 10.5 %",
                "1 [-0.0607, 2.06]",
            ],
        ),
        (
            "es",
            ["reatinina: 2,4 mg/dL en lugar de 1,4 mg/dL", "death: 10,5 %", "1 [-0,0607; 2,06]"],
        ),
        ("ca", ["reatinina: 2,4 mg/dL en lloc de 1,4 mg/dL", "death: 10,5 %", "1 [-0,0607; 2,06]"]),
    ],
)
def test_a_text_begins_and_ends_with_its_warning(language, said):
    found = simulate(StandIn(), LEARNED, ANA, [Change("creatinine", 2.4)], hours=24)
    text = simulation_text(found, language)
    lines = text.splitlines()
    assert lines[0] == lines[-1] == WARNING[language]
    assert all(words.lower() in text.lower() for words in said)


@pytest.mark.parametrize(
    ("bounds", "language", "said"),
    [
        ({"fewest_readings": 5}, "en", "readings: 4 (of 99 in 100 of them 5 or more)"),
        ({"hours": (20.0, 48.0)}, "es", "abarcan 9 horas (de 99 de cada 100 de ellas, de 20 a 48)"),
        (
            {"most_outside": 0.2, "ranges": {**DOMAIN.ranges, "glucose": (1.0, 2.0)}},
            "ca",
            "el 50 %",
        ),
    ],
)
def test_someone_unlike_those_learned_from_is_told_no_risk_and_why(bounds, language, said):
    learned = LEARNED.model_copy(update={"domain": DOMAIN.model_copy(update=bounds)})
    found = simulate(StandIn(), learned, ANA, [Change("creatinine", 2.4)], hours=24)
    assert (found.risk_as_is, found.risk_changed) == (None, None)
    text = simulation_text(found, language)
    assert said in text and "10.5 %" not in text
    assert found == type(found).model_validate_json(found.model_dump_json())


def test_no_risk_of_a_change_that_leads_away_from_those_learned_from():
    model = StandIn()
    model.states = lambda series: torch.tensor([[np.nanmax(series.values[:, 0])]])
    near = Cloud(centre=(1.4,), precision=((4.0,),))
    domain = DOMAIN.model_copy(update={"cloud": near, "farthest": 1.5})
    learned = LEARNED.model_copy(update={"domain": domain})
    assert simulate(model, learned, ANA, [Change("creatinine", 2.1)], hours=24).doubts == ()
    found = simulate(model, learned, ANA, [Change("creatinine", 2.4)], hours=24)
    assert found.risk_as_is is None
    assert [(one.compared, one.found) for one in found.doubts] == [("state", pytest.approx(2.0))]


def test_no_interval_goes_below_what_a_reading_can_be():
    found = simulate(StandIn(2.0), LEARNED, ANA, [Change("creatinine", 2.4)], hours=24)
    assert (found.effects[0].as_is.low, found.effects[0].as_is.high) == pytest.approx((0.0, 5.4))
    ranges = {**DOMAIN.ranges, "creatinine": (-1.0, 8.0)}
    below = LEARNED.model_copy(update={"domain": DOMAIN.model_copy(update={"ranges": ranges})})
    found = simulate(StandIn(2.0), below, ANA, [Change("creatinine", 2.4)], hours=24)
    assert found.effects[0].as_is.low == pytest.approx(-2.6)


def test_what_was_never_measured_is_no_line_of_the_text():
    values = ANA.values.copy()
    values[:, 1] = np.nan
    other = ANA._replace(values=values)
    found = simulate(StandIn(), LEARNED, other, [Change("creatinine", 2.4)], hours=24)
    assert "lucos" not in simulation_text(found)
