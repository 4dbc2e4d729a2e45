"""The prepare stage: documents become an index to cite and examples to learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cauce.corpus.examples import examples_of
from cauce.corpus.settings import CorpusSettings
from cauce.corpus.splits import (
    SPLITS,
    assign_groups,
    check_leakage,
    draw_groups,
    drop_repeats,
    refuse_empty_splits,
)
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document, Example
from cauce.runs import read_records, write_records


def prepare(
    documents: Path,
    folder: Path,
    settings: CorpusSettings,
    *,
    seed: int,
    fits: Callable[[Example], bool],
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Writes `index.sqlite` and one file of examples per split; returns their counts.

    `fits` says whether an example is short enough for the model; the others are counted and left.
    """
    index_path = folder / "index.sqlite"
    sections = build_index(index_path, read_records(documents, Document))
    progress(f"indexed {sections} sections")
    index = Index(index_path)
    try:
        drawn = _draw(documents, index, settings, seed)
    finally:
        index.close()
    fitting = {split: [example for example in drawn[split] if fits(example)] for split in SPLITS}
    splits, repeated = drop_repeats(fitting)
    refuse_empty_splits(
        splits,
        what="example",
        remedy="Add documents with the sections of corpus.kinds, or raise corpus.answer_chars, "
        "corpus.passage_chars or model.max_tokens.",
    )
    check_leakage(splits)
    for split in SPLITS:
        write_records(folder / f"{split}.jsonl", splits[split])
    return {
        "sections": sections,
        "examples": {split: len(splits[split]) for split in SPLITS},
        "groups": {split: len({example.group for example in splits[split]}) for split in SPLITS},
        "too_long": sum(map(len, drawn.values())) - sum(map(len, fitting.values())),
        "repeated": repeated,
    }


def _draw(
    documents: Path, index: Index, settings: CorpusSettings, seed: int
) -> dict[str, list[Example]]:
    counts = Counter(document.group for document in read_records(documents, Document))
    split_of = assign_groups(
        draw_groups(counts, settings.max_documents, seed=seed),
        validation_share=settings.validation_share,
        test_share=settings.test_share,
        seed=seed,
    )
    drawn: dict[str, list[Example]] = {split: [] for split in SPLITS}
    for document in read_records(documents, Document):
        if split := split_of.get(document.group):
            drawn[split] += examples_of(document, index, settings, seed=seed, split=split)
    return drawn
