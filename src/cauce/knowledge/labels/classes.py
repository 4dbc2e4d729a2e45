"""The classes a medicine belongs to, and the words by which texts speak of a class.

A label that warns of "NSAIDs" or of "antiinflamatorios" speaks of ibuprofen without naming it. A
medicine's classes are told by its ATC code, by the pharmacologic class of its label, and by the
stem that its international name carries (-pril, -vastatin).
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from cauce.records import Language

LONGEST_PHRASE_CHARS = 40

_ACCENTS = tuple(zip("áàâéèêíìîóòôúùûüñçβα", "aaaeeeiiiooouuuuncba", strict=True))


class Phrase(NamedTuple):
    """Words to find in a folded text: `cue`, letters that it cannot do without, is tried first."""

    cue: str
    pattern: re.Pattern[str]

    def found_in(self, text: str) -> Iterator[re.Match[str]]:
        """The places of a folded text where the words stand."""
        return self.pattern.finditer(text) if self.cue in text else iter(())


class MedicineClass(NamedTuple):
    """A class of medicines: how its members are told, and how texts speak of it."""

    names: dict[Language, str]
    atc: tuple[str, ...]
    label_class: re.Pattern[str] | None
    """Of the pharmacologic class among a label's codes."""
    stems: re.Pattern[str]
    """Of a folded international name."""
    said: tuple[Phrase, ...]

    def holds(self, names: Iterable[str], codes: Mapping[str, Iterable[str]]) -> bool:
        """True when the codes, or failing them one of the folded names, tell a member."""
        if any(code.startswith(self.atc) for code in codes.get("atc", ())):
            return True
        label = self.label_class
        if label and any(label.search(text) for text in codes.get("pharm_class", ())):
            return True
        return any(self.stems.search(name) for name in names)


def folded(text: str) -> str:
    """The text in lower case without accents, and as long as it was.

    >>> folded("Antiácidos y β-bloqueantes")
    'antiacidos y b-bloqueantes'
    """
    lower = text.lower()
    plain = lower if len(lower) == len(text) else text
    # On a long text twenty searches cost a tenth of one translation (2026-11).
    for accented, letter in () if plain.isascii() else _ACCENTS:
        plain = plain.replace(accented, letter)
    return plain


def phrase(words: str) -> Phrase:
    """The phrase in a folded text; `*` is any ending, a hyphen may be a space or missing.

    >>> [found.group() for found in phrase("beta-block*").found_in("beta blockers, alphablockers")]
    ['beta blockers']
    """
    parts = (re.escape(part).replace(r"\-", r"[\s\-]?") for part in words.split())
    pattern = r"[\s\-]+".join(parts).replace(r"\*", r"\w*")
    cue = max(re.findall(r"\w+", words), key=len)
    return Phrase(cue, re.compile(rf"(?<!\w){pattern}(?!\w)"))


@cache
def medicine_classes() -> tuple[MedicineClass, ...]:
    """The classes of `data/medicine-classes.txt`, the narrow before the broad."""
    text = (importlib.resources.files("cauce") / "data/medicine-classes.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    blocks = "\n".join(lines).strip().split("\n\n")
    return tuple(_class_of(dict(_field(line) for line in block.splitlines())) for block in blocks)


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


def _class_of(block: Mapping[str, str]) -> MedicineClass:
    return MedicineClass(
        names={"en": block["en"], "es": block["es"]},
        atc=tuple(block["atc"].split()),
        label_class=re.compile(block["label"], re.IGNORECASE) if block["label"] else None,
        stems=re.compile("|".join(block["stems"].split())),
        said=tuple(phrase(words.strip()) for words in block["said"].split(",")),
    )


def classes_of(
    names: Iterable[str], codes: Mapping[str, Iterable[str]]
) -> tuple[MedicineClass, ...]:
    """The classes of a medicine, by its international names and its codes.

    >>> [found.names["en"] for found in classes_of(["warfarina"], {})]
    ['vitamin K antagonists', 'anticoagulants']
    """
    called = tuple(map(folded, names))
    return tuple(found for found in medicine_classes() if found.holds(called, codes))


def speaks_of_another(text: str, start: int, end: int, classes: Sequence[MedicineClass]) -> bool:
    """True where the words of a folded text are part of a longer phrase for a class not among them.

    "diuretics" speaks of thiazides, "loop diuretics" does not.
    """
    first = max(0, start - LONGEST_PHRASE_CHARS)
    window = text[first : end + LONGEST_PHRASE_CHARS]
    return any(
        found.start() <= start - first
        and end - first <= found.end()
        and found.end() - found.start() > end - start
        for other in medicine_classes()
        if other not in classes
        for words in other.said
        for found in words.found_in(window)
    )
