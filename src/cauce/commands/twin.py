"""`cauce twin`: a person's record over time, kept with consent, shown, and forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cauce.commands.telling import tell
from cauce.commands.twin_model import model_app

if TYPE_CHECKING:
    from cauce.twin.consent import Consent, Purpose
    from cauce.twin.store import Listed

twin_app = typer.Typer(rich_markup_mode=None)

twin_app.add_typer(model_app)

Spoken = Literal["es", "en", "ca"]
Quality = Literal["self", "parent", "guardian", "curator", "attorney", "relative"]
TwinName = Annotated[str, typer.Argument(metavar="NAME", help="What the twin is called here.")]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Last day of the consent."),
]
Purposes = Annotated[
    list[str] | None,
    typer.Option("--for", help="conversation, training, research or display; may be repeated."),
]
MOST_REFUSALS = 10
"""Refusals that are told one by one; how many more there are is said."""


@twin_app.command()
def add(
    name: TwinName,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="FHIR or CSV: files, folders, globs.")
    ],
    by: Annotated[str, typer.Option(help="Who consents: the person or a representative.")] = "",
    quality: Annotated[Quality, typer.Option("--as", help="In which quality.")] = "self",
    purposes: Purposes = None,
    until: Until = None,
    person: Annotated[
        list[str] | None, typer.Option(help="The person's id in the files; may be repeated.")
    ] = None,
    validate: Annotated[
        bool, typer.Option("--validate", help="Set aside what is not valid FHIR; slow.")
    ] = False,
) -> None:
    """Read files into a twin, new or old; read again, nothing is doubled."""
    from cauce.twin.store import add_twin

    consent = _consent(by, quality, _purposes(purposes), until)
    added = add_twin(name, files, consent, persons=person or (), validate=validate)
    events = len(added.twin.timeline.events)
    print(f"{name}: {events} events; {added.new} new, {added.changed} changed, {added.known} known")
    for refusal in added.refusals[:MOST_REFUSALS]:
        tell(f"set aside {refusal.file}, {refusal.position}: {refusal.reason}")
    if len(added.refusals) > MOST_REFUSALS:
        tell(f"and {len(added.refusals) - MOST_REFUSALS} more were set aside")
    if added.others:
        tell(f"of {added.others} other people in the files nothing was kept")
    tell(f"Next: cauce twin show {name}")


def _consent(
    by: str, quality: Quality, purposes: tuple[Purpose, ...], until: datetime | None
) -> Consent | None:
    """The consent that the options tell; None where they tell none."""
    from cauce.errors import UserError
    from cauce.twin.consent import Consent
    from cauce.twin.store import today

    if not (by or purposes or until):
        return None
    if not (by and purposes and until):
        raise UserError(
            "a consent has a person, purposes and a last day.\n"
            "Give all of them: --by NAME --as QUALITY --for PURPOSE --until DATE"
        )
    consent = Consent(by=by, quality=quality, purposes=purposes, given=today(), until=until.date())
    if consent.has_expired(today()):
        raise UserError(f"the consent ended on {consent.until}.\nGive a day to come: --until DATE")
    return consent


def _purposes(names: list[str] | None) -> tuple[Purpose, ...]:
    from typing import get_args

    from cauce.errors import UserError
    from cauce.twin.consent import Purpose

    known: dict[str, Purpose] = {name: name for name in get_args(Purpose)}
    if strange := [name for name in names or () if name not in known]:
        raise UserError(f"{strange[0]!r} is no purpose.\nThere are {', '.join(known)}.")
    return tuple(known[name] for name in names or ())


@twin_app.command("list")
def list_(
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """The twins there are, what was agreed to and until when."""
    from json import dumps

    from cauce.twin.forgetting import expired
    from cauce.twin.store import list_twins

    for listed in list_twins():
        print(dumps(_row(listed)) if json else _line(listed))
    if names := expired():
        tell(f"The consent to {', '.join(names)} has ended.")
        tell("Next: cauce twin renew NAME --until DATE, or cauce twin forget --expired")


def _row(listed: Listed) -> dict[str, Any]:
    row = {"twin": listed.name, "id": listed.id, "files": listed.files}
    return {**row, "expired": listed.is_expired, **listed.consent.model_dump(mode="json")}


def _line(listed: Listed) -> str:
    consent = listed.consent
    ends = f"{'ended' if listed.is_expired else 'until'} {consent.until}"
    return f"{listed.name:24} {ends}  {', '.join(consent.purposes)}  files: {listed.files}"


@twin_app.command()
def show(
    name: TwinName,
    html: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
    run: Annotated[
        str, typer.Option(metavar="RUN", help="A run whose model tells a risk, as its guess.")
    ] = "",
    lang: Annotated[Spoken, typer.Option(help="Language.")] = "es",
) -> None:
    """Tell what the record says, or draw it on one page; each look is logged."""
    from cauce.report.twin.page import write_page
    from cauce.report.twin.text import twin_text
    from cauce.twin.store import open_twin
    from cauce.twinning import guesser

    twin = open_twin(name, "display")
    guess = guesser(run)(twin) if run else None
    if html:
        print(write_page(html, twin, lang, guess))
        return
    print(twin_text(twin, lang, datetime.now(UTC), guess))
    tell(f"Next: cauce twin show {name} --html {name}.html --lang {lang}")


@twin_app.command()
def renew(
    name: TwinName,
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Last day.")
    ],
    purposes: Purposes = None,
) -> None:
    """Let a consent go on until another day, or for other purposes."""
    from cauce.twin.store import renew as renewed

    consent = renewed(name, until.date(), _purposes(purposes))
    print(f"{name}: until {consent.until}, for {', '.join(consent.purposes)}")


@twin_app.command()
def forget(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="What it is called.")] = "",
    expired: Annotated[
        bool, typer.Option("--expired", help="Every twin whose consent has ended.")
    ] = False,
    runs: Annotated[
        bool, typer.Option("--runs", help="Remove the runs that learned from it too.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Tell what would be left; remove nothing.")
    ] = False,
    check: Annotated[
        str, typer.Option(metavar="KEY", help="Check the receipt of an earlier forgetting.")
    ] = "",
) -> None:
    """Remove a twin everywhere, search for what is left, and keep a receipt that tells nothing."""
    from cauce.errors import UserError
    from cauce.twin import forgetting

    if bool(name) == expired:
        raise UserError("forget takes either a twin's NAME or --expired.\nSee: cauce twin list")
    if check:
        print(forgetting.check_receipt(name, check).model_dump_json())
        return
    for one in forgetting.expired() if expired else [name]:
        if preview:
            _preview(one)
        else:
            _forget(one, with_runs=runs)


def _preview(name: str) -> None:
    from cauce.twin.forgetting import preview

    left = preview(name)
    for run in left.runs:
        print(f"learned from it: {run}")
    for hit in left.hits:
        print(f"would be left: {hit.path} ({' and '.join(hit.kinds)})")
    tell(f"{left.files_searched} files were searched, beside the twin and its runs.")
    _tell_what_for(left.looked_for, left.too_short)
    tell(f"Next: cauce twin forget {name}")


def _tell_what_for(looked_for: int, too_short: int) -> None:
    tell(f"Looked for: {looked_for} ids, names, texts and numbers of the person.")
    if too_short:
        tell(f"Not looked for: {too_short} ids too short to be told from chance.")


def _forget(name: str, *, with_runs: bool) -> None:
    from cauce.twin.forgetting import forget, refuse_what_is_left

    found = forget(name, with_runs=with_runs)
    print(found.receipt.model_dump_json())
    _tell_what_for(found.receipt.looked_for, found.receipt.too_short)
    tell(f"Key of the receipt, kept nowhere: {found.key}")
    if found.receipt.runs_withdrawn:
        tell(f"{found.receipt.runs_withdrawn} runs learned from it: refused until trained anew.")
    tell(f"The files that it was read from are yours to remove: {', '.join(found.sources)}")
    tell("Not proved: copies elsewhere, backups, and what a disk keeps of removed files.")
    refuse_what_is_left(found)
    tell(f"Next: cauce twin forget {name} --check KEY; cauce verify twins/access.jsonl")
