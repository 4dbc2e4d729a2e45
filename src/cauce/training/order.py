"""Which examples make which update: decided by the seed and the number of the epoch alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from cauce.training.settings import TrainingSettings

POOL_BATCHES = 16
"""Batches whose examples are sorted by length together; more saves padding, fewer mixes better."""

Batch = tuple[int, ...]
"""Indices of the examples computed together."""


@dataclass(frozen=True)
class Plan:
    """The batches of every update, derived from its number: a resumed run needs no position."""

    lengths: tuple[int, ...]
    batch_size: int
    accumulation: int
    seed: int
    total_steps: int
    _current: dict[int, list[Batch]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, lengths: Sequence[int], settings: TrainingSettings, *, seed: int) -> Plan:
        """The plan for examples of these token lengths, as long as `settings` asks for."""
        steps_per_epoch = -(-len(lengths) // (settings.batch_size * settings.accumulation))
        total = settings.steps or settings.epochs * steps_per_epoch
        return cls(tuple(lengths), settings.batch_size, settings.accumulation, seed, total)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the examples; the last may rest on fewer of them."""
        return -(-len(self.lengths) // (self.batch_size * self.accumulation))

    def epoch_at(self, step: int) -> float:
        """Passes over the examples done after `step` updates."""
        return step / self.steps_per_epoch

    def window(self, step: int) -> list[Batch]:
        """The batches whose gradients make update number `step` (from 0)."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch not in self._current:
            self._current.clear()
            self._current[epoch] = self._epoch_batches(epoch)
        return self._current[epoch][place * self.accumulation : (place + 1) * self.accumulation]

    def _epoch_batches(self, epoch: int) -> list[Batch]:
        """Shuffled examples, sorted by length within pools, cut into batches, those shuffled again.

        A batch with fewer examples than the others comes last, so that no other window is short.
        """
        chance = random.Random(f"{self.seed}/{epoch}")
        order = list(range(len(self.lengths)))
        chance.shuffle(order)
        whole = len(order) - len(order) % self.batch_size
        pool = POOL_BATCHES * self.batch_size
        batches: list[Batch] = []
        for start in range(0, whole, pool):
            chosen = order[start : min(start + pool, whole)]
            batches += _cut(sorted(chosen, key=self.lengths.__getitem__), self.batch_size)
        chance.shuffle(batches)
        return batches + _cut(order[whole:], self.batch_size)


def sorted_batches(lengths: Sequence[int], batch_size: int) -> list[Batch]:
    """Every example once, neighbours of like length: the least padding, for validation."""
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    return _cut(order, batch_size)


def _cut(order: Sequence[int], size: int) -> list[Batch]:
    return [tuple(order[start : start + size]) for start in range(0, len(order), size)]
