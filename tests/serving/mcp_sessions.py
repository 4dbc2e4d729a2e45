"""Runs that are prepared and no more, and sessions of the official client with their servers."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server

import processes
from cauce.assistant.research.abstention import Abstention
from cauce.assistant.research.assistant import Thresholds
from cauce.knowledge.library.library import Evidence, write_library
from cauce.knowledge.sections.indexing import build_index
from cauce.recipe import dump_recipe, parse_recipe
from cauce.records import Citation, Document, Reference, Section
from cauce.runs import Run, atomic_write

PROGRAM = """
import sys
from cauce.runs import Run
from cauce.serving.mcp import serve_mcp

serve_mcp(Run.open(sys.argv[1]))
"""
SAID = (
    "Night trains cut the emissions of travel between capitals",
    "Handrails in corridors prevent falls in nursing homes",
)


def labels_run(folder: Path, documents: list[Document]) -> Run:
    """A run over labels."""
    run = _run(folder, "questions")
    build_index(run.folder("prepare") / "index.sqlite", documents)
    return run


def articles_run(folder: Path) -> Run:
    """A run over two articles, each with a sentence that cites a work."""
    run = _run(folder, "research")
    prepared = run.folder("prepare")
    articles = [
        Document(
            source="articles",
            id=f"10.5555/article.{number}",
            version="1",
            title=f"Article {number}",
            language="en",
            group=f"article-{number}",
            sections=(Section(id="s1", kind="other", title="Findings", text=f"{said} [1]."),),
        )
        for number, said in enumerate(SAID)
    ]
    evidence = [_evidence(article, said) for article, said in zip(articles, SAID, strict=True)]
    build_index(prepared / "index.sqlite", articles)
    write_library(prepared / "library", evidence, [], None)
    way = Abstention(weights=(8.0, 0.0, 0.0, 0.0, -2.0), threshold=0.5)
    with atomic_write(prepared / "abstention.json") as stream:
        stream.write(Thresholds(question=way, expanded=way, topics=way).model_dump_json().encode())
    return run


def _run(folder: Path, corpus: str) -> Run:
    run = Run(folder / corpus)
    recipe = parse_recipe(
        {
            "run": corpus,
            "sources": [{"kind": "vademecum"}],
            "corpus": {"kind": corpus},
            # The judge is learnt, and what it takes for harm is not what is tested here.
            "assistant": {"guards": {"output": False}},
        },
        "test",
    )
    with atomic_write(run.folder(".") / "recipe.yaml") as stream:
        stream.write(dump_recipe(recipe).encode())
    run.update_manifest(stages={"prepare": {"fingerprint": "p"}}, notice="Invented texts.")
    return run


def _evidence(article: Document, said: str) -> Evidence:
    return Evidence(
        id=article.id,
        citation=Citation(
            source=article.source, id=article.id, version="1", section="s1", quote=f"{said} [1]."
        ),
        text=said,
        article=article.group,
        works=(Reference(id="1", title="A work", year="2020", doi=f"{article.id}.work"),),
    )


class Session:
    """A client of one server, for tests that are not asynchronous."""

    def __init__(self, portal: BlockingPortal, client: Client, lines: list[str]) -> None:
        self._portal, self.client = portal, client
        self.lines = lines
        """All that came out of the server's standard output."""

    def ask(self, method: Any, *arguments: Any) -> Any:
        """What one of the client's own methods gives."""
        return self._portal.call(method, *arguments)

    def tool(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """The structured result of a tool that does not fail."""
        result = self.ask(self.client.call_tool, name, arguments)
        assert not result.is_error, result.content
        return dict(result.structured_content)

    def failure(self, name: str, /, **arguments: Any) -> str:
        """What a tool says that fails."""
        result = self.ask(self.client.call_tool, name, arguments)
        assert result.is_error and result.structured_content is None
        return str(result.content[0].text)


@contextlib.contextmanager
def in_process(server: MCPServer[Any]) -> Iterator[Session]:
    """A session with a server of this process."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as it:
        yield Session(portal, it, [])


@contextlib.contextmanager
def over_stdio(run: Run, said: Path) -> Iterator[Session]:
    """A session with a server in a process of its own; what it says on stderr is in `said`."""
    program = said / "program.py"
    program.write_text(PROGRAM, "utf-8")
    talk = processes.talk(
        str(program), str(run.path), folder=said, said=said, environment=dict(os.environ)
    )
    lines = Lines(os.fdopen(os.dup(talk.from_it.fileno()), "rb"))
    writer = os.fdopen(os.dup(talk.to_it.fileno()), "w", encoding="utf-8")
    talk.from_it.close()
    talk.to_it.close()
    try:
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(Client(_pipes(lines, writer))) as client,
        ):
            yield Session(portal, client, lines.read_so_far)
        talk.process.join(10)
        assert talk.process.exitcode == 0, "the server ends when its client leaves"
    finally:
        talk.process.kill()
        talk.process.join()
        lines.close()


class Lines(io.TextIOWrapper):
    """Text that keeps the lines that are read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, encoding="utf-8")
        self.read_so_far: list[str] = []

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """The next line."""
        line = super().readline(size)
        self.read_so_far += [line] if line else []
        return line


@contextlib.asynccontextmanager
async def _pipes(reader: io.TextIOWrapper, writer: io.TextIOWrapper) -> AsyncIterator[Any]:
    """One JSON message a line in both directions, as servers do; leaving closes the server's."""
    async with stdio_server(anyio.wrap_file(reader), anyio.wrap_file(writer)) as streams:
        try:
            yield streams
        finally:
            writer.close()
