"""The words of a text as names are compared: folded, and parted at hyphens too."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from cauce.knowledge.words import fold

LONGEST_TEXT_CHARS = 4_000
"""Of a longer question the start and the end are read: 500 words take 0.1 s (2026-11)."""

_PIECES = re.compile(r"[^\W_]+")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|&(?:nbsp|quot|amp|lt|gt|#\d{1,5});")
_PARTED_L = re.compile(r"(?:l[·•‧∙]|ŀ)(?=l)", re.IGNORECASE)
"""Of a double l as Catalan parts it, where Spanish has one: `amoxicil·lina`."""
_LATIN_LETTERS = "aecopxyikjsmthbABEKMHOPCTXIJSaoipcvx"
_LOOK_ALIKES = "аесорхуікјѕмтһвАВЕКМНОРСТХІЈЅαοιρϲνχ"
_AS_LATIN = str.maketrans(_LOOK_ALIKES, _LATIN_LETTERS)
"""Cyrillic and Greek letters that a reader cannot tell from Latin ones."""


class Said(NamedTuple):
    """The words of a text, and how they stand in it."""

    words: tuple[str, ...]
    capitals: frozenset[int]
    """Those that open with a capital inside a sentence."""
    folded: str
    """The whole text, folded."""
    gaps: tuple[str, ...] = ()
    """What stands before each word; nothing inside a word that was parted."""

    opens_with_capital: bool = False

    def is_hyphenated(self, place: int) -> bool:
        """True when a hyphen alone stands between the word and the one before it."""
        return 0 < place < len(self.words) and self.gaps[place].strip("\r\n") in _HYPHENS

    def is_apart(self, place: int) -> bool:
        """True when a comma, a full stop, a colon or a new line stands before the word."""
        return any(mark in self.gaps[place] for mark in ",.;:?!\n")


_HYPHENS = frozenset("-‐‑–")


def readable(text: str) -> str:
    """The text as a reader sees it: no invisible characters, tags or letters of other alphabets.

    >>> readable("<b>ibu\u200bprоfen</b>").strip()
    'ibuprofen'
    >>> readable("amoxicil·lina")
    'amoxicilina'
    """
    text = unicodedata.normalize("NFC", text)
    if text.isascii():
        return _TAGS.sub(" ", text)
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return _PIECES.sub(_one_alphabet, _TAGS.sub(" ", _PARTED_L.sub("", visible)))


def _one_alphabet(word: re.Match[str]) -> str:
    """The word in Latin letters, where its other letters look like them or stand beside them."""
    text = word.group()
    latin = text.translate(_AS_LATIN)
    return latin if latin.isascii() or any("a" <= letter <= "z" for letter in text) else text


def shortened(text: str) -> str:
    """The text; of a very long one its start and its end, in whole words."""
    if len(text) <= LONGEST_TEXT_CHARS:
        return text
    half = LONGEST_TEXT_CHARS // 2
    start, end = text[:half], text[-half:]
    return f"{start.rpartition(' ')[0]} . {end.partition(' ')[2]}"


def pieces(text: str) -> tuple[str, ...]:
    """The folded words and numbers of a text.

    >>> pieces("Toprol-XL 25")
    ('toprol', 'xl', '25')
    """
    return tuple(_PIECES.findall(fold(text)))


def said(text: str) -> Said:
    """The words of a question.

    >>> said("¿Y el Toprol-XL?").words
    ('y', 'el', 'toprol', 'xl')
    """
    words: list[str] = []
    gaps: list[str] = []
    capitals: set[int] = set()
    stop = 0
    is_capital = text.lstrip("¿¡\"'«“( ")[:1].isupper()
    for match in _PIECES.finditer(text):
        gap, stop = text[stop : match.start()], match.end()
        for word in pieces(match.group()):
            if words and match.group()[0].isupper():
                capitals.add(len(words))
            words.append(word)
            gaps.append(gap)
            gap = ""
    return Said(tuple(words), frozenset(capitals), fold(text), tuple(gaps), is_capital)
