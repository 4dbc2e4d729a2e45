"""The road of a recipe: fetch, prepare, train, evaluate, compare, report, each into its folder.

Every stage reads what the one before it wrote; one whose inputs have not changed does nothing.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cauce
from cauce.corpus.research.settings import ResearchSettings
from cauce.corpus.settings import CorpusSettings, TextSettings
from cauce.errors import NotFound
from cauce.preparing import base_of, prepare_stage
from cauce.recipe import Recipe, dump_recipe
from cauce.records import Example
from cauce.runs import STAGES, Run, atomic_write, fingerprint, read_records, write_json

if TYPE_CHECKING:
    from cauce.corpus.tokens import Tokens
    from cauce.evaluation.solvers import System
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
    from cauce.models.finding import resolve
    from cauce.models.new import refuse_impossible

    for source in recipe.sources:
        source.inputs()
    if isinstance(recipe.corpus, ResearchSettings):
        recipe.corpus.inputs()
    if recipe.model.new is None:
        resolve(recipe.model.base)
    else:
        refuse_impossible(recipe.model.new)
    for name in recipe.evaluation.beside:
        resolve(name)
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
            [state_of(path) for source in recipe.sources for path in source.inputs()],
        ],
        "prepare": [
            recipe.corpus,
            recipe.model,
            recipe.seed,
            recipe.assistant.guards.quarantine,
            _state_of_base(recipe),
            *_state_of_catalogue(recipe),
        ],
        "train": [recipe.training],
        "evaluate": [recipe.assistant, recipe.evaluation],
        "compare": [],
        "report": [recipe.notice],
    }
    return sections[stage]


def state_of(path: Path) -> tuple[str, int, int]:
    """What changes when a file does: its name, size and time of change."""
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


def _state_of_catalogue(recipe: Recipe) -> list[tuple[str, int, int]]:
    if not isinstance(recipe.corpus, ResearchSettings):
        return []
    return [state_of(path) for path in recipe.corpus.inputs()]


def _state_of_base(recipe: Recipe) -> list[tuple[str, int, int]]:
    """Of the weights that the run starts from; of a model that it makes, of the tokenizer."""
    from cauce.models.finding import resolve
    from cauce.models.new import tokenizer_folder
    from cauce.models.settings import TRAIN

    new = recipe.model.new
    if new is None:
        return [state_of(path) for path in sorted(resolve(recipe.model.base).glob("*.safetensors"))]
    if new.tokenizer == TRAIN:
        return []
    files = sorted(tokenizer_folder(new.tokenizer).iterdir())
    return [state_of(path) for path in files if path.is_file()]


def _fetch(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.sources import fetch

    return fetch(journey.recipe.sources, folder, journey.progress)


def _agree_to_train(journey: Journey, *, is_due: bool) -> bool:
    """What the first process knows of whether there is something to train."""
    from cauce.training.distribution import Processes

    return Processes.start(journey.recipe.training.parallel).gather(is_due)[0]


def _train(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.models.adapters import attach
    from cauce.training.distillation import load_teacher
    from cauce.training.loop import train
    from cauce.training.overlap import refuse_overlap
    from cauce.training.transplanting import Transplanting, train_transplanted

    recipe, run = journey.recipe, journey.run
    loaded = _with_prefix(journey, base_of(journey))
    learned, judged, held_out = (
        _tokens(journey, loaded, split) for split in ("train", "validation", "test")
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


def _with_prefix(journey: Journey, loaded: LoadedModel) -> LoadedModel:
    """The model that reads the series of the training examples, where the recipe asks for it."""
    model = journey.recipe.model
    if not model.prefix_vectors:
        return loaded
    from cauce.models.prefix import add_prefix, scales_of_examples

    scales = scales_of_examples(_examples(journey.run, "train"))
    return add_prefix(loaded, scales, vectors=model.prefix_vectors, seed=journey.recipe.seed)


def _tokens(journey: Journey, loaded: LoadedModel, split: str) -> Sequence[Tokens]:
    """What of a split is learned, or judged by: rows of a text, or its examples."""
    from cauce.corpus.rows import TextRows
    from cauce.training.judging import judged_tokens

    if isinstance(journey.recipe.corpus, TextSettings):
        return TextRows.open(journey.run.path / "prepare", split)
    examples = _examples(journey.run, split)
    return judged_tokens(loaded, examples, journey.recipe.training.objective)


def _evaluate(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.assistant.assistant import Assistant
    from cauce.assistant.loading import load_assistant
    from cauce.evaluation.evaluate import evaluate
    from cauce.evaluation.scorers import FactsScorer, TextScorer
    from cauce.evaluation.systems import AssistantSystem, ModelSystem, log_name
    from cauce.models.settings import ModelSettings
    from cauce.models.tuned import load_base, load_tuned

    recipe, run = journey.recipe, journey.run
    if isinstance(recipe.corpus, TextSettings):
        return _evaluate_text(journey, folder)
    if isinstance(recipe.corpus, ResearchSettings):
        return _evaluate_research(journey, folder)
    is_cited = isinstance(recipe.corpus, CorpusSettings)
    assistant = load_assistant(run) if is_cited else None
    tuned = assistant.model if assistant else load_tuned(run.path / "train" / "model")
    facts = (
        [FactsScorer(assistant.inner.resolver.medicines_of)]
        if assistant and isinstance(assistant.inner, Assistant)
        else []
    )
    assert tuned is not None, "the train stage is done"

    def systems() -> Iterator[System]:
        """One model at a time besides the tuned one, so that large ones need not fit together."""
        yield ModelSystem("base", base_of(journey), recipe.evaluation)
        yield ModelSystem("tuned", tuned, recipe.evaluation)
        if assistant:
            yield AssistantSystem("assistant", assistant)
        for name in recipe.evaluation.beside:
            model = load_base(ModelSettings(base=name))
            yield ModelSystem(log_name(name), model, recipe.evaluation)

    return evaluate(
        [example for example in _examples(run, "test") if example.is_wanted],
        systems(),
        folder,
        recipe.evaluation,
        seed=recipe.seed,
        scorers=(
            TextScorer(stem=recipe.evaluation.stem),
            *facts,
        ),
        progress=journey.progress,
    )


def _evaluate_research(journey: Journey, folder: Path) -> dict[str, Any]:
    """Base and tuned by what they write; four ways to a DOI by what becomes of the questions."""
    from cauce.assistant.loading import load_assistant
    from cauce.assistant.research.assistant import ResearchAssistant
    from cauce.evaluation.evaluate import choose, evaluate
    from cauce.evaluation.log import read_items
    from cauce.evaluation.research import compare_ways
    from cauce.evaluation.scorers import TextScorer
    from cauce.evaluation.systems import ModelSystem

    recipe, run = journey.recipe, journey.run
    assistant = load_assistant(run).inner
    assert isinstance(assistant, ResearchAssistant), "the corpus is of articles"
    assert assistant.model is not None, "the train stage is done"
    examples = _examples(run, "test")
    summary = evaluate(
        examples,
        (
            ModelSystem("base", base_of(journey), recipe.evaluation),
            ModelSystem("tuned", assistant.model, recipe.evaluation),
        ),
        folder,
        recipe.evaluation,
        seed=recipe.seed,
        scorers=(TextScorer(stem=recipe.evaluation.stem),),
        progress=journey.progress,
    )
    rows = compare_ways(
        assistant,
        choose(examples, recipe.evaluation.max_items),
        folder,
        free=[item.answer for item in read_items(folder / "tuned.jsonl")],
        batch_size=recipe.evaluation.batch_size,
        seed=recipe.seed,
        progress=journey.progress,
    )
    return {**summary, "ways": {row.way: row.right.value for row in rows}}


def _evaluate_text(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.corpus.rows import TextRows
    from cauce.evaluation.text import evaluate_text
    from cauce.models.tuned import load_tuned

    return evaluate_text(
        base_of(journey),
        load_tuned(journey.run.path / "train" / "model"),
        TextRows.open(journey.run.path / "prepare", "test"),
        folder,
        journey.recipe.evaluation,
        seed=journey.recipe.seed,
        progress=journey.progress,
    )


def _compare(journey: Journey, folder: Path) -> dict[str, Any]:
    from cauce.evaluation.compare import compare
    from cauce.evaluation.log import Item
    from cauce.evaluation.text import compare_text

    logs = journey.run.path / "evaluate"
    if isinstance(journey.recipe.corpus, TextSettings):
        return compare_text(logs, folder, seed=journey.recipe.seed)
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
    "prepare": prepare_stage,
    "train": _train,
    "evaluate": _evaluate,
    "compare": _compare,
    "report": _report,
}
