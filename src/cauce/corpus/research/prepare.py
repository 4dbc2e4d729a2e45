"""The prepare stage of articles: their citing sentences become questions answered by DOIs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from cauce.corpus.research.citing import Cited, Left, usable_sentences
from cauce.corpus.research.questions import Made, ResearchQuestion, make_questions
from cauce.corpus.research.ranking import SentenceIndex
from cauce.corpus.research.rewriting import PromptWriter
from cauce.corpus.research.settings import ResearchSettings
from cauce.corpus.research.splits import check_works, part_by_works
from cauce.corpus.research.vocabulary import Vocabulary
from cauce.corpus.splits import (
    SPLITS,
    assign_groups,
    check_leakage,
    draw_groups,
    drop_repeats,
    refuse_empty_splits,
)
from cauce.errors import DataRefused
from cauce.records import Document, Example
from cauce.runs import read_records, write_records


def prepare_research(
    documents: Path,
    folder: Path,
    settings: ResearchSettings,
    *,
    seed: int,
    fits: Callable[[Example], bool],
    writer: PromptWriter | None = None,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Writes `questions.jsonl` and one file of examples per split; returns their counts.

    `questions.jsonl` holds every accepted question with its provenance, before the splits. `fits`
    says whether an example is short enough for the model; the others are counted and left.
    `writer` is asked when the settings have a prompt for it. Raises DataRefused when no sentence
    cites, or when a split stays empty.
    """
    usable, left = _read(documents, settings, seed)
    progress(f"{len(usable)} of {len(usable) + len(left)} citing sentences are usable")
    made = make_questions(
        usable,
        Vocabulary(_texts(documents)),
        SentenceIndex([cited.clean for cited in usable] + [it.clean for it in left]),
        settings,
        seed=seed,
        writer=writer if settings.rewrite else None,
    )
    progress(f"{len(made.questions)} questions were accepted")
    write_records(folder / "questions.jsonl", made.questions)
    fitting = [question for question in made.questions if fits(question.example)]
    splits, counts = _split(fitting, settings, seed)
    for split in SPLITS:
        write_records(folder / f"{split}.jsonl", splits[split])
    return {
        "examples": {split: len(splits[split]) for split in SPLITS},
        "groups": {split: len({example.group for example in splits[split]}) for split in SPLITS},
        "too_long": len(made.questions) - len(fitting),
        **counts,
        **_counts_of(usable, left, made),
    }


def _read(documents: Path, settings: ResearchSettings, seed: int) -> tuple[list[Cited], list[Left]]:
    """The usable sentences of the articles that are drawn, and why the others are not."""
    counts = Counter(_group(it) for it in read_records(documents, Document) if it.citing)
    if not counts:
        raise DataRefused(
            f"{documents} holds no document with sentences that cite.\n"
            "Fetch articles with their references: sources: [{kind: articles, path: ...}]"
        )
    drawn = draw_groups(counts, settings.max_documents, seed=seed)
    usable: list[Cited] = []
    left: list[Left] = []
    for document in read_records(documents, Document):
        if _group(document) in drawn:
            for found in usable_sentences(document.model_copy(update={"sections": ()})):
                if isinstance(found, Left):
                    left.append(found)
                else:
                    usable.append(found)
    return usable, left


def _group(document: Document) -> str:
    return document.group or document.id


def _texts(documents: Path) -> Iterator[str]:
    """What the corpus says: sections, or citing sentences where a source has nothing else."""
    for document in read_records(documents, Document):
        sections = [section.text for section in document.sections]
        yield from sections or [sentence.text for sentence in document.citing]


def _split(
    questions: Sequence[ResearchQuestion], settings: ResearchSettings, seed: int
) -> tuple[dict[str, list[Example]], dict[str, Any]]:
    """The examples of each split, and how many were left out so that nothing tested is learned."""
    split_of = assign_groups(
        {question.article for question in questions},
        validation_share=settings.validation_share,
        test_share=settings.test_share,
        seed=seed,
    )
    parted = part_by_works(questions, split_of)
    check_works(parted.splits)
    splits, repeated = drop_repeats(
        {split: [it.example for it in parted.splits[split]] for split in SPLITS}
    )
    refuse_empty_splits(
        splits,
        what="question",
        remedy="Add articles whose references have a DOI, or raise corpus.max_documents or "
        "model.max_tokens.",
    )
    check_leakage(splits)
    return splits, {"cited_in_a_later_split": parted.dropped, "repeated": repeated}


def _counts_of(usable: Sequence[Cited], left: Sequence[Left], made: Made) -> dict[str, Any]:
    return {
        "citing_sentences": len(usable) + len(left),
        "unusable": dict(Counter(sentence.reason for sentence in left).most_common()),
        "refused": made.refused,
        "openings": dict(Counter(question.opening for question in made.questions)),
        "rewritten": made.rewritten,
    }
