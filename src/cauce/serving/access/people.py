"""What an administrator does with users: adds them, gives tokens, takes both away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from cauce.errors import NotFound, UserError
from cauce.serving.access.callers import LOCAL, digest_of, new_secret
from cauce.serving.access.passwords import hash_password
from cauce.serving.access.roles import SCOPES
from cauce.serving.storage import Role, Token, User
from cauce.twin.store import folder_of

if TYPE_CHECKING:
    from cauce.serving.storage.database import Database

PREFIX = "cauce_"
"""What every token starts with, so that one that leaked into a file is found."""
TOKEN_DAYS = 90
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class IssuedToken(NamedTuple):
    """A token with its secret, which is told this once."""

    secret: str
    token: Token


def has_accounts(database: Database) -> bool:
    """Whether there is anybody besides the local user, so that one must log in."""
    return any(user.name != LOCAL.name for user in database.users())


def person(database: Database, name: str) -> User:
    """The user with the name. Raises NotFound."""
    found = database.user_named(name)
    if found is None:
        raise NotFound(f"there is no user {name[:64]!r}.\nSee who there is: cauce users list")
    return found


def add_person(database: Database, name: str, role: Role, password: str) -> User:
    """The new user. Raises UserError for a name or a password that will not do.

    A name is also that of the user's twin, so it is made of the same letters, and one by which a
    twin goes already, perhaps of somebody whose account was removed, is nobody's to have.
    """
    if not _NAME.fullmatch(name) or name == LOCAL.name:
        raise UserError(
            f"{name[:64]!r} cannot be a user's name.\n"
            f"Use a-z, 0-9, - and _, up to 64 of them; {LOCAL.name!r} is taken."
        )
    if (twin := folder_of(name)).exists():
        raise UserError(
            f"{name!r} cannot be a user's name: a twin goes by it, which the user would see.\n"
            f"Choose another, or remove the twin: cauce twin forget {name}\n"
            f"Where the twin is this person's, move {twin}/ away while you add the user."
        )
    user = database.add_user(name, role, password=hash_password(password))
    database.add_event("user added", user.id, role=role)
    return user


def remove_person(database: Database, user: User) -> None:
    """The user is gone with everything that is theirs; that it was done stays.

    Whoever has the name later is somebody else, so no twin is shown to it any more.
    """
    shown = shown_to(user.name)
    for owner in database.agreed_to(shown):
        database.consent(owner.id, shown, False)
    database.delete_user(user.id)
    database.add_event("user removed")


def change_password(database: Database, user: User, password: str) -> None:
    """Keeps the new password and ends every session, which the old one may have opened."""
    database.set_password(user.id, hash_password(password))
    for token in database.tokens(user.id):
        if token.kind == "session":
            database.delete_token(user.id, token.id)
    database.add_event("password changed", user.id)


def issue_token(
    database: Database, user: User, scopes: Sequence[str], *, name: str, days: int = TOKEN_DAYS
) -> IssuedToken:
    """A token for the user's programs. Raises UserError for scopes that the role does not have."""
    if lacking := [scope for scope in scopes if scope not in SCOPES[user.role]]:
        raise UserError(
            f"a {user.role} has no scope {', '.join(lacking)}.\n"
            f"Choose among {', '.join(SCOPES[user.role])}."
        )
    secret = new_secret(PREFIX)
    token = database.add_token(
        user.id,
        digest_of(secret),
        name=name,
        scopes=scopes,
        expires_at=datetime.now(UTC) + timedelta(days=days),
    )
    database.add_event("token issued", user.id, token=token.id, scopes=list(scopes), days=days)
    return IssuedToken(secret, token)


def revoke(database: Database, user: User, token_id: str | None = None) -> int:
    """How many of the user's tokens and sessions ended: one, or all. Raises NotFound."""
    ending = [token_id] if token_id else [token.id for token in database.tokens(user.id)]
    for one in ending:
        database.delete_token(user.id, one)
        database.add_event("token revoked", user.id, token=one)
    return len(ending)


def shown_to(name: str) -> str:
    """The purpose of a consent by which a person shows their twin to the user of that name."""
    return f"twin shown to {name}"


def share_twin(database: Database, owner: User, reader: User, *, given: bool) -> None:
    """The owner's twin is shown to the reader, or no more. Raises UserError where it cannot be."""
    if given and (owner.id == reader.id or "twins" not in SCOPES[reader.role]):
        raise UserError(
            f"{owner.name}'s twin cannot be shown to {reader.name}, a {reader.role}.\n"
            "Name somebody else, whose role sees twins: a carer or a clinician."
        )
    database.consent(owner.id, shown_to(reader.name), given)


def may_see_twin(database: Database, user: User, name: str) -> bool:
    """Whether the twin is the user's own, or its person agreed to show it to the user."""
    if user.name == name:
        return True
    owner = database.user_named(name)
    said = database.consents(owner.id) if owner else ()
    return any(consent.given and consent.purpose == shown_to(user.name) for consent in said)
