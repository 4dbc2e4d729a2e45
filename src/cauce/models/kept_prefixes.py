"""The beginnings that prompts share are read once: rules, record and evidence before a question.

What a model keeps of a text is put aside where two prompts part, and a third one that begins the
same goes on from there. A recurrent state cannot be cut back, so it is put aside at that very
place; keys and values are treated alike. All users share what is kept, in memory alone: of another
one's prompt somebody who could write its beginning would learn by the clock that it was asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, NamedTuple

from cauce.models.cache_rows import copied, size_bytes

if TYPE_CHECKING:
    from transformers.cache_utils import Cache

Ids = tuple[int, ...]

SHORTEST = 16
"""A beginning of fewer tokens is read anew."""
REMEMBERED = 64
"""Prompts with which a new one is compared."""


class _Kept(NamedTuple):
    cache: Cache
    size: int


class KeptPrefixes:
    """What a model keeps of beginnings of prompts: the least recently used ones go first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.bytes = 0
        self.tokens_saved = 0
        """Tokens that did not have to be read."""
        self._kept: OrderedDict[Ids, _Kept] = OrderedDict()
        self._recent: deque[Ids] = deque(maxlen=REMEMBERED)

    def longest(self, ids: Ids) -> tuple[int, Cache | None]:
        """How many of the first of `ids` are kept at most, and a copy of what is kept of them."""
        found = [known for known in self._kept if ids[: len(known)] == known]
        if not found:
            return 0, None
        best = max(found, key=len)
        self._kept.move_to_end(best)
        self.tokens_saved += len(best)
        return len(best), copied(self._kept[best].cache)

    def parting(self, ids: Ids, kept: int) -> int:
        """Where `ids` part from a recent prompt, if that is well behind `kept` tokens, else `kept`.

        The prompt is remembered.
        """
        shared = max((_shared(ids, other) for other in self._recent), default=0)
        self._recent.append(ids)
        return shared if shared >= kept + SHORTEST else kept

    def keep(self, ids: Ids, cache: Cache) -> None:
        """Puts what the model keeps of `ids` aside, if there is room for it at all."""
        size = size_bytes(cache)
        if size > self._most_bytes or ids in self._kept:
            return
        self._kept[ids] = _Kept(cache, size)
        self.bytes += size
        while self.bytes > self._most_bytes:
            self.bytes -= self._kept.popitem(last=False)[1].size


def _shared(one: Ids, other: Ids) -> int:
    """How many first tokens are the same."""
    sizes = range(1, min(len(one), len(other)) + 1)
    return bisect_left(sizes, True, key=lambda size: one[:size] != other[:size])
