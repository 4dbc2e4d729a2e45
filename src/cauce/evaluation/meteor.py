"""METEOR (Lavie & Agarwal 2007) of token lists, 0 to 1: words aligned, and how broken their order.

Equal to that of `nltk` but for one thing: synonyms are looked up of the words, where `nltk` looks
up what its stemmer left of them.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cauce.evaluation.matching import Synonyms, align
from cauce.records import Language

_WORDNET = {"en": "eng", "es": "spa"}


def meteor(
    reference: Sequence[str],
    answer: Sequence[str],
    stem: Callable[[str], str] | None = None,
    *,
    synonyms: Synonyms | None = None,
) -> float:
    """METEOR of two token lists: exact matches, then those of stems, then those of synonyms.

    The default stem is the word without accents cut to its first five letters: light, the same
    for Spanish and English, and enough for plural, gender and verb endings.
    """
    numbered = list(enumerate(answer)), list(enumerate(reference))
    pairs = align(*numbered, stem or prefix_stem, synonyms)
    if not pairs:
        return 0.0
    precision, recall = len(pairs) / len(answer), len(pairs) / len(reference)
    mean = precision * recall / (0.9 * precision + 0.1 * recall)
    chunks = 1 + sum(
        after != (here[0] + 1, here[1] + 1) for here, after in itertools.pairwise(pairs)
    )
    return mean * (1 - 0.5 * (chunks / len(pairs)) ** 3)


def prefix_stem(word: str) -> str:
    """The first five letters without accents; a number stays whole ("comprimidos" -> "compr")."""
    if word[0].isdigit():
        return word
    letters = (c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return "".join(letters)[:5]


@functools.cache
def wordnet_synonyms(language: Language) -> Synonyms | None:
    """One-word synonyms of a word by WordNet; None where `nltk` or its files are not installed.

    English needs its `wordnet`, Spanish `omw-1.4` too. Spanish words are looked up as they stand,
    so an inflected one has synonyms only where it is an entry of its own.
    """
    try:
        from nltk.corpus import wordnet

        wordnet.synsets("a", lang=_WORDNET[language])
    except (ImportError, LookupError):
        return None
    return functools.lru_cache(maxsize=2**14)(
        lambda word: _lemmas(wordnet.synsets(word, lang=_WORDNET[language]), _WORDNET[language])
    )


def _lemmas(senses: Iterable[Any], wordnet_language: str) -> frozenset[str]:
    names = (name.lower() for sense in senses for name in sense.lemma_names(wordnet_language))
    return frozenset(name for name in names if "_" not in name)
