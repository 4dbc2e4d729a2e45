"""Which part of the days a medicine was at hand, by what was dispensed.

Proportion of days covered as the Pharmacy Quality Alliance defines it: from the first dispensing
within a period to the end of the period, each day once; what is dispensed before the same medicine
has run out is taken after it; what lasts beyond the period is not counted. 0.8 is adherent.
Nau 2012, Proportion of days covered (PDC) as a preferred method of measuring medication adherence,
Pharmacy Quality Alliance. Medication possession ratio: Cramer et al. 2008, Value in Health
11:44-47. Dispensed is not taken: both tell the most that a person can have taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, timedelta

from cauce.errors import UserError
from cauce.records import Record

_ADHERENT = 80
"""Percent of the days."""


class Supply(Record):
    """What was dispensed of a medicine at one time."""

    medicine: str
    """Supplies of the same one follow each other; those of different ones run side by side."""
    start: date
    days: int
    """For how many days it lasts as prescribed."""


class Adherence(Record):
    """How far the supplies of a period reach."""

    first: date
    """Day of the first dispensing within the period."""
    last: date
    covered: int
    """Days on which a medicine was at hand."""
    days: int
    """From `first` to `last`, both counted, without days in hospital."""
    dispensed: int
    """Days that all supplies of the period last, together."""

    @property
    def pdc(self) -> float:
        """Proportion of days covered, 0..1."""
        return self.covered / self.days

    @property
    def mpr(self) -> float:
        """Medication possession ratio; above 1 where more was dispensed than there are days."""
        return self.dispensed / self.days

    @property
    def is_adherent(self) -> bool:
        """Whether at least 80 % of the days are covered."""
        return 100 * self.covered >= _ADHERENT * self.days


def adherence(
    supplies: Sequence[Supply], first: date, last: date, *, hospital: Collection[date] = ()
) -> Adherence:
    """Days covered between two dates, both counted, by one medicine or by several of one class.

    Days in hospital, where the hospital gives the medicine, are not counted, and a supply lasts
    the longer for them, as in the Medicare Star Ratings. Raises UserError where nothing was
    dispensed in the period, where all of it was spent in hospital, and for a supply of no days.
    """
    within = [supply for supply in supplies if first <= supply.start <= last]
    _check(within, first, last)
    start = min(supply.start for supply in within)
    away = frozenset(hospital)
    days = sum(day not in away for day in _days(start, last))
    if not days:
        raise UserError(
            f"Every day from {start} to {last} was spent in hospital.\n"
            "Take a longer period: adherence is of the days at home."
        )
    by_medicine = defaultdict(list)
    for supply in within:
        by_medicine[supply.medicine].append(supply)
    covered = {day for one in by_medicine.values() for day in _covered(one, last, away)}
    dispensed = sum(supply.days for supply in within)
    return Adherence(first=start, last=last, covered=len(covered), days=days, dispensed=dispensed)


def _covered(supplies: Iterable[Supply], last: date, away: frozenset[date]) -> Iterator[date]:
    """The days on which one medicine was at hand, supply after supply."""
    free = date.min
    for supply in sorted(supplies, key=lambda supply: supply.start):
        left = supply.days
        for day in _days(max(supply.start, free), last):
            if left == 0:
                break
            free = day + timedelta(1)
            if day not in away:
                left -= 1
                yield day


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(number) for number in range((last - first).days + 1))


def _check(within: Sequence[Supply], first: date, last: date) -> None:
    if not within:
        raise UserError(
            f"Nothing was dispensed from {first} to {last}.\n"
            "Adherence counts from the first dispensing of the period: take another period."
        )
    for supply in within:
        if supply.days < 1:
            raise UserError(
                f"The supply of {supply.start} lasts {supply.days} days.\n"
                "A supply lasts one day or more; leave out what was returned."
            )
