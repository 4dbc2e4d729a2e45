"""How one comes in to this server: with an account, or by sitting at the machine."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cauce.serving.access.callers import LOCAL, Caller, caller_with, local_caller
from cauce.serving.access.people import has_accounts
from cauce.serving.storage import User

if TYPE_CHECKING:
    from cauce.serving.storage.database import Database

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""They read, and change nothing."""


class Limit(NamedTuple):
    """How many at once, and how many a second after those."""

    at_once: float
    per_s: float


class Limits(NamedTuple):
    """Of each user whatever they come in with, and of whoever guesses passwords."""

    reading: Limit = Limit(300, 5)
    asking: Limit = Limit(30, 0.5)
    """Questions, and whatever else is no mere reading."""
    guesses_of_a_name: Limit = Limit(10, 1 / 30)
    guesses_from_an_address: Limit = Limit(20, 1 / 10)


class Access(NamedTuple):
    """Who may come in: users of the database, or `local` alone where that is not None."""

    database: Database | None = None
    local: User | None = LOCAL
    names: tuple[str, ...] = ()
    """Host names by which others reach the server, besides loopback's."""
    limits: Limits = Limits()

    def caller(self, *, bearer: str, cookie: str) -> Caller | None:
        """Whoever sends a request with that token or cookie."""
        if self.local is not None:
            return local_caller(self.local)
        return caller_with(self.accounts, bearer=bearer, cookie=cookie)

    @property
    def accounts(self) -> Database:
        """The database that says who may come in."""
        if self.database is None:
            raise ValueError("a server with accounts has a database; give one to Access")
        return self.database

    def limit_of(self, method: str) -> Limit:
        """What a user may do in requests of that method."""
        return self.limits.reading if method in SAFE_METHODS else self.limits.asking

    def wait_s(self, caller: Caller, method: str) -> float:
        """Seconds until the user may send such a request; 0 when now, which is then counted."""
        if self.local is not None:
            return 0.0
        kind = "reading" if method in SAFE_METHODS else "asking"
        return self._take(f"{kind}:{caller.user.id}", self.limit_of(method))

    def wait_to_guess_s(self, name: str, address: str) -> float:
        """Seconds until a password may be tried for that name from there; 0 when now."""
        from_there = f"guess:address:{_slot(_network_of(address))}"
        if wait := self._take(from_there, self.limits.guesses_from_an_address):
            return wait
        return self._take(f"guess:name:{_slot(name)}", self.limits.guesses_of_a_name)

    def _take(self, key: str, limit: Limit) -> float:
        return self.accounts.take(key, capacity=limit.at_once, per_s=limit.per_s)


NO_ACCOUNTS = Access()
"""A server for whoever sits at the machine, without a database."""


def open_access(database: Database, names: Sequence[str] = ()) -> Access:
    """With accounts where there are any; else for the local user, who is added to the database."""
    if has_accounts(database):
        return Access(database, None, tuple(name.lower() for name in names))
    local = database.user_named(LOCAL.name) or database.add_user(LOCAL.name, LOCAL.role)
    return Access(database, local)


def _slot(text: str) -> str:
    """One of 65,536 places, so that guessing without end fills no table."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:4]


def _network_of(address: str) -> str:
    """What one person commonly has: an address of version 4, 64 bits of version 6."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((number, 64), strict=False)) if number.version == 6 else address
