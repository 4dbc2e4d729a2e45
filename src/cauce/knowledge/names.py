"""Which medicine a question is about: found, to be asked about, unknown, or not named at all."""

from __future__ import annotations

import importlib.resources
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from rapidfuzz.distance import OSA

from cauce.knowledge.index import Index, NameEntry
from cauce.knowledge.words import FUNCTION_WORDS, fold
from cauce.sources.substances import substance_group

LONGEST_NAME_WORDS = 8
SHORTEST_FUZZY_LETTERS = 5
COMMON_WORD_SECTIONS = 3
"""A word that stands in this many sections is a word of the language, not a misspelled name."""

_TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")


class Mention(NamedTuple):
    """A name found in a text: the medicine, the name as stored, and the letters that differ."""

    group: str
    name: str
    typos: int
    said: str = ""
    """The folded words of the text that name it."""


class Resolution(NamedTuple):
    """What a question's words say about its medicine.

    `found`: `mentions` holds one or more medicines, in the order named.
    `ask`: `choices` holds names that the word may stand for; none is picked.
    `unknown`: `looked_for` holds the words that name a medicine which is not in the store.
    `unnamed`: no word looks like a medicine.
    """

    kind: Literal["found", "ask", "unknown", "unnamed"]
    mentions: tuple[Mention, ...] = ()
    choices: tuple[str, ...] = ()
    looked_for: tuple[str, ...] = ()


UNNAMED = Resolution("unnamed")


def allowed_typos(word: str) -> int:
    """How many letters may differ from a name: 1 in a word of 5 to 7 letters, 2 in a longer one."""
    if len(word) < SHORTEST_FUZZY_LETTERS:
        return 0
    return 1 if len(word) < 8 else 2


def known_medicine_names() -> dict[str, str]:
    """Each international name in Spanish and English, folded, to the first name of its medicine.

    They tell a real medicine that a store lacks from a misspelled name of one that it has.
    """
    text = (importlib.resources.files("cauce") / "data/medicine-names.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    names = [[fold(name.strip()) for name in line.split(";") if name.strip()] for line in lines]
    return {name: medicine[0] for medicine in names for name in medicine}


class NameResolver:
    """Finds the medicines of a store in a question; look-alikes are asked about, never picked."""

    def __init__(
        self,
        entries: Iterable[NameEntry],
        *,
        is_common_word: Callable[[str], bool] = lambda word: False,
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        self._groups: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._spelling: dict[tuple[str, ...], str] = {}
        self._label: dict[str, str] = {}
        for entry in entries:
            tokens = tuple(_tokens(entry.name))[:LONGEST_NAME_WORDS]
            if tokens and not _is_ordinary(tokens):
                self._groups[tokens].add(entry.group)
                self._spelling.setdefault(tokens, entry.name)
                self._label.setdefault(entry.group, entry.name)
        self._is_common_word = is_common_word
        self._elsewhere_owner = known_medicine_names() if elsewhere is None else elsewhere
        self._elsewhere = {tuple(_tokens(name)) for name in self._elsewhere_owner} - set(
            self._groups
        )
        self._fuzzy = [key[0] for key in {*self._groups, *self._elsewhere} if len(key) == 1]

    @classmethod
    def of_index(cls, index: Index) -> NameResolver:
        """The resolver of an index: its names, and its words as those that are no typos."""
        return cls(
            index.names(),
            is_common_word=lambda word: index.sections_holding(word) >= COMMON_WORD_SECTIONS,
        )

    def resolve(self, question: str) -> Resolution:
        """The medicines that the question names exactly, else those its typos are near."""
        tokens = _tokens(question)
        exact, ambiguous, unknown = self._exact(tokens)
        if ambiguous:
            return Resolution("ask", choices=tuple(ambiguous))
        if exact:
            return Resolution("found", mentions=tuple(exact), looked_for=tuple(unknown))
        if unknown:
            return Resolution("unknown", looked_for=tuple(unknown))
        return self._misspelled(tokens)

    def medicines_of(self, text: str) -> set[str]:
        """The substances that the text names exactly; those not in the store as `?name`."""
        exact, _, unknown = self._exact(_tokens(text))
        return {mention.group for mention in exact} | {f"?{name}" for name in unknown}

    def _exact(self, tokens: list[str]) -> tuple[list[Mention], list[str], list[str]]:
        """Mentions, choices of names that several medicines share, and names known elsewhere."""
        mentions: dict[str, Mention] = {}
        choices: list[str] = []
        unknown: list[str] = []
        start = 0
        while start < len(tokens):
            length = self._longest_name_at(tokens, start)
            key = tuple(tokens[start : start + length])
            if key in self._groups:
                groups = self._groups[key]
                if len(groups) == 1:
                    group = next(iter(groups))
                    mentions.setdefault(group, Mention(group, self._spelling[key], 0))
                else:
                    choices += sorted(self._label[group] for group in groups)
            elif length:
                unknown.append(" ".join(key))
            start += max(1, length)
        return list(mentions.values()), choices, unknown

    def _longest_name_at(self, tokens: list[str], start: int) -> int:
        """Words of the longest name that starts there; a name learned from its group is kept."""
        for length in range(min(LONGEST_NAME_WORDS, len(tokens) - start), 0, -1):
            key = tuple(tokens[start : start + length])
            if key in self._groups or self._learn_spelling(key) or key in self._elsewhere:
                return length
        return 0

    def _learn_spelling(self, key: tuple[str, ...]) -> bool:
        """True for another maker's salt, language or order of a substance in the store."""
        if len(key) == 1 and (
            len(key[0]) < SHORTEST_FUZZY_LETTERS or self._is_ordinary_word(key[0])
        ):
            return False
        if key[0] in _FOLDED_ORDINARY or key[-1] in _FOLDED_ORDINARY:
            return False
        for joined in (" ".join(key), " + ".join(key)):
            group = substance_group([joined])
            if group in self._label:
                self._groups[key] = {group}
                self._spelling[key] = self._label[group]
                return True
        return False

    def _misspelled(self, tokens: list[str]) -> Resolution:
        looked_for: list[str] = []
        mentions: dict[str, Mention] = {}
        for token in tokens:
            near = self._near(token)
            owners = {self._owner(name) for name, _ in near}
            if len(owners) > 1:
                return Resolution("ask", choices=tuple(self._nearest_by_owner(near)))
            if not near:
                continue
            name, typos = near[0]
            if (name,) in self._groups:
                group = self._owner(name)
                mentions.setdefault(group, Mention(group, self._spelled(name), typos))
            else:
                looked_for.append(name)
        if mentions:
            return Resolution("found", mentions=tuple(mentions.values()))
        if looked_for:
            return Resolution("unknown", looked_for=tuple(looked_for))
        return UNNAMED

    def _nearest_by_owner(self, near: list[tuple[str, int]]) -> list[str]:
        """One spelled name per medicine: the nearest of each."""
        nearest: dict[str, str] = {}
        for name, _ in near:
            nearest.setdefault(self._owner(name), self._spelled(name))
        return list(nearest.values())

    def _near(self, token: str) -> list[tuple[str, int]]:
        """Single-word names within the allowed typos (optimal string alignment), nearest first.

        A medicine that the store lacks counts only when none of the store's is nearer.
        """
        allowed = allowed_typos(token)
        if not allowed or self._is_ordinary_word(token):
            return []
        distances = (
            (name, OSA.distance(token, name, score_cutoff=allowed)) for name in self._fuzzy
        )
        near = [(name, distance) for name, distance in distances if distance <= allowed]
        stored = [distance for name, distance in near if (name,) in self._groups]
        limit = min(stored, default=allowed)
        kept = [pair for pair in near if (pair[0],) in self._groups or pair[1] <= limit]
        return sorted(kept, key=lambda pair: (pair[1], pair[0]))

    def _is_ordinary_word(self, token: str) -> bool:
        return token in _FOLDED_ORDINARY or self._is_common_word(token)

    def _owner(self, name: str) -> str:
        """What tells two names apart: the substance in the store, or the medicine elsewhere."""
        groups = self._groups.get((name,))
        return " / ".join(sorted(groups)) if groups else self._elsewhere_owner.get(name, name)

    def _spelled(self, name: str) -> str:
        return self._spelling.get((name,), name)


_FOLDED_ORDINARY = frozenset(fold(word) for word in FUNCTION_WORDS)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(fold(text))


def _is_ordinary(tokens: tuple[str, ...]) -> bool:
    """A name made of function words or of one or two letters would be found in any sentence."""
    return all(token in _FOLDED_ORDINARY or len(token) < 3 for token in tokens)
