"""What of a line tells personal data: its tokens, and the rows of the tagger that they touch.

Names are told by lists, by their form and by what stands round them; what only a place in the line
tells (`Apellidos:`) is told by the label before it.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from cauce.knowledge.words import fold
from cauce.safety.personal.spans import PersonalSpan

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_LABEL_REACH = 14
"""Tokens behind a label and its colon that belong to it."""
_TITLE_REACH = 4
"""Tokens behind `Dra.` or `soy` in which a name may stand."""
_SPEAKERS = frozenset(
    """
    soy llamo llama llamaba llaman nombre apellidos apellido firmado fdo atentamente saludos dic
    nom cognoms firma paciente pacient signed name named called remitido responsable usuario
    """.split()  # noqa: SIM905
)


class Token(NamedTuple):
    """A word, a number or a sign of a line."""

    start: int
    end: int
    text: str


def tokens_of(line: str) -> list[Token]:
    """The tokens of a line, in order."""
    return [Token(*found.span(), found[0]) for found in _TOKEN.finditer(line)]


def holds(name: Literal["street", "given", "surname"], text: str) -> bool:
    """Whether a word of that list stands in it."""
    lists = (_lists().get(fold(token.text), ()) for token in tokens_of(text))
    return any(name[:2] in own for own in lists)


def rows_of(
    tokens: Sequence[Token], known: Sequence[PersonalSpan], *, rows: int, lists: bool = True
) -> list[list[int]]:
    """For each token the rows it touches; `known` is what rules found in the line.

    Without `lists` no word is looked up: so is learnt what to do with names nobody listed.
    """
    words = [_word(token.text, lists) for token in tokens]
    ruled = _ruled(tokens, known)
    labels, titles, opening = _labels(words), _titles(words), _opening(words)
    mailed = "COR" in ruled
    small = not any(word.shape[0] == "X" for word in words)
    found = []
    for place in range(len(words)):
        names = [
            *_round(words, ruled, place),
            f"L{labels[place]}",
            f"L{labels[place]}{words[place].shape}",
            f"T{titles[place]}{words[place].shape}{words[place].lists}",
            f"S{small}{words[place].lists}",
            f"P{min(place, 2)}{words[place].shape}",
            f"O{opening}{words[place].shape}{words[place].lists}",
            f"M{mailed}{words[place].shape}{words[place].lists}",
        ]
        found.append([_row(name, rows) for name in names])
    return found


class _Word(NamedTuple):
    folded: str
    shape: str
    lists: str


def _round(words: Sequence[_Word], ruled: Sequence[str], place: int) -> Iterator[str]:
    """What a token and its neighbours are."""
    before2, before, here, after, after2 = (
        words[at] if 0 <= at < len(words) else _EDGE for at in range(place - 2, place + 3)
    )
    yield "1"
    yield f"a{here.folded}"
    yield f"b{before.folded}"
    yield f"c{after.folded}"
    yield f"d{before2.folded}"
    yield f"e{after2.folded}"
    yield f"f{before.folded} {here.folded}"
    yield f"g{here.folded} {after.folded}"
    yield f"h{before2.folded} {before.folded}"
    yield f"i{before.shape} {here.shape} {after.shape}"
    yield f"j{here.folded[:3]}"
    yield f"k{here.folded[-3:]}"
    yield f"l{here.shape}{here.lists}"
    yield f"m{before.lists} {here.lists} {here.shape}"
    yield f"n{here.lists} {after.lists} {here.shape}"
    yield f"o{before2.lists} {before.folded} {here.shape}"
    yield f"p{before.folded} {here.shape}"
    yield f"q{after.folded} {here.shape}"
    yield f"r{ruled[place]}{here.shape}"
    yield f"s{ruled[place - 1] if place else ''} {ruled[place]}"
    yield f"t{before2.shape} {before.shape} {here.shape}"
    yield f"u{here.shape} {after.shape} {after2.shape}"
    yield f"v{before.folded} {here.lists}"


@functools.lru_cache(1 << 16)
def _row(name: str, rows: int) -> int:
    return zlib.crc32(name.encode()) % rows


@functools.lru_cache(1 << 15)
def _word(text: str, lists: bool) -> _Word:
    folded = fold(text)
    if text.isdigit():
        return _Word("#" * min(len(text), 9), "9" * min(len(text), 6), "")
    if not text[0].isalpha():
        return _Word(folded, text, "")
    shape = (
        "x" if text.islower() else "Xx" if text[1:].islower() else "X" if len(text) == 1 else "XX"
    )
    return _Word(folded, shape, "".join(_lists().get(folded, ())) if lists else "")


_EDGE = _Word("|", "|", "")


@functools.cache
def _lists() -> dict[str, tuple[str, ...]]:
    """The initials of the lists that a word stands in."""
    path = importlib.resources.files("cauce") / "data/safety/personal-words.txt"
    found: dict[str, tuple[str, ...]] = {}
    for line in path.read_text("utf-8").splitlines():
        name, _, words = line.partition(": ")
        if line.startswith("#"):
            continue
        for word in {part for entry in words.split() for part in entry.split("_")}:
            found[word] = (*found.get(word, ()), name[:2])
    return found


def _ruled(tokens: Sequence[Token], known: Sequence[PersonalSpan]) -> list[str]:
    """The kind that rules give each token; empty where none does."""
    found = [""] * len(tokens)
    for span in sorted(known, key=lambda it: it.certainty):
        for place, token in enumerate(tokens):
            if span.start <= token.start < span.end:
                found[place] = span.kind[:3]
    return found


def _labels(words: Sequence[_Word]) -> list[str]:
    """The word before the last colon, for the tokens behind it."""
    label, since, found = "", 0, []
    for place, word in enumerate(words):
        found.append(label if place - since <= _LABEL_REACH else "")
        if word.folded == ":" and place:
            label, since = words[place - 1].folded, place
    return found


def _opening(words: Sequence[_Word]) -> str:
    """The word that a line with a label opens with: `Remitido por:`, `Domicilio:`."""
    has_label = any(word.folded == ":" for word in words[1:4])
    return words[0].folded if has_label else ""


def _titles(words: Sequence[_Word]) -> list[str]:
    """The title or the speaking verb that stands shortly before each token."""
    title, since, found = "", 0, []
    for place, word in enumerate(words):
        found.append(title if place - since <= _TITLE_REACH else "")
        if word.folded in _SPEAKERS or "ti" in word.lists:
            title, since = ("soy" if word.folded in _SPEAKERS else "dr"), place
    return found
