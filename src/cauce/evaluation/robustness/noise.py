"""A question as it comes from hurried, old or unpractised hands, in three strengths.

A stronger noise makes the changes of a weaker one and more, so that what it costs can be compared.
Numbers are never touched: another dose would be another question.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, get_args

from cauce.evaluation.robustness.tables import noise_words
from cauce.knowledge.words import fold
from cauce.safety.language import spoken_language

Noise = Literal["typos", "accents", "sms", "old hands", "glued", "punctuation", "catalan"]
Strength = Literal["light", "medium", "heavy"]
NOISES: tuple[Noise, ...] = get_args(Noise)
STRENGTHS: dict[Strength, float] = {"light": 0.15, "medium": 0.4, "heavy": 1.0}
"""Share of the places where a noise can strike that it does strike, on average; one at least."""

_WORD = re.compile(r"[^\W\d_]+")
_ROWS = ("qwertyuiop", "asdfghjklñ", "zxcvbnm")
_SHORTEST_MISTYPED = 4
_MARK = re.compile(r"[¿?¡!.,;:'’\"()]")


class Edit(NamedTuple):
    """A change that a noise can make: what stands instead of the text from `start` to `stop`."""

    start: int
    stop: int
    text: str


def perturb(
    text: str,
    noise: Noise,
    strength: Strength,
    *,
    seed: int = 0,
    kept: frozenset[str] = frozenset(),
) -> str:
    """The text with the noise in it, the same for the same seed; as it is where none can strike.

    `kept` are folded words that stay as they are, such as the names of medicines.

    >>> perturb("¿Qué dosis tomo mañana?", "accents", "heavy")
    '¿Que dosis tomo manana?'
    """
    chance = random.Random(f"{seed} {noise} {text}")
    drawn = [(chance.random(), edit) for edit in _EDITS[noise](text, chance)]
    struck = sorted(
        (level, edit)
        for level, edit in drawn
        if edit.text != text[edit.start : edit.stop] and not _is_kept(edit, text, kept)
    )
    share = STRENGTHS[strength]
    chosen = [edit for place, (level, edit) in enumerate(struck) if level < share or place == 0]
    for edit in sorted(chosen, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.stop :]
    return text


def _is_kept(edit: Edit, text: str, kept: frozenset[str]) -> bool:
    """True when the edit touches a kept word, or glues another word to it."""
    glues = int(text[edit.start : edit.stop] == " ")
    return any(
        word.start() < edit.stop + glues and edit.start - glues < word.end()
        for word in _WORD.finditer(text)
        if fold(word[0]) in kept
    )


def _typos(text: str, chance: random.Random) -> Iterator[Edit]:
    """One mistake in a word: a neighbour key, two letters exchanged, one twice or missing."""
    for word in _WORD.finditer(text):
        if len(word[0]) < _SHORTEST_MISTYPED:
            continue
        at = chance.randrange(1, len(word[0]) - 1)
        letter, following = word[0][at], word[0][at + 1]
        mistakes = (
            _neighbour(letter, chance) + following,
            following + letter,
            letter + letter + following,
            following,
        )
        start = word.start() + at
        yield Edit(start, start + 2, chance.choice(mistakes))


def _neighbour(letter: str, chance: random.Random) -> str:
    """A key beside that of the letter on a Spanish keyboard."""
    plain = fold(letter) if letter.lower() != "ñ" else "ñ"
    row = next((row for row in _ROWS if plain in row), None)
    if row is None:
        return letter
    place = row.index(plain)
    return chance.choice([row[near] for near in (place - 1, place + 1) if 0 <= near < len(row)])


def _accents(text: str, chance: random.Random) -> Iterator[Edit]:
    """Accents, tildes, diaereses and cedillas lost."""
    for place, letter in enumerate(text):
        bare = fold(letter)
        if letter.isalpha() and bare != letter.lower():
            yield Edit(place, place + 1, bare.upper() if letter.isupper() else bare)


def _sms(text: str, chance: random.Random) -> Iterator[Edit]:
    """Words as telephones shorten them, h dropped, k for c and qu."""
    short = noise_words(spoken_language(text))
    for word in _WORD.finditer(text):
        lower = word[0].lower()
        written = short.get(lower) or re.sub(r"^h(?=[aeiou])", "", re.sub("qu(?=[ei])", "k", lower))
        if written != lower:
            yield Edit(word.start(), word.end(), written)


def _old_hands(text: str, chance: random.Random) -> Iterator[Edit]:
    """Words in capitals, b and v or y and ll confused, h dropped."""
    for word in _WORD.finditer(text):
        lower = word[0].lower()
        confused = lower.translate(str.maketrans("bv", "vb"))
        confused = re.sub("^h(?=[aeiou])", "", confused.replace("ll", "y"))
        if chance.random() < 0.5 or confused == lower:
            confused = word[0].upper()
        yield Edit(word.start(), word.end(), confused)


def _glued(text: str, chance: random.Random) -> Iterator[Edit]:
    """Every second space or so forgotten."""
    for space in re.finditer(" ", text):
        if chance.random() < 0.5:
            yield Edit(space.start(), space.end(), "")


def _punctuation(text: str, chance: random.Random) -> Iterator[Edit]:
    """Marks lost, but never those between digits, and the capital of a first word."""
    for mark in _MARK.finditer(text):
        around = text[max(0, mark.start() - 1) : mark.end() + 1]
        if not re.search(r"\d.\d", around):
            yield Edit(mark.start(), mark.end(), " " if re.match(r"\w\S\w", around) else "")
    if (first := _WORD.search(text)) is not None:
        yield Edit(first.start(), first.start() + 1, first[0][0].lower())


def _catalan(text: str, chance: random.Random) -> Iterator[Edit]:
    """Words of Catalan in a Spanish sentence, as people say who speak it at home."""
    if spoken_language(text) == "es":
        spoken = noise_words("catalan")
        for word in _WORD.finditer(text):
            yield Edit(word.start(), word.end(), spoken.get(word[0].lower(), word[0]))


_EDITS: dict[Noise, Callable[[str, random.Random], Iterator[Edit]]] = {
    "typos": _typos,
    "accents": _accents,
    "sms": _sms,
    "old hands": _old_hands,
    "glued": _glued,
    "punctuation": _punctuation,
    "catalan": _catalan,
}
