"""The prepare stage of documents that already are a question and its answer.

Such a document has a section of kind `question` and one of kind `answer`: a row of instruction data
whose columns are named so. Nothing is quoted and nothing is indexed, so no assistant comes of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from cauce.corpus.images import image_digest
from cauce.corpus.preferences import preference_of
from cauce.corpus.settings import PairsSettings, PreferencesSettings
from cauce.corpus.splits import (
    SPLITS,
    assign_groups,
    check_leakage,
    draw_groups,
    drop_repeats,
    refuse_empty_splits,
)
from cauce.errors import DataRefused
from cauce.records import Citation, Document, Example, Message, Section
from cauce.runs import read_records, write_records

QUESTION, ANSWER = "question", "answer"
"""The kinds of the two sections that make a pair."""
SERIES = "series"
"""The kind of a section that tells what was measured, as it stands in the question's text too."""

Copies = Callable[[Sequence[Example], Sequence[Example]], Collection[int]]
"""Which examples of the second, by place, are near one of the first."""


def prepare_pairs(
    documents: Path,
    folder: Path,
    settings: PairsSettings | PreferencesSettings,
    *,
    seed: int,
    fits: Callable[[Example], bool],
    copies: Copies | None = None,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Writes one file of examples per split; returns their counts.

    A question that stands in training is not asked again in validation or test, nor is what
    `copies` finds to be a near copy of a training example: the web says the same thing often.
    `fits` says whether an example is short enough for the model; the others are counted and left.
    Raises DataRefused when no document is a pair, or when a split stays empty.
    """
    drawn = _draw(documents, settings, seed)
    progress(f"drew {sum(map(len, drawn.values()))} pairs")
    fitting = {split: [example for example in drawn[split] if fits(example)] for split in SPLITS}
    splits, repeated = drop_repeats(fitting)
    near = 0
    for split in SPLITS[1:]:
        found = set(copies(splits["train"], splits[split])) if copies else set[int]()
        splits[split] = [it for place, it in enumerate(splits[split]) if place not in found]
        near += len(found)
    refuse_empty_splits(
        splits,
        what="pair",
        remedy="Add documents, or raise corpus.max_documents or model.max_tokens.",
    )
    check_leakage(splits)
    for split in SPLITS:
        write_records(folder / f"{split}.jsonl", splits[split])
    return {
        "examples": {split: len(splits[split]) for split in SPLITS},
        "groups": {split: len({example.group for example in splits[split]}) for split in SPLITS},
        "too_long": sum(map(len, drawn.values())) - sum(map(len, fitting.values())),
        "repeated": repeated + near,
    }


def pair_of(document: Document, instruction: str = "") -> Example | None:
    """The document's question and answer; None when it lacks one of them.

    The model is shown the `instruction` on a line before the question. The citation is the question
    itself, with the digest of its image where it has one: what is compared to keep one question in
    one split.
    """
    question, answer = (_first_of(document, kind) for kind in (QUESTION, ANSWER))
    if question is None or answer is None:
        return None
    series = _first_of(document, SERIES)
    asked = f"{instruction}\n{question.text}" if instruction else question.text
    compared = " ".join([question.text, *map(image_digest, document.images)])
    return Example(
        id=document.key,
        messages=(Message(role="user", content=asked, images=document.images),),
        completion=answer.text,
        question=question.text,
        evidence=Citation(
            source=document.source,
            id=document.id,
            version=document.version,
            section=question.id,
            quote=compared,
        ),
        group=_group_of(document),
        kind=ANSWER,
        language=document.language,
        series=series.text if series else "",
    )


def _first_of(document: Document, kind: str) -> Section | None:
    return next((it for it in document.sections if it.kind == kind and it.text.strip()), None)


def _group_of(document: Document) -> str:
    return document.group or document.id


def _pairs(documents: Path, settings: PairsSettings | PreferencesSettings) -> Iterator[Example]:
    for document in read_records(documents, Document):
        made = (
            pair_of(document, settings.instruction)
            if isinstance(settings, PairsSettings)
            else preference_of(document)
        )
        if made is not None:
            yield made


def _draw(
    documents: Path, settings: PairsSettings | PreferencesSettings, seed: int
) -> dict[str, list[Example]]:
    """The examples of each split; the file is read twice, and only what is drawn is kept."""
    counts = Counter(example.group for example in _pairs(documents, settings))
    if not counts:
        raise _nothing_in(documents, settings)
    split_of = assign_groups(
        draw_groups(counts, settings.max_documents, seed=seed),
        validation_share=settings.validation_share,
        test_share=settings.test_share,
        seed=seed,
    )
    drawn: dict[str, list[Example]] = {split: [] for split in SPLITS}
    for example in _pairs(documents, settings):
        if split := split_of.get(example.group):
            drawn[split].append(example)
    return drawn


def _nothing_in(documents: Path, settings: PairsSettings | PreferencesSettings) -> DataRefused:
    if isinstance(settings, PreferencesSettings):
        return DataRefused(
            f"{documents} holds no judged answer.\n"
            "Name a source of kind preferences, whose lines have chosen and rejected, or "
            "completion and label."
        )
    return DataRefused(
        f"{documents} holds no document with sections of kind {QUESTION!r} and {ANSWER!r}.\n"
        "Say in the source which columns they are: columns: {sections: {prompt: question, "
        "completion: answer}}"
    )
