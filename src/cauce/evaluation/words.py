"""Texts cut into the units that metrics count, the same way for Spanish and English.

`rouge-score` keeps [a-z0-9] only, which cuts "año" into "a" and "o". Here a word is a run of
Unicode letters and digits after NFC and lower-casing; a number keeps its decimal mark; a number
and the unit glued to it are two tokens ("5mg" = "5 mg").
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Sequence

from cauce.errors import MissingExtra
from cauce.records import Language

_NUMBER = r"\d+(?:[.,]\d+)*"
_WORD = r"(?:[^\W_][\u0300-\u036f]*)+"
_WORDS = re.compile(f"{_NUMBER}|{_WORD}")
_WORDS_AND_MARKS = re.compile(rf"{_NUMBER}|{_WORD}|[^\w\s]|_")
_ASCII_WORDS = re.compile("[a-z0-9]+")
_SNOWBALL = {"en": "english", "es": "spanish"}


def words(text: str) -> list[str]:
    """The lower-cased words and numbers of `text`, without punctuation.

    >>> words("El niño tomó 2,5mg de B12 (¡40 %!).")
    ['el', 'niño', 'tomó', '2,5', 'mg', 'de', 'b12', '40']
    """
    return _WORDS.findall(_normalise(text))


def words_and_marks(text: str) -> list[str]:
    """The lower-cased words, numbers and punctuation marks of `text`.

    >>> words_and_marks("¿Cada 8 horas?")
    ['¿', 'cada', '8', 'horas', '?']
    """
    return _WORDS_AND_MARKS.findall(_normalise(text))


def ascii_words(text: str) -> list[str]:
    """The tokens of `rouge-score` as it comes: for published rows to be compared with, no more.

    >>> ascii_words("El niño tomó 2,5 mg")
    ['el', 'ni', 'o', 'tom', '2', '5', 'mg']
    """
    return _ASCII_WORDS.findall(text.lower())


def stems(tokens: Sequence[str], language: Language) -> list[str]:
    """The Snowball stem of each token: without endings and, in Spanish, without acute accents.

    Raises MissingExtra where `snowballstemmer` is not installed.

    >>> stems(["niños", "tomaron", "comprimidos"], "es")
    ['niñ', 'tom', 'comprim']
    """
    stem = _snowball(language)
    return [stem(token) for token in tokens]


@functools.cache
def _snowball(language: Language) -> Callable[[str], str]:
    try:
        import snowballstemmer
    except ImportError as error:
        raise MissingExtra("ROUGE over stems (evaluation.stem)", "metrics") from error
    stem: Callable[[str], str] = snowballstemmer.stemmer(_SNOWBALL[language]).stemWord
    return functools.lru_cache(maxsize=2**16)(stem)


def _normalise(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()
