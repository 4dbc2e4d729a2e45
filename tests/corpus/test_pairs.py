"""Rows that already are questions and answers: which become examples, and of which split."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cauce.corpus.pairs import Copies, pair_of, prepare_pairs
from cauce.corpus.settings import PairsSettings
from cauce.corpus.splits import SPLITS
from cauce.errors import DataRefused
from cauce.recipe import load_recipe
from cauce.records import Document, Example, Section
from cauce.runs import read_records, write_records
from cauce.sources.files import FilesSource
from cauce.sources.rows import Columns
from shared import CHECKOUT


def rows(count: int) -> list[dict[str, object]]:
    """Rows with the columns of the hub's data set; every fifth answer is the same word."""
    return [
        {
            "orig_question": f"q{i}",
            "orig_answer": f"a{i}",
            "source": "mathstackexchange",
            "question": f"What is {i} plus {i}?",
            "answer": "True" if i % 5 == 0 else f"The sum of {i} and {i} is **{2 * i}**.",
            "index": i,
        }
        for i in range(count)
    ]


def documents_of(
    folder: Path, table: list[dict[str, object]], columns: Columns | None = None
) -> Path:
    source = load_recipe(CHECKOUT / "recipes" / "webinstruct.yaml").sources[0]
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in table), "utf-8")
    chosen = columns or source.columns  # type: ignore[union-attr]
    found = FilesSource(path=path, columns=chosen, licence="Apache-2.0").documents()
    write_records(folder / "documents.jsonl", [it for it in found if isinstance(it, Document)])
    return folder / "documents.jsonl"


def prepared(
    folder: Path,
    documents: Path,
    *,
    longest: int = 1000,
    copies: Copies | None = None,
    **settings: object,
) -> tuple[dict[str, object], dict[str, list[Example]]]:
    chosen = PairsSettings(**settings)  # type: ignore[arg-type]
    summary = prepare_pairs(
        documents,
        folder,
        chosen,
        seed=0,
        fits=lambda example: len(example.completion) <= longest,
        copies=copies,
        progress=lambda line: None,
    )
    return summary, {
        split: list(read_records(folder / f"{split}.jsonl", Example)) for split in SPLITS
    }


def test_the_recipes_columns_make_each_row_a_question_and_its_answer(tmp_path: Path) -> None:
    table = rows(50)
    summary, splits = prepared(tmp_path, documents_of(tmp_path, table))
    assert summary["examples"] == {"train": 35, "validation": 5, "test": 10}
    assert (summary["too_long"], summary["repeated"]) == (0, 0)
    found = [example for split in SPLITS for example in splits[split]]
    assert {(it.question, it.completion) for it in found} == {
        (row["question"], row["answer"]) for row in table
    }
    first = found[0]
    assert [message.content for message in first.messages] == [first.question]
    assert first.evidence.quote == first.question
    assert first.evidence.section == "question"
    assert len({it.id for it in found}) == 50


def test_the_same_answer_to_another_question_is_no_leak(tmp_path: Path) -> None:
    _, splits = prepared(tmp_path, documents_of(tmp_path, rows(50)))
    answered = {split: {it.completion for it in splits[split]} for split in SPLITS}
    assert all("True" in answers for answers in (answered["train"], answered["test"]))


def test_a_question_asked_twice_stands_in_one_split(tmp_path: Path) -> None:
    table = rows(40)
    again = [{**row, "question": f"  {str(row['question']).upper()} "} for row in table]
    summary, splits = prepared(tmp_path, documents_of(tmp_path, table + again))
    asked = [{" ".join(it.question.lower().split()) for it in splits[split]} for split in SPLITS]
    assert not asked[0] & asked[1]
    assert not (asked[0] | asked[1]) & asked[2]
    assert int(str(summary["repeated"])) > 0


def test_a_group_of_rows_stays_together(tmp_path: Path) -> None:
    table = [{**row, "theme": f"t{i % 7}"} for i, row in enumerate(rows(42))]
    columns = Columns(sections={"question": "question", "answer": "answer"}, group="theme")
    summary, splits = prepared(tmp_path, documents_of(tmp_path, table, columns))
    groups = [{example.group for example in splits[split]} for split in SPLITS]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 7
    assert summary["groups"] == {"train": 5, "validation": 1, "test": 1}


def test_long_ones_are_counted_and_left_and_few_are_drawn(tmp_path: Path) -> None:
    documents = documents_of(tmp_path, rows(60))
    summary, splits = prepared(tmp_path, documents, max_documents=30, longest=26)
    kept = sum(map(len, splits.values()))
    assert kept + int(str(summary["too_long"])) == 30
    assert all(len(it.completion) <= 26 for split in SPLITS for it in splits[split])
    again, same = prepared(tmp_path, documents, max_documents=30, longest=26)
    assert (again, same) == (summary, splits)


def test_near_copies_of_training_examples_are_not_asked(tmp_path: Path) -> None:
    def copies(train: Sequence[Example], held_out: Sequence[Example]) -> list[int]:
        assert len(train) > len(held_out)
        return [place for place, it in enumerate(held_out) if it.completion == "True"]

    documents = documents_of(tmp_path, rows(50))
    _, splits = prepared(tmp_path, documents)
    asked = sum(it.completion == "True" for name in SPLITS[1:] for it in splits[name])
    summary, kept = prepared(tmp_path, documents, copies=copies)
    assert summary["repeated"] == asked > 0
    assert kept["train"] == splits["train"]
    assert all(it.completion != "True" for name in SPLITS[1:] for it in kept[name])


def test_other_columns_may_hold_them() -> None:
    sections = (
        Section(id="instruction", kind="question", title="Instruction", text="Why?"),
        Section(id="output", kind="answer", title="Output", text="Because."),
    )
    document = Document(
        source="files", id="1", version="1", title="1", language="en", sections=sections
    )
    example = pair_of(document)
    assert example is not None
    assert (example.question, example.completion, example.group) == ("Why?", "Because.", "1")
    assert pair_of(document.model_copy(update={"sections": sections[:1]})) is None


def test_an_instruction_stands_before_every_question(tmp_path: Path) -> None:
    documents = documents_of(tmp_path, rows(50))
    _, bare = prepared(tmp_path, documents)
    _, splits = prepared(tmp_path, documents, instruction="Add the numbers:")
    for split in SPLITS:
        for example, before in zip(splits[split], bare[split], strict=True):
            assert example.messages[0].content == f"Add the numbers:\n{before.question}"
            assert example.model_copy(update={"messages": before.messages}) == before


def test_documents_without_pairs_are_refused_with_the_way_to_name_them(tmp_path: Path) -> None:
    documents = documents_of(tmp_path, rows(5), Columns(sections={"question": "other"}))
    with pytest.raises(DataRefused, match=r"no document with sections.*\n.*columns: \{sections:"):
        prepared(tmp_path, documents)


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no pair is left for train"):
        prepared(tmp_path, documents_of(tmp_path, rows(9)), longest=3)
