"""Words that were disguised letter by letter: leet, letters apart, backwards, ciphers, word"
" games."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Callable, Iterator, Sequence

from cauce.knowledge.words import fold
from cauce.safety.guard.codes import Decoded
from cauce.safety.guard.wording import (
    folded_words,
    is_known,
    is_language,
    known_share,
    spaced_out,
)

_WORD = re.compile(r"[^\W\d_]+")
_APART = re.compile(r"(?<![^\W_])[^\W\d_](?:([ .\-_*·,/|+~]{1,3})[^\W\d_](?![^\W_])){3,}")
_LEET_WORD = re.compile(
    r"(?<![^\s\"'(¿¡«])(?=[^\W\d]*[\d@$!|€+])[\w@$!|€+()]{2,}(?![^\s.,;:?!\"')»…])"
)
_LEET = tuple(str.maketrans("0134578@$!|€+", f"o{one}eastbas{one}{one}et") for one in "il")
"""The digit one and its like stand for either letter."""
_PIECES = re.compile(r"(?<![^\W\d_])[^\W\d_]+(?:[*_.|~^+][^\W\d_]+)+")
_LEAST_LETTERS = 10
"""Letters of a run of unknown words that are worth deciphering: fewer come out as words by"
" chance."""
_DECIPHERED_SHARE = 0.72
_WORTH = (-1, -2)
"""What a letter of a short known word counts against a jumble, and of a longer one."""
_TASTED = 80
"""Characters by which the cipher is chosen."""
_SHORT_WORD = 3
_WORD_GAMES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("vowels doubled by p", re.compile(r"([aeiouáéíóú])p(?=[aeiouáéíóú])[aeiouáéíóú]"), r"\1"),
    ("vowels doubled by f", re.compile(r"([aeiouáéíóú])f(?=[aeiouáéíóú])[aeiouáéíóú]"), r"\1"),
)


def disguises_in(text: str) -> Iterator[Decoded]:
    """Each piece of `text` that reads as language once its disguise is off; none overlap."""
    taken = 0
    found = itertools.chain(_apart(text), _in_pieces(text), _leet(text), _jumbled(text))
    for piece in sorted(found):
        if piece.start >= taken:
            yield piece
            taken = piece.end


def _apart(text: str) -> Iterator[Decoded]:
    """Letters with the same sign between each two: `i g n o r a`, `b.o.m.b.a`."""
    for run in _APART.finditer(text):
        wide = re.split(r"\s{2,}|\s*[/|]\s*", run.group())
        parts = wide if len(wide) > 1 and any(len(part) > 1 for part in wide) else [run.group()]
        joined = ["".join(_WORD.findall(part)) for part in parts]
        said = " ".join(joined) if len(joined) > 1 else spaced_out(joined[0])
        if is_language(said):
            yield Decoded(run.start(), run.end(), said, "letters apart")


def _in_pieces(text: str) -> Iterator[Decoded]:
    """A word with signs inside: `in*struc*ciones`."""
    for match in _PIECES.finditer(text):
        pieces = folded_words(match.group())
        whole = "".join(pieces)
        if len(whole) > 4 and is_known(whole) and not all(map(is_known, pieces)):
            yield Decoded(match.start(), match.end(), whole, "pieces")


def _leet(text: str) -> Iterator[Decoded]:
    """Words with digits or signs for letters, where two such letters at least make known words."""
    found = [(match, _unleet(match.group())) for match in _LEET_WORD.finditer(text)]
    changed = [(match, said) for match, said in found if said and said != match.group().lower()]
    letters = sum(
        one != other
        for match, said in changed
        if len(said) > 3
        for one, other in zip(match.group().lower(), said, strict=True)
    )
    if letters > 1:
        for match, said in changed:
            yield Decoded(match.start(), match.end(), said, "leet")


def _unleet(word: str) -> str:
    """The known word behind one in leet; empty where there is none or it has no letters."""
    lowered = word.lower()
    if not any(letter.isalpha() for letter in word) or lowered.isalpha():
        return ""
    said_in = (lowered.translate(table) for table in _LEET)
    return next((said for said in said_in if said.isalpha() and is_known(fold(said))), "")


def _jumbled(text: str) -> Iterator[Decoded]:
    """The run of words of no language that a cipher or a game of words turns into language."""
    words = list(_WORD.finditer(text))
    run = _unknown_run([fold(word.group()) for word in words])
    if run is None:
        return
    start, end = words[run[0]].start(), words[run[1]].end()
    piece = text[start:end]
    _, way, decipher = max(_tried(piece[:_TASTED]), key=lambda found: found[0])
    said = decipher(piece)
    share = known_share(folded_words(said))
    if share >= _DECIPHERED_SHARE and share > known_share(folded_words(piece)) + 0.3:
        yield Decoded(start, end, said, way)


def _unknown_run(words: Sequence[str]) -> tuple[int, int] | None:
    """First and last of the words between which unknown letters exceed known ones by most."""
    best, found = 0, None
    total, start = 0, 0
    for place, word in enumerate(words):
        if total <= 0:
            total, start = 0, place
        total += _WORTH[len(word) > _SHORT_WORD + 1] * len(word) if is_known(word) else len(word)
        if total > best:
            best, found = total, (start, place)
    return found if best >= _LEAST_LETTERS else None


def _tried(piece: str) -> Iterator[tuple[float, str, Callable[[str], str]]]:
    """Share of known letters and name of every way to read a piece, and the way itself."""
    for way, decipher in _CIPHERS:
        yield known_share(folded_words(decipher(piece))), way, decipher


def _shifted(by: int) -> Callable[[str], str]:
    low, high = string.ascii_lowercase, string.ascii_uppercase
    table = str.maketrans(low + high, low[by:] + low[:by] + high[by:] + high[:by])
    return lambda piece: piece.translate(table)


def _mirrored(piece: str) -> str:
    low, high = string.ascii_lowercase, string.ascii_uppercase
    return piece.translate(str.maketrans(low + high, low[::-1] + high[::-1]))


def _reversed(piece: str) -> str:
    """Backwards; word by word where the sentence would else begin in its middle.

    The word that ends in its capital letter began the sentence; failing that, a sentence does not
    end in a short word, which leads to another.
    """
    words = piece.split()
    if words[0][-1:].isupper():
        ends_the_sentence = False
    elif words[-1][-1:].isupper():
        ends_the_sentence = True
    else:
        ends_the_sentence = len(words[0]) > _SHORT_WORD
    return piece[::-1] if ends_the_sentence else " ".join(word[::-1] for word in words)


def _pig_latin(piece: str) -> str:
    """The consonants that opened each word back in front of it."""
    return _WORD.sub(lambda word: _out_of_pig_latin(word.group()), piece)


def _out_of_pig_latin(word: str) -> str:
    bare = next((word[: -len(end)] for end in ("way", "yay", "ay") if word.endswith(end)), "")
    turned = (bare[at:] + bare[:at] for at in (0, -1, -2, -3) if len(bare) > -at)
    return next((said for said in turned if is_known(fold(said))), word)


def _played(pattern: re.Pattern[str], restored: str) -> Callable[[str], str]:
    return lambda piece: pattern.sub(restored, piece)


_CIPHERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("backwards", _reversed),
    ("pig latin", _pig_latin),
    ("atbash", _mirrored),
    *(("rot13" if by == 13 else "caesar", _shifted(by)) for by in range(1, 26)),
    *((name, _played(pattern, restored)) for name, pattern, restored in _WORD_GAMES),
)
