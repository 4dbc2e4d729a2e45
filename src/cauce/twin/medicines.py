"""Medicines as a model of a state is told of them: 1 while one is taken, else 0."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from cauce.knowledge.names.resolver import NameResolver, known_medicine_names
from cauce.twin.series import Series, Variables
from cauce.twin.timeline import Event, Timeline

TAKING = "taking "
"""Before the name of a medicine, as its source prints it, in small letters: its variable."""
_UNTOLD = timedelta(days=1)
"""How long one was taken that is over and whose end is not told."""


def medicine_variables(timelines: Sequence[Timeline], *, least: float) -> tuple[str, ...]:
    """The variables of the medicines that at least so many of these people take or took."""
    taking = Counter(
        name for timeline in timelines for name in {_variable(one) for one in _taken(timeline)}
    )
    return tuple(sorted(name for name, people in taking.items() if people >= least))


def with_medicines(series: Series, timeline: Timeline, variables: Variables) -> Series:
    """The series with what was taken at each of its times."""
    begin = next((event.start for event in timeline.events if event.start is not None), None)
    values = series.values.copy()
    for column, name in enumerate(variables.readings):
        if name.startswith(TAKING) and begin is not None:
            own = [event for event in _taken(timeline) if _variable(event) == name]
            taken = [
                any(_is_taken(e, begin + timedelta(hours=h)) for e in own) for h in series.hours
            ]
            values[:, column] = np.asarray(taken, float)
    return series._replace(values=values)


def told_of(medicine: str, variables: Variables) -> list[str]:
    """The variables of a medicine: those of its substance, in whichever language they are printed.

    Where no substance is known by the name, those whose name it is part of.
    """
    told = [name for name in variables.readings if name.startswith(TAKING)]
    if substances := _substances(medicine):
        return [name for name in told if substances & _substances(name.removeprefix(TAKING))]
    return [name for name in told if medicine.casefold() in name.removeprefix(TAKING)]


def _substances(text: str) -> set[str]:
    """The known medicines that it names, each by its English international name."""
    resolver, known = _names()
    return {known[name.removeprefix("?")] for name in resolver.medicines_of(text)}


@functools.cache
def _names() -> tuple[NameResolver, dict[str, str]]:
    """What finds names of no store, each told as `?name`; and which medicine each is of."""
    known = known_medicine_names()
    return NameResolver([], elsewhere=known), known


def _taken(timeline: Timeline) -> list[Event]:
    return [event for event in timeline.of_kind("medicine") if event.start is not None]


def _variable(event: Event) -> str:
    return f"{TAKING}{event.name.casefold()}"


def _is_taken(event: Event, moment: datetime) -> bool:
    if event.start is None or moment < event.start:
        return False
    if event.end is not None:
        return moment < event.end
    return event.is_active or moment < event.start + _UNTOLD
