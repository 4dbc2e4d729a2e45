"""`cauce serve` and `cauce mcp`: the assistant of a run, lent to people and to other programs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cauce.commands.db import DEFAULT, Where
from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.assistant.guarded import GuardedAssistant
    from cauce.knowledge.labels.shelf import Shelf
    from cauce.report.twin.guess import Guess
    from cauce.runs import Run
    from cauce.serving.features import Features, Opponent
    from cauce.sources.upstream import UpstreamServer
    from cauce.twin.store import Twin

serve_app = typer.Typer(rich_markup_mode=None)

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's name or path.")]


@serve_app.command()
def serve(
    name: RunName,
    host: Annotated[
        str, typer.Option(help="Loopback; other addresses once there are users.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    database: Where = DEFAULT,
    public_name: Annotated[
        list[str] | None, typer.Option(help="Host name that users call it by; may be repeated.")
    ] = None,
    keep_days: Annotated[
        float | None,
        typer.Option(min=1, help="Delete daily what nobody touched for so many days."),
    ] = None,
    twin: Annotated[
        str, typer.Option(help="Twin to answer with in mind; its page is at /twin/NAME.")
    ] = "",
    against: Annotated[
        str, typer.Option(metavar="RUN", help="Another run, for blind votes in the arena.")
    ] = "",
    upstream: Annotated[
        str, typer.Option(metavar="URL", help="OpenAI-compatible server that writes instead.")
    ] = "",
    upstream_model: Annotated[str, typer.Option(help="Its model, where it serves several.")] = "",
    upstream_key: Annotated[
        str, typer.Option(metavar="VARIABLE", help="Environment variable that holds its key.")
    ] = "",
) -> None:
    """Serve the assistant: the app, and the OpenAI-compatible API under /v1."""
    _require_serve()
    from cauce.assistant.loading import load_assistant
    from cauce.runs import Run
    from cauce.serving.access import open_access
    from cauce.serving.app import serve as start_server
    from cauce.serving.audit_log import open_log
    from cauce.serving.storage import open_database
    from cauce.twin.store import open_twin

    found = Run.open(name)
    record = open_twin(twin, "conversation").timeline if twin else None
    server = _upstream(upstream, upstream_model, upstream_key)
    with open_database(database) as opened, _shelf(found) as shelf:
        assistant = load_assistant(found, record, is_shared=server is None, upstream=server)
        start_server(
            assistant,
            model_name=found.path.name,
            host=host,
            port=port,
            notice=found.manifest.get("notice", ""),
            log=open_log(found),
            twin=twin,
            access=open_access(opened, public_name or ()),
            features=_features(found, assistant, shelf, _opponent(against, found)),
            keep_days=keep_days,
        )


@serve_app.command()
def mcp(name: RunName) -> None:
    """Lend a run's look-up tools to an MCP client, over stdin and stdout."""
    from cauce.runs import Run
    from cauce.serving.mcp import serve_mcp

    serve_mcp(Run.open(name))


def _require_serve() -> None:
    import importlib.util

    from cauce.errors import MissingExtra

    modules = ("fastapi", "uvicorn", "sqlalchemy", "alembic")
    if not all(importlib.util.find_spec(module) for module in modules):
        raise MissingExtra("cauce serve", "serve")


def _upstream(url: str, model: str, key_variable: str) -> UpstreamServer | None:
    from cauce.sources.upstream import UpstreamServer

    return UpstreamServer(url, model, key_variable=key_variable) if url else None


def _opponent(name: str, served: Run) -> Opponent | None:
    """The run whose answers are compared with those of the one that is served."""
    if not name:
        return None
    from cauce.assistant.loading import load_assistant
    from cauce.errors import UserError
    from cauce.runs import Run
    from cauce.serving.audit_log import Recorded, open_log
    from cauce.serving.features import Opponent

    other = Run.open(name)
    if other.path.name == served.path.name:
        raise UserError(
            f"--against names {other.path.name!r}, the run that is served.\nName another run."
        )
    assistant = load_assistant(other, is_shared=True)
    return Opponent(other.path.name, Recorded(assistant, open_log(other)))


def _shelf(run: Run) -> AbstractContextManager[Shelf | None]:
    """The run's medicines; None for a run of articles."""
    from cauce.corpus.research.settings import ResearchSettings
    from cauce.knowledge.labels.shelf import open_shelf
    from cauce.recipe import load_recipe

    recipe = load_recipe(run.path / "recipe.yaml")
    if isinstance(recipe.corpus, ResearchSettings):
        return nullcontext()
    return open_shelf(str(run.path), tell)


def _features(
    run: Run, assistant: GuardedAssistant, shelf: Shelf | None, against: Opponent | None
) -> Features:
    """What the pages show of the run."""
    from cauce.serving.features import Features

    return Features(
        shelf=shelf,
        sees_images=assistant.sees_images,
        has_articles=shelf is None,
        runs=Path("runs"),
        against=against,
        log=run.path / "serve",
        guess=_guess(run),
    )


def _guess(run: Run) -> Callable[[Twin], Guess] | None:
    """What tells the risk on a twin's page; None where the recipe names no model of twins."""
    from cauce.recipe import load_recipe

    name = load_recipe(run.path / "recipe.yaml").assistant.twin_model
    if not name:
        return None
    from cauce.twinning import guesser

    return guesser(name)
