"""The documents that a command asks about, and the medicine or the version that was named."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from cauce.errors import NotFound
from cauce.knowledge.labels.overview import ranked_documents
from cauce.knowledge.labels.revisions import Edition, older_editions, stored_edition
from cauce.knowledge.names.resolver import Mention, NameResolver
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.knowledge.sections.store import DocumentEntry, SectionStore
from cauce.records import Document, Language
from cauce.runs import Run
from cauce.sources.vademecum import VademecumSource

INDEX = Path("prepare") / "index.sqlite"
HISTORY = Path("fetch") / "history.jsonl"


class Shelf(NamedTuple):
    """The documents that are asked, and the run that they are of; none when they are embedded."""

    store: SectionStore
    resolver: NameResolver
    run: Run | None

    def mention(self, name: str) -> Mention:
        """The one medicine of that name or code.

        NotFound tells what was looked for, or the look-alikes to choose from.
        """
        resolution = self.resolver.resolve(name)
        if resolution.kind == "ask":
            choices = ", ".join(resolution.choices)
            raise NotFound(f"{name!r} may be any of: {choices}.\nName the one that you mean.")
        if resolution.kind != "found":
            looked_for = ", ".join(resolution.looked_for) or name
            raise NotFound(
                f"no document about {looked_for!r}.\n"
                "Check the spelling, or fetch a source that has it."
            )
        named = [*(mention.name for mention in resolution.mentions), *resolution.looked_for]
        if len(named) > 1:
            raise NotFound(f"{name!r} names several: {', '.join(named)}.\nName one medicine.")
        return resolution.mentions[0]

    def documents(self, name: str, language: Language | None = None) -> list[DocumentEntry]:
        """The medicine's documents, those that bear the name and the newest first."""
        mention = self.mention(name)
        return ranked_documents(self.store, mention.group, mention.name, language)

    def editions(self, name: str) -> tuple[DocumentEntry, list[Edition]]:
        """The first of the medicine's documents with several versions; they come oldest first."""
        documents = self.documents(name)
        kept = older_editions(self.run.path / HISTORY, documents) if self.run else {}
        for document in documents:
            if older := kept.get(document.doc):
                return document, [*older, stored_edition(self.store, document)]
        only = documents[0]
        raise NotFound(
            f"only version {only.version} of {only.title} is kept.\n"
            "Fetch older versions too: all that the sources give are kept."
        )


@contextlib.contextmanager
def open_shelf(
    run: str | None, tell: Callable[[str], None], runs_dir: Path = Path("runs")
) -> Iterator[Shelf]:
    """The index of that run; else of the newest run that has one; else the embedded vademecum."""
    with tempfile.TemporaryDirectory(prefix="cauce-") as scratch:
        found = Run.open(run, runs_dir) if run else _newest_indexed(runs_dir, tell)
        store = Index(found.path / INDEX if found else _embedded(Path(scratch), tell))
        try:
            yield Shelf(store, NameResolver.of_index(store), found)
        finally:
            store.close()


def _newest_indexed(runs_dir: Path, tell: Callable[[str], None]) -> Run | None:
    indexed = [run for run in Run.list(runs_dir) if (run.path / INDEX).is_file()]
    if not indexed:
        return None
    tell(f"documents of {indexed[-1].path} (choose others with --run)")
    return indexed[-1]


def _embedded(folder: Path, tell: Callable[[str], None]) -> Path:
    tell("no run has an index: these are the embedded demonstration texts, not medical advice")
    found = VademecumSource().documents()
    build_index(folder / INDEX.name, (one for one in found if isinstance(one, Document)))
    return folder / INDEX.name
