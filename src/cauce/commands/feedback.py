"""`cauce feedback` and `cauce improve`: what people said of answers, reviewed, and learned from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cauce.commands.db import DEFAULT, Where, existing_database
from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.improving import Improvement, ImproveSettings
    from cauce.serving.storage import Consented

feedback_app = typer.Typer(rich_markup_mode=None)
improve_app = typer.Typer(rich_markup_mode=None)

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or path.")]
Changes = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Settings, e.g. feedback.review=false lr=1e-4."),
]
Json = Annotated[bool, typer.Option("--json", help="JSON.")]


@feedback_app.command("export")
def feedback_export(
    name: RunName,
    out: Annotated[Path, typer.Option(help="Folder for preferences.jsonl and provenance.jsonl.")],
    changes: Changes = None,
    database: Where = DEFAULT,
    json: Json = False,
) -> None:
    """Write what the run can learn from: with consent, without names, each row with its origin."""
    from cauce.runs import Run
    from cauce.serving.feedback.of_run import export_for

    with existing_database(database) as opened:
        found = export_for(Run.open(name), opened, out, _settings(changes).feedback)
    if json:
        print(found.model_dump_json())
    else:
        print(f"{found.pairs} pairs, {found.ratings} ratings, questions of {found.users} people")
        for reason, count in found.set_aside.items():
            print(f"set aside: {count} {reason}")
    tell(f"Next: cauce improve {name} --feedback {out / 'preferences.jsonl'}")


@feedback_app.command("review")
def feedback_review(
    message: Annotated[
        str, typer.Argument(metavar="[MESSAGE]", help="The answer that is judged.")
    ] = "",
    verdict: Annotated[
        Literal["right", "wrong", "unsafe"] | None, typer.Option(help="Of the answer.")
    ] = None,
    clinician: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The clinician who judges.")
    ] = "",
    text: Annotated[
        str, typer.Option(help="A better answer, learned from word for word where this is bad.")
    ] = "",
    database: Where = DEFAULT,
    json: Json = False,
) -> None:
    """List the answers that wait for a clinician, or give the verdict on one."""
    from cauce.errors import UserError
    from cauce.serving.feedback import waits

    with existing_database(database) as opened:
        if not message:
            for item in filter(waits, opened.consented()):
                print(item.model_dump_json() if json else _waiting(item))
            tell("Next: cauce feedback review MESSAGE --verdict right|wrong|unsafe --as NAME")
            return
        user = opened.user_named(clinician)
        if verdict is None or user is None or user.role != "clinician":
            raise UserError(
                f"a verdict was asked of {clinician or 'nobody'!r}.\n"
                "Give --verdict right, wrong or unsafe, and --as with the name of a clinician: "
                "cauce users list"
            )
        print(opened.add_review(user.id, message, verdict, text).model_dump_json())


def _waiting(item: Consented) -> str:
    said = "\n".join(f"  {one.kind}: {one.text}".rstrip(": ") for one in item.feedback)
    return (
        f"{item.message.id}\n  asked: {item.message.question}\n  told: {item.message.text}\n{said}"
    )


@improve_app.command()
def improve(
    name: RunName,
    changes: Changes = None,
    database: Where = DEFAULT,
    feedback: Annotated[
        Path | None, typer.Option(help="A preferences.jsonl in place of the database.")
    ] = None,
    accept_unknown: Annotated[
        list[str] | None,
        typer.Option(metavar="MEASURE", help="Promote though this one cannot be told."),
    ] = None,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Serve the weights before the present ones.")
    ] = False,
    json: Json = False,
) -> None:
    """Learn from feedback; serve the new weights only if nothing that matters got worse."""
    from cauce.improving import improve as improved
    from cauce.models import promoted
    from cauce.runs import Run

    run = Run.open(name)
    if roll_back:
        print(run.path / promoted.roll_back(run))
        tell("Restart cauce serve to have it answer with these.")
        return
    settings = _settings(changes, accept_unknown or ())
    if feedback is not None:
        found = improved(run, feedback, settings, tell)
    else:
        with existing_database(database) as opened:
            found = improved(run, opened, settings, tell)
    is_served = promoted.served_model(run) == found.model
    print(found.model_dump_json() if json else _told(found, is_served))
    evidence = run.path / Path(found.model).parents[1] / "evidence.html"
    tell(f"Evidence: {evidence}")
    if is_served:
        tell(f"Restart cauce serve to answer with it. Back: cauce improve {name} --roll-back")
    else:
        raise typer.Exit(1)


def _settings(
    changes: list[str] | None, accepted: list[str] | tuple[str, ...] = ()
) -> ImproveSettings:
    from cauce.improving import ImproveSettings
    from cauce.recipe import parse_changed

    return parse_changed(
        ImproveSettings, {"accept_unknown": list(accepted)}, changes or [], "cauce improve"
    )


def _told(found: Improvement, is_served: bool) -> str:
    learned = f"{found.feedback.pairs} pairs, {found.feedback.ratings} ratings, {found.objective}"
    rows = [
        f"{row.measure:20} {row.before:8.3f} {row.after:8.3f} {row.worsening:+8.3f} {row.verdict}"
        for one in found.compared
        for row in one.measures
    ]
    head = f"{'measure':20} {'before':>8} {'after':>8} {'worse by':>8} verdict"
    ending = f"promoted: {found.model}" if is_served else "not promoted"
    if found.is_promoted and not is_served:
        ending = f"rolled back: {found.model}; it is tried again when more was said"
    return "\n".join([learned, head, *rows, ending, *(f"  {reason}" for reason in found.reasons)])
