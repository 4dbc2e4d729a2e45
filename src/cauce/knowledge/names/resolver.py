"""Which medicine a question is about: found, to be asked about, unknown, or not named at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from cauce.knowledge.names.beside import Place, is_no_medicine, is_of_two, is_told_another
from cauce.knowledge.names.codes import Code, codes_in
from cauce.knowledge.names.findings import UNNAMED as UNNAMED
from cauce.knowledge.names.findings import Finding, resolution_of
from cauce.knowledge.names.findings import Mention as Mention
from cauce.knowledge.names.findings import Resolution as Resolution
from cauce.knowledge.names.near_words import SHORTEST_FUZZY_LETTERS, Near, NearWords
from cauce.knowledge.names.said import Said, pieces, readable, said, shortened
from cauce.knowledge.names.strangers import could_name_a_medicine, is_asked_of, strangers
from cauce.knowledge.names.subjects import abbreviation, class_named, thing_named
from cauce.knowledge.names.table import JOINING, Meaning, NameTable, is_form
from cauce.knowledge.sections.store import NameEntry, SectionStore
from cauce.knowledge.words import fold, is_common_word, is_function_word
from cauce.sources.substances import known_medicines

COMMON_WORD_TEXTS = 3
COMMON_WORD_SHARE = 0.0005
"""A word that stands in this many texts, and this share of them, is a word of the language."""
MOST_CHOICES = 12
LONGEST_AFFIX_LETTERS = 4
SHORTEST_PARTED_LETTERS = 2
"""A letter on a hyphen is a mirror image, `R-citalopram`, and no part of the name."""
SHORTEST_PICKED_BRAND = 10
"""Brands are in no full list: with two typos a shorter one is asked about (Toprol, Mopral)."""

_ALTERNATIVES = frozenset(("with", "con", "or", "o"))


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
        texts = store.statistics()["texts"]
        least = max(COMMON_WORD_TEXTS, COMMON_WORD_SHARE * texts)
        return cls(
            store.names(),
            is_common_word=lambda word: store.sections_holding(word) >= least,
            coded=store.coded,
        )

    def resolve(self, question: str) -> Resolution:
        """The medicines that the question names, by name or code, exactly or misspelled."""
        coded, rest = self._codes(shortened(readable(question)))
        words = said(rest)
        findings = [*coded, *self._found(words)]
        if not any(finding.mention or finding.choices for finding in findings):
            findings += self._ordinary_brands(words)
        findings += self._strangers(words, findings)
        return resolution_of(words, findings or self._of_no_name(words))

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

    def _codes(self, text: str) -> tuple[list[Finding], str]:
        """What the text's codes name, and the text without them."""
        findings: list[Finding] = []
        for code in codes_in(text):
            entries = self._coded(code.text)
            if entries or code.certain:
                place = len(pieces(text[: code.start]))
                findings.append(self._of_code(code, entries, place))
                text = text[: code.start] + " " * (code.stop - code.start) + text[code.stop :]
        return findings, text

    def _of_code(self, code: Code, entries: list[NameEntry], place: int) -> Finding:
        groups = {entry.group for entry in entries}
        if not groups:
            return Finding(place, 0, stranger=code.text)
        if len(groups) > 1:
            return Finding(place, 0, choices=self._labels(groups))
        mention = Mention(entries[0].group, entries[0].name, 0, fold(code.text))
        return Finding(place, 0, mention)

    def _labels(self, groups: Iterable[str]) -> tuple[str, ...]:
        labels = {self._table.label(group): group for group in sorted(groups)}
        return tuple(sorted(labels, key=lambda label: (len(label), label))[:MOST_CHOICES])

    def _found(self, said: Said) -> list[Finding]:
        findings: list[Finding] = []
        start = 0
        while start < len(said.words):
            finding = self._named_at(said, start) or self._misspelled_at(said, start, findings)
            if finding:
                findings = [other for other in findings if other.start < finding.start]
                findings.append(finding)
                start = finding.start
            start += finding.words if finding else 1
        return findings

    def _named_at(self, said: Said, start: int) -> Finding | None:
        words = said.words
        meaning = self._longest(said, start) or self._parted(said, start)
        if meaning and self._is_two_medicines(said, start, meaning):
            meaning = self._table.longest(words[: start + 1], start)
        if meaning is None or not (meaning.groups or meaning.words > 1):
            shorter = self._table.abbreviated(words, start) or self._table.part(words[start])
            meaning = shorter or meaning
        if meaning is None or self._is_person(said, start):
            return None
        if meaning.is_learned and meaning.words == 1:
            return self._near_finding(said, start, start, {meaning.identity: meaning})
        after = start + meaning.words
        if meaning.groups and self._is_another(said, Place(start, after)):
            return Finding(start, meaning.words, choices=(meaning.name,))
        return self._finding(meaning, start, " ".join(words[start:after]), 0)

    def _is_person(self, said: Said, start: int) -> bool:
        return is_no_medicine(said, start) and not self._table.is_substance(said.words[start])

    def _longest(self, said: Said, start: int) -> Meaning | None:
        """What the longest name means; the salt after a slash is of another substance."""
        meaning = self._table.longest(said.words, start)
        if meaning is None or not meaning.is_learned or any("+" in g for g in meaning.groups):
            return meaning
        places = range(start + 1, start + meaning.words)
        cut = next((place for place in places if "/" in said.gaps[place]), None)
        return self._table.longest(said.words[:cut], start) if cut else meaning

    def _parted(self, said: Said, start: int) -> Meaning | None:
        """What two words with a hyphen between them mean as one: `ibu-profen`."""
        after = start + 1
        if not said.is_hyphenated(after) or len(said.words[start]) < SHORTEST_PARTED_LETTERS:
            return None
        meaning = self._table.longest((said.words[start] + said.words[after],), 0)
        return meaning._replace(words=2) if meaning else None

    def _is_another(self, said: Said, place: Place) -> bool:
        """True when the words around a name make it another medicine: `Co-Diovan`, `Advil PM`."""
        is_substance = self._table.is_substance(said.words[place.start])
        if is_told_another(said, place, is_substance=is_substance):
            after = place.stop + 1
            return after >= len(said.words) or not self._table.longest(said.words, after)
        return not is_substance and self._is_surnamed(said, place.stop)

    def _is_surnamed(self, said: Said, after: int) -> bool:
        """True when an unknown word with a capital follows a brand: `Herceptin Hylecta`."""
        return (
            after in said.capitals
            and said.gaps[after] in (" ", "-")
            and not said.words[after - 1].isdigit()
            and could_name_a_medicine(said.words[after])
            and not is_common_word(said.words[after])
            and not is_form(said.words[after])
            and self._table.longest(said.words, after) is None
        )

    def _is_two_medicines(self, said: Said, start: int, meaning: Meaning) -> bool:
        """True when a combination's name is said of two: `X with Y`, `X and Y together`."""
        words = said.words[start : start + meaning.words]
        joints = {place for place, word in enumerate(words) if word in {*JOINING, *_ALTERNATIVES}}
        if not joints or not (_ALTERNATIVES & {*words} or is_of_two(said.folded)):
            return False
        alone = [self._table.longest(words[: place + 1], place) for place in range(len(words))]
        found = [other.groups for place, other in enumerate(alone) if other and place not in joints]
        return len({*found}) > len(joints) and all(found) and meaning.groups not in found

    def _finding(self, meaning: Meaning, start: int, text: str, typos: int) -> Finding:
        if not meaning.groups:
            return Finding(start, meaning.words, stranger=meaning.name)
        if len(meaning.groups) > 1 or meaning.is_part:
            return Finding(start, meaning.words, choices=self._labels(meaning.groups))
        mention = Mention(min(meaning.groups), meaning.name, typos, text)
        return Finding(start, meaning.words, mention)

    def _misspelled_at(self, said: Said, start: int, findings: list[Finding]) -> Finding | None:
        """What a word within two letters of names means; several medicines are all asked about."""
        word = said.words[start]
        if is_common_word(word) or self._is_usual(word) or self._is_person(said, start):
            return None
        first = max((finding.start + finding.words for finding in findings), default=0)
        return self._near_finding(said, start, first, {})

    def _near_finding(
        self, said: Said, start: int, first: int, exact: dict[str, Meaning]
    ) -> Finding | None:
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

    def _to_ask(self, word: str, start: int, meanings: list[Meaning]) -> Finding:
        """The medicines that the word may stand for; the word itself where the store has none."""
        if not any(meaning.groups for meaning in meanings):
            return Finding(start, 1, stranger=word)
        names = dict.fromkeys(name for meaning in meanings for name in self._choices_of(meaning))
        return Finding(start, 1, choices=tuple(names)[:MOST_CHOICES])

    def _is_slight(self, word: str, near: Near) -> bool:
        """False when so much of the name differs that the word may be a name in no list.

        Letters put before or after a whole name tell substances apart: es-, ar-, -ol, -ide.
        """
        if near.typos > 1 and (near.word.endswith(word) or self._holds_a_name(word)):
            return False
        least = SHORTEST_FUZZY_LETTERS + near.typos
        if near.typos > 1 and not self._table.is_substance(near.word):
            least = SHORTEST_PICKED_BRAND
        return len(near.word) >= least and len(word) >= least - 1

    def _holds_a_name(self, word: str) -> bool:
        """True for letters before or after the whole name of a substance: `foscitalopram`."""
        cuts = range(1, min(LONGEST_AFFIX_LETTERS, len(word) - SHORTEST_FUZZY_LETTERS) + 1)
        parts = (part for cut in cuts for part in (word[cut:], word[:-cut]))
        return any(self._table.longest((part,), 0) for part in parts)

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

    def _ordinary_brands(self, said: Said) -> list[Finding]:
        """Brands made of ordinary words, where nothing else is named and sections rarely say so."""
        findings: list[Finding] = []
        for start, _ in enumerate(said.words):
            meaning = self._table.weak(said.words, start)
            if meaning is None:
                continue
            words = said.words[start : start + meaning.words]
            capital = any(place in said.capitals for place in range(start, start + meaning.words))
            alone = len(words) == len(said.words)
            if is_no_medicine(said, start):
                continue
            if capital or alone or not all(map(self._is_usual_or_function, words)):
                findings.append(self._finding(meaning, start, " ".join(words), 0))
            elif is_asked_of(said, start, start + meaning.words):
                findings.append(Finding(start, meaning.words, choices=(meaning.name,)))
        return findings[:1]

    def _is_usual_or_function(self, word: str) -> bool:
        return len(word) < 3 or is_function_word(word) or self._is_usual(word)

    def _strangers(self, said: Said, findings: list[Finding]) -> list[Finding]:
        taken = {
            place
            for finding in findings
            for place in range(finding.start, finding.start + finding.words)
        }
        named = any(finding.mention or finding.choices for finding in findings)
        found = strangers(said, taken, self._is_usual, beside_medicines=named)
        return [Finding(start, len(words), stranger=" ".join(words)) for start, words in found]

    def _of_no_name(self, said: Said) -> list[Finding]:
        """What a question is about that names none: a class, an abbreviation, iron, a vaccine."""
        if found := class_named(said):
            choices = self._table.labels_matching(found.stems)
            if choices:
                return [Finding(found.start, 1, choices=choices[:MOST_CHOICES])]
            return [Finding(found.start, 1, stranger=found.said)]
        if thing := thing_named(said):
            part = self._table.part_of(thing.word)
            if part:
                return [Finding(thing.start, 1, choices=self._labels(part))]
            return [Finding(thing.start, 1, stranger=thing.word)]
        short = abbreviation(said, self._is_usual)
        return [Finding(short.start, len(short.words), stranger=short.text)] if short else []
