"""Who sends a request, by token or by cookie, and the secrets that prove it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from cauce.serving.access.roles import ALL, SCOPES, Scope
from cauce.serving.storage import User

if TYPE_CHECKING:
    from cauce.serving.storage.database import Database

LOCAL = User(id="local", name="local", role="admin", created_at=datetime.fromtimestamp(0, UTC))
"""Whoever sits at this machine, where there are no accounts."""
_SECRET_BYTES = 32


class Caller(NamedTuple):
    """A user as they came in."""

    user: User
    scopes: frozenset[Scope]
    """Of the role, and of the token where it has fewer."""
    session: str = ""
    """The secret of the cookie; empty where they came in otherwise."""

    @property
    def csrf(self) -> str:
        """What a form of ours carries and another site cannot know; empty without a session."""
        return digest_of(f"form {self.session}") if self.session else ""

    def sent_form(self, token: str) -> bool:
        """Whether the token of a form is the session's; found in the same time either way."""
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "replace"))


def new_secret(prefix: str = "") -> str:
    """256 random bits in letters that an address or a header can carry."""
    return prefix + secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> str:
    """The SHA-256 that stands for a secret in the database.

    A secret of 256 random bits needs no salt and no slow hash: nobody can list the candidates.
    """
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def local_caller(user: User) -> Caller:
    """The one user of a server without accounts, who may do everything."""
    return Caller(user, frozenset(ALL))


def caller_with(database: Database, *, bearer: str, cookie: str) -> Caller | None:
    """Whoever the token or else the cookie belongs to; None where it is nobody's, or has ended.

    A token is found by its digest, so the time of the search tells nothing about the secret. The
    day of its last use is noted, once a day.
    """
    secret, kind = (bearer, "token") if bearer else (cookie, "session")
    token = database.token(digest_of(secret)) if secret else None
    if token is None or token.kind != kind:
        return None
    user = database.user(token.user_id)
    if user is None:
        return None
    if token.used_at is None or token.used_at.date() != datetime.now(UTC).date():
        database.token_used(token.id)
    allowed = frozenset(SCOPES[user.role])
    if kind == "session":
        return Caller(user, allowed, cookie)
    return Caller(user, frozenset(scope for scope in allowed if scope in token.scopes))
