"""`cauce users`: who may come in to `cauce serve`, as what, and with which tokens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cauce.commands.db import DEFAULT, Where
from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.serving.storage import Token, User

users_app = typer.Typer(rich_markup_mode=None)

PASSWORD = "CAUCE_PASSWORD"
"""The environment's variable for those who cannot type; an argument would be seen by others."""
UserName = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
Role = Literal["patient", "carer", "clinician", "researcher", "admin"]


@users_app.command("add")
def users_add(
    name: UserName,
    role: Annotated[Role, typer.Option(help="What the user may do.")],
    database: Where = DEFAULT,
) -> None:
    """Add a user; the password is asked for, or read from CAUCE_PASSWORD."""
    from cauce.serving.access import add_person
    from cauce.serving.storage import open_database

    with open_database(database) as opened:
        user = add_person(opened, name, role, _password())
    print(_line(user))
    tell("Restart cauce serve if it was running without accounts.")


@users_app.command("list")
def users_list(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The tokens of this user.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    database: Where = DEFAULT,
) -> None:
    """The users, or the tokens and sessions of one."""
    from cauce.serving.access import person
    from cauce.serving.storage import open_database

    with open_database(database) as opened:
        if name:
            for token in opened.tokens(person(opened, name).id):
                print(token.model_dump_json() if json else _token_line(token))
            return
        for user in opened.users():
            print(user.model_dump_json() if json else _line(user))


@users_app.command("remove")
def users_remove(
    name: UserName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: Where = DEFAULT,
) -> None:
    """Remove a user with everything that is theirs: conversations, feedback, votes, tokens."""
    from cauce.serving.access import person, remove_person
    from cauce.serving.storage import open_database

    with open_database(database) as opened:
        user = person(opened, name)
        if not yes:
            typer.confirm(f"Remove {name} and everything that is theirs?", abort=True, err=True)
        remove_person(opened, user)
    tell(f"A twin of theirs is removed apart, and keeps the name taken: cauce twin forget {name}")


@users_app.command("password")
def users_password(name: UserName, database: Where = DEFAULT) -> None:
    """Give a user another password, which ends the sessions that the old one opened."""
    from cauce.serving.access import change_password, person
    from cauce.serving.storage import open_database

    with open_database(database) as opened:
        change_password(opened, person(opened, name), _password())


@users_app.command("token")
def users_token(
    name: UserName,
    scope: Annotated[
        list[str],
        typer.Option(help="chat, twins, research, runs, review or admin; may be repeated."),
    ],
    label: Annotated[str, typer.Option(help="What its owner calls it.")] = "",
    days: Annotated[int, typer.Option(min=1, help="How long it lasts.")] = 90,
    database: Where = DEFAULT,
) -> None:
    """Print a new token for the user's programs, this once: only its digest is kept."""
    from cauce.serving.access import issue_token, person
    from cauce.serving.storage import open_database

    with open_database(database) as opened:
        issued = issue_token(opened, person(opened, name), scope, name=label, days=days)
    print(issued.secret)
    tell(f"Shown this once. To end it: cauce users revoke {name} {issued.token.id}")


@users_app.command("revoke")
def users_revoke(
    name: UserName,
    token: Annotated[str, typer.Argument(metavar="[ID]", help="One of them.")] = "",
    database: Where = DEFAULT,
) -> None:
    """End a token or session of a user, or all of them; print how many."""
    from cauce.serving.access import person, revoke
    from cauce.serving.storage import open_database

    with open_database(database) as opened:
        print(revoke(opened, person(opened, name), token or None))


@users_app.command("share")
def users_share(
    name: UserName,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Who may look at it.")],
    stop: Annotated[bool, typer.Option("--stop", help="They no longer may.")] = False,
    database: Where = DEFAULT,
) -> None:
    """Note that NAME agrees to show their twin to OTHER: a carer or a clinician."""
    from cauce.serving.access import person, share_twin
    from cauce.serving.storage import open_database

    with open_database(database) as opened:
        share_twin(opened, person(opened, name), person(opened, other), given=not stop)


def _password() -> str:
    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked


def _line(user: User) -> str:
    return f"{user.name:24} {user.role:12} since {user.created_at:%Y-%m-%d}"


def _token_line(token: Token) -> str:
    ends = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "without end"
    used = f"used {token.used_at:%Y-%m-%d}" if token.used_at else "never used"
    return f"{token.id}  {token.kind:8} {ends}, {used}  {', '.join(token.scopes)}  {token.name}"
