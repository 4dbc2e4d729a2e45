"""Generation that can write nothing but known identifiers: one a line, then the end.

What a model likes best is chosen among the tokens by which some identifier goes on (De Cao et al.
2021, arXiv 2010.00904), so that every answer is a list of identifiers that exist. Whether they are
the right ones is for others to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from transformers import LogitsProcessor, PreTrainedTokenizerBase

from cauce.knowledge.identifiers.trie import NOWHERE, ROOT, IdentifierTrie

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

# b batch, t tokens read and written so far, v vocabulary


class IdentifierGrammar(NamedTuple):
    """`identifier (separator identifier)* end`, with at most `most` identifiers."""

    trie: IdentifierTrie
    separator: tuple[int, ...]
    """Tokens of a line break; none where the tokenizer has none (T5)."""
    ends: tuple[int, ...]
    most: int = 1
    longest: int = 0
    """Most tokens of an answer, its end included."""

    @classmethod
    def of(
        cls,
        tokenizer: PreTrainedTokenizerBase,
        lines: Sequence[str],
        *,
        ends: Sequence[int],
        most: int = 1,
    ) -> IdentifierGrammar:
        """The grammar of lists of these lines."""
        separator = tuple(tokenizer.encode("\n", add_special_tokens=False))
        ids = tokenizer(list(lines), add_special_tokens=False)["input_ids"]
        longest = most * (max(map(len, ids), default=0) + len(separator)) + 1
        return cls(IdentifierTrie.of(ids), separator, tuple(ends), most, longest)


class _Place(NamedTuple):
    """Where in the grammar what was written has come to."""

    state: int = ROOT
    identifiers: int = 0
    """Those that are behind a separator."""
    separator: int = 0
    """How many tokens of a separator are written."""
    is_over: bool = False


class OnlyIdentifiers(LogitsProcessor):
    """Lets `generate` write what the grammar says and nothing else.

    `width` is how many tokens stand before what is written: of a decoder the padded prompt's, of
    an encoder-decoder 1. Where each row is comes from its tokens, of which all but the last were
    seen a step ago, in whichever row the beams put them.
    """

    def __init__(self, grammar: IdentifierGrammar, *, width: int) -> None:
        self._grammar, self._width = grammar, width
        self._places: dict[tuple[int, ...], _Place] = {}

    def __call__(
        self, input_ids: Int[Tensor, "b t"], scores: Float[Tensor, "b v"]
    ) -> Float[Tensor, "b v"]:
        """The scores of tokens that may follow; of all others, minus infinity."""
        places: dict[tuple[int, ...], _Place] = {}
        allowed = torch.full_like(scores, -torch.inf)
        for row, written in enumerate(input_ids[:, self._width :].tolist()):
            key = tuple(written)
            places[key] = self._place(key)
            tokens = self._following(places[key])
            allowed[row, tokens] = scores[row, tokens]
        self._places = places
        return allowed

    def _place(self, written: tuple[int, ...]) -> _Place:
        before = self._places.get(written[:-1]) if written else None
        if before is not None:
            return self._after(before, written[-1])
        place = _Place()
        for token in written:
            place = self._after(place, token)
        return place

    def _after(self, place: _Place, token: int) -> _Place:
        """The place one token on."""
        separator, ends = self._grammar.separator, self._grammar.ends
        if place.is_over or (token in ends and place.separator == 0):
            return place._replace(is_over=True)
        if place.separator:
            return self._in_separator(place)
        state = self._grammar.trie.step(place.state, token)
        if state != NOWHERE:
            return place._replace(state=state)
        if separator:
            return self._in_separator(place)
        return _Place(self._grammar.trie.step(ROOT, token), place.identifiers + 1)

    def _in_separator(self, place: _Place) -> _Place:
        written = place.separator + 1
        if written == len(self._grammar.separator):
            return _Place(ROOT, place.identifiers + 1)
        return place._replace(separator=written)

    def _following(self, place: _Place) -> Tensor:
        """The tokens that may follow."""
        trie, separator, ends, most, _ = self._grammar
        if place.is_over:
            return torch.tensor(ends)
        if place.separator:
            return torch.tensor(separator[place.separator : place.separator + 1])
        tokens = torch.from_numpy(trie.children(place.state).astype("int64"))
        if place.state == ROOT or not trie.is_end(place.state):
            return tokens
        closing = torch.tensor(ends)
        if place.identifiers + 1 >= most:
            return torch.cat([tokens, closing])
        again = separator[:1] or trie.children(ROOT).tolist()
        return torch.cat([tokens, closing, torch.tensor(again)])
