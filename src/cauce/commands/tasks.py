"""`cauce tasks`: ready and own tasks, asked of runs, models and assistants."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.evaluation.bridges import Exported
    from cauce.evaluation.settings import EvaluationSettings
    from cauce.evaluation.solvers import System
    from cauce.evaluation.tasks import Task
    from cauce.runs import Run

tasks_app = typer.Typer(rich_markup_mode=None)

TaskName = Annotated[
    str,
    typer.Argument(metavar="TASK", help="A ready task, or a YAML or Python file."),
]
Changes = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Changes, e.g. dataset.path=FILE."),
]


@tasks_app.command("list")
def tasks_list(
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """The tasks that are ready; their data are named with dataset.path=FILE."""
    from json import dumps

    from cauce.recipe import ready_tasks

    for name, about in ready_tasks().items():
        print(dumps({"task": name, "about": about}) if json else f"{name:16} {about}")
    tell("Next: cauce tasks run TASK --of MODEL dataset.path=FILE")


@tasks_app.command("run")
def tasks_run(
    name: TaskName,
    changes: Changes = None,
    of: Annotated[
        list[str] | None,
        typer.Option(help="RUN, RUN:base, RUN:assistant, a model's folder or id; may be repeated."),
    ] = None,
    max_items: Annotated[int, typer.Option(min=1, help="Most questions, the same every time.")] = (
        200
    ),
    batch_size: Annotated[int, typer.Option(min=1, help="Questions computed together.")] = 32,
    json: Annotated[bool, typer.Option("--json", help="The scores as JSON.")] = False,
) -> None:
    """Ask the task of each system; logs and scores go to runs/TASK/evaluate."""
    from cauce.errors import UserError
    from cauce.evaluation.settings import EvaluationSettings
    from cauce.evaluation.summary import scores_table
    from cauce.recipe import load_task
    from cauce.runs import Run

    if not of:
        raise UserError("tasks run was told no model.\nName one or more: --of RUN or --of MODEL")
    task = load_task(name, changes or ())
    settings = EvaluationSettings(
        max_items=max_items, batch_size=batch_size, max_new_tokens=task.solver.max_new_tokens
    )
    run = Run(Path("runs") / task.task)
    named = [open_system(spec, settings) for spec in of]
    folder = ask(task, named, run, settings)
    scores = folder / "scores.json"
    print(scores.read_text("utf-8") if json else scores_table(scores))
    logs = [f"{folder / one.system.name}.jsonl" for one in named]
    tell(f"Next: cauce compare {' '.join(logs)}" if len(logs) > 1 else f"log: {logs[0]}")


@tasks_app.command("export")
def tasks_export(
    name: TaskName,
    changes: Changes = None,
    to: Annotated[str, typer.Option(help="lm-eval or inspect.")] = "lm-eval",
    out: Annotated[Path | None, typer.Option(help="Folder for the task.")] = None,
    render_for: Annotated[
        str | None,
        typer.Option(help="A model without chat template: prompts become texts by cauce's."),
    ] = None,
) -> None:
    """Write the task as lm-eval or inspect-ai runs it, offline and without cauce."""
    from cauce.errors import UserError
    from cauce.evaluation.bridges import export_examples, open_tokenizer, tool_named
    from cauce.recipe import load_task

    if out is None:
        raise UserError("no --out was given.\nName the folder for the task: --out DIR")
    task = load_task(name, changes or ())
    examples, refusals = task.ask()
    if refusals:
        tell(f"{task.task}: {len(refusals)} questions set aside, first: {refusals[0].reason}")
    tell_exported(
        export_examples(
            examples,
            tool_named(to),
            out,
            name=task.task,
            solver=task.solver,
            tokenizer=open_tokenizer(render_for) if render_for else None,
        )
    )


def export_run(run: Run, tool: str) -> Path:
    """The task made of the test examples that the run is asked, in its folder `export/TOOL`."""
    from cauce.corpus.settings import TextSettings
    from cauce.errors import UserError
    from cauce.evaluation.bridges import export_examples, tool_named
    from cauce.evaluation.evaluate import choose
    from cauce.evaluation.solvers import Generate
    from cauce.recipe import load_recipe
    from cauce.records import Example
    from cauce.runs import read_records

    recipe = load_recipe(run.path / "recipe.yaml")
    if isinstance(recipe.corpus, TextSettings):
        raise UserError(
            f"the run {recipe.run} learns plain text: there are no questions to export.\n"
            "Export a task instead: cauce tasks export TASK --to lm-eval --out DIR"
        )
    settings = recipe.evaluation
    examples = list(read_records(run.path / "prepare" / "test.jsonl", Example))
    exported = export_examples(
        choose(examples, settings.max_items),
        tool_named(tool),
        run.path / "export" / tool,
        name=recipe.run,
        solver=Generate(max_new_tokens=settings.max_new_tokens),
    )
    return tell_exported(exported)


def tell_exported(exported: Exported) -> Path:
    """Prints the file that the other tool runs; what differs there goes to stderr."""
    for remark in exported.remarks:
        tell(f"note: {remark}")
    print(exported.task)
    tell(f"Next: {exported.command}")
    return exported.task


class Named(NamedTuple):
    """A system, and what changes when it is another one of the same name."""

    system: System
    state: list[Any]


def ask(task: Task, named: Sequence[Named], run: Run, settings: EvaluationSettings) -> Path:
    """The folder with the logs and scores of the systems, in the task's run.

    The answers of a system that has changed since are asked anew.
    """
    from cauce.evaluation.tasks import run_task
    from cauce.road import versions
    from cauce.runs import fingerprint

    folder = run.folder("evaluate")
    known: dict[str, str] = run.manifest.get("systems", {})
    for system, state in named:
        print_ = fingerprint(task.model_dump(mode="json"), state, versions())
        if known.get(system.name, print_) != print_:
            (folder / f"{system.name}.jsonl").unlink(missing_ok=True)
        known = {**known, system.name: print_}
    run.update_manifest(run=task.task, systems=known, versions=versions(), notice=task.about)
    counts = run_task(task, [one.system for one in named], folder, settings, progress=tell)
    run.update_manifest(task=counts)
    return folder


def open_system(spec: str, settings: EvaluationSettings) -> Named:
    """What `RUN`, `RUN:base`, `RUN:tuned`, `RUN:assistant`, a folder or a model's id names."""
    from cauce.errors import NotFound
    from cauce.evaluation.systems import AssistantSystem, ModelSystem, log_name
    from cauce.models.finding import resolve
    from cauce.models.settings import ModelSettings
    from cauce.models.tuned import load_base, load_tuned
    from cauce.road import state_of
    from cauce.runs import Run

    run_name, _, part = spec.partition(":")
    name = log_name(spec)
    if not _is_run(run_name):
        state = [state_of(path) for path in sorted(resolve(spec).glob("*.safetensors"))]
        return Named(ModelSystem(name, load_base(ModelSettings(base=spec)), settings), state)
    run = Run.open(run_name)
    state = [run.manifest["stages"].get(stage, {}).get("fingerprint") for stage in ("train",)]
    if part == "assistant":
        from cauce.assistant.loading import load_assistant

        return Named(AssistantSystem(name, load_assistant(run)), state)
    if part in ("", "tuned"):
        return Named(ModelSystem(name, load_tuned(run.path / "train" / "model"), settings), state)
    if part == "base":
        from cauce.preparing import base_of
        from cauce.recipe import load_recipe
        from cauce.road import Journey

        journey = Journey(load_recipe(run.path / "recipe.yaml"), run, tell)
        return Named(ModelSystem(name, base_of(journey), settings), state)
    raise NotFound(f"{spec}: a run has no {part!r}.\nName {run_name}:base, :tuned or :assistant.")


def _is_run(name: str) -> bool:
    return any((path / "manifest.json").is_file() for path in (Path(name), Path("runs") / name))
