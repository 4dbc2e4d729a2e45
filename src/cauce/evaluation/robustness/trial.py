"""`cauce robustness RUN`: test questions by other people and badly typed, asked as they are served.

Writes RUN/robustness and RUN/fairness: `scores.json` with a row for each figure, `changed.jsonl`
with the pairs of answers that differ; the answers are logged in RUN/robustness/SYSTEM.jsonl.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cauce.assistant.loading import load_assistant
from cauce.errors import DataRefused, NotFound
from cauce.evaluation.evaluate import Progress, choose
from cauce.evaluation.made_by import MadeBy, command_of, state_of_run, write_trial
from cauce.evaluation.robustness.asking import Changed, Plan, ask
from cauce.evaluation.robustness.noise import NOISES, STRENGTHS, perturb
from cauce.evaluation.robustness.results import Answers, noise_rows, swap_rows
from cauce.evaluation.robustness.swaps import AXES, Variant, counterfactuals, left_out
from cauce.evaluation.scorers import FactsScorer
from cauce.evaluation.solvers import System
from cauce.evaluation.systems import AssistantSystem
from cauce.knowledge.names.resolver import NameResolver
from cauce.knowledge.sections.index import Index
from cauce.records import Example
from cauce.runs import Run, read_records, sha256_of_file, write_json, write_records

NAMES = ("names kept", "names too")
"""Whether the names of medicines are spared by the noise."""
_STATE = "state.json"
"""Tells which state of the run the logs are of, from before the first question on."""
CORRECTION = (
    "Shares are exact, clustered by medicine (Korn and Graubard 1998). A loss lies between the "
    "ends of the exact intervals of what was lost and gained; the largest of several is corrected "
    "by Bonferroni, over all noises of a system or all pairs of groups of an axis."
)


class _Plans(NamedTuple):
    """Every question with the ways in which it is asked, and what was left out, by axis."""

    noise: list[Plan]
    swaps: list[Plan]
    left_out: dict[str, Counter[str]]


def robustness(
    run: Run,
    systems: Iterable[System] | None = None,
    *,
    max_items: int = 40,
    seed: int = 0,
    progress: Progress,
) -> dict[str, Any]:
    """The rows of both files.

    Killed and started again it goes on where the logs end; a run that has changed since, or another
    version of the package, is asked anew.

    Without `systems` the assistant of the run is asked. Raises NotFound for a run that was not
    prepared with an index of sections.
    """
    tested, index = run.path / "prepare" / "test.jsonl", run.path / "prepare" / "index.sqlite"
    if not tested.is_file() or not index.is_file():
        raise NotFound(
            f"{run.path} has no test questions on sections: prepare/{tested.name} and "
            f"prepare/{index.name} are needed.\nMake them with: cauce prepare RECIPE"
        )
    resolver = NameResolver.of_index(Index(index))
    plans = _plans(choose(list(read_records(tested, Example)), max_items), resolver, seed)
    state = state_of_run(run)
    _forget_another(run, state)
    noise, swaps = _Rows(), _Rows()
    for system in systems or [AssistantSystem("assistant", load_assistant(run))]:
        answer = ask(
            [*plans.noise, *plans.swaps],
            system,
            run.path / "robustness" / f"{system.name}.jsonl",
            scorers=[FactsScorer(resolver.medicines_of)],
            progress=progress,
        )
        noise.add(noise_rows(Answers(system.name, answer), plans.noise))
        swaps.add(swap_rows(Answers(system.name, answer), plans.swaps))
    made_by = MadeBy(
        command=command_of("robustness", run, "--max-items", max_items, "--seed", seed),
        state=state,
        seed=seed,
        data_sha256=sha256_of_file(tested),
    )
    told = {"correction": CORRECTION}
    noise.write(run.path / "robustness", told, made_by)
    swaps.write(run.path / "fairness", {**told, "left_out": plans.left_out}, made_by)
    return {"robustness": noise.rows, "fairness": swaps.rows, "left_out": plans.left_out}


def _forget_another(run: Run, state: str) -> None:
    """Deletes the logs of another state of the run."""
    file = run.path / "robustness" / _STATE
    if file.is_file() and json.loads(file.read_bytes()) != {"state": state}:
        for log in file.parent.glob("*.jsonl"):
            log.unlink()
    write_json(file, {"state": state})


class _Rows:
    """The rows and the changed answers of all systems."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._changed: list[Changed] = []

    def add(self, found: tuple[list[dict[str, Any]], list[Changed]]) -> None:
        """Those of one system more."""
        self.rows += found[0]
        self._changed += found[1]

    def write(self, folder: Path, told: dict[str, Any], made_by: MadeBy) -> None:
        """Both files into a folder."""
        write_trial(folder / "scores.json", {**told, "rows": self.rows}, made_by)
        write_records(folder / "changed.jsonl", self._changed)


def _plans(examples: Sequence[Example], resolver: NameResolver, seed: int) -> _Plans:
    if not examples:
        raise DataRefused(
            "there is no test question: 0 were given; at least 1 is needed.\n"
            "Raise corpus.test_share, or add sources with more substances."
        )
    left: dict[str, Counter[str]] = {axis: Counter() for axis in AXES}
    noise, swaps = [], []
    for example in examples:
        noise.append(Plan(example, tuple(_noisy(example, resolver, seed))))
        for axis in AXES:
            if reason := left_out(example.question, axis, example.kind):
                left[axis][reason] += 1
            elif variants := counterfactuals(example.question, axis):
                swaps.append(Plan(example, tuple(variants)))
            else:
                left[axis]["the language has no such words"] += 1
    return _Plans(noise, swaps, left)


def _noisy(example: Example, resolver: NameResolver, seed: int) -> Iterable[Variant]:
    mentions = resolver.resolve(example.question).mentions
    names = frozenset(word for mention in mentions for word in mention.said.split())
    for noise in NOISES:
        for strength in STRENGTHS:
            for spared in NAMES:
                kept = names if spared == NAMES[0] else frozenset[str]()
                text = perturb(example.question, noise, strength, seed=seed, kept=kept)
                yield Variant(noise, f"{strength}, {spared}", text)
