"""What the objective makes of the examples: their tokens as they are learned, in every epoch."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import overload

from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.models.loading import LoadedModel
from cauce.training.denoising import corrupt, sentinel_ids
from cauce.training.objectives import Objective, Pretrain
from cauce.training.repetition import end_with_copy


class Examples:
    """The examples as `objective` wants them, decided by the seed, the epoch and their number.

    `pretrain` lets a decoder predict the prompt too, of which `copied_share` end with a copy drawn
    anew in each epoch, and an encoder-decoder restore spans that are cut out anew; other objectives
    take the examples as they are. Lengths are the same in every epoch. Raises DataRefused or
    TrainingRefused for a text that cannot be corrupted.
    """

    def __init__(
        self,
        items: Sequence[Tokens],
        loaded: LoadedModel,
        objective: Objective,
        *,
        seed: str,
        copied_share: float = 0.0,
    ) -> None:
        self._items: Sequence[Tokens] = items
        self._seed = seed
        self._copied_share = copied_share
        self._sentinels: list[int] | None = None
        if isinstance(objective, Pretrain) and loaded.is_encoder_decoder:
            self._sentinels = sentinel_ids(loaded.tokenizer)
            _refuse_copies(copied_share)
        elif isinstance(objective, Pretrain):
            if loaded.processor is not None:
                _refuse_images(items)
            self._items = _Whole(items)

    def __len__(self) -> int:
        return len(self._items)

    def at(self, index: int, epoch: int) -> Tokens:
        """Example number `index` as epoch number `epoch` shows it."""
        item = self._items[index]
        chance = random.Random(f"{self._seed}/{epoch}/{index}")
        if self._sentinels is not None:
            return corrupt(item, sentinels=self._sentinels, chance=chance)
        return end_with_copy(item, chance) if chance.random() < self._copied_share else item

    def first(self) -> Sequence[Tokens]:
        """All of them as the first epoch shows them, but for copies, which change no length.

        What needs no change is not held twice.
        """
        if self._sentinels is None:
            return self._items
        return [self.at(index, 0) for index in range(len(self))]


def _refuse_copies(share: float) -> None:
    if share:
        raise TrainingRefused(
            f"objective.copied_share is {share}, and this model is an encoder-decoder, which "
            "learns to copy by restoring spans.\nLeave copied_share out."
        )


def _refuse_images(items: Sequence[Tokens]) -> None:
    if any(item.images for item in items):
        raise TrainingRefused(
            "the examples show images, whose places hold nothing to predict, and objective is "
            "pretrain, which predicts the prompt too.\nSet objective to sft."
        )


class _Whole(Sequence[Tokens]):
    """Items of which the prompt is learned too, made when they are asked for."""

    def __init__(self, items: Sequence[Tokens]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Tokens: ...
    @overload
    def __getitem__(self, index: slice) -> list[Tokens]: ...
    def __getitem__(self, index: int | slice) -> Tokens | list[Tokens]:
        if isinstance(index, slice):
            return [_whole(item) for item in self._items[index]]
        return _whole(self._items[index])

    def __iter__(self) -> Iterator[Tokens]:
        return map(_whole, self._items)


def _whole(item: Tokens) -> Tokens:
    return Tokens([], [*item.prompt, *item.completion])
