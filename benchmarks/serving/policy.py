"""What to do with a turn: a CfC, a GRU of its size, tuned rules, and always answering.

All are asked by simulated patients whose wordings, medicines and mixture of traits none of them has
met; the wordings were written before any policy was asked them. The assistant is the real one over
the embedded vademecum. The figures that count are those without a clock, as it is served.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from cauce.assistant.assistant import Assistant
from cauce.assistant.policy.choosing import Rules
from cauce.assistant.policy.learning import Conversation, LearningSettings, learn
from cauce.assistant.policy.network import Cell, NetworkSettings, PolicyNetwork
from cauce.assistant.settings import AssistantSettings
from cauce.evaluation.patients.judging import best_rules, talked
from cauce.evaluation.patients.people import (
    PRACTICE,
    Medicine,
    Patient,
    Trait,
    medicines,
    patient,
    practice_texts,
    texts_of,
)
from cauce.evaluation.patients.talking import Outcome, Room, Talk
from cauce.evaluation.statistics import Estimate, mean_bootstrap, paired_bootstrap
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document
from cauce.sources.vademecum import VademecumSource

TEXTS = Path(__file__).parent / "data" / "patients.yaml"
PRACTISING, ASKING = 400, 400
"""Patients to learn from, and to be judged by."""
MIXTURE: Mapping[Trait, float] = {
    **{"clear": 0.35, "misspells": 0.1, "vague": 0.2, "anxious": 0.1},
    **{"hides": 0.1, "sources": 0.1, "absent": 0.05},
}
"""Of those that judge; in practice all traits are alike."""
SEEDS = (0, 1, 2)
GRU_UNITS = 30
"""With which a GRU has the parameters of the CfC."""


def measure() -> None:
    """Prints mean returns with intervals, success, missed emergencies and turns of each."""
    begun = time.process_time()
    practising, asking = patients()
    with tempfile.TemporaryDirectory() as folder:
        room = Room(assistant(Path(folder) / "index.sqlite"))
        rules = best_rules(room, practising)
        print(rules, file=sys.stderr)
        networks = {
            cell: [learnt(cell, room, practising, seed) for seed in SEEDS] for cell in CELLS
        }
        found = {"always answering": talked(Rules(), room, asking)}
        found["rules"] = talked(rules, room, asking)
        for cell, trained in networks.items():
            for seed, network in enumerate(trained):
                found[f"{cell} {seed}"] = talked(network, room, asking)
            timed = [talked(it, room, asking, is_timed=True) for it in trained]
            report(f"policy, {cell}: mean return with a clock", _mean(_values(timed)), None)
            report(f"policy, {cell}: parameters", _parameters(trained[0]), None)
    for name, outcomes in found.items():
        _report(name, asking, outcomes)
    means = {name: _values([outcomes]) for name, outcomes in found.items()}
    for cell in CELLS:
        means[cell] = _values([found[f"{cell} {seed}"] for seed in SEEDS])
    groups = [who.id for who in asking]
    for other in ("rules", "always answering", "gru"):
        apart = paired_bootstrap(means[other], means["cfc"], groups)
        _report_estimate(f"cfc above {other}", apart, 0.0 if other == "rules" else None)
    show(asking, found)
    report("policy: seconds of one core", time.process_time() - begun, 300)


LR: dict[Cell, float] = {"cfc": 5e-3, "gru": 1e-2}
"""With which both come to the same mean return in practice, 0.66."""
CELLS: dict[Cell, NetworkSettings] = {
    "cfc": NetworkSettings(),
    "gru": NetworkSettings(cell="gru", units=GRU_UNITS),
}


def patients() -> tuple[list[Patient], list[Patient]]:
    """Those who are learnt from and those who judge; no medicine is of both."""
    known = medicines()
    names = sorted({it.id for it in known})
    random.Random(12).shuffle(names)
    practised = {*names[: len(names) * 6 // 10]}
    return (
        _drawn(
            1, practice_texts(), [it for it in known if it.id in practised], PRACTICE, PRACTISING
        ),
        _drawn(2, texts_of(TEXTS), [it for it in known if it.id not in practised], MIXTURE, ASKING),
    )


def _drawn(
    seed: int,
    texts: Mapping[str, Any],
    known: Sequence[Medicine],
    mixture: Mapping[Trait, float],
    count: int,
) -> list[Patient]:
    drawn = random.Random(seed)
    return [patient(drawn, texts, known, mixture) for _ in range(count)]


def assistant(path: Path) -> Assistant:
    """The assistant that answers: the embedded vademecum, without a model."""
    build_index(path, [it for it in VademecumSource().documents() if isinstance(it, Document)])
    return Assistant(None, Index(path), AssistantSettings())


def learnt(cell: Cell, room: Room, practising: Sequence[Patient], seed: int) -> PolicyNetwork:
    """A policy that has practised."""

    def begin(drawn: random.Random) -> Conversation:
        return Talk(room, drawn.choice(practising))

    print(cell, seed, file=sys.stderr)
    return learn(begin, CELLS[cell], LearningSettings(seed=seed, lr=LR[cell]), progress=_progress)


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _values(outcomes: Sequence[Sequence[Outcome]]) -> list[float]:
    """The mean return with each patient, over seeds."""
    return [_mean([it.value for it in each]) for each in zip(*outcomes, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _parameters(network: PolicyNetwork) -> int:
    return sum(it.numel() for it in network.parameters())


def _report(name: str, asking: Sequence[Patient], outcomes: Sequence[Outcome]) -> None:
    groups = [who.id for who in asking]
    found = mean_bootstrap([it.value for it in outcomes], groups)
    _report_estimate(f"{name}: mean return", found)
    report(
        f"policy, {name}: share that ends well",
        _mean([it.is_good for it in outcomes]),
        None,
        "higher",
    )
    report(f"policy, {name}: emergencies missed", sum(it.is_missed for it in outcomes), None)
    report(f"policy, {name}: turns", _mean([it.turns for it in outcomes]), None)


def _report_estimate(name: str, found: Estimate, bar: float | None = None) -> None:
    report(f"policy, {name}", found.value, None, "higher")
    if found.low is not None and found.high is not None:
        report(f"policy, {name}, lower bound", found.low, bar, "higher")
        report(f"policy, {name}, upper bound", found.high, None, "higher")


def show(asking: Sequence[Patient], found: Mapping[str, Sequence[Outcome]]) -> None:
    """With `CAUCE_SHOW=1`, the mean return by trait."""
    if not os.environ.get("CAUCE_SHOW"):
        return
    for trait in MIXTURE:
        for name, outcomes in found.items():
            values = [
                it.value for who, it in zip(asking, outcomes, strict=True) if who.trait == trait
            ]
            print(f"{trait} {name}: {_mean(values):.3f}", file=sys.stderr)
