"""The verbs of trust: judge, triage, red team, robustness, privacy, calibration, evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.runs import Run

trust_app = typer.Typer(rich_markup_mode=None)

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or path.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Mode = Literal["smoke", "full", "adaptive"]
Country = Annotated[str, typer.Option(help="Whose telephone numbers are given; ISO 3166.")]


@trust_app.command()
def judge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines: id, prompt, answer.")],
) -> None:
    """Say of each answer: refuses, safe_completion, harmful or incoherent (es, en, ca)."""
    from cauce.safety.judge.files import judge_file

    _print_lines(judge_file, file)


@trust_app.command()
def triage(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines: id, text.")],
    country: Country = "ES",
) -> None:
    """Say of each text which emergency it tells of, and which number to call (es, en, ca)."""
    from cauce.safety.triage.files import triage_file

    _print_lines(lambda path: triage_file(path, country=country), file)


@trust_app.command()
def rejudge(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="garak's ….report.jsonl.")],
    json: Json = False,
) -> None:
    """Judge the answers in a garak report again, with exact intervals, and name silent probes."""
    from cauce.evaluation.redteam.garak import rejudge as rejudged
    from cauce.evaluation.redteam.table import rejudged_table

    found = rejudged(_existing(report))
    print(found.model_dump_json() if json else rejudged_table(found))
    for refusal in found.refused:
        tell(f"refused {refusal.file}, {refusal.position}: {refusal.reason}")
    if found.silent:
        tell(f"{len(found.silent)} probes were not evaluated, which is not a pass.")


@trust_app.command()
def redteam(
    name: RunName,
    mode: Annotated[
        Mode,
        typer.Option(
            help="300 prompts; all, and what it keeps and reads; or attackers that adapt."
        ),
    ] = "smoke",
    base: Annotated[
        bool, typer.Option("--base", help="The model alone, before and after tuning.")
    ] = False,
    budget: Annotated[int, typer.Option(help="Adaptive: most queries for a goal.")] = 20,
    attacker: Annotated[
        str, typer.Option(help="Adaptive: a model that attacks (PAIR, TAP), by folder or hub id.")
    ] = "",
    suffixes: Annotated[
        bool, typer.Option("--suffixes", help="Adaptive: search suffixes on the weights (GCG).")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides which prompts are asked.")] = 0,
    json: Json = False,
) -> None:
    """Attack the run's assistant as it is served; over-refusal is measured beside."""
    from cauce.errors import UserError
    from cauce.runs import Run

    found = Run.open(name)
    if mode != "adaptive":
        asked = _tuning if base else _campaign
        print(asked(found, mode, seed=seed, json=json))
    elif base:
        raise UserError("--base asks the same prompts twice.\nUse it with --mode smoke or full.")
    else:
        print(_adaptive(found, budget, attacker, suffixes=suffixes, seed=seed, json=json))
    tell(f"Every try with its answer is under {found.path}. Next: cauce report {name} --trust")


def _campaign(run: Run, mode: Literal["smoke", "full"], *, seed: int, json: bool) -> str:
    from cauce.evaluation.redteam.campaign import redteam as attacked
    from cauce.evaluation.redteam.judged import judge_counts
    from cauce.evaluation.redteam.table import findings_table

    found = attacked(run, mode, figures=judge_counts().figures, seed=seed, progress=tell)
    return found.model_dump_json() if json else findings_table(found)


def _tuning(run: Run, mode: Literal["smoke", "full"], *, seed: int, json: bool) -> str:
    from cauce.evaluation.redteam.tuning import compare_tuning
    from cauce.evaluation.redteam.tuning_table import tuning_table

    effect = compare_tuning(run, mode, seed=seed, progress=tell)
    return effect.model_dump_json() if json else tuning_table(effect)


def _adaptive(
    run: Run, budget: int, attacker: str, *, suffixes: bool, seed: int, json: bool
) -> str:
    from cauce.corpus.research.settings import WriterSettings
    from cauce.evaluation.redteam.adaptive.campaign import AdaptiveSettings
    from cauce.evaluation.redteam.adaptive.campaign import adaptive as attacked
    from cauce.evaluation.redteam.adaptive.gcg import GcgSettings
    from cauce.evaluation.redteam.adaptive.results import adaptive_table
    from cauce.evaluation.redteam.judged import judge_counts

    settings = AdaptiveSettings(
        budget=budget,
        writer=WriterSettings(model=attacker) if attacker else None,
        gcg=GcgSettings() if suffixes else None,
    )
    found = attacked(run, settings, figures=judge_counts().figures, seed=seed, progress=tell)
    return found.model_dump_json() if json else adaptive_table(found)


@trust_app.command()
def remedy(
    name: RunName,
    kind: Annotated[
        Literal["rules", "scale", "project", "mix"],
        typer.Argument(help="Rules when serving, a smaller adapter, one turned back, another run."),
    ],
    aligned: Annotated[
        str, typer.Option(help="project: a model that was aligned, by folder or hub id.")
    ] = "",
    unaligned: Annotated[str, typer.Option(help="project: the same before it was aligned.")] = "",
    with_examples: Annotated[
        str, typer.Option("--with", help="mix: the run that learned safety examples too.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Decides which prompts are asked.")] = 0,
    json: Json = False,
) -> None:
    """Take back harm that tuning added: harm, refusals, nonsense and task before and after."""
    from cauce.errors import UserError
    from cauce.evaluation.redteam.remedies import (
        Subspace,
        mixed,
        project_back,
        scale_back,
        serve_with_rules,
    )
    from cauce.evaluation.redteam.tuning_table import remedy_table
    from cauce.runs import Run

    run = Run.open(name)
    if kind == "project":
        if not aligned or not unaligned:
            raise UserError(
                "project turns the adapter towards what alignment changed.\n"
                "Name a model twice: --aligned and --unaligned."
            )
        found = project_back(run, Subspace(aligned, unaligned), seed=seed, progress=tell)
    elif kind == "mix":
        if not with_examples:
            raise UserError(
                "mix sets the run beside one that learned safety examples.\nTrain that first: "
                f"cauce run RECIPE run={name}-mixed corpus.safety_share=0.05   and name it: --with"
            )
        found = mixed(run, Run.open(with_examples), seed=seed, progress=tell)
    else:
        remedied = scale_back if kind == "scale" else serve_with_rules
        found = remedied(run, seed=seed, progress=tell)
    print(found.model_dump_json() if json else remedy_table(found))
    way = {"rules": "assistant.guards.rules", "mix": f"cauce serve {with_examples}"}
    tell(f"The model: {found.folder}. Serve it with {way.get(kind, 'assistant.remedy')}")


@trust_app.command()
def robustness(
    name: RunName,
    max_items: Annotated[int, typer.Option(help="Test questions asked in other forms.")] = 40,
    seed: Annotated[int, typer.Option(help="Decides the questions and the misspellings.")] = 0,
    json: Json = False,
) -> None:
    """Ask the test questions as other people would, and badly typed; who is answered otherwise."""
    from json import dumps

    from cauce.evaluation.robustness.table import robustness_table
    from cauce.evaluation.robustness.trial import robustness as asked
    from cauce.runs import Run

    found = Run.open(name)
    scores = asked(found, max_items=max_items, seed=seed, progress=tell)
    rows = [*scores["robustness"], *scores["fairness"]]
    print(dumps(scores) if json else robustness_table(rows))
    tell(f"What changed, item by item: {found.path / 'robustness' / 'changed.jsonl'}")


@trust_app.command()
def privacy(name: RunName, json: Json = False) -> None:
    """What the tuned model tells of its examples, the base beside it: three attacks."""
    from json import dumps

    from cauce.evaluation.privacy.adapter import privacy as attacked
    from cauce.evaluation.privacy.table import privacy_table
    from cauce.runs import Run

    scores = attacked(Run.open(name), progress=tell)
    print(dumps(scores) if json else privacy_table(scores))


@trust_app.command()
def calibrate(
    name: RunName,
    answers: Annotated[
        Path | None, typer.Option(help="JSON lines: id, confidence, right; else the run's own.")
    ] = None,
    alpha: Annotated[float, typer.Option(help="Highest share of wrong answers wanted.")] = 0.1,
    among: Annotated[
        Literal["all", "shown", "claims"],
        typer.Option(help="Of all questions, of the answers shown, or answers by their claims."),
    ] = "all",
    json: Json = False,
) -> None:
    """Hold unsure answers back, so that few are wrong: with 25 judged answers or more."""
    from cauce.evaluation.calibrating import calibrate as calibrated
    from cauce.recipe import load_recipe
    from cauce.runs import Run

    found = Run.open(name)
    way = load_recipe(found.path / "recipe.yaml").assistant.way
    guarantee = calibrated(found, answers, alpha=alpha, among=among, way=way)
    print(guarantee.model_dump_json() if json else guarantee.promise)
    tell(f"{guarantee.shown:.0%} of these answers would be shown; see {found.path / 'calibrate'}")


@trust_app.command()
def verify(
    report: Annotated[
        Path, typer.Argument(metavar="REPORT", help="A trust.json or its folder, or a log.")
    ],
    head: Annotated[
        Path | None,
        typer.Option(help="Its signed head, kept elsewhere: trust.head.json, or of a log its own."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The signer's public key, NAME.signing.pub.")
    ] = None,
    json: Json = False,
) -> None:
    """Find edits, deletions and reorderings in a report of trust or a log; tell what is unseen."""
    from json import dumps

    from cauce.audit import LogHead
    from cauce.errors import DataRefused, UserError
    from cauce.federated.keys import signing_line
    from cauce.report.trust.verifying import verify_report
    from cauce.report.trust.writing import SIGNED_HEAD
    from cauce.signatures import Signed, check_signature, read_signed

    if (head is None) != (key is None):
        raise UserError("--head and --key go together.\nGive both, or neither.")
    if report.suffix in (".html", ".md"):
        raise UserError(
            f"{report} is a page for people, which nothing in it proves.\n"
            f"Verify the report that it shows: {report.with_name('trust.json')}"
        )
    if head is not None and head.name == SIGNED_HEAD and report.suffix == ".jsonl":
        raise UserError(
            f"{head} is the head of a report, and {report} is a log.\n"
            "Verify the report, which names how far its logs had come; or sign the head of the "
            f"log itself: cauce federated audit head {report} --key NAME.signing.pem"
        )
    signed = None
    if head is not None and key is not None:
        signed = check_signature(read_signed(head, Signed[LogHead]), signing_line(key), str(head))
    verdict = verify_report(report, signed)
    if json:
        print(dumps(verdict._asdict()))
    else:
        print(f"{verdict.entries} entries follow each other; the last is {verdict.sha256[:16]}")
    for unseen in verdict.unseen:
        tell(f"Not seen: {unseen}.")
    if verdict.faults:
        faults = "; ".join(verdict.faults)
        raise DataRefused(f"{report}: {faults}.\nIt is not what cauce wrote: ask who changed it.")


def _print_lines(lines_of: Callable[[Path], Iterator[str]], path: Path) -> None:
    for line in lines_of(_existing(path)):
        print(line, flush=True)


def _existing(path: Path) -> Path:
    from cauce.errors import NotFound

    if not path.is_file():
        raise NotFound(f"no file {path}.\nName one that is there.")
    return path
