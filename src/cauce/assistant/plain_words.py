"""Usual words for technical ones: a glossary a language, in `data/plain`.

A term is explained the first time ("low blood pressure (hypotension)") and said in plain words from
then on; a word with a usual equivalent is replaced. The glossary holds no number and no negation.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from typing import NamedTuple

from cauce.records import Language

_WORD = re.compile(r"[^\W_]+(?:[-'’/][^\W_]+)*")
_LONGEST_TERM_WORDS = 5


class Glossary(NamedTuple):
    """What stands for each term or word, in lower case."""

    terms: dict[str, str]
    """Explained: the term is kept in brackets where it is first met."""
    lines: dict[str, int]
    """Which line a term stands in: its forms are explained once."""
    words: dict[str, str]
    """Replaced."""


@functools.cache
def glossary(language: Language) -> Glossary:
    """The glossary of a language."""
    path = importlib.resources.files("cauce") / f"data/plain/{language}.txt"
    terms: dict[str, str] = {}
    lines: dict[str, int] = {}
    words: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        if not line or line.startswith("#"):
            continue
        into, mark = (terms, " = ") if " = " in line else (words, " > ")
        forms, plain = line.split(mark)
        into.update(zip(forms.split("|"), plain.split("|"), strict=True))
        if into is terms:
            lines.update(dict.fromkeys(forms.split("|"), number))
    return Glossary(terms, lines, words)


class PlainWriter:
    """Rewrites texts in usual words; remembers which terms it has explained."""

    def __init__(self, language: Language) -> None:
        self._glossary = glossary(language)
        self._explained: set[int] = set()

    def write(self, text: str) -> str:
        """`text` in usual words.

        >>> writer = PlainWriter("en")
        >>> writer.write("Hypotension: administer less."), writer.write("Hypotension?")
        ('low blood pressure (hypotension): give less.', 'low blood pressure?')
        """
        tokens = list(_WORD.finditer(text))
        pieces: list[str] = []
        done = place = 0
        while place < len(tokens):
            length, plain = self._replacement(text, tokens, place)
            if plain:
                pieces += [text[done : tokens[place].start()], plain]
                done = tokens[place + length - 1].end()
            place += max(1, length)
        return "".join([*pieces, text[done:]])

    def _replacement(self, text: str, tokens: list[re.Match[str]], place: int) -> tuple[int, str]:
        """How many words the longest entry at `place` spans, and what stands for it."""
        start = tokens[place].start()
        for length in range(min(_LONGEST_TERM_WORDS, len(tokens) - place), 0, -1):
            said = text[start : tokens[place + length - 1].end()]
            key = said.lower()
            if key in self._glossary.words:
                return length, self._glossary.words[key]
            if key in self._glossary.terms:
                return length, self._explain(text, start, said)
        return 0, ""

    def _explain(self, text: str, start: int, said: str) -> str:
        key = said.lower()
        plain, entry = self._glossary.terms[key], self._glossary.lines[key]
        if plain in text.lower() or _explains_itself(text, start, start + len(said)):
            self._explained.add(entry)
            return said
        if entry in self._explained:
            return plain
        self._explained.add(entry)
        opened = text.count("(", 0, start) > text.count(")", 0, start)
        shown = _in_sentence(said)
        return f"{plain} [{shown}]" if opened else f"{plain} ({shown})"


def _explains_itself(text: str, start: int, end: int) -> bool:
    """True when brackets hold the term alone or follow it: the text says itself what it is.

    >>> _explains_itself("rash (urticaria)", 6, 15), _explains_itself("urticaria (rash)", 0, 9)
    (True, True)
    """
    after = text[end:].lstrip()
    return after.startswith("(") or (text[:start].endswith("(") and after.startswith(")"))


def _in_sentence(term: str) -> str:
    """The term without the capital of a sentence's first word; abbreviations keep theirs."""
    return term if term[:2].isupper() else term[:1].lower() + term[1:]
