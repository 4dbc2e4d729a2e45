"""Which examples make which update: decided by the seed and the number of the epoch alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cauce.corpus.batches import Width
from cauce.corpus.packing import pack
from cauce.corpus.tokens import Tokens
from cauce.training.settings import TrainingSettings

POOL_BATCHES = 16
"""Batches whose rows are sorted by length together; more saves padding, fewer mixes better."""

PlannedRow = tuple[int, ...]
"""Indices of the examples that stand in one row: unpacked, one."""

PlannedBatch = tuple[PlannedRow, ...]
"""Rows computed together."""


class Arrangement(NamedTuple):
    """Examples put into rows, the same in every epoch."""

    rows: tuple[PlannedRow, ...]
    places: tuple[int, ...]
    """What each row takes up: its example's tokens, or, packed, its capacity."""
    width: Width | None
    """What `collate` needs for packed rows; None where rows are as wide as their examples."""
    fill: float | None
    """Share of the places of packed rows that hold a token."""


class SortedBatches(NamedTuple):
    """Batches in a fixed order, for validation."""

    batches: list[PlannedBatch]
    width: Width | None
    """As in `Arrangement`."""


@dataclass(frozen=True)
class Plan:
    """The batches of every update, derived from its number: a resumed run needs no position."""

    arrangement: Arrangement
    batch_size: int
    """Rows computed at a time."""
    accumulation: int
    seed: int
    total_steps: int
    first: int = 0
    """Updates before the first that reads the examples."""
    _current: dict[int, list[PlannedBatch]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        items: Sequence[Tokens],
        settings: TrainingSettings,
        *,
        seed: int,
        is_encoder_decoder: bool,
    ) -> Plan:
        """The plan for these examples, as long as `settings` asks for, packed if it asks for that.

        Raises TrainingRefused for an example longer than a packed row.
        """
        arrangement = _arrange(items, settings, is_encoder_decoder)
        steps_per_epoch = -(-len(arrangement.rows) // (settings.batch_size * settings.accumulation))
        first = settings.repetition_steps
        total = settings.steps or first + settings.epochs * steps_per_epoch
        return cls(arrangement, settings.batch_size, settings.accumulation, seed, total, first)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the examples; the last may rest on fewer of them."""
        return -(-len(self.arrangement.rows) // (self.batch_size * self.accumulation))

    @property
    def longest_row(self) -> int:
        """Places of the longest row."""
        return max(self.arrangement.places)

    def epoch_at(self, step: int) -> float:
        """Passes over the examples done after `step` updates."""
        return max(0, step - self.first) / self.steps_per_epoch

    def window(self, step: int) -> list[PlannedBatch]:
        """The batches whose gradients make update number `step` (from 0), at least `first`."""
        epoch, place = divmod(step - self.first, self.steps_per_epoch)
        if epoch not in self._current:
            self._current.clear()
            self._current[epoch] = self._epoch_batches(epoch)
        return self._current[epoch][place * self.accumulation : (place + 1) * self.accumulation]

    def _epoch_batches(self, epoch: int) -> list[PlannedBatch]:
        """Shuffled rows, sorted by length within pools, cut into batches, those shuffled again.

        A batch with fewer rows than the others comes last, so that no other window is short.
        """
        chance = random.Random(f"{self.seed}/{epoch}")
        order = list(range(len(self.arrangement.rows)))
        chance.shuffle(order)
        whole = len(order) - len(order) % self.batch_size
        pool = POOL_BATCHES * self.batch_size
        batches: list[PlannedBatch] = []
        for start in range(0, whole, pool):
            chosen = order[start : min(start + pool, whole)]
            by_places = sorted(chosen, key=self.arrangement.places.__getitem__)
            batches += _cut(by_places, self.arrangement.rows, self.batch_size)
        chance.shuffle(batches)
        return batches + _cut(order[whole:], self.arrangement.rows, self.batch_size)


def sorted_batches(
    items: Sequence[Tokens], settings: TrainingSettings, *, is_encoder_decoder: bool
) -> SortedBatches:
    """Every example once, packed as in training, neighbours of like length: the least padding."""
    arrangement = _arrange(items, settings, is_encoder_decoder)
    order = sorted(range(len(arrangement.rows)), key=arrangement.places.__getitem__)
    batches = _cut(order, arrangement.rows, settings.batch_size)
    return SortedBatches(batches, arrangement.width)


def _arrange(
    items: Sequence[Tokens], settings: TrainingSettings, is_encoder_decoder: bool
) -> Arrangement:
    if settings.pack_tokens is None:
        rows = tuple((index,) for index in range(len(items)))
        return Arrangement(rows, tuple(item.length for item in items), None, None)
    packing = pack(items, settings.pack_tokens, is_encoder_decoder=is_encoder_decoder)
    places = tuple(sum(capacity) for capacity in packing.capacities)
    return Arrangement(tuple(packing.rows), places, packing.width, packing.fill)


def _cut(order: Sequence[int], rows: Sequence[PlannedRow], size: int) -> list[PlannedBatch]:
    chosen = [rows[index] for index in order]
    return [tuple(chosen[start : start + size]) for start in range(0, len(chosen), size)]
