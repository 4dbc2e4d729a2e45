"""Passages found by their words, by their meaning and by both: how often, and how fast.

The citing sentences of 31 papers, with 1,397 works to confuse; the figures of 375 papers that the
bars come from had 14,184. Each paper's questions are fused with the rank offset that finds most for
the questions of the other papers. Intervals are bootstrapped over papers, of which few share works.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import report
from cauce.knowledge.passages.building import build_passages
from cauce.knowledge.passages.fusion import DEPTH
from cauce.knowledge.passages.index import PassageIndex
from cauce.knowledge.passages.passage import Hit, Passage
from cauce.models.embedding import MINILM, Embedder, load_embedder

SENTENCES = "scholar/derived/citing_sentences.jsonl"
LIMIT = 10
OFFSETS = (5, 10, 20, 60)
"""Of the fused ranks, to choose from."""
DRAWS = 2000
"""Of papers, for an interval."""
AXES, WORDS, VOCABULARY = 384, 12, 50_000
QUESTIONS = 40
SIZES = {100_000: 20.0, 1_000_000: 100.0}
"""Made-up passages, and the milliseconds that a question of them may take."""


class Sentence(NamedTuple):
    """A sentence that cites, with the titles and the keys of what it cites."""

    text: str
    paper: str
    titles: tuple[str, ...]
    works: frozenset[str]
    """Each cited work as its DOI and as its normalised title, whichever it has."""


class Answered(NamedTuple):
    """A question: of which paper, and whether each way finds a right passage among ten."""

    paper: str
    by_words: bool
    by_meaning: bool
    by_both: dict[int, bool]
    """By the offset of the fused ranks."""


def measure(data: Path) -> None:
    """The share of questions with a right answer among ten, and milliseconds a question."""
    sentences = read_sentences(data / SENTENCES)
    embedder = load_embedder(MINILM)
    with tempfile.TemporaryDirectory() as name:
        elsewhere = _leave_one_out(sentences, Path(name) / "sentences", embedder)
        titles = _titles(sentences, Path(name) / "titles", embedder)
    offsets = _offsets([*elsewhere, *titles])
    _report_found("leave-one-paper-out", elsewhere, offsets, bar=0.65)
    _report_found("sentence to title", titles, offsets, bar=0.60)
    measure_speed()
    started = time.process_time()
    for sentence in sentences[:QUESTIONS]:
        embedder([sentence.text])
    report("embedding of a question, ms", _ms(started, QUESTIONS), None)


def read_sentences(path: Path) -> list[Sentence]:
    """The citing sentences of the file."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        Sentence(
            text=row["sentence"],
            paper=row["paper"],
            titles=tuple(ref["title"] for ref in row["refs"] if ref["title"]),
            works=frozenset(
                key
                for ref in row["refs"]
                for key in (ref["doi"].lower(), normalised(ref["title"]))
                if key
            ),
        )
        for row in rows
    ]


def normalised(title: str) -> str:
    """The title's letters and digits in lower case, words apart."""
    return re.sub(r"\W+", " ", title.lower()).strip()


def _leave_one_out(sentences: list[Sentence], folder: Path, embed: Embedder) -> list[Answered]:
    """A sentence finds one of another paper that cites the same work."""
    passages = [
        Passage(id=str(n), text=one.text, title=" · ".join(one.titles), group=one.paper)
        for n, one in enumerate(sentences)
    ]
    build_passages(folder, passages, embed, embed.name, embed.digest)

    def is_right(one: Sentence, hit: Hit) -> bool:
        return bool(one.works & sentences[int(hit.id)].works)

    asked = [one for one in sentences if _is_cited_elsewhere(one, sentences)]
    return _answered(asked, PassageIndex.open(folder, embed), is_right)


def _titles(sentences: list[Sentence], folder: Path, embed: Embedder) -> list[Answered]:
    """A sentence finds the title of a work that it cites."""
    titles = {normalised(title): title for one in sentences for title in one.titles}
    passages = [Passage(id=key, text=title) for key, title in titles.items()]
    build_passages(folder, passages, embed, embed.name, embed.digest)

    def is_right(one: Sentence, hit: Hit) -> bool:
        return hit.id in one.works

    asked = [one for one in sentences if one.titles]
    return _answered(asked, PassageIndex.open(folder, embed), is_right)


def _is_cited_elsewhere(asked: Sentence, sentences: list[Sentence]) -> bool:
    return any(asked.works & one.works for one in sentences if one.paper != asked.paper)


def _answered(
    asked: list[Sentence], index: PassageIndex, is_right: Callable[[Sentence, Hit], bool]
) -> list[Answered]:
    answered = []
    for one in asked:
        hits = index.search(one.text, 2 * DEPTH, exclude_group=one.paper)

        def finds(
            shares: Callable[[Hit], float], one: Sentence = one, hits: list[Hit] = hits
        ) -> bool:
            best = sorted((hit for hit in hits if shares(hit)), key=shares, reverse=True)
            return any(is_right(one, hit) for hit in best[:LIMIT])

        both = {offset: finds(partial(_both, offset=offset)) for offset in OFFSETS}
        by_words = finds(lambda hit: _share(hit.lexical_rank, 0))
        by_meaning = finds(lambda hit: _share(hit.dense_rank, 0))
        answered.append(Answered(one.paper, by_words, by_meaning, both))
    return answered


def _both(hit: Hit, offset: int) -> float:
    return _share(hit.lexical_rank, offset) + _share(hit.dense_rank, offset)


def _share(rank: int | None, offset: int) -> float:
    return 1 / (offset + rank) if rank and rank <= DEPTH else 0.0


def _offsets(answered: list[Answered]) -> dict[str, int]:
    """For each paper the offset that finds most for the questions of the others."""
    return {
        paper: max(
            OFFSETS,
            key=lambda offset: sum(one.by_both[offset] for one in answered if one.paper != paper),
        )
        for paper in {one.paper for one in answered}
    }


def _report_found(
    name: str, answered: list[Answered], offsets: dict[str, int], *, bar: float
) -> None:
    """Reports every way, and the fusion chosen on other papers against the bar."""
    papers = [one.paper for one in answered]
    choices = sorted({offsets[paper] for paper in papers})
    ways = {
        "words": [one.by_words for one in answered],
        "meaning": [one.by_meaning for one in answered],
        **{f"both, offset {k}": [one.by_both[k] for one in answered] for k in OFFSETS},
    }
    for way, right in ways.items():
        report(_named(name, way, papers, right), sum(right) / len(right), None, "higher")
    chosen = [one.by_both[offsets[one.paper]] for one in answered]
    way = f"both, offset chosen on other papers {choices}"
    report(_named(name, way, papers, chosen), sum(chosen) / len(chosen), bar, "higher")


def _named(name: str, way: str, papers: list[str], right: list[bool]) -> str:
    low, high = _interval(papers, right)
    return f"{name}, hit@10, {way} (n={len(right)}, 95 % {low:.3f}-{high:.3f})"


def _interval(papers: list[str], right: list[bool]) -> tuple[float, float]:
    """Where 95 of 100 shares lie when as many papers are drawn again."""
    of_paper = [
        [
            sum(hit for paper, hit in zip(papers, right, strict=True) if paper == one),
            papers.count(one),
        ]
        for one in sorted({*papers})
    ]
    counts = np.array(of_paper)
    drawn = np.random.default_rng(0).integers(len(counts), size=(DRAWS, len(counts)))
    found, asked = np.moveaxis(counts[drawn].sum(axis=1), 1, 0)
    low, high = np.quantile(found / asked, (0.025, 0.975))
    return float(low), float(high)


def measure_speed(sizes: dict[int, float] = SIZES) -> None:
    """CPU milliseconds a question over made-up passages, its embedding apart, and to build them."""
    for size, bar in sizes.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "index"
            started = time.process_time()
            build_passages(folder, _made_up(size), _made_up_vectors, "made up", "")
            report(f"build, {size} passages, s", time.process_time() - started, None)
            index = PassageIndex.open(folder, _made_up_vectors)
            asked = [passage.text for passage in _made_up(QUESTIONS + 1)]
            index.search(asked.pop(), LIMIT)
            started = time.process_time()
            for text in asked:
                index.search(text, LIMIT)
            report(
                f"question, {size} passages, its embedding apart, ms", _ms(started, len(asked)), bar
            )


def _made_up(size: int) -> Iterator[Passage]:
    """Passages of words that are as frequent as words are (Zipf), the same each time."""
    draw = np.random.default_rng(0)
    frequencies = 1 / np.arange(1, VOCABULARY + 1)
    words = draw.choice(VOCABULARY, (size, WORDS), p=frequencies / frequencies.sum())
    for number, row in enumerate(words):
        yield Passage(id=str(number), text=" ".join(f"w{word}" for word in row))


def _made_up_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    draw = np.random.default_rng(zlib.crc32(texts[0].encode()))
    rows = draw.standard_normal((len(texts), AXES), np.float32)
    normed: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normed


def _ms(started: float, count: int) -> float:
    return 1000 * (time.process_time() - started) / count
