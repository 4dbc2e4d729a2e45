"""What an index of passages holds, and what a search of it tells."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cauce.records import Record


class Passage(Record):
    """A text that is searched for, with what it is about."""

    id: str
    text: str
    title: str = ""
    group: str = ""
    """What it comes from: a search may leave a group out."""


class Hit(NamedTuple):
    """A passage that was found, and how."""

    id: str
    text: str
    title: str
    group: str
    score: float
    """Of the fused ranks; comparable within one question."""
    lexical_rank: int | None
    """From 1; None where its words did not find it."""
    dense_rank: int | None
    """From 1; None where its vector did not find it."""
    cosine: float
    """Of passage and question; 0 without an embedding."""
    lexical_score: float
    """BM25; 0 where its words did not find it."""


class Passages(Protocol):
    """Passages that can be searched: in a folder, or on a cluster of machines."""

    def search(self, question: str, limit: int, *, exclude_group: str | None = None) -> list[Hit]:
        """The `limit` passages nearest to the question, best first, by words and by meaning."""
        ...
