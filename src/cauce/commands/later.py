"""A group of verbs whose module is read when one of them is asked for: help must cost little."""

from __future__ import annotations

from collections.abc import MutableMapping
from importlib import import_module
from typing import Any

import click
import typer
from typer.core import TyperGroup


def later(group: str, help: str) -> typer.Typer:
    """The verbs of `GROUP_app` in `cauce.commands.GROUP`."""

    class Later(TyperGroup):
        """Its verbs are read from the module when somebody looks at them."""

        @property
        def commands(self) -> MutableMapping[str, click.Command]:
            """The verbs by name."""
            made = typer.main.get_command(
                getattr(import_module(f"cauce.commands.{group}"), f"{group}_app")
            )
            assert isinstance(made, TyperGroup)
            return made.commands

        @commands.setter
        def commands(self, none: Any) -> None:
            """click sets those that it was made with: none."""

    return typer.Typer(cls=Later, help=help, no_args_is_help=True, rich_markup_mode=None)
