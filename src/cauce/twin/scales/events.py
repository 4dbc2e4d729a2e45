"""Scales that a record holds: the items of a questionnaire or a panel, or a total as it was noted.

An event is an item, or a total, by its LOINC code or by the name of the item or the scale in
Spanish, English or Catalan: `Norton: movilidad`, or `movilidad` beside others of the scale.
Answers of one resource belong together; those that stand alone, with others of their time.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cauce.knowledge.words import fold
from cauce.records import Refusal
from cauce.twin.scales.scoring import Scored, points_of, total_of
from cauce.twin.scales.tables import Bounds, Item, Scale, scales
from cauce.twin.timeline import Event, Timeline

_NO_OPTION = "no option of the item has this answer"
_NO_TOTAL = "no answers to the scale add up to this"
_TWICE = "answered more than once at the same time, and not alike"
_OTHER_SUM = "the items answered do not add up to it"
_UNCLEAR = "the same items are counted in more than one way, and the answers do not tell which"

_TOTAL = "total"
_ELSEWHERE = ""
"""In place of an item: the total, or no place in the scale."""


class _Place(NamedTuple):
    """An item of a scale, or its total."""

    scale: str
    item: str


class _Answer(NamedTuple):
    event: Event
    places: frozenset[_Place]
    """What it may be."""
    tells_scale: bool
    """False for the bare name of an item, which another questionnaire may have too."""

    @property
    def families(self) -> set[str]:
        return {scales()[place.scale].family for place in self.places}

    def of(self, scale: Scale) -> str:
        """The item of that scale that it answers."""
        places = (place.item for place in self.places if place.scale == scale.name)
        return next(places, _ELSEWHERE)


def from_events(timeline: Timeline) -> tuple[Scored, ...]:
    """Every scale that was answered or noted, oldest first, each with its events.

    A noted total stands unless the items answered beside it say otherwise. Nothing is raised: an
    event that cannot be read is told in `refused`.
    """
    return tuple(scored for sitting in _sittings(timeline) for scored in _scored(sitting))


def _sittings(timeline: Timeline) -> Iterable[list[_Answer]]:
    """The answers that were given together."""
    answers = [
        answer
        for event in timeline.events
        if event.is_active and event.kind in ("answer", "reading")
        if event.value is not None or event.text
        if (answer := _answer(event)).places
    ]
    sizes = Counter(_resource(answer.event) for answer in answers)
    sittings: dict[object, list[_Answer]] = defaultdict(list)
    for answer in answers:
        resource = _resource(answer.event)
        is_alone = sizes[resource] == 1 and answer.event.start is not None
        sittings[answer.event.start if is_alone else resource].append(answer)
    return sittings.values()


def _resource(event: Event) -> tuple[str, str]:
    return event.file, event.origin.partition("#")[0]


def _scored(sitting: list[_Answer]) -> Iterator[Scored]:
    """An answer that may be of several scales is of the one that another answer is surely of.

    By bare names of items alone a scale is known where half of them, and two, were answered.
    """
    sure = dict.fromkeys(
        family for answer in sitting if len(answer.families) == 1 for family in answer.families
    )
    for family in sure:
        mine = [answer for answer in sitting if answer.families & sure.keys() == {family}]
        ways = [
            scale
            for scale in scales().values()
            if scale.family == family and all(answer.of(scale) != _ELSEWHERE for answer in mine)
        ]
        answered = {place.item for answer in mine for place in answer.places}
        are_enough = len(answered) >= max(2, len(scales()[family].items) / 2)
        if are_enough or any(answer.tells_scale for answer in mine):
            yield _in_one_way(mine, ways or [scales()[family]])


def _in_one_way(answers: list[_Answer], ways: list[Scale]) -> Scored:
    """By the only scale that all of the answers fit; by none where that is not clear."""
    read = [_by(scale, answers) for scale in ways]
    fitting = [scored for scored in read if not scored.refused]
    if len(read) == 1 or len(fitting) == 1:
        return (fitting or read)[0]
    events = tuple(answer.event for answer in answers)
    refused = tuple(_refusal(event, _UNCLEAR) for event in events)
    nothing = total_of(scales()[ways[0].family], {})
    return nothing.model_copy(update={"events": events, "refused": refused})


def _by(scale: Scale, answers: list[_Answer]) -> Scored:
    """The answers by one scale's table."""
    events: dict[str, list[Event]] = defaultdict(list)
    for answer in answers:
        events[answer.of(scale)].append(answer.event)
    points = {}
    refused = [_refusal(event, _UNCLEAR) for event in events[_ELSEWHERE]]
    for item in scale.items:
        found = _agreed(events[item.id], [_points(item, event) for event in events[item.id]])
        refused += found.refused
        if found.points is not None:
            points[item.id] = found.points
    scored = _noted(scale, total_of(scale, points), events[_TOTAL])
    return scored.model_copy(
        update={
            "events": tuple(answer.event for answer in answers),
            "refused": (*refused, *scored.refused),
        }
    )


def _noted(scale: Scale, added: Scored, events: list[Event]) -> Scored:
    """The noted total in place of the sum, where the items that were answered allow it."""
    possible = _totals(scale.name)
    noted = _agreed(events, [_whole(event, possible) for event in events], _NO_TOTAL)
    total = noted.points
    if total is None:
        return added.model_copy(update={"refused": noted.refused})
    if not added.bounds.lowest <= total <= added.bounds.highest:
        return added.model_copy(
            update={"refused": tuple(_refusal(event, _OTHER_SUM) for event in events)}
        )
    return added.model_copy(
        update={
            "total": total,
            "band": scale.band_of(total).id,
            "missing": (),
            "bounds": Bounds(total, total),
            "refused": noted.refused,
        }
    )


class _Agreed(NamedTuple):
    points: int | None
    refused: tuple[Refusal, ...]


def _agreed(events: list[Event], points: list[int | None], unreadable: str = _NO_OPTION) -> _Agreed:
    """The points that all readable events give; None where they give none or different ones."""
    pairs = list(zip(events, points, strict=True))
    bad = [_refusal(event, unreadable) for event, given in pairs if given is None]
    told = {given for given in points if given is not None}
    if len(told) > 1:
        bad += [_refusal(event, _TWICE) for event, given in pairs if given is not None]
    return _Agreed(told.pop() if len(told) == 1 else None, tuple(bad))


def _points(item: Item, event: Event) -> int | None:
    return points_of(item, event.text if event.value is None else event.value)


def _whole(event: Event, possible: frozenset[int]) -> int | None:
    """The total that an event notes, where answers can add up to it."""
    if event.value is None:
        return int(event.text) if event.text.isdecimal() and int(event.text) in possible else None
    return next((total for total in possible if total == event.value), None)


@functools.cache
def _totals(scale: str) -> frozenset[int]:
    """Every total that answers can add up to: for Barthel 0, 5, ..., 100."""
    totals = frozenset((0,))
    for item in scales()[scale].items:
        totals = frozenset(total + option.points for total in totals for option in item.options)
    return totals


def _refusal(event: Event, reason: str) -> Refusal:
    return Refusal(file=event.file, position=event.origin, reason=reason)


def _answer(event: Event) -> _Answer:
    """What an event may be; of no place where it is of no scale."""
    codes, names = _index()
    coded = [
        codes[code.code] for code in event.codes if code.system == "loinc" and code.code in codes
    ]
    if coded:
        return _Answer(event, frozenset(coded), True)
    places = names.get(_plain(event.name), frozenset())
    if places:
        return _Answer(event, places, all(place.item == _TOTAL for place in places))
    scale, _, item = event.name.partition(":")
    within = {place.scale for place in names.get(_plain(scale), ()) if place.item == _TOTAL}
    items = names.get(_plain(item), frozenset())
    return _Answer(event, frozenset(at for at in items if at.scale in within), True)


@functools.cache
def _index() -> tuple[dict[str, _Place], dict[str, frozenset[_Place]]]:
    """Places by LOINC code and by name."""
    codes: dict[str, _Place] = {}
    names: dict[str, set[_Place]] = defaultdict(set)
    for scale in scales().values():
        total = _Place(scale.name, _TOTAL)
        codes |= dict.fromkeys(scale.loinc, total)
        for name in (*scale.names.values(), *scale.also):
            names[_plain(name)].add(total)
        for item in scale.items:
            place = _Place(scale.name, item.id)
            codes |= {item.loinc: place} if item.loinc else {}
            for name in item.names.values():
                names[_plain(name)].add(place)
    return codes, {name: frozenset(places) for name, places in names.items()}


def _plain(name: str) -> str:
    return " ".join(fold(name).strip(" .:;?¿").split())
