"""A text as folded words, numbers and marks, in order: what quantities and claims are read from."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from cauce.knowledge.claims.numbers import NUMBER, number_words, plain_digits, values_of
from cauce.knowledge.words import fold
from cauce.records import Language

_TOKEN = re.compile(rf"(?P<number>{NUMBER.pattern})|(?P<word>[^\W\d_]\w*)|(?P<mark>[^\w\s]|_)")
_INITIALS = re.compile(r"\b(?:([btq])\.\s?i\.\s?d|(v)\.\s?(o)|(i)\.\s?(v|m)|(s)\.\s?(c))\b\.?")
_ASIDES = re.compile(r"\b(?:e\.\s?g|i\.\s?e|p\.\s?ej|vs)\b\.?,?")
_YES = re.compile(r"\bsí\b", re.IGNORECASE)
_POWER = re.compile(r"(?<=\d)[⁻⁰¹²³⁴-⁹]+")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_FOLDED_NUMBER_WORDS: dict[Language | None, dict[str, str]] = {
    language: {fold(word): value for word, value in number_words(language).items()}
    for language in (None, "en", "es")
}


class Token(NamedTuple):
    """A folded word, a mark, or a number in its one spelling; `text` is what a reader sees."""

    kind: Literal["word", "number", "mark"]
    text: str
    value: str = ""


END = Token("mark", "")


def tokens_of(text: str, language: Language | None = None) -> list[Token]:
    """The tokens of `text`; number words are numbers, hyphens part words, "b.i.d." is "bid".

    >>> [token.text for token in tokens_of("Tome 2,5 mg/día (v.o.)", "es")]
    ['tome', '2.5', 'mg', '/', 'dia', '(', 'vo', ')']
    """
    tokens: list[Token] = []
    for match in _TOKEN.finditer(_prepared(text)):
        if match["number"]:
            values = values_of(match, language)
            tokens += [Token("number", value, value) for value in values]
        elif match["word"]:
            tokens.append(_word(match["word"], language))
        else:
            tokens.append(Token("mark", match["mark"]))
    return tokens


def _prepared(text: str) -> str:
    text = _POWER.sub(lambda found: "^" + found[0].translate(_SUPERSCRIPTS), plain_digits(text))
    text = fold(_YES.sub("yes", text).replace("µ", "u").replace("μ", "u"))
    text = _INITIALS.sub(_joined, text)
    return _ASIDES.sub(" ", text)


def _joined(initials: re.Match[str]) -> str:
    letters = "".join(letter for letter in initials.groups() if letter)
    return f"{letters}id" if letters in "btq" else letters


def _word(word: str, language: Language | None) -> Token:
    value = _FOLDED_NUMBER_WORDS[language].get(word)
    return Token("number", word, value) if value and word != "twice" else Token("word", word)
