"""`cauce twin train|evaluate|simulate`: a model of people's state, measured, and asked what if."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from cauce.commands.telling import tell

model_app = typer.Typer(rich_markup_mode=None)

Spoken = Literal["es", "en", "ca"]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run of cauce twin train.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
RUNS = Path("runs")


@contextmanager
def _going_on() -> Iterator[None]:
    """Says of a fit that Ctrl-C stopped that it goes on: its epochs are kept one by one."""
    from cauce.errors import Interrupted

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped; what was learned up to the last whole epoch is kept.\n"
            "Give the same command again to go on."
        ) from None


@model_app.command()
def train(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA... [KEY=VALUE]...",
            help="The challenge's folder or archive, FHIR, CSV, Parquet, or twins by name; "
            "and changes, e.g. liquid.epochs=30.",
        ),
    ],
    outcomes: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV: a person's id, then what became of them.")
    ],
    outcome: Annotated[str, typer.Option(metavar="COLUMN", help="The column that is foretold.")],
    out: Annotated[Path, typer.Option(help="The run: runs/NAME, or NAME.")],
    member: Annotated[
        list[str] | None,
        typer.Option(help="liquid, gru, trees, logistic or last; several are stacked."),
    ] = None,
    held_out: Annotated[
        float, typer.Option(min=0.05, max=0.5, help="Share of the people it never sees.")
    ] = 0.2,
) -> None:
    """Learn what people's readings foretell; killed, it goes on where it was."""
    from cauce import twinning
    from cauce.recipe import parse_changed
    from cauce.twin.state.settings import TwinSettings

    changes = [one for one in data if "=" in one and not Path(one).exists()]
    settings = parse_changed(
        TwinSettings, {"members": member} if member else {}, changes, "cauce twin train"
    )
    task = twinning.TwinTask(
        run=out.name,
        data=tuple(one for one in data if one not in changes),
        outcomes=str(outcomes),
        outcome=outcome,
        held_out=held_out,
        settings=settings,
    )
    with _going_on():
        run = twinning.train(task, tell, out.parent if out.parent.name else RUNS)
    print(run.path / "train" / "model")
    tell(f"Next: cauce twin evaluate {run.path}")


@model_app.command()
def evaluate(
    name: RunName,
    data: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATA]...", help="Others than those held out, for drift too."),
    ] = None,
    outcomes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What became of those in DATA.")
    ] = None,
    json: Json = False,
) -> None:
    """The model and all its baselines on people that none of them saw, and what has drifted."""
    from cauce.evaluation.risk_systems_table import evaluation_table
    from cauce.twin_evaluating import evaluate as evaluated

    with _going_on():
        found = evaluated(name, tell, data=data or (), outcomes=outcomes)
    print(found.model_dump_json() if json else evaluation_table(found))
    tell(f"Next: cauce report {name}")


@model_app.command()
def simulate(
    name: RunName,
    person: Annotated[str, typer.Argument(metavar="NAME", help="A twin that may be shown.")],
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="READING=VALUE", help="In its unit, or 'creatinine=212 umol/L'."
        ),
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option(metavar="MEDICINE", help="One that the person takes.")
    ] = None,
    hours: Annotated[float, typer.Option(help="How far ahead of the last reading.")] = 24,
    lang: Annotated[Spoken, typer.Option(help="Language.")] = "es",
    json: Json = False,
) -> None:
    """What the model would guess had a reading been another: no trial, and no advice."""
    from cauce import twinning
    from cauce.twin.simulation_text import simulation_text

    readings = dict(twinning.read_change(one) for one in changes or ())
    found = twinning.what_if(name, person, readings=readings, medicines=stop or (), hours=hours)
    print(found.model_dump_json() if json else simulation_text(found, lang))
    tell(f"Next: cauce twin evaluate {name}, which tells how far such guesses can be trusted")
