"""An index of passages in a folder: their words, and their vectors where there is an embedding.

`manifest.json` is written last: a folder without it was not finished. It holds the vector that the
embedding makes of one sentence, by which it is known again.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cauce.errors import DataRefused
from cauce.knowledge.passages.lexical import WordIndex
from cauce.knowledge.passages.passage import Passage
from cauce.knowledge.passages.vectors import write_vectors
from cauce.records import Record
from cauce.runs import write_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

FORMAT = 1
MANIFEST, WORDS = "manifest.json", "words"
PROBE = "Ships find their way by the stars."
SAME_COSINE = 0.999
"""Of the vectors that one embedding makes of `PROBE` on two machines, at least."""
BATCH = 1024


class Manifest(Record):
    """What an index is."""

    format: int
    passages: int
    embedding: str
    """Name of the embedding; empty where there are no vectors."""
    digest: str
    """Of the embedding's weights."""
    probe: tuple[float, ...]
    """The vector of `PROBE`."""

    def require(self, embed: Embed, place: object) -> None:
        """Raises DataRefused where the vectors are of another embedding than `embed`."""
        vector = embed([PROBE])[0]
        if len(vector) == len(self.probe) and vector @ np.array(self.probe) >= SAME_COSINE:
            return
        made_by = f"the embedding {self.embedding!r} ({self.digest[:8]})" if self.probe else "none"
        raise DataRefused(
            f"the vectors of the passages in {place} are of {made_by}, not of the one that now "
            "asks.\nAsk with that embedding, or make the index again with this one."
        )


def build_passages(
    folder: Path,
    passages: Iterable[Passage],
    embed: Embed | None,
    embedding_name: str,
    digest: str,
) -> int:
    """How many passages the index in `folder` holds; one that was there is replaced.

    Without `embed` it is an index of words alone. Raises MissingExtra without tantivy.
    """
    kept = list(passages)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    WordIndex(folder / WORDS).write(kept)
    if embed:
        texts = ([searched(passage) for passage in batch] for batch in batches(kept))
        write_vectors(folder, map(embed, texts))
    manifest = manifest_of(len(kept), embed, embedding_name, digest)
    write_json(folder / MANIFEST, manifest.model_dump(mode="json"))
    return len(kept)


def manifest_of(passages: int, embed: Embed | None, embedding_name: str, digest: str) -> Manifest:
    """That of an index whose vectors `embed` made, or that has none."""
    return Manifest(
        format=FORMAT,
        passages=passages,
        embedding=embedding_name if embed else "",
        digest=digest if embed else "",
        probe=tuple(embed([PROBE])[0].tolist()) if embed else (),
    )


def searched(passage: Passage) -> str:
    """What is embedded of a passage."""
    return f"{passage.text} {passage.title}".strip()


def batches(passages: Iterable[Passage]) -> Iterator[list[Passage]]:
    """The passages in lists of at most `BATCH`."""
    remaining = iter(passages)
    while batch := list(itertools.islice(remaining, BATCH)):
        yield batch
