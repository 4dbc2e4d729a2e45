"""Models from nothing against each other: the same rows, the same loop, the same number of weights.

Every run is `cauce.training.loop.train` on rows of novels, kept in a folder by its contender,
optimizer, rates, steps, seed and config: what was run before is not run again, and what was killed
goes on.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.liquid.stories import shared_file
from benchmarks.training.measure import say

ROW_TOKENS, ROWS = 512, 8
"""Of a step: 4,096 tokens."""

VALIDATION_ROWS = 128

PEERS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": (
        "llama",
        {
            "hidden_size": 256,
            "intermediate_size": 680,
            "num_hidden_layers": 5,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "max_position_embeddings": 1024,
        },
    ),
    "lfm2": (
        "lfm2",
        {
            "hidden_size": 256,
            "intermediate_size": 720,
            "block_auto_adjust_ff_dim": False,
            "num_hidden_layers": 5,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "layer_types": ["conv", "conv", "full_attention", "conv", "full_attention"],
            "max_position_embeddings": 1024,
        },
    ),
}
"""transformers' models of 5.0 M weights; their embeddings are tied."""


class Run(NamedTuple):
    """One training."""

    contender: str
    architecture: str
    config: dict[str, Any]
    optimizer: str
    lr: float
    muon_lr: float
    steps: int
    seed: int
    focal_gamma: float = 0.0

    @property
    def name(self) -> str:
        """Of its folder; a run that any field or default makes another has another."""
        rate = f"{self.lr:g}-{self.muon_lr:g}" if self.optimizer == "muon" else f"{self.lr:g}"
        name = re.sub(r"\W+", "_", self.contender)
        told = f"{name}-{self.optimizer}-{rate}-{self.steps}-{self.seed}"
        made = json.dumps([_whole_config(self), self.focal_gamma], sort_keys=True, default=str)
        return f"{told}-{hashlib.sha256(made.encode()).hexdigest()[:8]}"


def _whole_config(run: Run) -> dict[str, Any]:
    """All fields of the model's config, those that are left at their defaults too."""
    from transformers import AutoConfig

    from cauce.models.loading import register_own

    register_own(run.architecture)
    fields = AutoConfig.for_model(run.architecture, **run.config).to_dict()
    return {key: value for key, value in fields.items() if key != "transformers_version"}


class Result(NamedTuple):
    """What came of one."""

    loss: float
    """Validation, nats per token, after the last update."""
    cpu_s: float
    """Of all updates: what one costs, the first left out, times how many there were."""
    weights: int


def peer(name: str, **options: Any) -> Run:
    """A run of one of `PEERS`."""
    architecture, config = PEERS[name]
    return Run(contender=name, architecture=architecture, config=config, **options)


def ours(contender: str = "ours", config: dict[str, Any] | None = None, **options: Any) -> Run:
    """A run of a Liquid Foundation model: the default, or with that config."""
    return Run(
        contender=contender, architecture="liquid_foundation", config=config or {}, **options
    )


def race(runs: Sequence[Run], work: Path, *, at_once: int = 1) -> list[Result]:
    """The results of the runs, each in a process of its own, `at_once` of them at a time."""
    if not (work / "rows" / "train.tokens.npy").is_file():
        _make_rows(work)
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda run: _result(run, work), runs))


def _result(run: Run, work: Path) -> Result:
    path = work / run.name / "result.json"
    if not path.is_file():
        command = [sys.executable, "-m", "benchmarks.foundation.race", str(work)]
        subprocess.run([*command, json.dumps(run._asdict())], check=True, stdout=sys.stderr)
    return Result(**json.loads(path.read_text()))


def _make_rows(work: Path) -> None:
    """Tokenizer and rows of the novels, by the stages of a recipe."""
    from cauce import road
    from cauce.recipe import parse_recipe

    train, held_out = (shared_file(f"novels-es/{name}.txt.xz") for name in ("train", "val"))
    if train is None or held_out is None:
        raise SystemExit("the novels are not here: name their folder in CAUCE_SHARED_DATA")
    files = {"kind": "files", "separator": "\n\n", "language": "es"}
    recipe = parse_recipe(
        {
            "run": "rows",
            "sources": [
                {**files, "path": str(train)},
                {**files, "path": str(held_out), "split": "validation"},
            ],
            "corpus": {"kind": "text", "row_tokens": ROW_TOKENS, "test_share": 0.02},
            "model": {"new": {"architecture": "llama", "config": PEERS["llama"][1]}},
            "training": {"objective": {"kind": "pretrain"}},
        },
        "benchmarks.foundation",
    )
    journey = road.start(recipe, say, work)
    road.walk(journey, "prepare")
    (work / "rows" / "prepare").rename(work / "rows" / "kept")
    for path in (work / "rows" / "kept").iterdir():
        path.rename(work / "rows" / path.name)


def run_here(run: Run, work: Path) -> None:
    """Trains, and writes `result.json`."""
    import torch

    from cauce.corpus.rows import TextRows
    from cauce.models.new import new_model
    from cauce.models.settings import NewModelSettings
    from cauce.training.loop import train
    from cauce.training.settings import TrainingSettings

    torch.set_num_threads(1)
    rows = work / "rows"
    settings = NewModelSettings(
        architecture=run.architecture, tokenizer=str(rows / "model"), config=run.config
    )
    loaded = new_model(settings, seed=run.seed)
    held_out = TextRows.open(rows, "validation")
    stride = len(held_out) // VALIDATION_ROWS
    folder = work / run.name
    folder.mkdir(parents=True, exist_ok=True)
    options = {"muon_lr": run.muon_lr} if run.optimizer == "muon" else {}
    summary = train(
        loaded,
        TextRows.open(rows, "train"),
        [held_out[stride * number] for number in range(VALIDATION_ROWS)],
        TrainingSettings.model_validate(
            {
                "objective": {"kind": "pretrain", "focal_gamma": run.focal_gamma},
                "steps": run.steps,
                "batch_size": ROWS,
                "optimizer": run.optimizer,
                "lr": run.lr,
                "schedule": "wsd",
                "decay": 0.5,
                "min_lr": 0.0,
                "warmup": 0.06,
                "weight_decay": 0.0,
                "evaluate_every": run.steps,
                "checkpoint_every": 100,
                "monitor_every": 0,
                "compile": False,
                **options,
            }
        ),
        folder,
        seed=run.seed,
        progress=lambda line: say(f"{run.name}: {line}"),
    )
    result = Result(
        loss=summary["best_validation_loss"],
        cpu_s=run.steps * ROWS * ROW_TOKENS / summary["tokens_per_cpu_second"],
        weights=summary["parameters"],
    )
    (folder / "result.json").write_text(json.dumps(result._asdict()))


if __name__ == "__main__":
    run_here(Run(**json.loads(sys.argv[2])), Path(sys.argv[1]))
