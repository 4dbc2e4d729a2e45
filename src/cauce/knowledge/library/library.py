"""The sentences of articles that cite works with a DOI, found by what a question says.

A sentence is found in two ways: among the sentences, by its words and its meaning, and among the
questions that were made of sentences. A folder holds the sentences themselves and both indices, or
where on an OpenSearch cluster these are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cauce.errors import DataRefused
from cauce.knowledge.passages.building import build_passages
from cauce.knowledge.passages.index import PassageIndex
from cauce.knowledge.passages.opensearch import OpenSearchPassages, build_passages_opensearch
from cauce.knowledge.passages.passage import Hit, Passage, Passages
from cauce.records import Citation, Record, Reference
from cauce.runs import fingerprint, read_records, write_json, write_records
from cauce.sources.dois import dois_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

SENTENCES, QUESTIONS, EVIDENCE = "sentences", "questions", "evidence.jsonl"
ON_CLUSTER = "opensearch.json"


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


class Cluster(Record):
    """Where the passages of a library are when they are not in its folder."""

    url: str
    name: str
    """What its indices begin with: `name-sentences` and `name-questions`."""


class Library:
    """Read access to what `write_library` wrote; `open` makes it."""

    def __init__(
        self, evidence: Iterable[Evidence], sentences: Passages, questions: Passages
    ) -> None:
        self.evidence = {found.id: found for found in evidence}
        self._sentences, self._questions = sentences, questions

    @classmethod
    def open(cls, folder: Path, embed: Embed | None = None) -> Library:
        """The library of a folder, whether its passages are there or on a cluster.

        Raises DataRefused where there is none, or where another embedding made its vectors; of a
        cluster NotFound where it lost them, SourceUnavailable where it does not answer.
        """
        path = folder / EVIDENCE
        if not path.is_file():
            raise DataRefused(f"no library at {folder}.\nMake it with: cauce prepare RECIPE")
        sentences, questions = (_open(folder, kind, embed) for kind in (SENTENCES, QUESTIONS))
        return cls(read_records(path, Evidence), sentences, questions)

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
    *,
    opensearch: str = "",
) -> int:
    """Writes a library; returns how many sentences it holds.

    `questions` are pairs of a sentence's id and a question made of it. Sentences that print a DOI
    which is none of their references' are left out, with their questions. With the address of an
    OpenSearch cluster the passages go there, and the folder says where they are.
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
    passages = {SENTENCES: sentences, QUESTIONS: asked}
    if opensearch:
        _write_to_cluster(folder, opensearch, passages, embedding)
        return len(kept)
    (folder / ON_CLUSTER).unlink(missing_ok=True)
    for kind, own in passages.items():
        build_passages(folder / kind, own, *(embedding or (None, "", "")))
    return len(kept)


def _write_to_cluster(
    folder: Path, url: str, passages: Mapping[str, Sequence[Passage]], embedding: Embedding | None
) -> None:
    """Loads the passages under a name that their content gives them.

    What another library serves from the same cluster is so never replaced.
    """
    embed, name, digest = embedding or (None, "", "")
    content = {kind: [dict(passage) for passage in own] for kind, own in passages.items()}
    cluster = Cluster(url=url, name=f"cauce-{fingerprint(content, digest)}")
    for kind, own in passages.items():
        index = f"{cluster.name}-{kind}"
        build_passages_opensearch(url, index, own, embed, embedding_name=name, digest=digest)
    write_json(folder / ON_CLUSTER, cluster.model_dump())


def _open(folder: Path, kind: str, embed: Embed | None) -> Passages:
    path = folder / ON_CLUSTER
    if not path.is_file():
        return PassageIndex.open(folder / kind, embed)
    cluster = Cluster.model_validate_json(path.read_bytes())
    return OpenSearchPassages(cluster.url, f"{cluster.name}-{kind}", embed)


def _titles(found: Evidence) -> str:
    return " · ".join(work.title for work in found.works if work.title)


def _sentence_of(question: str) -> str:
    """The sentence that a numbered question was made of."""
    return question.rpartition("?")[0]
