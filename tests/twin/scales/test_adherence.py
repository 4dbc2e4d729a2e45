"""Days covered against a day-by-day account with a box of tablets, and worked examples."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta

import pytest

from cauce.errors import UserError
from cauce.twin.scales.adherence import Supply, adherence

YEAR = (date(2023, 1, 1), date(2023, 12, 31))


def supply(month: int, day: int, days: int, medicine: str = "metformin") -> Supply:
    return Supply(medicine=medicine, start=date(2023, month, day), days=days)


def by_boxes(supplies: list[Supply], first: date, last: date, away: set[date]) -> tuple[int, int]:
    """Covered and counted days: each morning what arrives goes into the medicine's box."""
    boxes: dict[str, int] = defaultdict(int)
    covered = counted = 0
    begun = False
    day = first
    while day <= last:
        for one in supplies:
            if one.start == day:
                boxes[one.medicine] += one.days
                begun = True
        if begun and day not in away:
            counted += 1
            full = [medicine for medicine, left in boxes.items() if left]
            covered += bool(full)
            for medicine in full:
                boxes[medicine] -= 1
        day += timedelta(1)
    return covered, counted


def test_days_covered_are_those_of_a_day_by_day_account():
    chance = random.Random(0)
    for _ in range(200):
        supplies = [
            Supply(
                medicine=chance.choice("ab"),
                start=YEAR[0] + timedelta(chance.randrange(-40, 400)),
                days=chance.choice((7, 28, 30, 90)),
            )
            for _ in range(chance.randrange(1, 12))
        ]
        supplies.append(supply(6, 1, 30))
        stay = YEAR[0] + timedelta(chance.randrange(300))
        away = {stay + timedelta(number) for number in range(chance.choice((0, 3, 20)))}
        within = [one for one in supplies if YEAR[0] <= one.start <= YEAR[1]]
        found = adherence(supplies, *YEAR, hospital=away)
        assert (found.covered, found.days) == by_boxes(within, *YEAR, away)
        assert found.dispensed == sum(one.days for one in within)
        assert 0 < found.pdc <= 1


def test_an_early_refill_is_taken_after_what_is_left_and_cut_at_the_end():
    """1 Oct, 30 days: to 30 Oct. 20 Oct, 90 days: 31 Oct to 28 Jan, cut at 31 Dec. 92 of 92."""
    found = adherence([supply(10, 1, 30), supply(10, 20, 90)], *YEAR)
    assert (found.covered, found.days) == (92, 92)
    assert found.mpr == 120 / 92
    assert found.pdc == 1


def test_a_gap_is_not_covered_by_what_comes_later():
    """1 Jan to 30 Jan, 1 Mar to 30 Mar: 60 of 365."""
    found = adherence([supply(3, 1, 30), supply(1, 1, 30)], *YEAR)
    assert (found.covered, found.days, found.is_adherent) == (60, 365, False)


def test_supplies_of_different_medicines_run_side_by_side():
    together = adherence([supply(12, 1, 30), supply(12, 1, 30, "glipizide")], *YEAR)
    assert (together.covered, together.days) == (30, 31)
    same = adherence([supply(12, 1, 30), supply(12, 1, 30)], *YEAR)
    assert (same.covered, same.days) == (31, 31)


def test_days_in_hospital_are_not_counted_and_lengthen_the_supply():
    """2 Dec, 20 days, 10 of them away: at home 2-4 and 15-31 Dec, all 20 covered."""
    away = [date(2023, 12, day) for day in range(5, 15)]
    found = adherence([supply(12, 2, 20)], *YEAR, hospital=away)
    assert (found.covered, found.days) == (20, 20)


def test_four_fifths_of_the_days_is_adherent_and_a_day_less_is_not():
    december = (date(2023, 12, 2), date(2023, 12, 31))
    assert adherence([supply(12, 2, 24)], *december).is_adherent
    assert not adherence([supply(12, 2, 23)], *december).is_adherent


def test_what_was_dispensed_before_the_period_does_not_count():
    before = Supply(medicine="metformin", start=date(2022, 12, 20), days=90)
    found = adherence([before, supply(2, 1, 30)], *YEAR)
    assert (found.first, found.covered) == (date(2023, 2, 1), 30)


def test_periods_that_tell_nothing_are_refused():
    with pytest.raises(UserError, match="Nothing was dispensed from 2023-01-01 to 2023-12-31"):
        adherence([], *YEAR)
    with pytest.raises(UserError, match="spent in hospital"):
        adherence([supply(12, 31, 30)], *YEAR, hospital=[date(2023, 12, 31)])
    with pytest.raises(UserError, match="The supply of 2023-02-01 lasts 0 days"):
        adherence([supply(2, 1, 0)], *YEAR)
