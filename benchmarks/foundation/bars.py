"""Liquid Foundation against Llama and LFM2 of transformers: equal weights, equal time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from benchmarks.foundation.ablation import difference
from benchmarks.foundation.race import Result, Run, ours, peer, race
from benchmarks.training.measure import say

SEEDS = (0, 1, 2)
STEPS = 300
PROBE_STEPS = 12
PROBE_SEEDS = (9, 10, 11)

PEER_RATES: dict[str, tuple[dict[str, float], ...]] = {
    "adamw": ({"lr": 2e-3, "muon_lr": 0.0}, {"lr": 4e-3, "muon_lr": 0.0}),
    "muon": ({"lr": 4e-3, "muon_lr": 0.02}, {"lr": 8e-3, "muon_lr": 0.02}),
}
"""Of each the better one counts."""

OUR_RATES: dict[str, dict[str, float]] = {
    "adamw": {"lr": 2e-3, "muon_lr": 0.0},
    "muon": {"lr": 4e-3, "muon_lr": 0.02},
}
SHARES = (0.5, 1.0)
"""Of LFM2's CPU time, in which ours is trained."""

MARGINS = {"lfm2": 0.08, "llama": 0.20}
TIME_BAR = 0.60


class Raced(NamedTuple):
    """The results of one contender over the seeds."""

    losses: list[float]
    cpu_s: float

    @classmethod
    def of(cls, results: Sequence[Result]) -> Raced:
        """The losses, and the mean time."""
        return cls(
            [result.loss for result in results],
            statistics.fmean(result.cpu_s for result in results),
        )


def bars(work: Path, *, at_once: int) -> None:
    """Loss at equal CPU time, and CPU time to equal loss, with AdamW and with Muon."""
    for optimizer in PEER_RATES:
        peers = {name: _best_of(name, optimizer, work, at_once) for name in MARGINS}
        raced = {share: _ours(optimizer, share, work, at_once) for share in SHARES}
        for name, found in (*peers.items(), *((f"ours {s:g}", r) for s, r in raced.items())):
            loss, cpu_s = statistics.fmean(found.losses), found.cpu_s
            report(f"{optimizer}, {name}: loss after {cpu_s:.0f} CPU s", loss, None)
        for name, margin in MARGINS.items():
            # Never more time than the peer's: Llama takes longer than LFM2.
            paired = difference(raced[1.0].losses, peers[name].losses)
            share = raced[1.0].cpu_s / peers[name].cpu_s
            metric = f"{optimizer}: nats below {name} at {share:.2f} of its time"
            interval = f"from {-paired.high:.3f} to {-paired.low:.3f}"
            report(f"{metric}, {interval}", -paired.mean, margin, "higher")
        metric = f"{optimizer}: time to the loss of LFM2, as a share of its"
        report(metric, _share_to_loss(raced, peers["lfm2"]), TIME_BAR)


def _best_of(name: str, optimizer: str, work: Path, at_once: int) -> Raced:
    """The peer at its better rates, over all seeds."""
    rates = best_rates(name, optimizer, work, at_once)
    runs = [peer(name, optimizer=optimizer, steps=STEPS, seed=seed, **rates) for seed in SEEDS]
    return Raced.of(race(runs, work, at_once=at_once))


def best_rates(name: str, optimizer: str, work: Path, at_once: int) -> dict[str, float]:
    """The rates at which the peer's loss is lower, by the first seed."""
    tried = PEER_RATES[optimizer]
    runs = [peer(name, optimizer=optimizer, steps=STEPS, seed=SEEDS[0], **rates) for rates in tried]
    losses = [result.loss for result in race(runs, work, at_once=at_once)]
    best = tried[losses.index(min(losses))]
    say(f"{name} with {optimizer}: {losses}, best is {best}")
    return best


def _ours(optimizer: str, share: float, work: Path, at_once: int) -> Raced:
    """Ours with as many updates as fit into that share of LFM2's time."""
    steps = round(share * STEPS / _time_of_update(optimizer, work))
    runs = [_our_run(optimizer, steps, seed=seed) for seed in SEEDS]
    return Raced.of(race(runs, work, at_once=at_once))


def _time_of_update(optimizer: str, work: Path) -> float:
    """An update of ours as a share of LFM2's, tried in turn: a busy spell slows both."""
    rates = PEER_RATES[optimizer][0]
    shares = []
    for seed in PROBE_SEEDS:
        its = peer("lfm2", optimizer=optimizer, steps=PROBE_STEPS, seed=seed, **rates)
        mine = _our_run(optimizer, PROBE_STEPS, seed=seed)
        found = race([its, mine], work)
        shares.append(found[1].cpu_s / found[0].cpu_s)
    return statistics.median(shares)


def _our_run(optimizer: str, steps: int, *, seed: int) -> Run:
    return ours(optimizer=optimizer, steps=steps, seed=seed, **OUR_RATES[optimizer])


def _share_to_loss(raced: dict[float, Raced], lfm2: Raced) -> float:
    """The share of its time after which ours has its loss: between two runs, over log time.

    Each run decays its rate to the end of its own time, so points of one run would not do.
    """
    wanted = statistics.fmean(lfm2.losses)
    (first, early), (second, late) = (
        (found.cpu_s / lfm2.cpu_s, statistics.fmean(found.losses)) for found in raced.values()
    )
    gone = (early - wanted) / (early - late)
    return math.exp(math.log(first) + gone * math.log(second / first))
