"""Which medicine a question is about: found, to be asked about, unknown, or not named at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from cauce.knowledge.names.codes import Code, codes_in
from cauce.knowledge.names.near_words import SHORTEST_FUZZY_LETTERS, Near, NearWords
from cauce.knowledge.names.said import Said, pieces, said
from cauce.knowledge.names.strangers import strangers
from cauce.knowledge.names.table import JOINING, Meaning, NameTable
from cauce.knowledge.sections.store import NameEntry, SectionStore
from cauce.knowledge.words import fold, is_common_word, is_function_word
from cauce.sources.substances import known_medicines

COMMON_WORD_SECTIONS = 3
COMMON_WORD_SHARE = 0.0005
"""A word that stands in this many sections, and this share of them, is a word of the language."""
MOST_CHOICES = 12
SHORTEST_PICKED_BRAND = 10
"""Brands are in no full list: with two typos a shorter one is asked about (Toprol, Mopral)."""

_TOGETHER = re.compile(
    r"\b(?:together|between|mix\w*|combin\w*|same time|entre|junt[oa]s?|mezcl\w*|a la vez)\b"
)
_ALTERNATIVES = frozenset(("with", "con", "or", "o"))
_EXTENSION_WORDS = "plus hct comp compositum combi complex duo pm cold sinus allergy gripe flu"
_EXTENSIONS = frozenset(_EXTENSION_WORDS.split())
"""Words that make of a brand another medicine: `Micardis Plus`, `Advil PM`."""
_MIXED = frozenset(("hct", "comp", "compositum"))
"""Those of them that also stand after the name of a substance."""


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


class _Finding(NamedTuple):
    """What some words of the text were found to be: one of mention, choices and stranger."""

    start: int
    words: int
    mention: Mention | None = None
    choices: tuple[str, ...] = ()
    stranger: str = ""


class _Meant(NamedTuple):
    """A known word near the one said, where its name starts, and what that name means."""

    near: Near
    place: int
    meaning: Meaning


def known_medicine_names() -> dict[str, str]:
    """Each international name in Spanish and English, folded, to the first name of its medicine.

    They tell a real medicine that a store lacks from a misspelled name of one that it has.
    """
    return {fold(name): fold(names[0]) for names in known_medicines() for name in names}


def no_code(code: str) -> list[NameEntry]:
    """No medicine bears any code: what a resolver knows without an index."""
    return []


class NameResolver:
    """Finds the medicines of a store in a question; look-alikes are asked about, never picked."""

    def __init__(
        self,
        entries: Iterable[NameEntry],
        *,
        is_common_word: Callable[[str], bool] = lambda word: False,
        coded: Callable[[str], list[NameEntry]] = no_code,
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        self._table = NameTable(entries, known_medicine_names() if elsewhere is None else elsewhere)
        self._near_words = NearWords(self._table.vocabulary())
        self._is_usual = is_common_word
        self._coded = coded

    @classmethod
    def of_index(cls, store: SectionStore) -> NameResolver:
        """The resolver of a store: its names, its codes, and its words, which are no typos."""
        sections = store.statistics()["sections"]
        least = max(COMMON_WORD_SECTIONS, COMMON_WORD_SHARE * sections)
        return cls(
            store.names(),
            is_common_word=lambda word: store.sections_holding(word) >= least,
            coded=store.coded,
        )

    def resolve(self, question: str) -> Resolution:
        """The medicines that the question names, by name or code, exactly or misspelled."""
        coded, rest = self._codes(question)
        words = said(rest)
        findings = [*coded, *self._found(words)]
        named = any(finding.mention or finding.choices for finding in findings)
        if not named:
            findings += self._ordinary_brands(words)
        findings += self._strangers(words, findings)
        return _resolution(sorted(findings, key=lambda finding: finding.start))

    def medicines_of(self, text: str) -> set[str]:
        """The substances that the text names exactly; those not in the store as `?name`."""
        words = pieces(text)
        found: set[str] = set()
        start = 0
        while start < len(words):
            meaning = self._table.longest(words, start)
            if meaning is not None:
                found |= meaning.groups or {f"?{meaning.name}"}
            start += meaning.words if meaning else 1
        return found

    def _codes(self, text: str) -> tuple[list[_Finding], str]:
        """What the text's codes name, and the text without them."""
        findings: list[_Finding] = []
        for code in codes_in(text):
            entries = self._coded(code.text)
            if entries or code.certain:
                place = len(pieces(text[: code.start]))
                findings.append(self._of_code(code, entries, place))
                text = text[: code.start] + " " * (code.stop - code.start) + text[code.stop :]
        return findings, text

    def _of_code(self, code: Code, entries: list[NameEntry], place: int) -> _Finding:
        groups = {entry.group for entry in entries}
        if not groups:
            return _Finding(place, 0, stranger=code.text)
        if len(groups) > 1:
            return _Finding(place, 0, choices=self._labels(groups))
        mention = Mention(entries[0].group, entries[0].name, 0, fold(code.text))
        return _Finding(place, 0, mention)

    def _labels(self, groups: Iterable[str]) -> tuple[str, ...]:
        labels = {self._table.label(group): group for group in sorted(groups)}
        return tuple(sorted(labels, key=lambda label: (len(label), label))[:MOST_CHOICES])

    def _found(self, said: Said) -> list[_Finding]:
        findings: list[_Finding] = []
        start = 0
        while start < len(said.words):
            finding = self._named_at(said, start) or self._misspelled_at(said, start, findings)
            if finding:
                findings = [other for other in findings if other.start < finding.start]
                findings.append(finding)
                start = finding.start
            start += finding.words if finding else 1
        return findings

    def _named_at(self, said: Said, start: int) -> _Finding | None:
        words = said.words
        meaning = self._table.longest(words, start)
        if meaning and self._is_two_medicines(said, start, meaning):
            meaning = self._table.longest(words[: start + 1], start)
        if meaning is None or not (meaning.groups or meaning.words > 1):
            shorter = self._table.abbreviated(words, start) or self._table.part(words[start])
            meaning = shorter or meaning
        if meaning is None:
            return None
        if meaning.is_learned and meaning.words == 1:
            return self._near_finding(said, start, start, {meaning.identity: meaning})
        after = start + meaning.words
        if meaning.groups and self._is_extended(words, start, after):
            return _Finding(start, meaning.words, choices=(meaning.name,))
        return self._finding(meaning, start, " ".join(words[start:after]), 0)

    def _is_extended(self, words: tuple[str, ...], start: int, after: int) -> bool:
        """True when the words around a name make it another medicine: `Co-Diovan`, `Advil PM`."""
        if start and words[start - 1] == "co":
            return True
        if after == len(words) or words[after] not in _EXTENSIONS:
            return False
        if words[after] not in _MIXED and self._table.is_substance(words[start]):
            return False
        return after + 1 == len(words) or not self._table.longest(words, after + 1)

    def _is_two_medicines(self, said: Said, start: int, meaning: Meaning) -> bool:
        """True when a combination's name is said of two: `X with Y`, `X and Y together`."""
        words = said.words[start : start + meaning.words]
        joints = {place for place, word in enumerate(words) if word in {*JOINING, *_ALTERNATIVES}}
        if not joints or not (_ALTERNATIVES & {*words} or _TOGETHER.search(said.folded)):
            return False
        alone = [self._table.longest(words[: place + 1], place) for place in range(len(words))]
        found = [other.groups for place, other in enumerate(alone) if other and place not in joints]
        return len({*found}) > len(joints) and all(found) and meaning.groups not in found

    def _finding(self, meaning: Meaning, start: int, text: str, typos: int) -> _Finding:
        if not meaning.groups:
            return _Finding(start, meaning.words, stranger=meaning.name)
        if len(meaning.groups) > 1 or meaning.is_part:
            return _Finding(start, meaning.words, choices=self._labels(meaning.groups))
        mention = Mention(min(meaning.groups), meaning.name, typos, text)
        return _Finding(start, meaning.words, mention)

    def _misspelled_at(self, said: Said, start: int, findings: list[_Finding]) -> _Finding | None:
        """What a word within two letters of names means; several medicines are all asked about."""
        word = said.words[start]
        if is_common_word(word) or self._is_usual(word):
            return None
        first = max((finding.start + finding.words for finding in findings), default=0)
        return self._near_finding(said, start, first, {})

    def _near_finding(
        self, said: Said, start: int, first: int, exact: dict[str, Meaning]
    ) -> _Finding | None:
        """The one medicine that the word there may stand for, else what to ask.

        `exact` holds what the word means as it stands; names start at `first` or later.
        """
        word = said.words[start]
        meant = {name: _Meant(Near(word, 0), start, meaning) for name, meaning in exact.items()}
        for near in self._near_words.near(word):
            place, meaning = self._meaning_with(said.words, start, near.word, first)
            if meaning:
                meant.setdefault(meaning.identity, _Meant(near, place, meaning))
        if not meant:
            return None
        only = next(iter(meant.values()))
        if len(meant) == 1 and (exact or self._is_slight(word, only.near)):
            text = " ".join(said.words[only.place : only.place + only.meaning.words])
            return self._finding(only.meaning, only.place, text, only.near.typos)
        return self._to_ask(word, start, [other.meaning for other in meant.values()])

    def _to_ask(self, word: str, start: int, meanings: list[Meaning]) -> _Finding:
        """The medicines that the word may stand for; the word itself where the store has none."""
        if not any(meaning.groups for meaning in meanings):
            return _Finding(start, 1, stranger=word)
        names = dict.fromkeys(name for meaning in meanings for name in self._choices_of(meaning))
        return _Finding(start, 1, choices=tuple(names)[:MOST_CHOICES])

    def _is_slight(self, word: str, near: Near) -> bool:
        """False when so much of the name differs that the word may be a name in no list."""
        least = SHORTEST_FUZZY_LETTERS + near.typos
        if near.typos > 1 and not self._table.is_substance(near.word):
            least = SHORTEST_PICKED_BRAND
        return len(near.word) >= least and len(word) >= least - 1

    def _choices_of(self, meaning: Meaning) -> tuple[str, ...]:
        if len(meaning.groups) > 1 or meaning.is_part:
            return self._labels(meaning.groups)
        return (meaning.name,)

    def _meaning_with(
        self, words: tuple[str, ...], place: int, word: str, first: int
    ) -> tuple[int, Meaning | None]:
        """Where a name that holds `word` at `place` starts, and what it means."""
        corrected = (*words[:place], word, *words[place + 1 :])
        for start in range(max(first, place - 2), place + 1):
            meaning = self._table.longest(corrected, start)
            if meaning and start + meaning.words > place:
                return start, meaning
        return place, self._table.part(word)

    def _ordinary_brands(self, said: Said) -> list[_Finding]:
        """Brands made of ordinary words, where nothing else is named and sections rarely say so."""
        findings: list[_Finding] = []
        for start, _ in enumerate(said.words):
            meaning = self._table.weak(said.words, start)
            if meaning is None:
                continue
            words = said.words[start : start + meaning.words]
            capital = any(place in said.capitals for place in range(start, start + meaning.words))
            alone = len(words) == len(said.words)
            if capital or alone or not all(map(self._is_usual_or_function, words)):
                findings.append(self._finding(meaning, start, " ".join(words), 0))
        return findings[:1]

    def _is_usual_or_function(self, word: str) -> bool:
        return len(word) < 3 or is_function_word(word) or self._is_usual(word)

    def _strangers(self, said: Said, findings: list[_Finding]) -> list[_Finding]:
        taken = {
            place
            for finding in findings
            for place in range(finding.start, finding.start + finding.words)
        }
        named = any(finding.mention or finding.choices for finding in findings)
        found = strangers(said, taken, self._is_usual, beside_medicines=named)
        return [_Finding(start, len(words), stranger=" ".join(words)) for start, words in found]


def _resolution(findings: list[_Finding]) -> Resolution:
    mentions: dict[str, Mention] = {}
    for finding in findings:
        if finding.mention:
            mentions.setdefault(finding.mention.group, finding.mention)
    choices = tuple(dict.fromkeys(name for finding in findings for name in finding.choices))
    strangers = dict.fromkeys(finding.stranger for finding in findings if finding.stranger)
    mentioned, looked_for = tuple(mentions.values()), tuple(strangers)
    if choices:
        return Resolution("ask", mentioned, choices, looked_for)
    if mentioned:
        return Resolution("found", mentioned, (), looked_for)
    return Resolution("unknown", looked_for=looked_for) if looked_for else UNNAMED
