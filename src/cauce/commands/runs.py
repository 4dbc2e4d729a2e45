"""`cauce runs`: which there are, what is known of one, and where it is."""

from __future__ import annotations

from typing import Annotated

import typer

runs_app = typer.Typer(rich_markup_mode=None)

RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's name under runs/, or its path.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@runs_app.command("list")
def runs_list(json: Json = False) -> None:
    """The runs under runs/, with the stages they finished."""
    from json import dumps

    from cauce.runs import STAGES, Run

    for found in Run.list():
        done = found.manifest["stages"]
        stages = [stage for stage in STAGES if stage in done]
        row = {"run": found.path.name, "path": str(found.path), "stages": stages}
        print(dumps(row) if json else f"{found.path.name:24} {' '.join(stages)}")


@runs_app.command("show")
def runs_show(name: RunName) -> None:
    """The run's manifest as JSON."""
    from cauce.runs import Run

    print((Run.open(name).path / "manifest.json").read_text("utf-8"), end="")


@runs_app.command("path")
def runs_path(name: RunName) -> None:
    """Where the run is."""
    from cauce.runs import Run

    print(Run.open(name).path.resolve())
