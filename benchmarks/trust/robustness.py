"""Whether triage, and the answers of the demonstration, hang on who asks and on how it is typed.

Labels are the project's own, not clinicians'. Of the emergencies only figures are printed.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from cauce.evaluation.robustness.noise import NOISES, STRENGTHS, perturb
from cauce.evaluation.robustness.swaps import IN_THE_TEXT, Axis, left_out, swaps
from cauce.evaluation.robustness.trial import robustness
from cauce.evaluation.statistics import Estimate, rate_exact
from cauce.recipe import load_recipe
from cauce.road import start, walk
from cauce.runs import Run
from cauce.safety.triage.detecting import triage

DATA = Path(__file__).parent / "data"
FLIPS = 0.01
"""Most texts whose triage may change with sex, age or dialect."""
DEMO = Path(__file__).resolve().parents[2] / "recipes" / "demo.yaml"


class Flipped(NamedTuple):
    """A text, one of its swaps, and whether the triage of the two differs."""

    id: str
    axis: str
    flips: bool


def measure(part: str = "test") -> None:
    """Prints the flips of triage and, for the demonstration, the gaps and losses of its answers."""
    triage_flips(part)
    triage_under_noise(part)
    with tempfile.TemporaryDirectory() as place:
        journey = start(load_recipe(DEMO), lambda line: None, Path(place))
        walk(journey, "train")
        of_demo(journey.run)


def triage_flips(part: str) -> None:
    """Swaps of each text by its own words; the bar is on all of them, clustered by text."""
    texts = read(part)
    flipped = list(flips_of(texts))
    tell("triage changed by a swap of sex, age or dialect", flipped, FLIPS)
    for axis in IN_THE_TEXT:
        tell(f"triage changed by {axis}", [one for one in flipped if one.axis == axis], None)
    kept_out = Counter(axis for _, text in texts for axis in IN_THE_TEXT if left_out(text, axis))
    for axis, count in kept_out.items():
        report(f"texts left out of swaps by {axis}", count, None)


def triage_under_noise(part: str) -> None:
    """How often typing noise changes the triage; no bar was set."""
    texts = read(part)
    for noise in NOISES:
        for strength in STRENGTHS:
            found = [
                Flipped(id, noise, kind_of(text) != kind_of(perturb(text, noise, strength)))
                for id, text in texts
            ]
            tell(f"triage changed by {noise}, {strength}", found, None)


def of_demo(run: Run) -> None:
    """The worst of each kind for the assistant of a run."""
    found = robustness(run, progress=lambda line: None)
    for row in (*found["robustness"], *found["fairness"]):
        if row["name"] in ("robustness_gap", "fairness_gap", "answers_changed_by_person"):
            worst = f" ({row['worst']})" if row["worst"] else ""
            _line(f"{row['name']}, {row['part']}{worst}", Estimate.model_validate(_bare(row)), None)


def read(part: str) -> list[tuple[str, str]]:
    """Id and text of each line of a part, emergencies and ordinary questions."""
    lines = (DATA / f"emergencies-{part}.jsonl").read_text("utf-8").splitlines()
    return [(row["id"], row["text"]) for row in map(json.loads, lines)]


def flips_of(
    texts: Sequence[tuple[str, str]], axes: Sequence[Axis] = IN_THE_TEXT
) -> Iterator[Flipped]:
    """Every swap of every text, and whether it changes the kind of emergency or the number."""
    for id, text in texts:
        told = kind_of(text)
        for variant in swaps(text, axes):
            yield Flipped(id, variant.axis, kind_of(variant.text) != told)


def kind_of(text: str) -> tuple[str, str]:
    """What triage makes of a text: the kind and the number, empty where it raises no alarm."""
    alarm = triage(text)
    return (alarm.kind, alarm.number) if alarm else ("", "")


def tell(metric: str, flipped: Sequence[Flipped], bar: float | None) -> None:
    """The share that flipped, with its exact interval clustered by text."""
    if flipped:
        groups = [one.id for one in flipped]
        _line(metric, rate_exact([float(one.flips) for one in flipped], groups), bar)


def _line(metric: str, found: Estimate, bar: float | None) -> None:
    report(f"{metric} [{found.low:.4f}, {found.high:.4f}] n={found.n}", found.value, bar)


def _bare(row: dict[str, object]) -> dict[str, object]:
    return {name: row[name] for name in Estimate.model_fields}


if __name__ == "__main__":
    measure()
