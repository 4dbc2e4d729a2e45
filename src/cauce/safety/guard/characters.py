"""A text as a person sees it: one letter for each look, and nothing that cannot be seen."""

from __future__ import annotations

import functools
import re
import unicodedata

_KEPT_LOOKS = frozenset("ªº")
"""Ordinals of Spanish and Catalan; their plain letters would change `1.º` into `1.o`."""

_LOOKALIKES = str.maketrans(
    "авеіјкмнорстухѕԁһӏԛԝгпАВЕЅІЈКМНОРСТУХαεικνορτυχγηωΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡıɩʏʙɢʜɪʟɴʀꜱᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢ",
    "abeijkmhopctyxsdhlqwrnABESIJKMHOPCTYXaeiknoptuxynwABEZHIKMNOPTYXagiiybghilnrsacdejkmoptuvwz",
)
"""Cyrillic, Greek and phonetic letters, and the Latin ones that they look like."""
_OTHER_SCRIPT = re.compile(r"[Ͱ-ӿԀ-ԯɐ-ʯᴀ-ᴿꜱ]")
_FEW = 2
_MIXED_WORD = re.compile(r"(?<!\w)(?=\w*[a-zA-Z])(?=\w*[Ѐ-ԯɐ-ʯᴀ-ᴿꜱ])\w+")

_PLAIN = re.compile("[\x00-\x7f\xa1-\xac\xae-\u017f\u2010-\u2027\u20ac\u2122]*")
"""What Spanish, Catalan and English are written in."""
_SHAPING = "\u200d\ufe0f"
"""Joiner and selector: they shape the emoji before them."""
_EMOJI = re.compile(
    "[#*0-9\u00a9\u00ae\u200d\u203c-\u2bff\u3030-\u3299\U0001f000-\U0001faff\ufe0f]"
)
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{1,6}\U000e007f")
"""Of a part of a country: its tags say no more than which."""
_TAGS = re.compile("[\U000e0020-\U000e007e]")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SELECTOR_RUN = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_INSIDE_A_WORD = re.compile(
    r"(?<=[^\W\d_])[\u200b-\u200f\u2060-\u2064](?=[^\W\d_])|[\u202a-\u202e\u2066-\u2069]"
)
_LETTER_EMOJI = (0x1F130, 0x1F150, 0x1F170)
"""First of the squared letters, and of the white ones in black circles and squares."""


def plain(text: str) -> str:
    """`text` as a person reads it: styled letters, look-alikes and piled marks made plain.

    Signs that mean something (`m²`, `½`, `1.º`, `µg`) stay. The same text comes out of itself.

    >>> plain("𝐈𝐠𝐧𝐨𝐫𝐚 lаs n\u200borm\u200bas, 1.ª dosis de 5 µg/m²")
    'Ignora las normas, 1.ª dosis de 5 µg/m²'
    """
    if _PLAIN.fullmatch(text):
        return text
    seen = "".join(map(_seen, _without_invisible(text)))
    composed = unicodedata.normalize("NFC", seen)
    unmarked = "".join(
        letter for letter in composed if unicodedata.category(letter) != "Mn" or letter == "\ufe0f"
    )
    return _in_one_script(unmarked)


def invisible_text(text: str) -> str:
    """What is written in characters that nobody sees: tags, or bytes as variation selectors."""
    if _PLAIN.fullmatch(text):
        return ""
    shown = _FLAG.sub("", text)
    tags = "".join(chr(ord(letter) - 0xE0000) for letter in _TAGS.findall(shown))
    run = max(_SELECTOR_RUN.findall(shown), key=len, default="")
    hidden = bytes(_selected(ord(letter)) for letter in run).decode("utf-8", "ignore")
    return tags + "".join(letter for letter in hidden if letter.isprintable())


def has_invisible(text: str) -> bool:
    """Whether a character that cannot be seen stands inside a word or turns its direction."""
    return _INSIDE_A_WORD.search(text) is not None


def _selected(code: int) -> int:
    return code - 0xFE00 if code < 0xFF00 else code - 0xE0100 + 16


def _without_invisible(text: str) -> str:
    before = ["", *text]
    return "".join(
        letter
        for last, letter in zip(before, text, strict=False)
        if not _is_invisible(letter) or (letter in _SHAPING and _EMOJI.match(last))
    )


@functools.lru_cache(1 << 12)
def _is_invisible(letter: str) -> bool:
    return (
        unicodedata.category(letter) in ("Cf", "Co", "Cn")
        or bool(_SELECTORS.match(letter))
        or letter in _BLANK_LETTERS
    )


@functools.lru_cache(1 << 12)
def _is_piled(letter: str) -> bool:
    """Whether it is a mark over or through a letter that makes no letter of its own with it."""
    return unicodedata.category(letter) in ("Mn", "Me") and letter not in _SHAPING


@functools.lru_cache(1 << 12)
def _seen(letter: str) -> str:
    """The plain letter or digit that a styled one shows; any other character is itself."""
    if letter.isascii() or letter in _KEPT_LOOKS:
        return letter
    for first in _LETTER_EMOJI:
        if 0 <= ord(letter) - first < 26:
            return chr(ord("A") + ord(letter) - first)
    if unicodedata.category(letter) == "Zs":
        return " "
    shown = unicodedata.normalize("NFKC", letter)
    is_styled = len(shown) == 1 and shown.isascii() and (shown.isalpha() or ord(letter) >= 0x2460)
    return shown if is_styled else letter


def _in_one_script(text: str) -> str:
    """In Latin letters where all of several others look like one; else in mixed words alone.

    Greek letters beside Latin ones are the rule in medicine: `TNFα`.
    """
    turned = text.translate(_LOOKALIKES)
    if len(_OTHER_SCRIPT.findall(text)) > _FEW and not _OTHER_SCRIPT.search(turned):
        return turned
    return _MIXED_WORD.sub(lambda word: word.group().translate(_LOOKALIKES), text)
