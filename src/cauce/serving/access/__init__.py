"""Who may come in, and what is theirs: users with roles, passwords, tokens, sessions, limits.

Without accounts the server is for whoever sits at this machine, and listens on loopback alone.
"""

from __future__ import annotations

from cauce.serving.access.callers import LOCAL, Caller
from cauce.serving.access.entrance import NO_ACCOUNTS, Access, Limit, Limits, open_access
from cauce.serving.access.people import (
    add_person,
    change_password,
    has_accounts,
    issue_token,
    may_see_twin,
    person,
    remove_person,
    revoke,
    share_twin,
    shown_to,
)
from cauce.serving.access.roles import SCOPES, Scope

__all__ = [
    "LOCAL",
    "NO_ACCOUNTS",
    "SCOPES",
    "Access",
    "Caller",
    "Limit",
    "Limits",
    "Scope",
    "add_person",
    "change_password",
    "has_accounts",
    "issue_token",
    "may_see_twin",
    "open_access",
    "person",
    "remove_person",
    "revoke",
    "share_twin",
    "shown_to",
]
