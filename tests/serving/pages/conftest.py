"""Servers for the tests of pages, called without a socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from benchmarks.serving.calling import client_of

from cauce.knowledge.labels.shelf import Shelf
from cauce.knowledge.names.resolver import NameResolver
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Section
from cauce.runs import Run, write_records
from cauce.serving.access import open_access
from cauce.serving.access.callers import digest_of, new_secret
from cauce.serving.access.gate import COOKIE
from cauce.serving.app import create_app
from cauce.serving.features import Features
from cauce.serving.storage.database import Database
from documents import medicine
from serving.live import KnownAnswers

INTERACTS = "Warfarin bleeds more with ibuprofen: 2 studies say so."


@pytest.fixture
def assistant() -> KnownAnswers:
    return KnownAnswers()


@pytest.fixture
def client(database: Database, assistant: KnownAnswers) -> httpx.Client:
    """The browser of whoever sits at the machine; what they ask is kept."""
    access = open_access(database)
    app = create_app(assistant, model_name="demo", notice="<invented>", access=access)
    return client_of(app)


@pytest.fixture
def berta(client: httpx.Client, database: Database) -> httpx.Client:
    """The browser of somebody else, who has logged in to the same database."""
    user, secret = database.add_user("berta", "patient"), new_secret()
    database.add_token(user.id, digest_of(secret), kind="session")
    app = create_app(KnownAnswers(), model_name="demo", access=open_access(database))
    browser = client_of(app)
    browser.cookies.set(COOKIE, secret)
    return browser


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Ibuprofen in three versions, warfarin, and two names that look alike."""
    run = Run(tmp_path_factory.mktemp("runs") / "labels")
    versions = [
        medicine("ibuprofen", dose=dose, brands=("Advil",)).model_copy(
            update={"version": str(place), "effective": f"202{place}-01-01"}
        )
        for place, dose in enumerate((200, 300, 400), 1)
    ]
    section = Section(id="7", kind="interactions", title="Interactions", text=INTERACTS)
    warfarin = medicine("warfarin", dose=5)
    warfarin = warfarin.model_copy(update={"sections": (*warfarin.sections, section)})
    others = [medicine(name) for name in ("citalopram", "escitalopram")]
    run.folder("prepare")
    build_index(run.path / "prepare" / "index.sqlite", [versions[2], warfarin, *others])
    write_records(run.folder("fetch") / "history.jsonl", versions[:2])
    store = Index(run.path / "prepare" / "index.sqlite")
    yield Shelf(store, NameResolver.of_index(store), run)
    store.close()


@pytest.fixture(scope="module")
def reader(shelf: Shelf) -> httpx.Client:
    """A browser at a server with medicines, where nothing is kept."""
    return client_of(create_app(KnownAnswers(), model_name="demo", features=Features(shelf)))
