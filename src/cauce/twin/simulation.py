"""What a model would tell had a reading been another: a guess, never an effect.

The last reading is replaced at its own time and all else stays: the same times, the same readings
taken or not, so that nothing but its value makes the difference. A medicine is stopped at the last
time of the record. What is told is what people with
such a record were like, whoever they were; a sicker person has other readings *and* other care.

Intervals are conformal, from people whom the model never saw (Vovk et al. 2005, Algorithmic
Learning in a Random World): the model's own deviation times the `Margin` that held for 90 % of
them. That of a difference is measured on pairs of such people, one told of like the one, one like
the other: it is of what two people would differ by, so it is wider than what the model's mean
moves, and tells nothing of one person treated twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cauce.errors import UserError
from cauce.records import Record, Spoken
from cauce.twin.domain import Comparison, Domain
from cauce.twin.medicines import TAKING, told_of
from cauce.twin.series import Series, Variables

if TYPE_CHECKING:
    from cauce.twin.state.model import TwinModel

Floats = NDArray[np.float64]

WARNING: dict[Spoken, str] = {
    "en": "A model's guess, learned from what happened together, not from trials: "
    "it does not tell what the change would cause.",
    "es": "Conjetura de un modelo, aprendida de lo que ocurrió a la vez, no de ensayos: "
    "no dice qué causaría el cambio.",
    "ca": "Conjectura d'un model, apresa del que va passar alhora, no d'assajos: "
    "no diu què causaria el canvi.",
}
"""Stands with every simulation that is shown."""
CONFIDENCE = 0.9
"""Of the intervals."""


class Margin(Record):
    """How many of its own deviations a model's forecasts of people it never saw were off."""

    reading: str
    after_hours: float
    """The forecasts are of more than so many hours ahead,"""
    upto_hours: float
    """and of at most so many."""
    people: int
    usual: float | None
    """Not exceeded by 90 % of the forecasts; None where too few people tell it."""
    far: float | None
    """Not exceeded by 99 %."""
    paired: float | None
    """Not exceeded by 90 % of the differences between two people."""


class Learned(Record):
    """What bounds a guess: whom a model learned from, and how far off it was since."""

    domain: Domain
    margins: tuple[Margin, ...] = ()

    def margin(self, reading: str, hours: float) -> Margin | None:
        """The margin of a reading so many hours ahead; None where it was not measured."""
        for margin in self.margins:
            if margin.reading == reading and margin.after_hours < hours <= margin.upto_hours:
                return margin
        return None

    def interval(self, reading: str, value: float, width: float) -> tuple[float, float]:
        """So far on both sides of the value, and not below 0 where a reading never is."""
        low, high = value - width, value + width
        is_positive = value >= 0 and self.domain.ranges.get(reading, (-math.inf, 0.0))[0] >= 0
        return (max(low, 0.0) if is_positive else low), high


class Change(NamedTuple):
    """The last reading as it is supposed to have been; a medicine that is stopped is 0."""

    reading: str
    value: float


class Guess(Record):
    """A figure with its 90 % interval; no bounds where too few people tell them."""

    value: float
    low: float | None = None
    high: float | None = None


class Effect(Record):
    """One reading as the model expects it, as things are and had they been otherwise."""

    reading: str
    last: float | None
    """As it was measured last; None where it never was."""
    as_is: Guess
    changed: Guess
    difference: Guess
    """Changed minus as it is."""


class Replaced(Record):
    """A reading that was changed."""

    reading: str
    measured: float
    supposed: float
    hours_ago: float
    """Before the last time of the record."""


class Risks(Record):
    """The probability of an outcome, and what each member of the model would tell alone."""

    together: float
    members: dict[str, float]


class Simulation(Record):
    """A model's guess of a person's next readings and risk under a supposed change."""

    person: str
    outcome: str
    hours: float
    """After the last time of the record."""
    replaced: tuple[Replaced, ...]
    effects: tuple[Effect, ...]
    risk_as_is: Risks | None
    risk_changed: Risks | None
    """Both are None where there are doubts."""
    doubts: tuple[Comparison, ...]
    """In what the person, or the person with the change, is unlike those learned from."""
    warning: dict[Spoken, str]
    """To be shown with it, in the reader's language."""


def simulate(
    model: TwinModel,
    learned: Learned,
    series: Series,
    changes: Sequence[Change],
    *,
    hours: float,
) -> Simulation:
    """The guess so many hours after the last time of the record; no risk where there are doubts.

    Raises UserError for no change, a time that is not ahead, a reading that the model or the
    person never had, and a value outside the range that was learned from.
    """
    if not changes or not 0 < hours < math.inf:
        raise UserError(
            f"{len(changes)} changes, {hours:g} hours ahead: nothing to simulate.\n"
            "Change a reading (--set NAME=VALUE) and name a time ahead (--hours 24)."
        )
    replaced = [_replaced(change, learned, series, model.variables) for change in changes]
    other = _with(series, changes, model.variables)
    foretold = [model.forecast(one, [hours]) for one in (series, other)]
    effects, ranges = [], learned.domain.ranges
    for v, reading in enumerate(model.variables.readings):
        if reading in ranges and not reading.startswith(TAKING):
            sides = [_Foretold(one.mean[0, v], one.deviation[0, v]) for one in foretold]
            last = _last(series.values[:, v])
            effects.append(_effect(reading, last, *sides, learned=learned, hours=hours))
    doubts = learned.domain.doubts(model, series) or learned.domain.doubts(model, other)
    risks = None if doubts else [_risks(model, one) for one in (series, other)]
    return Simulation(
        person=series.id,
        outcome=model.outcome,
        hours=hours,
        replaced=tuple(replaced),
        effects=tuple(effects),
        risk_as_is=risks[0] if risks else None,
        risk_changed=risks[1] if risks else None,
        doubts=doubts,
        warning=WARNING,
    )


def stopped(medicine: str, series: Series, variables: Variables) -> list[Change]:
    """The changes that take a medicine away from whoever takes it at the last time of the record.

    It is found by its substance, whatever its name, or by a part of its name where none is known.
    Raises UserError where the model is told of none such, and where the person does not take it.
    """
    meant = told_of(medicine, variables)
    if not meant:
        told = [name for name in variables.readings if name.startswith(TAKING)]
        names = ", ".join(name.removeprefix(TAKING) for name in told)
        raise UserError(
            f"the model has no input for {medicine!r}: it cannot tell of stopping it.\n"
            f"It is told of: {names or 'no medicine; it learned from readings alone'}."
        )
    last = series.values[-1] if len(series.hours) else np.zeros(len(variables.readings))
    taken = [name for name in meant if last[variables.readings.index(name)] == 1.0]
    if not taken:
        raise UserError(
            f"{series.id} does not take {medicine!r} at the last time of the record.\n"
            "Stop one that is taken then."
        )
    return [Change(name, 0.0) for name in taken]


def _risks(model: TwinModel, series: Series) -> Risks:
    members = model.risk_by_member([series])
    return Risks(
        together=float(model.risk([series])[0]),
        members={name: float(own[0]) for name, own in members.items()},
    )


def _replaced(change: Change, learned: Learned, series: Series, variables: Variables) -> Replaced:
    """The reading to be changed, once it is clear that the model can tell of it."""
    ranges = learned.domain.ranges
    if change.reading not in variables.readings or change.reading not in ranges:
        raise UserError(
            f"the model never saw a reading {change.reading!r}.\n"
            f"It learned from: {', '.join(ranges)}."
        )
    low, high = ranges[change.reading]
    if not low <= change.value <= high:
        raise UserError(
            f"{change.reading} {change.value:g} is outside what the model learned from, "
            f"{low:g} to {high:g} (the middle 99 % of its readings).\n"
            "It would guess blindly: set a value in that range."
        )
    row = _last_row(series, variables, change.reading)
    if row is None:
        raise UserError(
            f"{change.reading} was never measured of {series.id}: there is no reading to change.\n"
            "Change one that is in the record."
        )
    measured = series.values[row, variables.readings.index(change.reading)]
    return Replaced(
        reading=change.reading,
        measured=float(measured),
        supposed=change.value,
        hours_ago=float(series.hours[-1] - series.hours[row]),
    )


def _with(series: Series, changes: Sequence[Change], variables: Variables) -> Series:
    values = series.values.copy()
    for change in changes:
        row = _last_row(series, variables, change.reading)
        values[row, variables.readings.index(change.reading)] = change.value
    return series._replace(values=values)


def _last_row(series: Series, variables: Variables, reading: str) -> int | None:
    measured = np.flatnonzero(~np.isnan(series.values[:, variables.readings.index(reading)]))
    return int(measured[-1]) if len(measured) else None


class _Foretold(NamedTuple):
    mean: float
    deviation: float


def _effect(
    reading: str,
    last: float | None,
    before: _Foretold,
    after: _Foretold,
    *,
    learned: Learned,
    hours: float,
) -> Effect:
    margin = learned.margin(reading, hours)
    as_is, changed = (_guess(reading, one, learned, margin) for one in (before, after))
    gap = float(after.mean - before.mean)
    difference = Guess(value=gap)
    if margin and margin.paired is not None:
        width = float(margin.paired * math.hypot(before.deviation, after.deviation))
        difference = Guess(value=gap, low=gap - width, high=gap + width)
    return Effect(reading=reading, last=last, as_is=as_is, changed=changed, difference=difference)


def _guess(reading: str, foretold: _Foretold, learned: Learned, margin: Margin | None) -> Guess:
    value = float(foretold.mean)
    if margin is None or margin.usual is None:
        return Guess(value=value)
    low, high = learned.interval(reading, value, float(margin.usual * foretold.deviation))
    return Guess(value=value, low=low, high=high)


def _last(column: Floats) -> float | None:
    known = column[~np.isnan(column)]
    return float(known[-1]) if len(known) else None
