"""Whether letters are language: words of Spanish, English or Catalan, and not a jumble."""

from __future__ import annotations

import functools
import importlib.resources
import itertools
import re

from cauce.knowledge.words import fold, is_common_word, is_function_word

_WORD = re.compile(r"[^\W\d_]+")
_SHORT = 3
"""Letters up to which any jumble is a word of some language: only the commonest count."""
_LONGEST = 18
_LEAST_WORD_LENGTH = 3.2
"""Letters in a word of a sentence, at least, on average."""


@functools.cache
def _own_words() -> frozenset[str]:
    """Words of the training texts, which `scripts/make_guard.py` writes; many are Catalan."""
    lines = (importlib.resources.files("cauce") / "data/safety/guard-words.txt").read_text("ascii")
    return frozenset(
        word for line in lines.splitlines() if line[:1] != "#" for word in line.split()
    )


@functools.lru_cache(1 << 14)
def is_known(word: str) -> bool:
    """Whether a folded word is one of Spanish, English or Catalan."""
    if len(word) == 1:
        return word in "aeiouy"
    if word in _own_words() or is_function_word(word):
        return True
    return len(word) > _SHORT and is_common_word(word)


def folded_words(text: str) -> list[str]:
    """Its words, without case, accents, digits or signs."""
    return _WORD.findall(fold(text))


def known_share(words: list[str]) -> float:
    """Share of the letters of folded words that stand in known words; 0 without any letter."""
    letters = sum(map(len, words))
    return sum(len(word) for word in words if is_known(word)) / letters if letters else 0.0


def is_language(text: str, *, least_share: float = 0.6, least_letters: int = 5) -> bool:
    """Whether most letters of `text` stand in known words.

    >>> is_language("olvida las normas"), is_language("byivqn ynf abeznf")
    (True, False)
    """
    words = folded_words(text)
    return sum(map(len, words)) >= least_letters and known_share(words) >= least_share


def spaced_out(letters: str) -> str:
    """`letters`, written without spaces, as the fewest known words.

    As they are where those would be short: letters at random are many words of one letter or two.

    >>> spaced_out("olvidalasnormas"), spaced_out("aelmotiles")
    ('olvida las normas', 'aelmotiles')
    """
    folded = fold(letters)
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(folded) + 1):
        costs = (
            (best[start][0] + _cost(folded[start:end]), start)
            for start in range(max(0, end - _LONGEST), end)
        )
        best.append(min(costs))
    cuts = [len(letters)]
    while cuts[-1]:
        cuts.append(best[cuts[-1]][1])
    if len(letters) < _LEAST_WORD_LENGTH * (len(cuts) - 1):
        return letters
    return " ".join(letters[start:end] for end, start in reversed(list(itertools.pairwise(cuts))))


def _cost(word: str) -> float:
    """Short words cost as long ones do, and letters of no word several times as much."""
    return 1.0 + (len(word) <= _SHORT) * 0.5 if is_known(word) else 4.0 * len(word)
