"""What the benchmark of names asks, and the store that it asks about."""

from __future__ import annotations

from typing import NamedTuple

from cauce.records import Document


class Asked(NamedTuple):
    """A question and what it is about."""

    category: str
    question: str
    name: str
    groups: frozenset[str]
    """The medicines that an answer may be about; none when only a refusal is right."""
    must_ask: tuple[str, ...] = ()
    """Medicines between which the name lies; groups of the store, or names that it lacks."""
    history: tuple[str, ...] = ()
    """The user's turns before it."""


class Store(NamedTuple):
    """The documents, by medicine, and the names of each."""

    documents: list[Document]
    by_group: dict[str, list[Document]]
    names: dict[str, str]
    """Each single-word name of the store and of the list, folded: its group, or `?name`."""
