"""How words are compared: without case, accents or plural endings, in Spanish and English."""

from __future__ import annotations

import functools
import importlib.resources
import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")

FUNCTION_WORDS = frozenset(
    """
    a an the of to in on at by for with without from as is are was were be been being
    it its this that these those and or nor but if then than so do does did can could
    may might must shall should will would have has had having i you he she we they me
    my your his her our their what which who whom when where why how not no yes there
    here up out into over under about also any some other such only very too
    much many el la los las un una unos unas de del al a en con sin por para como es
    son era fue ser sido sea está están esta este estos estas esto ese esa eso esos
    esas y e o u ni pero si no sí que qué cual cuál cuales cuáles quien quién cuando
    cuándo donde dónde porque por qué cómo lo le les se me mi mis tu tus su sus nos
    nuestra nuestro hay ha han he haber puede pueden puedo debe deben debo
    muy también sólo solo otro otra otros otras todo toda todos todas algún alguna
    alguno algunas cada tomo tomar toma tome use usa usar using take taking taken tell
    dime necesito saber quiero know
    """.split()  # noqa: SIM905
)


def fold(text: str) -> str:
    """`text` in lower case without accents: what two spellings of one word share.

    >>> fold("Ácido ACETILSALICÍLICO, niño")
    'acido acetilsalicilico, nino'
    """
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def words(text: str) -> list[str]:
    """The folded words of `text`, in order."""
    return _WORD.findall(fold(text))


_FOLDED_FUNCTION_WORDS = frozenset(fold(word) for word in FUNCTION_WORDS)


def content_words(text: str) -> list[str]:
    """The folded words that carry meaning: no articles, prepositions, pronouns or auxiliaries."""
    return [word for word in words(text) if len(word) > 2 and word not in _FOLDED_FUNCTION_WORDS]


def is_function_word(word: str) -> bool:
    """True for a folded article, preposition, pronoun or auxiliary."""
    return word in _FOLDED_FUNCTION_WORDS


def is_common_word(word: str) -> bool:
    """True for a folded word, or the plural of one, that Spanish or English texts often use.

    Names of substances are left out of the list, so that none is taken for an ordinary word.

    >>> is_common_word("tablets"), is_common_word("fiebre"), is_common_word("ibuprofen")
    (True, True, False)
    """
    common = _common_words()
    return (
        word in _FOLDED_FUNCTION_WORDS
        or word in common
        or word.removesuffix("s") in common
        or word.removesuffix("es") in common
    )


@functools.cache
def _common_words() -> frozenset[str]:
    text = (importlib.resources.files("cauce") / "data/common-words.txt").read_text("ascii")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


def stem(word: str) -> str:
    """What inflected forms of a folded word share: five letters, or the word without its plural.

    >>> stem("comprimidos") == stem("comprimido"), stem("driving") == stem("drive")
    (True, False)
    """
    return word[:5] if len(word) > 6 else word.removesuffix("es").removesuffix("s")


def stems(text: str) -> set[str]:
    """The stems of the content words of `text`."""
    return {stem(word) for word in content_words(text)}
