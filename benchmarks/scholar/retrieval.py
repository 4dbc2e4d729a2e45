"""Passages found by their words, by their meaning and by both: how often, and how fast.

The citing sentences of 31 papers: 1,319, and some 1,400 titles. The bars come from 375 papers, with
5,962 sentences and 14,184 titles to tell apart. Choices are made on the dev papers.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import report
from cauce.knowledge.passages.building import build_passages
from cauce.knowledge.passages.index import PassageIndex
from cauce.knowledge.passages.passage import Hit, Passage
from cauce.models.embedding import load_embedder

SENTENCES = "scholar/derived/citing_sentences.jsonl"
LIMIT, DEPTH = 10, 200
AXES, WORDS, VOCABULARY = 384, 12, 50_000
QUESTIONS = 40
SIZES = {100_000: 20.0, 1_000_000: 100.0}
"""Made-up passages, and the milliseconds that a question of them may take."""
WAYS = ("words", "meaning", "both")

Embed = Callable[[Sequence[str]], NDArray[np.float32]]


class Sentence(NamedTuple):
    """A sentence that cites, with the titles and the keys of what it cites."""

    text: str
    paper: str
    titles: tuple[str, ...]
    works: frozenset[str]
    """Each cited work as its DOI and as its normalised title, whichever it has."""

    @property
    def is_dev(self) -> bool:
        """Whether its paper is of the half that choices are made on."""
        return zlib.crc32(self.paper.encode()) % 2 == 0


def measure(data: Path) -> None:
    """The share of questions with a right answer among ten, and milliseconds a question."""
    sentences = read_sentences(data / SENTENCES)
    embedder = load_embedder("minilm")
    with tempfile.TemporaryDirectory() as name:
        _measure_leave_one_out(sentences, Path(name) / "sentences", embedder, embedder.digest)
        _measure_titles(sentences, Path(name) / "titles", embedder, embedder.digest)
    measure_speed()
    started = time.process_time()
    for sentence in sentences[:QUESTIONS]:
        embedder([sentence.text])
    report("embedding of a question, ms", _ms(started, QUESTIONS), None, "lower")


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


def _measure_leave_one_out(
    sentences: list[Sentence], folder: Path, embed: Embed, digest: str
) -> None:
    """A sentence finds one of another paper that cites the same work."""
    passages = [
        Passage(id=str(n), text=one.text, title=" · ".join(one.titles), group=one.paper)
        for n, one in enumerate(sentences)
    ]
    build_passages(folder, passages, embed, "minilm", digest)
    asked = [one for one in sentences if _cited_elsewhere(one, sentences)]

    def is_right(one: Sentence, hit: Hit) -> bool:
        return bool(one.works & sentences[int(hit.id)].works)

    _report_found("leave-one-paper-out", asked, folder, embed, is_right, bar=0.65)


def _measure_titles(sentences: list[Sentence], folder: Path, embed: Embed, digest: str) -> None:
    """A sentence finds the title of a work that it cites."""
    titles = {normalised(title): title for one in sentences for title in one.titles}
    passages = [Passage(id=key, text=title) for key, title in titles.items()]
    build_passages(folder, passages, embed, "minilm", digest)
    asked = [one for one in sentences if one.titles]

    def is_right(one: Sentence, hit: Hit) -> bool:
        return hit.id in one.works

    _report_found("sentence to title", asked, folder, embed, is_right, bar=0.60)


def _cited_elsewhere(asked: Sentence, sentences: list[Sentence]) -> bool:
    return any(asked.works & one.works for one in sentences if one.paper != asked.paper)


def _report_found(
    name: str,
    asked: list[Sentence],
    folder: Path,
    embed: Embed,
    is_right: Callable[[Sentence, Hit], bool],
    *,
    bar: float,
) -> None:
    """Reports the held-out papers' questions against the bar, and the dev papers' beside them."""
    index = PassageIndex.open(folder, embed)
    found = [(one, _ranked(index, one)) for one in asked]
    for part, is_dev in (("held out", False), ("dev", True)):
        of_part = [(one, ways) for one, ways in found if one.is_dev == is_dev]
        for way in WAYS:
            right = [any(is_right(one, hit) for hit in ways[way]) for one, ways in of_part]
            share = sum(right) / len(right)
            margin = 1.96 * math.sqrt(share * (1 - share) / len(right))
            metric = f"{name}, hit@10, {part}, {way} (n={len(right)}, ±{margin:.3f})"
            required = bar if (way, is_dev) == ("both", False) else None
            report(metric, share, required, "higher")


def _ranked(index: PassageIndex, one: Sentence) -> dict[str, list[Hit]]:
    """The ten best by each way, none of the sentence's own paper."""
    hits = index.search(one.text, DEPTH, exclude_group=one.paper)
    by_words = sorted(
        (hit for hit in hits if hit.lexical_rank), key=lambda hit: hit.lexical_rank or 0
    )
    by_meaning = sorted(
        (hit for hit in hits if hit.dense_rank), key=lambda hit: hit.dense_rank or 0
    )
    both = index.search(one.text, LIMIT, exclude_group=one.paper)
    return {"words": by_words[:LIMIT], "meaning": by_meaning[:LIMIT], "both": both}


def measure_speed(sizes: dict[int, float] = SIZES) -> None:
    """CPU milliseconds a question over made-up passages, its embedding apart, and to build them."""
    for size, bar in sizes.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "index"
            started = time.process_time()
            build_passages(folder, _made_up(size), _made_up_vectors, "made up", "")
            report(f"build, {size} passages, s", time.process_time() - started, None, "lower")
            index = PassageIndex.open(folder, _made_up_vectors)
            asked = [passage.text for passage in _made_up(QUESTIONS + 1)]
            index.search(asked.pop(), LIMIT)
            started = time.process_time()
            for text in asked:
                index.search(text, LIMIT)
            report(f"question, {size} passages, ms", _ms(started, len(asked)), bar, "lower")


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
