"""What each name means: a medicine of the store, several, a part of some, or one it lacks."""

from __future__ import annotations

import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cauce.knowledge.labels.classes import folded
from cauce.knowledge.names.said import pieces
from cauce.knowledge.sections.store import NameEntry
from cauce.knowledge.words import is_common_word
from cauce.sources.substances import SALTS, SYNONYMS, skeleton, substance_group

LONGEST_NAME_WORDS = 24
LONGEST_SPELLED_WORDS = 8
"""A salt, a language or an order that stands in no list is looked for in so many words."""
SHORTEST_LEARNED_LETTERS = 5
"""A shorter word is no other spelling of a substance: two languages share too many of them."""
SHORTEST_FAMILY_LETTERS = 4
MOST_OF_A_FAMILY = 12
"""A word that opens the brands of more medicines is the name of a maker."""

LONGEST_FORM_LETTERS = 3
_FORM_WORDS = (
    "retard prolong prolonged extended release forte depot junior infantil emulgel solostar odt"
    " evohaler kwikpen flextouch flexpen accuhaler turbuhaler diskus respimat zydis inhaler"
)
_FORMS = frozenset(_FORM_WORDS.split())
"""Words that, as those of three letters, make another form of a brand and no other medicine."""

JOINING = frozenset(("and", "y", "e", "with", "con", "plus", "mas"))
_LINKING = frozenset((*JOINING, "de", "del", "la", "el", "of", "as", "como"))
_SALTS = frozenset((*SALTS, "acid", "acido", *map(skeleton, SALTS)))
_SYNONYM_WORDS = frozenset(word for name in SYNONYMS for word in name.split())

Words = tuple[str, ...]


class Meaning(NamedTuple):
    """What some words of a text mean, and how many words they are."""

    words: int
    groups: frozenset[str]
    """The medicines of the store; none when it lacks the medicine."""
    name: str
    """The name as stored; else as the text has it."""
    owner: str = ""
    """What tells a medicine that the store lacks from the others that it lacks."""
    is_part: bool = False
    """True for a word of longer names: `insulin` where the store holds insulin glargine."""
    is_learned: bool = False
    """True for a spelling that stands in no list; it may as well be a misspelling of another."""

    @property
    def identity(self) -> str:
        """The same for two names of one medicine."""
        return " / ".join(sorted(self.groups)) or f"?{self.owner}"


class NameTable:
    """The names of a store and those of known medicines that it lacks, by their folded words."""

    def __init__(self, entries: Iterable[NameEntry], elsewhere: Mapping[str, str]) -> None:
        self._groups: dict[Words, set[str]] = defaultdict(set)
        self._spelling: dict[Words, str] = {}
        self._labels: dict[str, str] = {}
        self._weak: set[Words] = set()
        self._families: dict[str, set[str]] = defaultdict(set)
        self._wide_families: set[str] = set()
        self._elsewhere: dict[Words, str] = {}
        self._reach: dict[str, int] = defaultdict(int)
        self._elsewhere_groups: dict[str, str] = {}
        generics: dict[str, str] = {}
        for entry in entries:
            self._add(entry)
            if entry.scheme != "brand":
                generics.setdefault(entry.group, entry.name)
        self._labels |= generics
        self._parts = self._parts_of_groups()
        self._by_words: dict[frozenset[str], set[str]] = defaultdict(set)
        for group in self._labels:
            self._by_words[_words_of(group)].add(group)
        self._add_elsewhere(elsewhere)
        self._substance_words = {
            word for group in (*self._labels, *self._elsewhere_groups) for word in _words_of(group)
        }
        self._prefer_substance()
        for key in (*self._groups, *self._elsewhere):
            self._reach[key[0]] = max(self._reach[key[0]], len(key))

    def _add(self, entry: NameEntry) -> None:
        words = pieces(entry.name)[:LONGEST_NAME_WORDS]
        if not words:
            return
        self._labels.setdefault(entry.group, entry.name)
        keys = [words]
        if "-" in entry.name and " " not in entry.name:
            keys.append(("".join(words),))
        for key in keys:
            self._groups[key].add(entry.group)
            self._spelling.setdefault(key, entry.name)
            if _is_ordinary(key):
                self._weak.add(key)
        if len(words) > 1 and entry.scheme == "brand" and _is_telling(words[0]):
            self._families[words[0]].add(entry.group)
            if any(len(word) > LONGEST_FORM_LETTERS and word not in _FORMS for word in words[1:]):
                self._wide_families.add(words[0])

    def _parts_of_groups(self) -> dict[str, set[str]]:
        parts: dict[str, set[str]] = defaultdict(set)
        for group in self._labels:
            words = _words_of(group)
            for word in words if len(words) > 1 else ():
                if len(word) >= SHORTEST_FAMILY_LETTERS and word not in _SALTS:
                    parts[word].add(group)
        return parts

    def _add_elsewhere(self, elsewhere: Mapping[str, str]) -> None:
        """Names of one known medicine are all names of the store's, where the store has one."""
        owned = itertools.groupby(sorted(elsewhere.items(), key=lambda pair: pair[1]), _owner)
        for owner, pairs in owned:
            names = [name for name, _ in pairs]
            groups = {_group(name) for name in names} & self._labels.keys()
            for name in names:
                key = pieces(name)
                if key in self._groups or not key:
                    continue
                if groups:
                    self._groups[key] = set(groups)
                    self._spelling[key] = self._labels[min(groups)]
                else:
                    self._elsewhere[key] = owner
                    self._elsewhere_groups.setdefault(_group(name), owner)

    def _prefer_substance(self) -> None:
        """A substance's own name means it alone, although labels of mixtures bear it too."""
        for key, groups in self._groups.items():
            if len(groups) > 1 and (own := _group(" ".join(key))) in groups:
                self._groups[key] = {own}

    def label(self, group: str) -> str:
        """What a person is shown to choose the medicine by."""
        return self._labels.get(group, group)

    def vocabulary(self) -> set[str]:
        """The words of all names that a misspelled word may stand for."""
        words = {word for key in (*self._groups, *self._elsewhere) for word in key}
        return {word for word in words if _is_telling(word)}

    def longest(self, words: Sequence[str], start: int) -> Meaning | None:
        """What the longest name that starts there means, however its language or salt."""
        run = self._run(words, start)
        reach = max(run, self._reach.get(words[start], 0))
        for length in range(min(reach, len(words) - start), 0, -1):
            key = tuple(words[start : start + length])
            if key in self._groups and key not in self._weak:
                return Meaning(length, frozenset(self._groups[key]), self._spelling[key])
            if length <= run and (learned := self._learned(key)):
                return learned
            if key in self._elsewhere and (length > 1 or not _is_ordinary(key)):
                return Meaning(length, frozenset(), " ".join(key), self._elsewhere[key])
        return None

    def weak(self, words: Sequence[str], start: int) -> Meaning | None:
        """A brand made of ordinary words, such as `Tabloid`."""
        reach = self._reach.get(words[start], 0)
        for length in range(min(reach, len(words) - start), 0, -1):
            key = tuple(words[start : start + length])
            if key in self._weak and any(len(word) > 2 for word in key):
                return Meaning(length, frozenset(self._groups[key]), self._spelling[key])
        return None

    def part(self, word: str) -> Meaning | None:
        """What a word of longer names means: one brand's family, or each medicine that holds it."""
        if not _is_telling(word):
            return None
        if groups := self._parts.get(skeleton(word)):
            return Meaning(1, frozenset(groups), word, is_part=True)
        groups = self._families.get(word, set())
        if not 0 < len(groups) <= MOST_OF_A_FAMILY or self.is_substance(word):
            return None
        is_part = len(groups) > 1 or word in self._wide_families
        return Meaning(1, frozenset(groups), self.label(min(groups)), is_part=is_part)

    def part_of(self, word: str) -> frozenset[str]:
        """The medicines of which a word is a part, ordinary as it may be: iron."""
        key = skeleton(SYNONYMS.get(word, word))
        found = self._parts.get(key, set()) | ({key} & self._labels.keys())
        return frozenset(found)

    def labels_matching(self, stems: re.Pattern[str]) -> tuple[str, ...]:
        """The names of single substances that carry one of the stems, in order."""
        labels = {
            label.casefold()
            for group, label in self._labels.items()
            if "+" not in group and stems.search(folded(label))
        }
        return tuple(sorted(labels))

    def is_substance(self, word: str) -> bool:
        """True for a word of an international name, in the store or out of it."""
        return _skeleton(word) in self._substance_words

    def abbreviated(self, words: Sequence[str], start: int) -> Meaning | None:
        """A combination by the first letters of its parts: amoxi-clav, amoxi-clavulánico."""
        pair = tuple(skeleton(word) for word in words[start : start + 2])
        if len(pair) < 2 or min(map(len, pair)) < SHORTEST_FAMILY_LETTERS:
            return None
        if any(map(is_common_word, words[start : start + 2])):
            return None
        groups = [group for group in self._mixtures.get(pair[0][:4], ()) if _holds(group, pair)]
        name = self.label(groups[0]) if groups else ""
        return Meaning(2, frozenset(groups), name, is_part=len(groups) > 1) if groups else None

    @functools.cached_property
    def _mixtures(self) -> dict[str, set[str]]:
        """The combinations of two substances by the first four letters of each."""
        mixtures: dict[str, set[str]] = defaultdict(set)
        for group in self._labels:
            parts = group.split("+")
            for part in parts if len(parts) == 2 else ():
                mixtures[part[:4]].add(group)
        return mixtures

    def _run(self, words: Sequence[str], start: int) -> int:
        """How many words from there may spell a substance; 0 when the first cannot."""
        if not self._is_essential(words[start]):
            return 0
        stop = start + 1
        while stop < min(len(words), start + LONGEST_SPELLED_WORDS) and (
            words[stop] in _LINKING or self._is_essential(words[stop])
        ):
            stop += 1
        return stop - start

    def _is_essential(self, word: str) -> bool:
        return word in _SALTS or word in _SYNONYM_WORDS or _skeleton(word) in self._substance_words

    def _learned(self, key: Words) -> Meaning | None:
        """Another maker's salt, language or order of a known substance."""
        if key[0] in _LINKING or key[-1] in _LINKING:
            return None
        if len(key) == 1 and (len(key[0]) < SHORTEST_LEARNED_LETTERS or is_common_word(key[0])):
            return None
        name = " ".join(key)
        group = _group(name)
        groups = {group} if group in self._labels else self._by_words.get(_words_of(group), set())
        if groups:
            label = self._labels[min(groups)]
            return Meaning(len(key), frozenset(groups), label, is_learned=True)
        owner = self._elsewhere_groups.get(group)
        return Meaning(len(key), frozenset(), name, owner) if owner else None


def is_form(word: str) -> bool:
    """True for a word that makes another form of a brand and no other medicine."""
    return word in _FORMS


def _words_of(group: str) -> frozenset[str]:
    return frozenset(re.split(r"[ +]", group))


def _owner(pair: tuple[str, str]) -> str:
    return pair[1]


@functools.lru_cache(maxsize=65_536)
def _group(name: str) -> str:
    return substance_group([name])


_skeleton = functools.lru_cache(maxsize=65_536)(skeleton)


def _is_telling(word: str) -> bool:
    """True when a name can be told by this one of its words."""
    return (
        len(word) >= SHORTEST_FAMILY_LETTERS
        and not word.isdigit()
        and word not in _SALTS
        and not is_common_word(word)
    )


def _is_ordinary(key: Words) -> bool:
    return all(is_common_word(word) or (len(word) < 3 and word.isalpha()) for word in key)


def _holds(group: str, starts: tuple[str, ...]) -> bool:
    """True when the words begin the group's substances, each another one."""
    one, other = group.split("+")
    orders = ((one, other), (other, one))
    return any(a.startswith(starts[0]) and b.startswith(starts[1]) for a, b in orders)
