"""What the objective makes of the examples: their tokens as they are learned, in every epoch."""

from __future__ import annotations

import random
from collections.abc import Sequence

from cauce.corpus.tokens import Tokens
from cauce.models.loading import LoadedModel
from cauce.training.denoising import corrupt, sentinel_ids
from cauce.training.objectives import Objective, Pretrain


class Examples:
    """The examples as `objective` wants them, decided by the seed, the epoch and their number.

    `pretrain` lets a decoder predict the prompt too, and an encoder-decoder restore spans that are
    cut out anew in each epoch; other objectives take the examples as they are. Lengths are the same
    in every epoch. Raises DataRefused or TrainingRefused for a text that cannot be corrupted.
    """

    def __init__(
        self, items: Sequence[Tokens], loaded: LoadedModel, objective: Objective, *, seed: str
    ) -> None:
        self._items, self._seed = items, seed
        self._sentinels: list[int] | None = None
        if isinstance(objective, Pretrain) and loaded.is_encoder_decoder:
            self._sentinels = sentinel_ids(loaded.tokenizer)
        elif isinstance(objective, Pretrain):
            self._items = [Tokens([], [*item.prompt, *item.completion]) for item in items]

    def __len__(self) -> int:
        return len(self._items)

    def at(self, index: int, epoch: int) -> Tokens:
        """Example number `index` as epoch number `epoch` shows it."""
        item = self._items[index]
        if self._sentinels is None:
            return item
        chance = random.Random(f"{self._seed}/{epoch}/{index}")
        return corrupt(item, sentinels=self._sentinels, chance=chance)

    def first(self) -> list[Tokens]:
        """All of them as the first epoch shows them."""
        return [self.at(index, 0) for index in range(len(self))]
