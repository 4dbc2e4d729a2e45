"""What each role may do. No role reads what another person asked or was answered, but for what was
given to be reviewed; an administrator may take a person's data along, which leaves an event."""

from __future__ import annotations

from typing import Literal, get_args

from cauce.serving.storage import Role

Scope = Literal["chat", "twins", "research", "runs", "review", "admin"]
"""Asking and looking medicines up; twins; publications; runs and reports; judging answers that
their askers gave for it; users, tokens and the log of events."""
ALL: tuple[Scope, ...] = get_args(Scope)
SCOPES: dict[Role, tuple[Scope, ...]] = {
    "patient": ("chat", "twins"),
    "carer": ("chat", "twins"),
    "clinician": ("chat", "twins", "research", "review"),
    "researcher": ("chat", "research", "runs"),
    "admin": ALL,
}
