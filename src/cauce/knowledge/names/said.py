"""The words of a text as names are compared: folded, and parted at hyphens too."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from cauce.knowledge.words import fold

_PIECES = re.compile(r"[^\W_]+")


class Said(NamedTuple):
    """The words of a text, and which of them open with a capital inside a sentence."""

    words: tuple[str, ...]
    capitals: frozenset[int]
    folded: str
    """The whole text, folded."""


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
    capitals: set[int] = set()
    for match in _PIECES.finditer(unicodedata.normalize("NFC", text)):
        for word in pieces(match.group()):
            if words and match.group()[0].isupper():
                capitals.add(len(words))
            words.append(word)
    return Said(tuple(words), frozenset(capitals), fold(text))
