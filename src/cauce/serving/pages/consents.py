"""What a person allowed, in the words of the reader."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from fastapi import Request

from cauce.serving.access import shown_to
from cauce.serving.pages.shell import spoken_in
from cauce.serving.storage.database import Database
from cauce.serving.storage.opinions import IMPROVE
from cauce.serving.wording.consents import CONSENTS


class Said(NamedTuple):
    """The last word on one purpose."""

    purpose: str
    given: bool
    at: datetime


class ConsentList(NamedTuple):
    """What `consents.html.j2` shows."""

    words: dict[str, str]
    said: tuple[Said, ...]


def consents_of(request: Request, database: Database, user_id: str) -> ConsentList:
    """The user's last word on each purpose, as the page of the request shows it."""
    words, twin = CONSENTS[spoken_in(request)], shown_to("")

    def told(purpose: str) -> str:
        if purpose.startswith(twin):
            return words["twin"].format(name=purpose.removeprefix(twin))
        return words["improve"] if purpose == IMPROVE else purpose

    said = (Said(told(it.purpose), it.given, it.at) for it in database.consents(user_id))
    return ConsentList(words, tuple(said))
