"""Tokens by a form: made, told once, and ended; one's own, or another's by an administrator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from fastapi import Request

from cauce.serving.access import SCOPES, issue_token
from cauce.serving.access.callers import digest_of
from cauce.serving.access.needs import caller_of
from cauce.serving.access.people import TOKEN_DAYS, IssuedToken
from cauce.serving.pages.forms import SWITCHED_ON, whole_number
from cauce.serving.pages.shell import spoken_in
from cauce.serving.storage import Token, User
from cauce.serving.storage.database import Database
from cauce.serving.wording.tokens import TOKENS

LONGEST_NAME_CHARACTERS = 80
MOST_DAYS = 3650


class TokenList(NamedTuple):
    """What `tokens.html.j2` shows of a user's tokens."""

    words: dict[str, str]
    tokens: Sequence[Token]
    scopes: Sequence[str]
    """That a new one may have."""
    secret: str
    """Of the one that was made just now; told this once."""
    here: str
    """The id of the session that the page is read in."""
    now: datetime
    days: int = TOKEN_DAYS
    most_days: int = MOST_DAYS
    longest: int = LONGEST_NAME_CHARACTERS


def tokens_of(request: Request, database: Database, user: User, secret: str = "") -> TokenList:
    """The user's tokens, as the page of the request shows them."""
    words, now = TOKENS[spoken_in(request)], datetime.now(UTC)
    session = database.token(digest_of(caller_of(request).session))
    here = session.id if session else ""
    return TokenList(words, database.tokens(user.id), SCOPES[user.role], secret, here, now)


def issued_by(form: Mapping[str, str], database: Database, user: User) -> IssuedToken:
    """The user's new token, with the scopes that were ticked. Raises UserError."""
    ticked = [scope for scope in SCOPES[user.role] if form.get(f"scope_{scope}") == SWITCHED_ON]
    days = whole_number(form.get("days", str(TOKEN_DAYS)), least=1, most=MOST_DAYS)
    name = form.get("label", "").strip()[:LONGEST_NAME_CHARACTERS]
    return issue_token(database, user, ticked, name=name, days=days)
