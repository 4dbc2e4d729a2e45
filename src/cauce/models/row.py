"""A text that is being written for somebody who may leave.

Axes: v vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from cauce.models.asking import Asking
from cauce.models.identifiers import IdentifierGrammar, OnlyIdentifiers

if TYPE_CHECKING:
    from jaxtyping import Float


class Settings(NamedTuple):
    """How one row is written."""

    max_new_tokens: int
    stop: tuple[str, ...] = ()
    """Strings after which nothing more is written."""
    only: IdentifierGrammar | None = None
    temperature: float = 0.0
    """0 writes the likeliest token each time."""
    top_p: float = 1.0
    """Tokens are drawn among the likeliest, which together have this probability."""
    seed: int = 0


class Continued(NamedTuple):
    """The tokens of a row without the one that ends it."""

    tokens: list[int]
    has_end: bool


class Row:
    """A text that is being written; iterating over it gives its tokens as they come."""

    def __init__(self, ids: Sequence[int], settings: Settings, asking: Asking | None) -> None:
        self.ids, self.settings = tuple(ids), settings
        self.written: list[int] = []
        self.has_end = False
        self.is_left = False
        self._asking = asking
        self._told: SimpleQueue[int | Exception | None] = SimpleQueue()
        self._only = OnlyIdentifiers(settings.only, width=0) if settings.only else None
        self._random = torch.Generator().manual_seed(settings.seed)

    def __iter__(self) -> Iterator[int]:
        """The tokens. Raises what happened to the row, AskerLeft where it was left."""
        while (told := self._told.get()) is not None:
            if isinstance(told, Exception):
                raise told
            yield told

    def leave(self) -> None:
        """Nobody wants the rest."""
        self.is_left = True

    @property
    def is_deserted(self) -> bool:
        """Whether nobody waits for it."""
        return self.is_left or (self._asking is not None and self._asking.has_left.is_set())

    @property
    def columns(self) -> int:
        """Tokens that the cache holds: all but the one that was written last."""
        return len(self.ids) + len(self.written) - 1

    def choose(self, logits: Float[Tensor, " v"], likeliest: int) -> int:
        """The next token; `likeliest` is that of these logits."""
        if self._only is not None:
            logits = self._only(torch.tensor([self.written]).long(), logits[None])[0]
            likeliest = int(logits.argmax())
        if self.settings.temperature == 0.0:
            return likeliest
        chances = torch.softmax(logits.float().cpu() / self.settings.temperature, -1)
        ordered, tokens = chances.sort(descending=True, stable=True)
        ordered[ordered.cumsum(0) - ordered >= self.settings.top_p] = 0.0
        return int(tokens[torch.multinomial(ordered, 1, generator=self._random)])

    def tell(self, token: int) -> None:
        """One token more."""
        self.written.append(token)
        self._told.put(token)
        if self._asking is not None and self._asking.first_token_at is None:
            self._asking.first_token_at = time.monotonic()

    def close(self, error: Exception | None = None) -> None:
        """No token more, because of that error or because it is whole."""
        self._told.put(error)
