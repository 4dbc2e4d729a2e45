"""The words by which another medicine's text may name a medicine, or a class that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Literal, NamedTuple

from cauce.knowledge.labels.classes import MedicineClass, Phrase, classes_of, folded, phrase
from cauce.knowledge.names.resolver import Mention
from cauce.knowledge.sections.store import NameEntry, SectionStore
from cauce.knowledge.words import fold, is_common_word
from cauce.sources.substances import SALTS, known_medicines

MOST_BRANDS = 40
"""Brands of one medicine that are looked for in the texts of others, the shortest."""
MOST_CODED = 8
"""Documents of one medicine whose codes are read for its classes."""
SHORTEST_NAME = 4

How = Literal["name", "part", "class"]
"""A text names the medicine, one substance of a combination, or a class that it belongs to."""

_JOINED = re.compile(
    r"\s*(?:[,;+/]|\band\b|\by\b|\be\b(?=\s+i)|\bwith\b|\bcon\b)\s*", re.IGNORECASE
)
_NO_WORD = re.compile(r"\([^)]*\)|\b\d\S*|[^\w\s\-]")


class Needle(NamedTuple):
    """A phrase that names a medicine, and how."""

    phrase: Phrase
    by: How
    is_brand: bool = False
    of_class: MedicineClass | None = None


class Subject(NamedTuple):
    """A medicine of a question, its classes, and how other texts may name it."""

    mention: Mention
    classes: tuple[MedicineClass, ...]
    needles: tuple[Needle, ...]

    @property
    def is_stored(self) -> bool:
        """False for a medicine that the store lacks: it may be named, and has no texts."""
        return not self.mention.group.startswith("?")

    def contains(self, other: Subject) -> bool:
        """True for a combination of which the other is a part."""
        mine, theirs = (set(one.mention.group.split("+")) for one in (self, other))
        return theirs < mine


def subject_of(store: SectionStore, mention: Mention) -> Subject:
    """The medicine with what to look for: names in both languages, brands, parts and classes."""
    is_stored = not mention.group.startswith("?")
    entries = store.names_of(mention.group) if is_stored else []
    generics = [entry.name for entry in entries if entry.scheme != "brand"]
    if not generics:
        generics = [mention.name if is_stored else mention.group[1:]]
    names, parts = _essential(generics)
    classes = classes_of((*names, *parts), _codes(store, mention) if is_stored else {})
    brands = [name for name in _brands(entries) if name not in names]
    needles = (
        *(Needle(phrase(name), "name") for name in names),
        *(Needle(phrase(name), "name", is_brand=True) for name in brands),
        *(Needle(phrase(name), "part") for name in parts),
        *(Needle(said, "class", of_class=found) for found in classes for said in found.said),
    )
    return Subject(mention, classes, needles)


def _codes(store: SectionStore, mention: Mention) -> dict[str, list[str]]:
    """The codes of the medicine's first documents that tell its classes."""
    codes: dict[str, list[str]] = {"atc": [], "pharm_class": []}
    for document in store.documents(mention.group)[:MOST_CODED]:
        of_document = store.codes(document)
        for scheme, values in codes.items():
            values += of_document.get(scheme, ())
    return codes


def _essential(generics: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names of the medicine without salts, in both languages; of a combination those of its parts.

    >>> names, parts = _essential(["Metoprolol succinate"])
    >>> "metoprolol" in names, "metoprolol succinate" in names, parts
    (True, False, [])
    """
    names: dict[str, None] = {}
    parts: dict[str, None] = {}
    for generic in generics:
        substances = [plain for part in _JOINED.split(generic) if (plain := _plain(part))]
        where = names if len(substances) < 2 else parts
        for substance in substances:
            where |= dict.fromkeys(_synonyms(substance))
    return _shortest(names), _shortest(name for name in parts if name not in names)


def _plain(name: str) -> str:
    """The folded name without its salt, remarks and amounts; what is all salt is kept."""
    words = folded(_NO_WORD.sub(" ", name)).split()
    return " ".join([word for word in words if word not in SALTS] or words)


def _synonyms(name: str) -> tuple[str, ...]:
    return (name, *_names_beside().get(name, ()))


@cache
def _names_beside() -> dict[str, tuple[str, ...]]:
    """Each known name, folded, with all that its medicine is called and no other thing is."""
    medicines = (
        tuple(dict.fromkeys(folded(name) for name in names if not is_common_word(fold(name))))
        for names in known_medicines()
    )
    return {name: names for names in medicines for name in names}


def _shortest(names: Iterable[str]) -> list[str]:
    """The names that do not open with a shorter one, which is found wherever they are."""
    kept: list[str] = []
    for name in sorted((name for name in names if len(name) >= SHORTEST_NAME), key=len):
        if not any(name.startswith(f"{shorter} ") or name == shorter for shorter in kept):
            kept.append(name)
    return kept


def _brands(entries: Iterable[NameEntry]) -> list[str]:
    brands = (_plain(entry.name) for entry in entries if entry.scheme == "brand")
    return _shortest(brands)[:MOST_BRANDS]
