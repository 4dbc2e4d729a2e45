"""cauce-mini against a Llama of the same size: the same recipe, rows and CPU time."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.foundation.bars import PROBE_SEEDS, PROBE_STEPS, best_rates
from benchmarks.foundation.race import PEERS, ours, peer, race
from benchmarks.training.measure import say
from cauce import road
from cauce.evaluation.compare import compare
from cauce.evaluation.log import Item, read_items
from cauce.recipe import load_recipe

RECIPE = Path(__file__).parents[2] / "recipes/mini.yaml"


def mini(work: Path, *, at_once: int) -> None:
    """Bits per byte of held-out text of both, and the difference with its interval by document.

    Where `WORK/mini`, the run of the recipe, is finished, nothing of it is done again.
    """
    recipe = load_recipe(RECIPE)
    steps = recipe.training.steps
    assert recipe.model.new is not None and steps is not None
    rates = best_rates("llama", recipe.training.optimizer, work, at_once)
    share = _time_of_update(recipe.model.new.config, recipe.training.optimizer, rates, work)
    steps = round(steps / share)
    say(f"an update of Llama takes {share:.3f} of the time of one of cauce-mini: {steps} updates")
    its = [
        "run=mini-llama",
        "model.new.architecture=llama",
        f"model.new.config={json.dumps(PEERS['llama'][1])}",
        f"training.steps={steps}",
        *(f"training.{name}={value}" for name, value in rates.items()),
    ]
    compared = compare(_tuned(its, work), _tuned([], work))
    bits = next(row for row in compared.metrics if row.metric == "bits_per_byte")
    interval = f"from {bits.low:.3f} to {bits.high:.3f}"
    report("cauce-mini: bits per byte, held out", bits.b, None)
    report(f"Llama of its size in its time, {steps} updates: bits per byte", bits.a, None)
    report(f"cauce-mini less Llama, bits per byte, {interval}", bits.difference, 0.0)


def _time_of_update(
    config: dict[str, Any], optimizer: str, rates: dict[str, float], work: Path
) -> float:
    """An update of Llama as a share of cauce-mini's, tried in turn: a busy spell slows both."""
    shares = []
    for seed in PROBE_SEEDS:
        options: dict[str, Any] = {"optimizer": optimizer, "steps": PROBE_STEPS, "seed": seed}
        tried = [ours("cauce-mini", config, **options, **rates), peer("llama", **options, **rates)]
        found = race(tried, work)
        shares.append(found[1].cpu_s / found[0].cpu_s)
    return statistics.median(shares)


def _tuned(overrides: Sequence[str], work: Path) -> list[Item]:
    """What the trained model of the recipe, so changed, does on the held-out rows."""
    journey = road.start(load_recipe(RECIPE, overrides), say, work)
    road.walk(journey, "evaluate")
    return read_items(journey.run.path / "evaluate" / "tuned.jsonl")
