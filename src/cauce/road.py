"""The road of a recipe: fetch, prepare, train, evaluate, compare, report, each into its folder.

Every stage reads what the one before it wrote; one whose inputs have not changed does nothing.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cauce
from cauce.errors import NotFound
from cauce.recipe import Recipe, dump_recipe
from cauce.records import Example
from cauce.runs import STAGES, Run, atomic_write, fingerprint, read_records, write_json

if TYPE_CHECKING:
    from cauce.corpus.tokens import Tokens
    from cauce.models.loading import LoadedModel

Progress = Callable[[str], None]

VERSIONED = ("torch", "transformers", "peft", "tokenizers", "numpy")


class Journey(NamedTuple):
    """A recipe, the run it fills, and where progress is told."""

    recipe: Recipe
    run: Run
    progress: Progress


def start(recipe: Recipe, progress: Progress, runs_dir: Path = Path("runs")) -> Journey:
    """The journey of a recipe in `runs_dir/NAME`; the recipe and versions are written there.

    Raises NotFound, before anything is written, when an input of the recipe does not exist.
    """
    from cauce.models.loading import resolve

    for source in recipe.sources:
        source.inputs()
    resolve(recipe.model.base)
    run = Run(runs_dir / recipe.run)
    if is_helper():
        return Journey(recipe, run, lambda line: None)
    with atomic_write(run.folder(".") / "recipe.yaml") as stream:
        stream.write(dump_recipe(recipe).encode())
    run.update_manifest(run=recipe.run, seed=recipe.seed, notice=recipe.notice, versions=versions())
    return Journey(recipe, run, progress)


def is_helper() -> bool:
    """Whether torchrun started this process beside a first one, which alone writes and talks."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK", "0") != "0"


def versions() -> dict[str, str]:
    """Versions of cauce, Python and the libraries that decide a result."""
    libraries = {name: importlib.metadata.version(name) for name in VERSIONED}
    return {"cauce": cauce.__version__, "python": platform.python_version(), **libraries}


def walk(journey: Journey, last: str = STAGES[-1]) -> None:
    """Does every stage up to `last`."""
    for stage in STAGES[: STAGES.index(last) + 1]:
        do(journey, stage)


def do(journey: Journey, stage: str) -> None:
    """Does one stage, or says that nothing has changed. NotFound when the one before is missing.

    Of the processes that torchrun started the first does everything; the others help it to train.
    """
    recipe, run, progress = journey
    if is_helper():
        if stage == "train" and _agree_to_train(journey, is_due=False):
            _train(journey, run.path / stage)
        return
    position = STAGES.index(stage)
    before = STAGES[position - 1] if position else None
    if before and before not in run.manifest["stages"]:
        raise NotFound(
            f"{run.path} has no finished {before} stage, which {stage} reads.\n"
            f"Run it first: cauce {before} RECIPE, or the whole road: cauce run RECIPE"
        )
    upstream = run.manifest["stages"][before]["fingerprint"] if before else ""
    inputs = fingerprint(stage, upstream, _settings_of(recipe, stage), versions())
    if stage == "train":
        _agree_to_train(journey, is_due=not run.is_done(stage, inputs))
    if run.do_stage(stage, inputs, lambda folder: _WORK[stage](journey, folder)):
        entry = run.manifest["stages"][stage]
        progress(f"{stage}: done in {entry['wall_s']:.0f} s ({entry['cpu_s']:.0f} CPU s)")
    else:
        progress(f"{stage}: nothing has changed, nothing to do")


def _settings_of(recipe: Recipe, stage: str) -> list[Any]:
    """What of the recipe and its files decides the stage's result, besides the stage before."""
    sections: dict[str, list[Any]] = {
        "fetch": [
            recipe.sources,
            [_state_of(path) for source in recipe.sources for path in source.inputs()],
        ],
        "prepare": [recipe.corpus, recipe.model, recipe.seed, _state_of_base(recipe)],
        "train": [recipe.training],
        "evaluate": [recipe.assistant, recipe.evaluation],
        "compare": [],
        "report": [recipe.notice],
    }
    return sections[stage]


def _state_of(path: Path) -> tuple[str, int, int]:
    """What changes when a file does: its name, size and time of change."""
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


def _state_of_base(recipe: Recipe) -> list[tuple[str, int, int]]:
    from cauce.models.loading import resolve

    return [_state_of(path) for path in sorted(resolve(recipe.model.base).glob("*.safetensors"))]


def _fetch(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.sources import fetch

    return fetch(journey.recipe.sources, folder, journey.progress)


def _prepare(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.corpus.prepare import prepare
    from cauce.corpus.tokens import preview
    from cauce.models.loading import load_base

    recipe = journey.recipe
    base = load_base(recipe.model)
    summary = prepare(
        journey.run.path / "fetch" / "documents.jsonl",
        folder,
        recipe.corpus,
        seed=recipe.seed,
        fits=lambda example: tokens_of(base, example).length <= recipe.model.max_tokens,
        progress=journey.progress,
    )
    examples = read_records(folder / "train.jsonl", Example)
    tokens = [tokens_of(base, example) for example in examples]
    return {
        **summary,
        "prompt_tokens": sum(len(item.prompt) for item in tokens),
        "supervised_tokens": sum(len(item.completion) for item in tokens),
        "preview": [
            preview(base.tokenizer, item) for item in tokens[:: max(1, len(tokens) // 3)][:3]
        ],
    }


def _agree_to_train(journey: Journey, *, is_due: bool) -> bool:
    """What the first process knows of whether there is something to train."""
    from cauce.training.distribution import Processes

    return Processes.start(journey.recipe.training.parallel).gather(is_due)[0]


def _train(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.models.adapters import attach
    from cauce.models.loading import load_base
    from cauce.training.distillation import load_teacher
    from cauce.training.loop import train
    from cauce.training.overlap import refuse_overlap
    from cauce.training.transplanting import Transplanting, train_transplanted

    recipe, run = journey.recipe, journey.run
    loaded = load_base(recipe.model)
    learned, judged, held_out = (
        [tokens_of(loaded, example) for example in _examples(run, split)]
        for split in ("train", "validation", "test")
    )
    refuse_overlap(learned, held_out, name="test", tokenizer=loaded.tokenizer)
    resume_command = f"cauce run {run.path / 'recipe.yaml'}"
    if recipe.model.liquid is not None:
        transplanting = Transplanting(
            loaded,
            recipe.model,
            recipe.training,
            learned,
            judged,
            recipe.seed,
            journey.progress,
            resume_command,
        )
        return train_transplanted(transplanting, folder)
    return train(
        attach(loaded, recipe.model, seed=recipe.seed),
        learned,
        judged,
        recipe.training,
        folder,
        seed=recipe.seed,
        progress=journey.progress,
        resume_command=resume_command,
        teacher=load_teacher(recipe.training.objective),
    )


def tokens_of(loaded: LoadedModel, example: Example) -> Tokens:
    """The example as the model's tokens, however many they are."""
    from cauce.corpus.tokens import tokenize

    return tokenize(
        loaded.tokenizer,
        example.messages,
        example.completion,
        is_encoder_decoder=loaded.is_encoder_decoder,
        max_tokens=sys.maxsize,
    )


def _evaluate(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.assistant.assistant import Assistant
    from cauce.evaluation.evaluate import evaluate
    from cauce.evaluation.systems import AssistantSystem, ModelSystem
    from cauce.models.loading import load_base

    recipe, run = journey.recipe, journey.run
    assistant = Assistant.load(run)
    assert assistant.model is not None, "the train stage is done"
    systems = (
        ModelSystem("base", load_base(recipe.model), recipe.evaluation),
        ModelSystem("tuned", assistant.model, recipe.evaluation),
        AssistantSystem("assistant", assistant),
    )
    return evaluate(
        _examples(run, "test"),
        systems,
        folder,
        recipe.evaluation,
        seed=recipe.seed,
        medicines_of=assistant.resolver.medicines_of,
        progress=journey.progress,
    )


def _compare(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.evaluation.compare import compare
    from cauce.evaluation.log import Item

    logs = journey.run.path / "evaluate"
    comparison = compare(
        list(read_records(logs / "base.jsonl", Item)),
        list(read_records(logs / "tuned.jsonl", Item)),
        seed=journey.recipe.seed,
    )
    write_json(folder / "comparison.json", comparison.model_dump(mode="json"))
    return {"items": comparison.items, "flipped": len(comparison.flipped)}


def _report(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.report.page import write_report

    path = write_report(journey.run)
    return {"path": str(path)}


def _examples(run: Run, split: str) -> list[Example]:
    return list(read_records(run.path / "prepare" / f"{split}.jsonl", Example))


_WORK: dict[str, Callable[[Journey, Path], dict[str, Any]]] = {
    "fetch": _fetch,
    "prepare": _prepare,
    "train": _train,
    "evaluate": _evaluate,
    "compare": _compare,
    "report": _report,
}
