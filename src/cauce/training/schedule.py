"""The learning rate as a function of the step: nothing to save, nothing to lose."""

from __future__ import annotations

import math

from cauce.training.settings import TrainingSettings


def learning_rate(step: int, total_steps: int, settings: TrainingSettings) -> float:
    """The rate of update number `step` (from 0) of `total_steps`.

    It rises linearly over the warm-up, so that its last update has the peak rate. With p the share
    of the remaining updates gone by, `cosine` is floor + (1 - floor) (1 + cos pi p) / 2, and
    `cosine_restarts` runs that curve `restarts` + 1 times (Loshchilov & Hutter 2016, 1608.03983).
    `wsd` (warm-up, stable, decay; MiniCPM, Hu et al. 2024, 2404.06395) stays at the peak and falls
    over the last updates to the floor: with q the share of those gone by, floor + (1 - floor)(1-q).
    """
    warmup_steps = round(settings.warmup * total_steps)
    if step < warmup_steps:
        return settings.lr * (step + 1) / warmup_steps
    if settings.schedule == "constant":
        return settings.lr
    if settings.schedule == "wsd":
        decay_steps = max(1, round(settings.decay_share * total_steps))
        left = min(1.0, (total_steps - step) / decay_steps)
        return settings.lr * (settings.min_lr + (1 - settings.min_lr) * left)
    share = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    phase = share * (settings.restarts + 1) % 1.0
    cosine = (1 + math.cos(math.pi * phase)) / 2
    return settings.lr * (settings.min_lr + (1 - settings.min_lr) * cosine)
