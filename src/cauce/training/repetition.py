"""Random tokens and their repetition: what a model from nothing learns to copy by.

    prompt      k 4 9 2 z 7
    completion  k 4 9 2 z 7

What comes next in a text can be guessed from the language, and a small model that only reads texts
does no more. Random tokens can be told in one way alone, by looking at what followed them before:
the heads that do (Olsson et al. 2022, arXiv 2209.11895) are found within a hundred updates, and
what they do carries over to texts, of which some end with a copy of their own (`end_with_copy`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

from cauce.corpus.tokens import Tokens
from cauce.models.loading import LoadedModel
from cauce.training.settings import TrainingSettings

SHORTEST, FIRST_LONGEST, LAST_LONGEST = 6, 12, 96
"""Tokens of what is repeated: short ones first, without which longer ones are not learned."""
SHORT_SHARE = 0.5
"""Of the updates, the first, in which nothing is longer than `FIRST_LONGEST`."""

SHORTEST_COPY = 12
LONGEST_COPY_SHARE = 0.47
"""Of a text: the copy and what it copies both fit."""


class Repetitions(NamedTuple):
    """The batches of the first `steps` updates, each decided by the seed and its number."""

    steps: int
    vocabulary: Sequence[int]
    """Tokens that stand for text."""
    closing: Sequence[int]
    """What closes a prompt and a completion."""
    batch_tokens: int
    accumulation: int
    seed: int

    @classmethod
    def of(
        cls, loaded: LoadedModel, settings: TrainingSettings, *, row_tokens: int, seed: int
    ) -> Repetitions:
        """As the objective asks for, in batches as large as those of rows of `row_tokens`."""
        tokenizer = loaded.tokenizer
        special = {*tokenizer.all_special_ids}
        return cls(
            settings.repetition_steps,
            [token for token in range(len(tokenizer)) if token not in special],
            [int(tokenizer.eos_token_id)] if loaded.is_encoder_decoder else [],
            settings.batch_size * row_tokens,
            settings.accumulation,
            seed,
        )

    def batches(self, step: int) -> list[list[list[Tokens]]]:
        """The batches whose gradients make update number `step`: one example in each row."""
        chance = random.Random(f"{self.seed}/repetition/{step}")
        return [self._batch(step, chance) for _ in range(self.accumulation)]

    def _batch(self, step: int, chance: random.Random) -> list[list[Tokens]]:
        """Examples of one length: the tokens of a batch, without padding."""
        length = chance.randint(SHORTEST, longest(step, self.steps))
        rows = max(1, self.batch_tokens // (2 * length))
        return [[self._example(length, chance)] for _ in range(rows)]

    def _example(self, length: int, chance: random.Random) -> Tokens:
        text = chance.choices(self.vocabulary, k=length)
        return Tokens([*text, *self.closing], [*text, *self.closing])


def longest(step: int, steps: int) -> int:
    """The most tokens that are repeated in update number `step` of `steps`."""
    grown = max(0.0, (step / steps - SHORT_SHARE) / (1 - SHORT_SHARE))
    return round(FIRST_LONGEST * math.pow(LAST_LONGEST / FIRST_LONGEST, grown))


def end_with_copy(item: Tokens, chance: random.Random) -> Tokens:
    """The example with its last tokens replaced by others of its own, which stand before them.

    One that is too short for a copy stays as it is.
    """
    text = [*item.prompt, *item.completion]
    most = int(len(text) * LONGEST_COPY_SHARE)
    if most < SHORTEST_COPY:
        return item
    length = chance.randint(SHORTEST_COPY, most)
    start = chance.randint(0, len(text) - 2 * length)
    text[-length:] = text[start : start + length]
    return Tokens(text[: len(item.prompt)], text[len(item.prompt) :])
