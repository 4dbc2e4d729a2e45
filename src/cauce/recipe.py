"""A run as data: one section per stage, each declared by the stage that reads it.

    run: demo
    sources: [{kind: vademecum}]
    training: {steps: 400}

Every key has a default but `run` and `sources`; `cauce run RECIPE training.steps=400` changes one.
"""

from __future__ import annotations

import difflib
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError

from cauce.assistant.settings import AssistantSettings
from cauce.corpus.settings import (
    Corpus,
    CorpusSettings,
    PairsSettings,
    PreferencesSettings,
    TextSettings,
)
from cauce.errors import NotFound, RecipeError
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.tasks import Task
from cauce.federated.settings import FederatedSettings
from cauce.models.settings import TRAIN, ModelSettings
from cauce.records import Record
from cauce.sources import FilesSource, Source
from cauce.sources.detection import kind_of_path
from cauce.training.objectives import Distil, Dpo, Grpo, Kto, Pretrain
from cauce.training.settings import TrainingSettings

M = TypeVar("M", bound=BaseModel)

READY_TASKS = Path(__file__).parent / "data" / "tasks"
"""Tasks that are part of the package, a YAML file each."""


class Recipe(Record):
    """The whole of a run."""

    run: str = Field(pattern=r"^[\w.-]+$")
    """Name of the run; its directory is `runs/NAME`."""
    seed: int = Field(0, ge=0)
    """Decides the split, the wordings, the order of training and the bootstrap."""
    notice: str = ""
    """Shown with every answer and in the report: who may rely on the data, and who may not."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """Where documents come from."""
    corpus: Corpus = CorpusSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    assistant: AssistantSettings = AssistantSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    federated: FederatedSettings = FederatedSettings()


class _OneSource(Record):
    source: Source


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe at `path` with `key.path=value` overrides (values as YAML).

    Raises NotFound, or RecipeError that names the key, its place and the nearest valid name.
    """
    if not path.is_file():
        raise NotFound(f"no recipe at {path}.\nName a YAML file such as recipes/demo.yaml.")
    return parse_recipe(_read_yaml(path, overrides, start="run: NAME"), str(path))


def load_task(name: str, overrides: Sequence[str] = ()) -> Task:
    """The ready task of that name, or that of a YAML or Python file, with overrides.

    A Python file is run; it leaves a Task in `task`. Raises as `load_recipe` does.
    """
    path = READY_TASKS / f"{name}.yaml"
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        raise NotFound(
            f"no task {name!r}: there is no such file, and ready are {', '.join(ready_tasks())}.\n"
            "Name one of these, or a YAML or Python file."
        )
    if path.suffix != ".py":
        return parse(Task, _read_yaml(path, overrides, start="task: NAME"), str(path))
    task = runpy.run_path(str(path)).get("task")
    if not isinstance(task, Task):
        raise RecipeError(
            f"{path} leaves {type(task).__name__} in `task`, not a Task.\n"
            "End it with: task = Task(...), from cauce.evaluation.tasks."
        )
    data = task.model_dump(mode="json")
    for override in overrides:
        _override(data, override)
    return parse(Task, data, str(path))


def ready_tasks() -> dict[str, str]:
    """What each task of the package measures, by name."""
    tasks = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(READY_TASKS.glob("*.yaml"))]
    return {task["task"]: task["about"] for task in tasks}


def _read_yaml(path: Path, overrides: Sequence[str], *, start: str) -> dict[str, Any]:
    """The mapping in the file, with the overrides in it."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path} is not YAML: {' '.join(str(error).split())}\nMend that line."
        ) from error
    if not isinstance(data, dict):
        raise RecipeError(
            f"{path} holds {type(data).__name__}, not a mapping.\nStart it with `{start}`."
        )
    for override in overrides:
        _override(data, override)
    return data


def parse_recipe(data: Mapping[str, Any], origin: str) -> Recipe:
    """The recipe that `data` describes; a source without `kind` gets the kind of its path.

    Raises RecipeError, also for sections that do not go together.
    """
    filled = dict(data)
    if isinstance(filled.get("sources"), list):
        filled["sources"] = [_with_kind(source) for source in filled["sources"]]
    if isinstance(filled.get("corpus"), dict):
        filled["corpus"] = {"kind": "questions", **filled["corpus"]}
    recipe = parse(Recipe, filled, origin)
    found = _contradiction(recipe)
    if found:
        raise RecipeError(f"{origin}: {found}\nNothing was done: mend that and repeat.")
    return recipe


def _contradiction(recipe: Recipe) -> str:
    """What two sections say that does not go together; empty where they do."""
    objective, model = recipe.training.objective, recipe.model
    is_text = isinstance(recipe.corpus, TextSettings)
    splits = [source.split for source in recipe.sources if isinstance(source, FilesSource)]
    if is_text and not isinstance(objective, Pretrain):
        return (
            f"corpus.kind is text, of which every token is learned, and training.objective.kind is "
            f"{objective.kind}; set it to pretrain."
        )
    if is_text and model.liquid is not None:
        return "corpus.kind is text and model.liquid replaces layers; leave one of the two out."
    if recipe.evaluation.beside and not isinstance(recipe.corpus, CorpusSettings | PairsSettings):
        return (
            f"evaluation.beside names models, and corpus.kind is {recipe.corpus.kind}, of which no "
            "other model is asked; leave it out."
        )
    if not is_text and any(splits):
        return (
            f"a source names its split, and corpus.kind is {recipe.corpus.kind}, which draws its "
            "splits by substance; set corpus.kind to text, or leave split out."
        )
    if model.prefix_vectors and not isinstance(recipe.corpus, PairsSettings):
        return (
            f"model.prefix_vectors is {model.prefix_vectors}, and corpus.kind is "
            f"{recipe.corpus.kind}, whose examples have no series; set corpus.kind to pairs."
        )
    if unjudged := _unjudged(recipe):
        return unjudged
    if model.new is not None and isinstance(objective, Distil):
        return "model.new has random weights and training.objective.kind is distil; use pretrain."
    if model.new is not None and model.new.tokenizer == TRAIN and not is_text:
        return (
            f"model.new.tokenizer is train, and corpus.kind is {recipe.corpus.kind}, whose "
            "questions are too little to make one from; make it from texts with "
            "`cauce tokenizer train` and name its folder."
        )
    return ""


def _unjudged(recipe: Recipe) -> str:
    """What objective and corpus say of judged answers that does not go together."""
    objective, kind = recipe.training.objective, recipe.corpus.kind
    is_judged = isinstance(recipe.corpus, PreferencesSettings)
    if isinstance(objective, Dpo | Kto) and not is_judged:
        return (
            f"training.objective.kind is {objective.kind}, which learns from judged answers, and "
            f"corpus.kind is {kind}; set corpus.kind to preferences."
        )
    if is_judged and not isinstance(objective, Dpo | Kto | Grpo):
        return (
            f"corpus.kind is preferences, and training.objective.kind is {objective.kind}, which "
            "would learn the answers that were disliked too; set it to dpo, kto or grpo."
        )
    is_held = isinstance(objective, Grpo) and objective.beta > 0
    if is_held and recipe.model.adapter == "none":
        return (
            "training.objective.beta holds the model near to the one that it was, which is there "
            "under an adapter only; set model.adapter to lora, or beta to 0."
        )
    return ""


def parse(model: type[M], data: Mapping[str, Any], origin: str) -> M:
    """`data` as a `model`; RecipeError names each wrong key with the nearest valid one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_explain(model, dict(problem)) for problem in error.errors()]
        told = "\n".join(problems[:4])
        raise RecipeError(f"{origin}: {told}\nNothing was done: mend that and repeat.") from None


def parse_changed(kind: type[M], data: Mapping[str, Any], changes: Sequence[str], origin: str) -> M:
    """The record of that kind that `data` with `key.path=value` changes describes."""
    changed = dict(data)
    for change in changes:
        _override(changed, change)
    return parse(kind, changed, origin)


def parse_source(kind: str, options: Sequence[str]) -> Source:
    """The source of that kind with `key=value` options."""
    data: dict[str, Any] = {"kind": kind}
    for option in options:
        _override(data, option)
    holder: _OneSource = parse(_OneSource, {"source": data}, f"fetch {kind}")
    return holder.source


def dump_recipe(recipe: Recipe) -> str:
    """The recipe as YAML, defaults included."""
    return str(yaml.safe_dump(recipe.model_dump(mode="json"), allow_unicode=True, sort_keys=False))


def _with_kind(source: Any) -> Any:
    if isinstance(source, dict) and "kind" not in source and isinstance(source.get("path"), str):
        return {"kind": kind_of_path(Path(source["path"])), **source}
    return source


def _override(data: dict[str, Any], override: str) -> None:
    """Sets `a.0.b=value` in nested mappings and lists."""
    key, equals, text = override.partition("=")
    if not equals:
        raise RecipeError(f"the override {override!r} has no '='.\nWrite it as training.steps=400.")
    place: Any = data
    *parents, last = key.split(".")
    for step in parents:
        place = _child(place, step, key)
    if isinstance(place, list):
        place[_position(place, last, key)] = _value(text, override)
    else:
        place[last] = _value(text, override)


def _value(text: str, override: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(
            f"the value of the override {override!r} is not YAML.\n"
            "Put it in quotes: key='\"value\"'."
        ) from error


def _child(place: Any, step: str, key: str) -> Any:
    child = (
        place[_position(place, step, key)]
        if isinstance(place, list)
        else place.setdefault(step, {})
    )
    if not isinstance(child, dict | list):
        raise RecipeError(
            f"the override {key!r} goes through {step!r}, which is {child!r}.\nName a section."
        )
    return child


def _position(place: list[Any], step: str, key: str) -> int:
    if not step.isdigit() or int(step) >= len(place):
        raise RecipeError(
            f"the override {key!r} asks for item {step!r} of a list of {len(place)}.\n"
            f"Count from 0 to {len(place) - 1}."
        )
    return int(step)


def _explain(model: type[BaseModel], problem: Mapping[str, Any]) -> str:
    """`training.stps: no such key; the nearest is 'steps'`."""
    location = tuple(problem["loc"])
    key = ".".join(str(part) for part in location)
    if problem["type"] == "extra_forbidden":
        names = _fields_at(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), names, n=1, cutoff=0.4)
        advice = f"the nearest is {near[0]!r}" if near else f"the keys here are {', '.join(names)}"
        return f"{key}: no such key; {advice}."
    if problem["type"] == "missing":
        return f"{key}: is required."
    if problem["type"] == "union_tag_invalid":
        expected = problem["ctx"]["expected_tags"].replace("'", "").split(", ")
        near = difflib.get_close_matches(str(problem["ctx"]["tag"]), expected, n=1)
        advice = f"the nearest is {near[0]!r}; " if near else ""
        found, kinds = problem["ctx"]["tag"], ", ".join(expected)
        return f"{key}.kind: no kind {found!r}; {advice}kinds are {kinds}."
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{key}: {message} (found {problem['input']!r})."


def _fields_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Names of the keys that are valid at a place of the recipe."""
    models: list[type[BaseModel]] = [model]
    for step in location:
        if isinstance(step, int):
            continue
        tagged = [
            kind
            for kind in models
            if kind.model_fields.get("kind") and kind.model_fields["kind"].default == step
        ]
        models = tagged or [found for parent in models for found in _models_in(parent, step)]
    return sorted({name for found in models for name in found.model_fields})


def _models_in(parent: type[BaseModel], field: str) -> list[type[BaseModel]]:
    """The models that a field may hold, through unions, tuples and annotations."""
    if field not in parent.model_fields:
        return []
    found: list[type[BaseModel]] = []
    pending: list[Any] = [parent.model_fields[field].annotation]
    while pending:
        annotation = pending.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found.append(annotation)
        pending += get_args(annotation)
    return found
