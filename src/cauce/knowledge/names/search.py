"""Medicines by the first letters of any of their names, as a person types them."""

from __future__ import annotations

from typing import NamedTuple

from cauce.knowledge.sections.store import SectionStore
from cauce.knowledge.words import fold


class Suggestion(NamedTuple):
    """A name that begins as was typed, and the medicine that it is of."""

    name: str
    label: str
    """The medicine's generic name, or the first that it has."""
    group: str
    is_brand: bool


class NameSearch:
    """The names of a store, ready to be looked through."""

    def __init__(self, store: SectionStore) -> None:
        entries = store.names()
        labels: dict[str, str] = {entry.group: entry.name for entry in reversed(entries)}
        labels |= {it.group: it.name for it in reversed(entries) if it.scheme != "brand"}
        self._names = sorted(
            {
                (f" {fold(it.name)}", it.group): Suggestion(
                    it.name, labels[it.group], it.group, it.scheme == "brand"
                )
                for it in reversed(entries)
            }.items(),
            key=lambda item: (item[1].is_brand, item[0]),
        )

    def starting(self, typed: str) -> list[Suggestion]:
        """One name of each medicine that has one with a word that begins as was typed.

        What was typed whole comes first, then names that open with it, then generic names.
        """
        wanted = f" {fold(typed).strip()}"
        if wanted == " ":
            return []
        hits = [(key[0], found) for key, found in self._names if wanted in key[0]]
        hits.sort(key=lambda hit: (hit[0] != wanted, not hit[0].startswith(wanted)))
        by_group: dict[str, Suggestion] = {}
        for _, found in hits:
            by_group.setdefault(found.group, found)
        return list(by_group.values())
