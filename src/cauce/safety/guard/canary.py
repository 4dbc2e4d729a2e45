"""A marker in the system prompt, and whether an answer gives it or the prompt away.

The marker is twenty letters at random, so that no answer holds half of it by chance; none has a
look-alike among the digits, nor is a vowel, which games of words double. What it does not find: a
prompt told in other words or translated, without the marker.
"""

from __future__ import annotations

import base64
import itertools
import re
import secrets
import string
from collections.abc import Iterator

from cauce.knowledge.words import fold
from cauce.safety.guard.characters import plain
from cauce.safety.guard.codes import BRAILLE, MORSE, SPELLING
from cauce.safety.guard.reading import readings

_LETTERS = string.ascii_lowercase
_MARKER_LETTERS = "cdfhjkmnpqrvwxyz"
_LENGTH = 20
_QUOTED = 10
"""Letters of a marker in a row that give it away."""
_IN_QUOTES = re.compile(r"[\"'«“]([^\"'»”\n]*)[\"'»”]")
_COPIED_WORDS = 12
"""Words in a row that an answer shares with the system prompt only by copying it."""


def new_canary() -> str:
    """A marker that no other conversation has: twenty letters, drawn for secrets."""
    return "".join(secrets.choice(_MARKER_LETTERS) for _ in range(_LENGTH))


def leaks(canary: str, answer: str) -> bool:
    """Whether `answer` holds the marker, half of it in a row at least.

    Found as it is, in capitals, with anything between its letters, backwards, shifted along the
    alphabet or mirrored, in morse, and in the codes of bytes, alone or inside an encoded text.
    """
    seen = plain(answer)
    letters = re.sub(r"[^a-z]", "", fold(seen))
    quoted = re.sub(r"[^a-z]", "", "".join(_IN_QUOTES.findall(fold(seen))))
    forms = tuple(_forms_in_letters(canary))
    if any(_shares_a_piece(form, text, _QUOTED) for form in forms for text in (letters, quoted)):
        return True
    bare = re.sub(r"\s", "", answer)
    if any(form in bare for form in _forms_in_bytes(canary)):
        return True
    opened = (fold(reading.text) for reading in readings(answer)[1:])
    return any(_shares_a_piece(canary, re.sub(r"[^a-z]", "", text), _QUOTED) for text in opened)


def repeats_rules(rules: str, answer: str) -> bool:
    """Whether a reading of `answer` copies a dozen words in a row from the system prompt."""
    known = set(_runs_of_words(rules))
    return any(not known.isdisjoint(_runs_of_words(reading.text)) for reading in readings(answer))


def _runs_of_words(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", fold(text))
    return (
        tuple(words[start : start + _COPIED_WORDS])
        for start in range(len(words) - _COPIED_WORDS + 1)
    )


def _shares_a_piece(form: str, text: str, length: int) -> bool:
    return any(form[start : start + length] in text for start in range(len(form) - length + 1))


def _forms_in_letters(canary: str) -> Iterator[str]:
    for by in range(26):
        shifted = canary.translate(str.maketrans(_LETTERS, _LETTERS[by:] + _LETTERS[:by]))
        yield shifted
        yield shifted[::-1]
    mirrored = canary.translate(str.maketrans(_LETTERS, _LETTERS[::-1]))
    yield mirrored
    yield mirrored[::-1]


def _forms_in_bytes(canary: str) -> Iterator[str]:
    """Every half of the marker in the codes that an answer may hold it in, without spaces."""
    tables = [{said: code for code, said in table.items()} for table in (MORSE, BRAILLE, SPELLING)]
    starts = range(_LENGTH - _QUOTED + 1)
    for text, start in itertools.product((canary, canary.upper()), starts):
        half = text[start : start + _QUOTED].encode()
        yield from (_inside_base64(half, before) for before in range(3))
        yield base64.b32encode(half).decode()
        yield half.hex()
        yield half.hex().upper()
        yield "".join(f"{byte:08b}" for byte in half)
        yield "".join(map(str, half))
        yield "".join(f"%{byte:02X}" for byte in half)
        yield "".join(f"&#{byte};" for byte in half)
        yield "".join(f"\\u{byte:04x}" for byte in half)
        letters = half.decode().lower()
        yield "-".join(str(ord(letter) - ord("a") + 1) for letter in letters)
        yield from ("".join(map(table.__getitem__, letters)) for table in tables)


def _inside_base64(half: bytes, before: int) -> str:
    """What stands in any base64 of a text that holds `half` behind `before` bytes of a group."""
    encoded = base64.b64encode(b"\0" * before + half).decode().rstrip("=")
    first = -(-before * 8 // 6)
    last = (before + len(half)) * 8 // 6
    return encoded[first:last]
