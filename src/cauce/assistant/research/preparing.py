"""What the research assistant needs, made of articles: library, sections, thresholds, lessons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from cauce.assistant.research.abstention import Abstention
from cauce.assistant.research.assistant import Thresholds
from cauce.assistant.research.expanding import Expander
from cauce.assistant.research.finding import Finder
from cauce.assistant.research.naming import naming_example
from cauce.assistant.settings import Way
from cauce.corpus.research.citing import cited_sentences
from cauce.corpus.research.questions import ResearchQuestion
from cauce.errors import DataRefused
from cauce.knowledge.library.library import Embedding, Evidence, Library, write_library
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document, Example, Language
from cauce.runs import atomic_write, read_records, write_records

LEARNED = ("train", "validation")


def prepare_assistant(
    documents: Path,
    folder: Path,
    embedding: Embedding | None,
    *,
    opensearch: str,
    seed: int,
    fits: Callable[[Example], bool],
    progress: Callable[[str], None],
    expander: Expander | None = None,
) -> dict[str, Any]:
    """Writes library, `index.sqlite` and `abstention.json`; returns their counts.

    `prepare_research` has written questions and splits into the folder; to those that are learned
    one more example of each question is added, in which the sentences found stand numbered. Raises
    DataRefused where no sentence cites a work with a DOI.
    """
    asked = [
        (question.sentence_id, question.question)
        for question in read_records(folder / "questions.jsonl", ResearchQuestion)
    ]
    sentences = write_library(
        folder / "library", _evidence(documents), asked, embedding, opensearch=opensearch
    )
    if not sentences:
        raise DataRefused(
            f"no sentence of {documents} cites a work whose DOI is known.\n"
            "Name the works that are known in corpus.catalogue, or set corpus.online to ask for "
            "their DOIs."
        )
    progress(f"{sentences} sentences can be cited")
    sections = build_index(folder / "index.sqlite", read_records(documents, Document))
    library = Library.open(folder / "library", embedding.embed if embedding else None)
    finder = Finder(library, expander)
    finder.expand([example.question for split in LEARNED for example in _examples(folder, split)])
    _write_thresholds(folder, finder)
    named = {split: _add_lessons(folder, split, finder, seed, fits) for split in LEARNED}
    return {"sentences": sentences, "sections": sections, "named": named}


def _evidence(documents: Path) -> Iterator[Evidence]:
    for document in read_records(documents, Document):
        for cited in cited_sentences(document):
            if cited.works:
                yield Evidence(
                    id=cited.id,
                    citation=cited.citation,
                    text=cited.clean,
                    article=cited.article,
                    works=cited.works,
                )


def _write_thresholds(folder: Path, finder: Finder) -> None:
    """Fits when each way abstains, to the validation questions."""
    examples = _examples(folder, "validation")
    ways: Sequence[Way] = get_args(Way)
    fitted = {way: _threshold(finder, examples, way) for way in ways}
    with atomic_write(folder / "abstention.json") as stream:
        stream.write(Thresholds(**fitted).model_dump_json(indent=1).encode())


def _threshold(finder: Finder, examples: Sequence[Example], way: Way) -> Abstention:
    """Of questions asked of the library with and without the article they were made of."""
    asked, withheld = [], []
    for example in examples:
        for without in (None, example.group):
            found = finder.find(example.question, _language(example), way, without=without)
            right = bool(found) and bool({*found[0].evidence.dois} & {*answers_of(example)})
            asked.append((example.question, found, right))
            withheld.append(without is not None)
    return Abstention.fitted(asked, withheld)


def _language(example: Example) -> Language:
    """Articles are read in two languages; only safety examples, never mixed in here, have more."""
    return cast(Language, example.language)


def answers_of(example: Example) -> list[str]:
    """The DOIs that answer a research question."""
    return [line.removeprefix("doi:") for line in example.completion.splitlines()]


def _add_lessons(
    folder: Path, split: str, finder: Finder, seed: int, fits: Callable[[Example], bool]
) -> int:
    """Adds to a split what a model learns naming by; returns how many examples that is."""
    examples = _examples(folder, split)
    lessons = []
    for example in examples:
        found = finder.find(example.question, _language(example), "expanded")
        lesson = naming_example(example, [one.evidence for one in found], seed=seed)
        if lesson is not None and fits(lesson):
            lessons.append(lesson)
    write_records(folder / f"{split}.jsonl", [*examples, *lessons])
    return len(lessons)


def _examples(folder: Path, split: str) -> list[Example]:
    return list(read_records(folder / f"{split}.jsonl", Example))
