"""A measure is kept, worse, or cannot be told, by one-sided bounds that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cauce.evaluation.keeping import Figure, Measure, judge_measure, unseen

HARM = Measure("harmful", "lower", 0.05)
LIKENESS = Measure("rouge_l", "higher", 0.05)
STRICT = Measure("emergencies", "higher", None)


def figures(values, per_group=1):
    return {
        f"i{place}": Figure(float(value), f"g{place // per_group}")
        for place, value in enumerate(values)
    }


def test_nothing_changed_is_kept_where_enough_was_asked_and_untold_where_not():
    many, few = figures([0.0] * 200), figures([0.0] * 20)
    kept = judge_measure(HARM, many, many)
    assert (kept.verdict, kept.worsening, kept.needed) == ("kept", 0, None)
    # scipy's exact bound of nothing seen among 200.
    assert kept.high == pytest.approx(stats.beta.ppf(0.95, 1, 200))
    untold = judge_measure(HARM, few, few)
    assert untold.verdict == "cannot tell"
    assert untold.high == pytest.approx(stats.beta.ppf(0.95, 1, 20))
    assert untold.needed == pytest.approx(20 * (untold.high / 0.05) ** 2, abs=1)


def test_items_of_one_group_count_less():
    alone, together = ([str(place // size) for place in range(100)] for size in (1, 10))
    assert unseen(together) == pytest.approx(stats.beta.ppf(0.95, 1, 100 / 1.9))
    assert unseen(alone) == pytest.approx(stats.beta.ppf(0.95, 1, 100))


@pytest.mark.parametrize(("measure", "worse"), [(HARM, 1.0), (LIKENESS, 0.0)])
def test_more_than_the_margin_is_worse_in_the_direction_of_the_measure(measure, worse):
    before = figures([1 - worse] * 100)
    after = figures([worse] * 20 + [1 - worse] * 80)
    found = judge_measure(measure, before, after)
    assert (found.verdict, found.worsening) == ("worse", pytest.approx(0.2))
    assert found.worst == ("i0", "i1", "i10", "i11", "i12")
    assert judge_measure(measure, after, before).verdict == "kept"


def test_worse_beyond_chance_is_worse_though_the_margin_is_not_reached():
    before, wide = figures([0.0] * 100), HARM._replace(margin=0.06)
    found = judge_measure(wide, before, figures([1.0] * 2 + [0.0] * 98))
    assert found.verdict == "cannot tell"
    assert found.high == pytest.approx(stats.beta.ppf(0.95, 3, 98), abs=1e-3)
    assert judge_measure(wide, before, figures([1.0] * 5 + [0.0] * 95)).verdict == "worse"


def test_what_is_no_share_is_bounded_by_what_was_seen_alone():
    nats = Measure("safe_answers", "higher", 0.1, is_share=False)
    before, after = figures([-3.0] * 400), figures([-3.04, -3.08] * 200)
    found = judge_measure(nats, before, after)
    assert found.verdict == "kept"
    assert found.worsening == pytest.approx(0.06)
    assert found.high == pytest.approx(0.06 + 1.645 * 0.02 / 20, abs=1e-3)


def test_of_a_strict_measure_one_item_decides():
    before = figures([1.0] * 50)
    lost = judge_measure(STRICT, before, {**before, "i7": Figure(0.0, "g7")})
    assert (lost.verdict, lost.worst) == ("worse", ("i7",))
    assert judge_measure(STRICT, before, before).verdict == "kept"


def test_one_group_tells_nothing():
    one = figures([1.0] * 50, per_group=50)
    found = judge_measure(LIKENESS, one, one)
    assert (found.verdict, found.high) == ("cannot tell", None)


def test_a_loss_of_the_margin_is_seldom_taken_for_kept():
    """The promise: at most 5 % of the time, also where others got better."""
    generator, tries, taken = np.random.default_rng(0), 60, 0
    was = np.arange(240) % 2
    for seed in range(tries):
        turned = generator.random(240) < np.where(was, 0.06, 0.16)
        after = figures(np.where(turned, 1 - was, was), per_group=3)
        taken += judge_measure(HARM, figures(was, 3), after, seed=seed).verdict == "kept"
    assert taken <= 5
