"""Totals against tables written here, and what must hold for any answers to any scale."""

from __future__ import annotations

import itertools
import random

import pytest

from cauce.errors import UserError
from cauce.twin.scales.scoring import score
from cauce.twin.scales.tables import scale_named, scales

NAMES = sorted(scales())
ITEMS_AND_RANGE = {
    "barthel": (10, 0, 100),
    "lawton": (8, 0, 8),
    "zarit": (22, 0, 88),
    "zarit-martin": (22, 22, 110),
    "norton": (5, 5, 20),
    "braden": (6, 6, 23),
    "pain": (1, 0, 10),
    "painad": (5, 0, 10),
    "frail": (5, 0, 5),
    "fried": (5, 0, 5),
    "clinical-frailty": (1, 1, 9),
    "morse": (6, 0, 125),
}
BANDS = {
    "barthel": "0 total 21 severe 61 moderate 91 slight 100 independent",
    "lawton": "0 total 2 severe 4 moderate 6 slight 8 independent",
    "zarit": "0 little 21 mild 41 moderate 61 severe",
    "zarit-martin": "22 none 47 slight 56 intense",
    "norton": "5 very_high 10 high 13 medium 15 low",
    "braden": "6 very_high 10 high 13 moderate 15 mild 19 none",
    "pain": "0 none 1 mild 5 moderate 7 severe",
    "painad": "0 none 1 mild 4 moderate 7 severe",
    "frail": "0 robust 1 prefrail 3 frail",
    "fried": "0 robust 1 prefrail 3 frail",
    "clinical-frailty": "1 very_fit 2 fit 3 managing_well 4 very_mild 5 mild 6 moderate 7 severe "
    "8 very_severe 9 terminal",
    "morse": "0 low 25 moderate 46 high",
}
"""Where each band begins."""
POINTS = {
    "barthel": "feeding 0/5/10 bathing 0/5 grooming 0/5 dressing 0/5/10 bowels 0/5/10 "
    "bladder 0/5/10 toilet 0/5/10 transfer 0/5/10/15 mobility 0/5/10/15 stairs 0/5/10",
    "norton": "physical 1/2/3/4 mental 1/2/3/4 activity 1/2/3/4 mobility 1/2/3/4 "
    "incontinence 1/2/3/4",
    "braden": "sensory 1/2/3/4 moisture 1/2/3/4 activity 1/2/3/4 mobility 1/2/3/4 "
    "nutrition 1/2/3/4 friction 1/2/3",
    "painad": "breathing 0/1/2 vocalisation 0/1/2 face 0/1/2 body 0/1/2 consolability 0/1/2",
    "morse": "history 0/25 diagnosis 0/15 aid 0/15/30 infusion 0/20 gait 0/10/20 awareness 0/15",
}
LAWTON = {
    "telephone": "1110",
    "shopping": "1000",
    "food": "1000",
    "housekeeping": "11110",
    "laundry": "110",
    "transport": "11100",
    "medicines": "100",
    "money": "110",
}
"""Points of the options, the most able first."""


def some_answers(name: str, chance: random.Random) -> dict[str, float | str | None]:
    return {item.id: chance.choice(item.options).points for item in scale_named(name).items}


def test_the_scales_are_those_of_the_tables_here():
    assert NAMES == sorted(ITEMS_AND_RANGE) == sorted(BANDS)


@pytest.mark.parametrize("name", NAMES)
def test_items_and_range_are_as_published(name):
    items, lowest, highest = ITEMS_AND_RANGE[name]
    nothing = score(name, {})
    assert len(scale_named(name).items) == len(nothing.missing) == items
    assert nothing.bounds == (lowest, highest)
    assert nothing.total is None


@pytest.mark.parametrize("name", sorted(POINTS))
def test_every_item_has_the_points_that_are_published(name):
    told = [
        f"{item.id} " + "/".join(map(str, sorted(option.points for option in item.options)))
        for item in scale_named(name).items
    ]
    assert " ".join(told) == POINTS[name]


def test_the_options_of_lawton_have_the_points_that_are_published():
    told = {
        item.id: "".join(str(option.points) for option in item.options)
        for item in scale_named("lawton").items
    }
    assert told == LAWTON


@pytest.mark.parametrize(("name", "lowest"), [("zarit", 0), ("zarit-martin", 1)])
def test_each_answer_of_zarit_is_counted_from_its_own_lowest(name, lowest):
    for item in scale_named(name).items:
        assert [option.points for option in item.options] == [lowest + step for step in range(5)]


@pytest.mark.parametrize("name", NAMES)
def test_every_total_lies_in_the_band_that_is_published(name):
    words = BANDS[name].split()
    starts = dict(zip(map(int, words[::2]), words[1::2], strict=True))
    _, lowest, highest = ITEMS_AND_RANGE[name]
    band = ""
    for total in range(lowest, highest + 1):
        band = starts.get(total, band)
        assert scale_named(name).band_of(total).id == band


@pytest.mark.parametrize("name", NAMES)
def test_names_are_there_in_each_language_and_differ_within_a_scale(name):
    scale = scale_named(name)
    for language in ("es", "en", "ca"):
        items = [item.names[language] for item in scale.items]
        assert len(set(items)) == len(items)
        assert all([*items, *(band.names[language] for band in scale.bands)])
        for item in scale.items:
            options = [option.names[language] for option in item.options]
            assert len(set(options)) == len(options)


@pytest.mark.parametrize("name", NAMES)
def test_a_total_is_the_sum_and_grows_with_each_point(name):
    chance = random.Random(0)
    for _ in range(20):
        answers = some_answers(name, chance)
        scored = score(name, answers)
        assert scored.total == sum(answers.values())  # type: ignore[arg-type]
        assert scored.bounds == (scored.total, scored.total)
        assert scored.missing == ()
        for item in scale_named(name).items:
            for option in item.options:
                other = score(name, {**answers, item.id: option.id}).total
                assert other - scored.total == option.points - answers[item.id]  # type: ignore[operator]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("zarit")])
def test_bounds_hold_every_completion_and_both_ends_are_reached(name):
    chance = random.Random(1)
    items = scale_named(name).items
    for _ in range(5):
        answers = some_answers(name, chance)
        missing = chance.sample(items, min(len(items), 3))
        for item in missing:
            answers[item.id] = None
        partial = score(name, answers)
        completions = [
            score(
                name,
                answers | {item.id: o.id for item, o in zip(missing, options, strict=True)},
            )
            for options in itertools.product(*(item.options for item in missing))
        ]
        totals = [whole.total for whole in completions if whole.total is not None]
        assert partial.total is None
        assert set(partial.missing) == {item.id for item in missing}
        assert partial.bounds == (min(totals), max(totals))
        bands = {whole.band for whole in completions}
        assert partial.band == (bands.pop() if len(bands) == 1 else "")


def test_a_band_is_certain_where_no_missing_item_can_change_it():
    frail = {"fatigue": "yes", "resistance": "yes", "ambulation": "yes"}
    assert score("frail", frail).band == "frail"
    assert score("frail", frail).total is None
    assert score("frail", frail | {"ambulation": "no"}).band == ""


def test_an_option_is_told_by_its_id_its_name_or_its_points():
    for answer in (5, 5.0, "5", "help", "con ayuda", "With help", "AMB AJUDA"):
        assert score("barthel", {"feeding": answer}).points == {"feeding": 5}
    assert score("frail", {"fatigue": "sí"}).points == {"fatigue": 1}


@pytest.mark.parametrize("answer", [7, -5, 5.5, float("nan"), "much", "", "5 points"])
def test_an_answer_that_no_option_has_is_refused_with_those_there_are(answer):
    with pytest.raises(UserError, match="barthel: feeding has no option") as refused:
        score("barthel", {"feeding": answer})
    assert "Its options are 10 (independent), 5 (help), 0 (dependent)." in str(refused.value)


def test_zarit_is_never_counted_by_the_other_way():
    with pytest.raises(UserError, match="zarit: anger"):
        score("zarit", {"anger": 5})
    with pytest.raises(UserError, match="zarit-martin: anger"):
        score("zarit-martin", {"anger": 0})
    assert score("zarit", {"anger": "never"}).points == {"anger": 0}
    assert score("zarit-martin", {"anger": "never"}).points == {"anger": 1}


def test_an_unknown_item_or_scale_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="no item 'feed'; the nearest is feeding"):
        score("barthel", {"feed": 5})
    with pytest.raises(UserError, match="no scale 'bartel'; the nearest is barthel"):
        score("bartel", {})
