"""A sentence as the things it says, in order, and by which clause each is governed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from cauce.knowledge.claims.phrases import Phrase, read_phrase
from cauce.knowledge.claims.quantities import Frequency, Quantity, Read, read_amount
from cauce.knowledge.claims.tokens import Token, tokens_of
from cauce.knowledge.words import FUNCTION_WORDS, fold
from cauce.records import Language

Kind = Literal[
    "word",
    "quantity",
    "frequency",
    "route",
    "population",
    "negation",
    "exception",
    "condition",
    "modal",
    "degree",
]
Key = tuple[Kind, str | Quantity | Frequency]
CRITICAL: frozenset[Kind] = frozenset(("population", "negation", "modal", "degree"))
"""What may not be left out of a clause of which anything else is kept."""

_COORDINATORS = {"and": "and", "y": "and", "e": "and", "or": "or", "o": "or", "u": "or"}
_STRONG = frozenset("but however although whereas pero sino aunque".split())  # noqa: SIM905
_IGNORED = frozenset(
    fold(word)
    for word in """
    patient patients paciente pacientes people personas individuals subjects aged age edad old años
    medicine medication medicamento treatment tratamiento via vía takes uses used toman tomen usan
    usen per
    """.split()  # noqa: SIM905
)
"""Words that an answer may add, move or leave out: they name no one and nothing in particular."""

_FUNCTION = frozenset(fold(word) for word in FUNCTION_WORDS) - {"under", "over"} | _IGNORED
_ENDINGS = (
    *("aciones", "ciones", "iendo", "ando", "ings", "adas", "ados", "idas", "idos"),
    *("ing", "ada", "ado", "ida", "ido", "ed", "es", "as", "os", "an", "en", "ar", "er", "ir"),
    *("s", "e", "a", "o", "n"),
)
_SHORTEST_ROOT = 4
_DURATION_CUES = frozenset("for during within after over durante tras en hace in".split())  # noqa: SIM905
_AGE_CUES = frozenset("old age edad".split())  # noqa: SIM905


class Item(NamedTuple):
    """One thing that a sentence says.

    `clause` ends at every comma, coordinator and condition; `piece` only at a semicolon or "but",
    where a negation stops to hold; `bracket` numbers the parentheses, 0 outside; `governed` ends at
    a clause that follows an amount, so that an amount and its population stand in one.
    """

    kind: Kind
    value: str | Quantity | Frequency
    text: str
    clause: int
    piece: int
    bracket: int
    governed: int
    joint: str = ""
    """ "and" or "or" where such a word stands right before."""

    @property
    def key(self) -> Key:
        """What is compared; the exact words only of a word."""
        return self.kind, self.value

    def says(self, claimed: Item) -> bool:
        """True when a sentence that says this says what is claimed."""
        if self.kind != claimed.kind:
            return False
        if isinstance(self.value, Quantity) and isinstance(claimed.value, Quantity):
            return self.value.supports(claimed.value)
        return self.value == claimed.value


@lru_cache(maxsize=8192)
def root(word: str) -> str:
    """A folded word without the ending of its number, gender, person or tense.

    >>> root("aumentan") == root("aumenta"), root("causes") == root("caused")
    (True, True)
    >>> root("increase") == root("decrease"), root("quinidine") == root("quinine")
    (False, False)
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_ROOT:
            return word[: -len(ending)]
    return word


@lru_cache(maxsize=1024)
def items_of(text: str, language: Language | None = None) -> tuple[Item, ...]:
    """What `text`, a sentence or a heading with its sentence, says."""
    reader = _Reader(tokens_of(text, language))
    reader.read()
    return tuple(reader.items)


class _Reader:
    """Reads tokens into items and keeps count of clauses, pieces and parentheses."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self.items: list[Item] = []
        self._clause = self._piece = self._governed = 0
        self._bracket = self._brackets = 0
        self._in_list = self._has_amount = False
        self._joint = ""

    def read(self) -> None:
        place = 0
        while place < len(self._tokens):
            place = self._read_at(place)

    def _read_at(self, place: int) -> int:
        amount = read_amount(self._tokens, place)
        if amount:
            self._add_amount(amount, place)
            return amount.end
        phrase = read_phrase(self._tokens, place)
        if phrase:
            self._add_phrase(phrase, place)
            return place + phrase.length
        self._add_token(self._tokens[place])
        return place + 1

    def _add_amount(self, amount: Read, place: int) -> None:
        text = self._text(place, amount.end)
        if isinstance(amount.value, Frequency):
            self._add("frequency", amount.value, text)
        elif self._is_age(amount, place):
            self._add("population", amount.value, text)
        else:
            self._add("quantity", amount.value, text)
        self._has_amount = self._has_amount or self.items[-1].kind != "population"

    def _is_age(self, amount: Read, place: int) -> bool:
        """True for years that are no duration, and months of someone named or "of age"."""
        if not isinstance(amount.value, Quantity) or amount.value.unit != "month":
            return False
        following = [token.text for token in self._tokens[amount.end : amount.end + 3]]
        if _AGE_CUES & {*following[:3]}:
            return True
        years = any(
            "year" in word or "ano" in word for word in self._text(place, amount.end).split()
        )
        before = self._tokens[place - 1].text if place else ""
        someone = bool(self.items) and self.items[-1].kind == "population"
        return someone or (years and before not in _DURATION_CUES)

    def _add_phrase(self, phrase: Phrase, place: int) -> None:
        if phrase.kind == "condition":
            self._end_clause()
        self._add(phrase.kind, phrase.name, self._text(place, place + phrase.length))

    def _add_token(self, token: Token) -> None:
        if token.kind == "mark":
            self._mark(token.text)
        elif token.text in _STRONG:
            self._end_piece()
            self._add("word", token.text, token.text)
        elif token.text in _COORDINATORS:
            self._joint = _COORDINATORS[token.text]
            self._end_clause()
        elif token.text not in _FUNCTION:
            self._add("word", root(token.text), token.text)

    def _mark(self, mark: str) -> None:
        if mark in "([":
            self._brackets += 1
            self._bracket = self._brackets
            self._end_clause()
        elif mark in ")]":
            self._bracket = 0
            self._end_clause()
        elif mark == ";" and not self._in_list:
            self._end_piece()
        elif mark in ",;:.":
            self._in_list = self._in_list or mark == ":"
            self._end_clause()

    def _end_clause(self) -> None:
        self._clause += 1
        if self._has_amount:
            self._governed += 1
            self._has_amount = False

    def _end_piece(self) -> None:
        self._piece += 1
        self._end_clause()

    def _text(self, start: int, end: int) -> str:
        return " ".join(token.text for token in self._tokens[start:end])

    def _add(self, kind: Kind, value: str | Quantity | Frequency, text: str) -> None:
        item = Item(
            kind, value, text, self._clause, self._piece, self._bracket, self._governed, self._joint
        )
        self.items.append(item)
        self._joint = ""
