"""Passages searched in a folder that `build_passages` wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cauce.errors import DataRefused
from cauce.knowledge.passages.building import FORMAT, MANIFEST, WORDS, Manifest
from cauce.knowledge.passages.fusion import DEPTH, Fused, fuse
from cauce.knowledge.passages.lexical import WordIndex
from cauce.knowledge.passages.passage import Hit
from cauce.knowledge.passages.vectors import VectorIndex

if TYPE_CHECKING:
    from cauce.knowledge.passages.building import Embed


class PassageIndex:
    """Read access to an index of passages in a folder, a `Passages`; `open` makes it."""

    def __init__(self, words: WordIndex, vectors: VectorIndex | None, embed: Embed | None) -> None:
        self._words = words
        self._vectors = vectors
        self._embed = embed

    @classmethod
    def open(cls, folder: Path, embed: Embed | None = None) -> PassageIndex:
        """The index in `folder`; without `embed` it is asked by words alone.

        Raises DataRefused where there is none, or where another embedding made its vectors.
        """
        manifest = _manifest(folder)
        vectors = None
        if embed:
            manifest.require(embed, folder)
            vectors = VectorIndex(folder, len(manifest.probe))
        return cls(WordIndex(folder / WORDS), vectors, embed)

    def search(self, question: str, limit: int, *, exclude_group: str | None = None) -> list[Hit]:
        """The `limit` passages nearest to the question, best first, by words and by meaning."""
        depth = max(limit, DEPTH)
        words = self._words.search(question, depth, exclude_group=exclude_group)
        if self._vectors is None or self._embed is None:
            return self._hits(fuse(words, [], limit), {})
        vector = self._embed([question])[0]
        without = [] if exclude_group is None else self._words.of_group(exclude_group)
        near = self._vectors.search(vector, depth, without=without)
        fused = fuse(words, near, limit)
        numbers = np.array([one.number for one in fused], np.int64)
        cosines = self._vectors.cosines(vector, numbers).tolist()
        return self._hits(fused, dict(zip(numbers.tolist(), cosines, strict=True)))

    def _hits(self, fused: list[Fused], cosines: dict[int, float]) -> list[Hit]:
        passages = self._words.passages([one.number for one in fused])
        return [one.hit(passages[one.number], cosines.get(one.number, 0.0)) for one in fused]


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise DataRefused(f"no finished index of passages at {folder}.\nBuild it again.")
    found = json.loads(path.read_bytes())
    if found.get("format") != FORMAT:
        raise DataRefused(
            f"{folder} is no index of passages that this version reads (format "
            f"{found.get('format')}, not {FORMAT}).\nBuild it again."
        )
    return Manifest.model_validate(found)
