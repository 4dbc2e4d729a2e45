"""The total of a scale, its band, and what is missing for it.

None of the papers says what to do with items that were not answered, and no total is guessed: the
lowest and the highest that it could be are told, and the band where all of these lie in one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from cauce.errors import UserError
from cauce.knowledge.words import fold
from cauce.records import Record, Refusal
from cauce.twin.scales.tables import Bounds, Item, Scale, scale_named
from cauce.twin.timeline import Event


class Scored(Record):
    """What a scale says of a person at one time."""

    scale: str
    total: int | None
    """None where items are missing."""
    band: str
    """`id` of the band that every total within `bounds` lies in; empty where there are several."""
    missing: tuple[str, ...] = ()
    """`id` of each item that the total lacks."""
    bounds: Bounds
    points: dict[str, int]
    """Of each item that was answered."""
    events: tuple[Event, ...] = ()
    """What it was read from, those set aside too; empty where the answers were given directly."""
    refused: tuple[Refusal, ...] = ()
    """The events that were set aside, and why; their items count as missing."""


def score(scale_name: str, answers: Mapping[str, float | str | None]) -> Scored:
    """What the answers to a scale come to, exactly by its published table.

    `answers` holds, by the item's id, points or an option by its id or name; None, like an item
    left out, is one that was not answered. Raises UserError for an unknown scale or item and for
    an answer that no option has, and tells those there are.
    """
    scale = scale_named(scale_name)
    given = {id: answer for id, answer in answers.items() if answer is not None}
    items = {item.id: item for item in scale.items}
    for id in answers:
        if id not in items:
            raise _unknown(scale, id)
    return total_of(scale, {id: _told(scale, items[id], answer) for id, answer in given.items()})


def total_of(scale: Scale, points: Mapping[str, int]) -> Scored:
    """The sum of the points, or between which totals it lies where items are missing."""
    missing = [item for item in scale.items if item.id not in points]
    known = sum(points.values())
    bounds = Bounds(
        known + sum(item.bounds.lowest for item in missing),
        known + sum(item.bounds.highest for item in missing),
    )
    band = scale.band_of(bounds.lowest)
    return Scored(
        scale=scale.name,
        total=None if missing else known,
        band=band.id if bounds.highest <= band.highest else "",
        missing=tuple(item.id for item in missing),
        bounds=bounds,
        points=dict(points),
    )


def points_of(item: Item, answer: float | str) -> int | None:
    """The points of an answer; None where the item has no such option."""
    if isinstance(answer, str):
        said = fold(answer).strip()
        for option in item.options:
            if said in {fold(name) for name in (option.id, *option.names.values())}:
                return option.points
        if not said.isdecimal():
            return None
    return next((option.points for option in item.options if option.points == float(answer)), None)


def _told(scale: Scale, item: Item, answer: float | str) -> int:
    points = points_of(item, answer)
    if points is None:
        there = ", ".join(f"{option.points} ({option.id})" for option in item.options)
        raise UserError(
            f"{scale.name}: {item.id} has no option that was answered.\nIts options are {there}."
        )
    return points


def _unknown(scale: Scale, id: str) -> UserError:
    there = [item.id for item in scale.items]
    near = difflib.get_close_matches(id, there, n=1, cutoff=0)[0]
    return UserError(
        f"{scale.name} has no item {id!r}; the nearest is {near}.\n"
        f"Its items are {', '.join(there)}."
    )
