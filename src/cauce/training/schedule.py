"""The learning rate as a function of the step: nothing to save, nothing to lose."""

from __future__ import annotations

import math

from cauce.training.settings import TrainingSettings


def learning_rate(step: int, total_steps: int, settings: TrainingSettings) -> float:
    """The rate of update number `step` (from 0) of `total_steps`.

    It rises linearly over the warm-up, so that its last update has the peak rate. With p the share
    of the remaining updates gone by, `cosine` is floor + (1 - floor) (1 + cos pi p) / 2, and
    `cosine_restarts` runs that curve `restarts` + 1 times (Loshchilov & Hutter 2016, 1608.03983).
    """
    warmup_steps = round(settings.warmup * total_steps)
    if step < warmup_steps:
        return settings.lr * (step + 1) / warmup_steps
    if settings.schedule == "constant":
        return settings.lr
    share = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    phase = share * (settings.restarts + 1) % 1.0
    cosine = (1 + math.cos(math.pi * phase)) / 2
    return settings.lr * (settings.min_lr + (1 - settings.min_lr) * cosine)
