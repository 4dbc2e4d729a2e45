"""What stands in a text as a code of characters: base64, hex, binary, morse and their like."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cauce.safety.guard.wording import folded_words, is_known, is_language, spaced_out


class Decoded(NamedTuple):
    """A piece of a text and what it says."""

    start: int
    end: int
    text: str
    way: str
    """How it was hidden: `base64`, `morse`..."""


MORSE = dict(
    zip(
        """
        .- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...-
        .-- -..- -.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. --.--
        """.split(),  # noqa: SIM905
        "abcdefghijklmnopqrstuvwxyz0123456789ñ",
        strict=True,
    )
)
BRAILLE = dict(zip("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵", "abcdefghijklmnopqrstuvwxyz", strict=True))
SPELLING = {
    word: word[0]
    for word in """
    alfa alpha bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike
    november oscar papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu
    """.split()  # noqa: SIM905
}


def _base64(found: str) -> str:
    if found.islower() or found.isupper() or found.istitle():
        raise ValueError("a word")
    bare = re.sub(r"\s", "", found).rstrip("=").translate(str.maketrans("-_", "+/"))
    return _utf8(base64.b64decode(bare + "=" * (-len(bare) % 4)))


def _base32(found: str) -> str:
    bare = found.rstrip("=")
    return _utf8(base64.b32decode(bare + "=" * (-len(bare) % 8)))


def _base85(found: str) -> str:
    return _utf8(base64.b85decode(found))


def _hex(found: str) -> str:
    return _utf8(bytes.fromhex(re.sub(r"0x|\\x|[\s,:;-]", "", found)))


def _binary(found: str) -> str:
    bits = re.sub(r"[^01]", "", found)
    return _utf8(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8)))


def _octal(found: str) -> str:
    return _utf8(bytes(int(number, 8) for number in re.findall(r"[0-7]+", found)))


def _decimal(found: str) -> str:
    return "".join(chr(int(number)) for number in re.findall(r"\d+", found))


def _sum(found: str) -> str:
    """What named pieces in quotes make together."""
    return "".join(piece for _, piece in _NAMED_PIECE.findall(found))


def _places(found: str) -> str:
    """Letters by their place in the alphabet."""
    words = (
        "".join(chr(96 + int(place)) for place in part.split("-"))
        for part in re.split(r"[\s/|]+", found)
    )
    return " ".join(words)


def _percent(found: str) -> str:
    spaced = found.replace("+", " ")
    return re.sub(r"(?:%[0-9a-fA-F]{2})+", lambda run: _bytes_of_percent(run.group()), spaced)


def _bytes_of_percent(run: str) -> str:
    return bytes.fromhex(run.replace("%", "")).decode("utf-8")


def _escapes(found: str) -> str:
    return re.sub(
        r"\\u\{?([0-9a-fA-F]{2,6})\}?|\\x([0-9a-fA-F]{2})",
        lambda code: chr(int(code[1] or code[2], 16)),
        found,
    )


def _morse(found: str) -> str:
    dots = found.translate(str.maketrans("·•−–—_", "..----"))
    parts = re.split(r"\s*[/|\n]\s*|\s{2,}", dots.strip())
    words = ["".join(MORSE[letter] for letter in part.split()) for part in parts if part]
    return " ".join(words) if len(words) > 1 else spaced_out(words[0])


def _braille(found: str) -> str:
    return "".join(BRAILLE.get(letter, " ") for letter in found)


def _spelling(found: str) -> str:
    letters = (SPELLING[word] for word in folded_words(found))
    return spaced_out("".join(letters))


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8")


_NAMED_PIECE = re.compile(r"""\b(\w{1,12})\s*:?=\s*["'«]([^"'»\n]*)["'»]""")
_NATO = "|".join(SPELLING)
_BYTE_IN_HEX = r"(?:0x|\\x)?[0-9a-f]{2}"
_ESCAPE = r"(?:\\u\{?[0-9a-fA-F]{2,6}\}?|\\x[0-9a-fA-F]{2})"
_DOTS, _GAP = r"[.·•\-−–—_]{1,6}", r"(?:\s*[/|]\s*|\s+)"
_PLACES = r"\d{1,2}(?:-\d{1,2})"
_CODES: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("html", re.compile(r"(?:&#x?[0-9a-fA-F]+;\s*){3}(?:&#?\w+;|[^&])*"), html.unescape),
    # Where all signs stand behind digits they are percentages: "Response56%42%".
    ("url", re.compile(r"(?<!\S)(?!https?:|www\.)\S*(?<!\d)%[0-9a-fA-F]{2}\S*"), _percent),
    ("escapes", re.compile(rf"(?:{_ESCAPE}\s?){{3,}}"), _escapes),
    ("binary", re.compile(r"[01]{8}(?:[\s,]*[01]{8}){3,}"), _binary),
    ("hex", re.compile(rf"(?i)\b{_BYTE_IN_HEX}(?:[\s,:;-]*{_BYTE_IN_HEX}){{5,}}\b"), _hex),
    ("octal", re.compile(r"\b[01][0-7]{2}(?:[\s,]+[0-3]?[0-7]{2}){5,}\b"), _octal),
    ("decimal", re.compile(r"\b\d{2,3}(?:[\s,;-]+\d{2,3}){5,}\b"), _decimal),
    ("places", re.compile(rf"\b{_PLACES}{{2,}}(?:[\s/|]+{_PLACES}*)*\b"), _places),
    ("base32", re.compile(r"\b[A-Z2-7]{12,}={0,6}"), _base32),
    ("base64", re.compile(r"(?<![\w+/])[\w+/-]{8,}(?:\n[\w+/-]{8,})*={0,2}", re.ASCII), _base64),
    ("base85", re.compile(r"(?<!\S)[!-~]{15,}(?!\S)"), _base85),
    ("morse", re.compile(rf"(?<!\S){_DOTS}{_GAP}(?:{_DOTS}{_GAP}){{2,}}{_DOTS}(?!\S)"), _morse),
    ("braille", re.compile(r"[⠁-⠿](?:[⠀-⠿ ]*[⠁-⠿]){3,}"), _braille),
    ("sum", re.compile(rf"(?:{_NAMED_PIECE.pattern}[\s;,]*(?:y |and |i )?){{2,}}"), _sum),
    ("spelling", re.compile(rf"(?i)\b(?:{_NATO})(?:[\s,.-]+(?:{_NATO})){{3,}}\b"), _spelling),
)
_OF_BYTES = frozenset({"base64", "base32", "base85", "hex", "binary"})
_AGAIN = re.compile(r"(?=(?:.*[a-zA-Z]){6})(?:[!-~\s]{12,}|[\w\s.,:;?!'-]{12,})", re.DOTALL)


def codes_in(text: str) -> Iterator[Decoded]:
    """Each piece of `text` that decodes into language, or into another code; none overlap."""
    taken = 0
    for start, end, said, way in sorted(_found(text)):
        if start >= taken:
            yield Decoded(start, end, said, way)
            taken = end


def _found(text: str) -> Iterator[Decoded]:
    for way, pattern, decode in _CODES:
        for match in pattern.finditer(text):
            said = _said(decode, match.group())
            if said and said != match.group() and _is_message(said, way):
                yield Decoded(match.start(), match.end(), said, way)


def _said(decode: Callable[[str], str], found: str) -> str:
    """What the piece decodes into; empty where it is no such code after all."""
    try:
        return decode(found)
    except (ValueError, KeyError, binascii.Error):
        return ""


def _is_message(said: str, way: str) -> bool:
    """Whether what came out is language, one known word, or (of bytes) printable as a code is.

    Bytes at random are printable one in three: twelve in a row, one in 100,000.
    """
    if not all(letter.isprintable() or letter.isspace() for letter in said):
        return False
    words = folded_words(said)
    is_word = len(words) == 1 and len(words[0]) > 3 and is_known(words[0])
    is_code = way in _OF_BYTES and bool(_AGAIN.fullmatch(said))
    return is_language(said) or is_word or is_code
