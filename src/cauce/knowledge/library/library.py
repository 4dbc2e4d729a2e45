"""The sentences of articles that cite works with a DOI, found by what a question says.

A sentence is found in two ways: among the sentences, by its words and its meaning, and among the
questions that were made of sentences. A folder holds both indices and the sentences themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cauce.errors import DataRefused
from cauce.knowledge.passages.building import build_passages
from cauce.knowledge.passages.index import PassageIndex
from cauce.knowledge.passages.passage import Hit, Passage
from cauce.records import Citation, Record, Reference
from cauce.runs import read_records, write_records
from cauce.sources.dois import dois_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

SENTENCES, QUESTIONS, EVIDENCE = "sentences", "questions", "evidence.jsonl"


class Evidence(Record):
    """A sentence that an answer may rest on, and the works that it cites."""

    id: str
    citation: Citation
    """The sentence letter for letter, marks included."""
    text: str
    """The sentence without its marks."""
    article: str
    """Group of the article that it stands in."""
    works: tuple[Reference, ...]
    """The references that it cites and that have a DOI."""

    @property
    def dois(self) -> tuple[str, ...]:
        """Of its works, each once."""
        return tuple(dict.fromkeys(work.doi for work in self.works if work.doi))

    @property
    def prints_others(self) -> bool:
        """Whether it spells a DOI out that none of its references has: such is no evidence."""
        return bool({*dois_in(self.citation.quote)} - {*self.dois})


class Embedding(NamedTuple):
    """What turns texts into vectors, by its name and the digest of its weights."""

    embed: Embed
    name: str
    digest: str


class Found(NamedTuple):
    """A piece of evidence and how it was found."""

    evidence: Evidence
    score: float
    """Of the fused ranks; comparable within one question."""
    cosine: float
    """0 where no embedding was asked."""


class Library:
    """Read access to what `write_library` wrote."""

    def __init__(self, folder: Path, embed: Embed | None = None) -> None:
        path = folder / EVIDENCE
        if not path.is_file():
            raise DataRefused(f"no library at {folder}.\nMake it with: cauce prepare RECIPE")
        self.evidence = {found.id: found for found in read_records(path, Evidence)}
        self._sentences = PassageIndex.open(folder / SENTENCES, embed)
        self._questions = PassageIndex.open(folder / QUESTIONS, embed)

    def by_sentence(self, text: str, limit: int, *, without: str | None = None) -> list[Found]:
        """The sentences nearest to a text, best first; `without` one article's."""
        hits = self._sentences.search(text, limit, exclude_group=without)
        return [self._found(hit, hit.id) for hit in hits]

    def by_question(self, text: str, limit: int, *, without: str | None = None) -> list[Found]:
        """The sentences whose questions are nearest to this one, which itself does not count."""
        hits = self._questions.search(text, 2 * limit + 1, exclude_group=without)
        found: dict[str, Found] = {}
        for hit in hits:
            if hit.text != text:
                found.setdefault(_sentence_of(hit.id), self._found(hit, _sentence_of(hit.id)))
        return list(found.values())[:limit]

    def _found(self, hit: Hit, evidence: str) -> Found:
        return Found(self.evidence[evidence], hit.score, hit.cosine)


def write_library(
    folder: Path,
    evidence: Iterable[Evidence],
    questions: Iterable[tuple[str, str]],
    embedding: Embedding | None,
) -> int:
    """Writes a library; returns how many sentences it holds.

    `questions` are pairs of a sentence's id and a question made of it. Sentences that print a DOI
    which is none of their references' are left out, with their questions.
    """
    kept = {found.id: found for found in evidence if not found.prints_others}
    write_records(folder / EVIDENCE, kept.values())
    sentences = [
        Passage(id=found.id, text=found.text, title=_titles(found), group=found.article)
        for found in kept.values()
    ]
    asked = [
        Passage(id=f"{id}?{number}", text=question, title="", group=kept[id].article)
        for number, (id, question) in enumerate(questions)
        if id in kept
    ]
    for name, passages in ((SENTENCES, sentences), (QUESTIONS, asked)):
        build_passages(folder / name, passages, *(embedding or (None, "", "")))
    return len(kept)


def _titles(found: Evidence) -> str:
    return " · ".join(work.title for work in found.works if work.title)


def _sentence_of(question: str) -> str:
    """The sentence that a numbered question was made of."""
    return question.rpartition("?")[0]
