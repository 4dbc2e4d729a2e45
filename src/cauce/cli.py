"""The command line: verbs that call the functions of the stages; imports stand inside the verbs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cauce.commands.feedback import improve_app
from cauce.commands.later import later
from cauce.commands.serve import serve_app
from cauce.commands.telling import tell
from cauce.commands.trust import trust_app

if TYPE_CHECKING:
    from cauce.runs import Run
    from cauce.twin.timeline import Timeline

app = typer.Typer(
    name="cauce",
    help="Adapt a language model to a domain, prove what changed, serve answers with their source.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
GROUPS = {
    "feedback": "What people said of answers: exported, and reviewed by clinicians.",
    "drugs": "What the documents say of a medicine, and what changed in them.",
    "scholar": "What articles cite, the DOIs of it, and answers out of a library of them.",
    "tasks": "Questions that any model or assistant can be asked, and what it scores.",
    "federated": "Train one model at many sites, each over data that stays where it is.",
    "twin": "A person's record over time: kept with consent, shown, and forgotten.",
    "db": "The database of the app: users, conversations, feedback.",
    "users": "Who may come in to cauce serve: users, their passwords and tokens.",
    "tokenizer": "Tokenizers: made from one's own texts, and looked into.",
    "runs": "The runs there are.",
    "models": "The models on this machine.",
}
"""What is found in each module of `cauce.commands` that is read when it is asked for."""

app.add_typer(serve_app)
app.add_typer(improve_app)
app.add_typer(trust_app)
for group, about in GROUPS.items():
    app.add_typer(later(group, about), name=group)

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe (YAML).")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Changes, e.g. training.steps=400."),
]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's name under runs/, or its path.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def _walk(recipe_path: Path, overrides: list[str] | None, last: str = "report") -> Run:
    from cauce import road
    from cauce.recipe import load_recipe

    journey = road.start(load_recipe(recipe_path, overrides or ()), tell)
    road.walk(journey, last)
    if road.is_helper():
        raise typer.Exit
    return journey.run


@app.command()
def run(recipe: RecipePath, changes: Overrides = None) -> None:
    """Walk the whole road: fetch, prepare, train, evaluate, compare, report."""
    from cauce.evaluation.summary import scores_table

    done = _walk(recipe, changes)
    print(scores_table(done.path / "evaluate" / "scores.json"))
    print(f"report: {done.path / 'report' / 'report.html'}")
    if (done.path / "prepare" / "index.sqlite").is_file():
        tell(f'Next: cauce ask {done.path.name} "¿...?"   or   cauce serve {done.path.name}')
    else:
        tell(f"Next: adapt it, with model.base={done.path / 'train' / 'model'} in another recipe")


@app.command()
def fetch(
    kind: Annotated[
        str, typer.Argument(metavar="KIND|RECIPE", help="A kind of source, or a recipe.")
    ],
    options: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for documents.jsonl (with KIND).")
    ] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Print counts as JSON.")] = False,
) -> None:
    """Bring documents in, from a kind of source or as a recipe says."""
    import json

    from cauce.errors import UserError

    is_recipe = Path(kind).suffix in (".yaml", ".yml")
    if is_recipe and out:
        raise UserError(f"--out {out} goes with a kind of source.\nA recipe writes into its run.")
    if is_recipe:
        folder = _walk(Path(kind), options, "fetch").folder("fetch")
        summary = _stage_summary(folder)
        tell(f"Next: cauce prepare {kind}")
    elif out is None:
        raise UserError("no --out was given.\nName the folder for the documents: --out DIR")
    else:
        folder, summary = out, _fetch_kind(kind, options or [], out)
    if stats:
        print(json.dumps(summary, ensure_ascii=False, sort_keys=True))
    else:
        print(folder / "documents.jsonl")


def _fetch_kind(kind: str, options: list[str], out: Path) -> dict[str, Any]:
    from cauce.recipe import parse_source
    from cauce.sources import fetch

    return fetch([parse_source(kind, options)], out, tell)


def _stage_summary(folder: Path) -> dict[str, Any]:
    from cauce.runs import Run

    summary: dict[str, Any] = Run(folder.parent).manifest["stages"][folder.name]["summary"]
    return summary


@app.command()
def prepare(
    recipe: RecipePath,
    changes: Overrides = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Print three rendered examples.")
    ] = False,
) -> None:
    """Make the section index and the examples, or rows of text; what is learned is in 【 and 】."""
    done = _walk(recipe, changes, "prepare")
    summary = _stage_summary(done.folder("prepare"))
    if preview:
        print("\n\n".join(summary["preview"]))
    for line in _prepared_lines(summary):
        print(line)
    tell(f"Next: cauce train {recipe}")


def _prepared_lines(summary: dict[str, Any]) -> list[str]:
    """The counts of a prepare stage, whatever its kind of corpus."""
    if "rows" in summary:
        return [
            f"{split}: {count} rows of {summary['documents'][split]} documents, "
            f"{summary['tokens'][split]} tokens"
            for split, count in summary["rows"].items()
        ]
    examples = [
        f"{split}: {count} examples of {summary['groups'][split]} groups"
        for split, count in summary["examples"].items()
    ]
    learned, read = summary["supervised_tokens"], summary["prompt_tokens"]
    return [*examples, f"tokens: {learned} learned, {read} only read"]


@app.command()
def train(recipe: RecipePath, changes: Overrides = None) -> None:
    """Tune the model; interrupted, it resumes from its last good checkpoint."""
    done = _walk(recipe, changes, "train")
    print(done.path / "train" / "model")
    tell(f"Next: cauce evaluate {recipe}")


@app.command()
def evaluate(
    recipe: RecipePath,
    changes: Overrides = None,
    json: Json = False,
    export: Annotated[
        str | None,
        typer.Option(help="lm-eval or inspect: write the test questions for it, ask nobody."),
    ] = None,
) -> None:
    """Ask base, tuned and assistant the test questions; scores with intervals."""
    if export:
        from cauce.commands.tasks import export_run
        from cauce.evaluation.bridges import tool_named

        tool = tool_named(export)
        export_run(_walk(recipe, changes, "prepare"), tool)
        return
    from cauce.evaluation.summary import scores_table

    done = _walk(recipe, changes, "evaluate")
    scores = done.path / "evaluate" / "scores.json"
    print(scores.read_text("utf-8") if json else scores_table(scores))
    tell(f"Next: cauce compare {done.path.name}:base {done.path.name}:tuned")


@app.command()
def compare(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="A B [C]...",
            help="RUN:SYSTEM, e.g. demo:base, or log files; the first is held against the rest.",
        ),
    ],
    json: Json = False,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Paired differences with intervals over the same items, and the items that flipped."""
    from cauce.errors import UserError
    from cauce.evaluation.compare import compare_all, read_logs
    from cauce.evaluation.comparison_table import format_flips, format_table
    from cauce.evaluation.forest import format_forest, in_encoding

    if len(names) < 2:
        raise UserError(
            f"compare takes two systems or more: only {names[0]} was given.\nName both."
        )
    comparisons = compare_all(read_logs([(name, _log_of(name)) for name in names]), seed=seed)
    if json:
        print("\n".join(comparison.model_dump_json() for comparison in comparisons))
        return
    parts = [format_table(comparisons), format_forest(comparisons), format_flips(comparisons)]
    print(in_encoding("\n\n".join(filter(None, parts)), sys.stdout.encoding))


def _log_of(name: str) -> Path:
    """The log file of `RUN:SYSTEM` (`tuned` when no system is named), or the file itself."""
    from cauce.errors import NotFound
    from cauce.runs import Run

    if Path(name).is_file():
        return Path(name)
    run_name, _, system = name.partition(":")
    path = Run.open(run_name).path / "evaluate" / f"{system or 'tuned'}.jsonl"
    if not path.is_file():
        raise NotFound(
            f"{name}: there is no {path}.\nEvaluate the run first: cauce evaluate RECIPE"
        )
    return path


@app.command()
def report(
    name: RunName,
    trust: Annotated[
        bool, typer.Option("--trust", help="The evidence: page, JSON and model card.")
    ] = False,
    language: Annotated[Literal["en", "es"], typer.Option(help="Of the page of evidence.")] = "en",
    country: Annotated[
        str, typer.Option(help="Whose electricity the model runs on; ISO 3166, three letters.")
    ] = "ESP",
    key: Annotated[
        Path | None,
        typer.Option(help="Your NAME.signing.pem, to sign the evidence with."),
    ] = None,
) -> None:
    """Write the run's report again and print its path; with --trust, the evidence of it."""
    from cauce.report.page import write_report
    from cauce.report.trust.writing import write_trust
    from cauce.runs import Run

    found = Run.open(name)
    if not trust:
        print(write_report(found))
        return
    written = write_trust(found, language=language, country=country, key=key)
    print(written.page)
    tell(f"Next: cauce verify {written.data}")


@app.command()
def ask(
    name: RunName,
    question: Annotated[
        str | None, typer.Argument(help="One question, in Spanish or English.")
    ] = None,
    questions: Annotated[Path | None, typer.Option(help="JSON lines with id and question.")] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="In plain language, no safety fact left out.")
    ] = False,
    twin: Annotated[str, typer.Option(help="Twin to answer with in mind.")] = "",
    json: Json = False,
) -> None:
    """Ask the run's assistant; the answer comes with its source, or with the reason for none."""
    from cauce.assistant.files import answer_file, render
    from cauce.assistant.loading import load_assistant
    from cauce.errors import UserError
    from cauce.runs import Run

    if (question is None) == (questions is None):
        raise UserError(
            "ask takes one question, or --questions FILE.\nGive exactly one of the two."
        )
    if questions is not None and plain:
        raise UserError("--plain goes with one question.\nAsk the questions of a file without it.")
    if questions is not None and not questions.is_file():
        raise UserError(f"no file {questions}.\nName JSON lines with id and question.")
    found = Run.open(name)
    assistant = load_assistant(found, _record(twin))
    if assistant.model is None:
        tell(f"{found.path} is not trained: its sections are quoted. Train it: cauce train RECIPE")
    if questions is not None:
        for line in answer_file(assistant, questions):
            print(line, flush=True)
        return
    reply = assistant.reply(str(question), plain=plain)
    print(reply.model_dump_json() if json else render(reply))
    if found.manifest.get("notice"):
        tell(found.manifest["notice"])


def _record(twin: str) -> Timeline | None:
    """The record of the twin of that name, which must be consented to be talked of."""
    from cauce.twin.store import open_twin

    return open_twin(twin, "conversation").timeline if twin else None


@app.command()
def doctor(json: Json = False) -> None:
    """Check this machine: versions, threads, memory, accelerator, two processes that add up."""
    from cauce.doctor import examine, format_findings

    findings = examine()
    if json:
        from json import dumps

        print(dumps(findings))
    else:
        print(format_findings(findings))
    if not findings["all_reduce"]["ok"]:
        raise typer.Exit(1)


def main() -> None:
    """Entry point: errors of cauce are two lines and an exit code; faults keep their traceback."""
    from cauce.errors import CauceError
    from cauce.models.threads import configure_threads

    configure_threads()
    # The road is offline; only `fetch` and `models pull` reach out, and say so.
    if sys.argv[1:2] != ["models"] and sys.argv[1:2] != ["fetch"]:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        _run_and_flush()
    except CauceError as error:
        tell(f"{type(error).__name__}: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader has gone; what is still buffered would be complained of at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _run_and_flush() -> None:
    try:
        app()
    finally:
        sys.stdout.flush()
