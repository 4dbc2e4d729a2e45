"""The pages besides conversation and medicines: which of them a server has, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fastapi import APIRouter

from cauce.serving.access import Access
from cauce.serving.features import Features
from cauce.serving.pages.account import account_routes
from cauce.serving.pages.admin import user_routes
from cauce.serving.pages.arena import arena_routes
from cauce.serving.pages.arena_votes import Contender
from cauce.serving.pages.events import event_routes
from cauce.serving.pages.research import research_routes
from cauce.serving.pages.reviews import review_routes
from cauce.serving.pages.runs import runs_routes
from cauce.serving.pages.sharing import twin_list_routes
from cauce.serving.pages.shell import Place, Shell
from cauce.serving.queue import Queue
from cauce.serving.storage.database import Database


class Room(NamedTuple):
    """A page with those behind it: where it is, whoever may see it, and its routes."""

    place: Place
    routes: Callable[[Shell], APIRouter]


def rooms_of(
    queue: Queue, access: Access, features: Features, *, model_name: str, twin: str = ""
) -> list[Room]:
    """What is there with these features; without a database, nothing that keeps anything."""
    runs, database = features.runs, access.database
    found: list[Room] = []
    if features.has_articles:
        place = Place("/research", "research", "research")
        found.append(Room(place, lambda shell: research_routes(shell, queue)))
    if twin or access.local is None:
        place = Place("/twins", "twins", "twins")
        found.append(Room(place, lambda shell: twin_list_routes(shell, access, twin)))
    if runs is not None:
        found.append(Room(Place("/runs", "runs", "runs"), lambda shell: runs_routes(shell, runs)))
    if database is not None:
        found += _kept(database, access, features, contenders_of(queue, model_name, features))
    return found


def contenders_of(
    queue: Queue, model_name: str, features: Features
) -> tuple[Contender, Contender] | None:
    """What is served, and the other run or else its own plain wording; None where it has none."""
    served = Contender(model_name, queue)
    if features.against is not None:
        return served, Contender(features.against.name, Queue(features.against.assistant))
    if features.has_articles:
        return None
    return served, Contender(f"{model_name} (plain)", queue, plain=True)


def _kept(
    database: Database,
    access: Access,
    features: Features,
    contenders: tuple[Contender, Contender] | None,
) -> list[Room]:
    """The pages whose work is stored."""
    has_accounts = access.local is None

    def admin(shell: Shell) -> APIRouter:
        router = event_routes(shell, database, features.log, has_accounts=has_accounts)
        if has_accounts:
            router.include_router(user_routes(shell, database))
        return router

    reviews, accounts = Place("/reviews", "reviews", "review"), Place("/account", "account", "chat")
    found = [
        Room(reviews, lambda shell: review_routes(shell, database)),
        Room(Place("/admin", "admin", "admin"), admin),
        Room(accounts, lambda shell: account_routes(shell, access, database)),
    ]
    if contenders is not None:
        place = Place("/arena", "arena", "chat")
        found.insert(0, Room(place, lambda shell: arena_routes(shell, database, contenders)))
    return found
