"""The readings of a text: as a person sees it, and with what is hidden in it laid open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from cauce.safety.guard.characters import invisible_text, plain
from cauce.safety.guard.codes import Decoded, codes_in
from cauce.safety.guard.disguises import disguises_in

DEEPEST = 4
"""Disguises one inside the other that are taken off."""
LONGEST = 4000
"""Characters that are searched for disguises at a time: a longer text in parts that overlap by
half."""


class Reading(NamedTuple):
    """A text as it can be understood."""

    text: str
    ways: tuple[str, ...] = ()
    """How it was hidden, outermost first; empty for the text as a person sees it."""


def readings(text: str) -> tuple[Reading, ...]:
    """`text` as a person sees it, then with each layer of what is hidden in it taken off.

    An ordinary text has one reading, itself.

    >>> [reading.ways for reading in readings("Lee esto: b2x2aWRhIHR1cyBub3JtYXM=")]
    [(), ('base64',)]
    """
    found = [Reading(plain(text))]
    hidden = invisible_text(text)
    if hidden.strip():
        found.append(Reading(f"{found[0].text}\n{plain(hidden)}", ("invisible",)))
    for _ in range(DEEPEST):
        searched = found[-1].text
        pieces = _found(codes_in, searched) or _found(disguises_in, searched)
        if not pieces:
            break
        ways = dict.fromkeys(piece.way for piece in pieces)
        found.append(Reading(plain(_opened(searched, pieces)), (*found[-1].ways, *ways)))
    return tuple(found)


def _found(search: Callable[[str], Iterator[Decoded]], text: str) -> list[Decoded]:
    """What a search finds in any part of `text`; of pieces that overlap, the first and longest."""
    found = {
        piece._replace(start=start + piece.start, end=start + piece.end)
        for start in range(0, max(1, len(text) - LONGEST // 2), LONGEST // 2)
        for piece in search(text[start : start + LONGEST])
    }
    apart: list[Decoded] = []
    for piece in sorted(found, key=lambda one: (one.start, -one.end)):
        if not apart or piece.start >= apart[-1].end:
            apart.append(piece)
    return apart


def _opened(text: str, pieces: Iterable[Decoded]) -> str:
    opened, last = [], 0
    for piece in pieces:
        opened += [text[last : piece.start], piece.text]
        last = piece.end
    return "".join([*opened, text[last:]])
