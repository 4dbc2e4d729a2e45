"""The prepare stage of articles: files, splits and counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from cauce.corpus.research.prepare import prepare_research
from cauce.corpus.research.questions import ResearchQuestion
from cauce.corpus.research.settings import ResearchSettings
from cauce.corpus.research.splits import check_works, part_by_works
from cauce.corpus.splits import SPLITS
from cauce.errors import DataRefused, LeakageFound
from cauce.records import Citation, Document, Example, Reference
from cauce.runs import read_records, write_records
from corpus.research.articles import article

ANIMALS = """
    wolves bears lynxes otters badgers weasels beavers martens ibexes bisons
""".split()  # noqa: SIM905
PLACES = ["forests", "rivers", "mountains", "valleys", "islands"]


def articles() -> list[Document]:
    """Ten articles of five sentences; all cite one work, in their last sentence."""
    return [
        article(
            animal,
            [
                f"Populations of {animal} in the northern {place} depend on the depth of the "
                f"winter {animal[:3]}{place[:3]} snow cover «[{number}]»."
                for number, place in enumerate(PLACES, 1)
            ]
            + [f"We counted {animal} in every forest of the northern country «[1]»."],
            shared=["5"],
        )
        for animal in ANIMALS
    ]


def prepared(folder: Path, documents: list[Document], **chosen: object) -> dict[str, object]:
    write_records(folder / "documents.jsonl", documents)
    return prepare_research(
        folder / "documents.jsonl",
        folder,
        ResearchSettings(**chosen),  # type: ignore[arg-type]
        seed=0,
        fits=lambda example: True,
        progress=lambda line: None,
    )


def read(folder: Path) -> dict[str, list[Example]]:
    return {split: list(read_records(folder / f"{split}.jsonl", Example)) for split in SPLITS}


def test_no_article_and_no_cited_work_stands_in_two_splits(tmp_path: Path) -> None:
    summary = prepared(tmp_path, articles())
    splits = read(tmp_path)
    groups = [{it.group for it in splits[split]} for split in SPLITS]
    works = [{doi for it in splits[split] for doi in it.completion.split()} for split in SPLITS]
    for found in (groups, works):
        assert sum(map(len, found)) == len(set.union(*found))
    assert "doi:10.1/5" in works[2]
    assert summary["groups"] == {"train": 7, "validation": 1, "test": 2}
    assert summary["cited_in_a_later_split"] == {"train": 7, "validation": 1, "test": 0}
    assert summary["examples"] == {"train": 28, "validation": 4, "test": 10}
    assert summary["unusable"] == {"about the article itself or what was said before": 10}
    assert summary["citing_sentences"] == 60


def test_every_accepted_question_is_kept_with_its_provenance(tmp_path: Path) -> None:
    prepared(tmp_path, articles())
    questions = list(read_records(tmp_path / "questions.jsonl", ResearchQuestion))
    assert len(questions) == 50
    by_id = {it.id: it for it in questions}
    for examples in read(tmp_path).values():
        for example in examples:
            assert example == by_id[example.id].example
    assert {it.rank for it in questions} <= {1, 2, 3}
    assert all(0.35 <= it.overlap <= 0.8 and it.references for it in questions)


def test_the_same_seed_gives_the_same_questions(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        prepared(tmp_path / name, articles())
    assert read(tmp_path / "one") == read(tmp_path / "two")


def test_few_articles_are_drawn(tmp_path: Path) -> None:
    summary = prepared(tmp_path, articles(), max_documents=4)
    assert summary["citing_sentences"] == 24


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    write_records(tmp_path / "documents.jsonl", articles())
    summary = prepare_research(
        tmp_path / "documents.jsonl",
        tmp_path,
        ResearchSettings(),
        seed=0,
        fits=lambda example: "forests" not in example.question,
        progress=lambda line: None,
    )
    assert summary["too_long"] == 10


def test_documents_that_cite_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"no document with sentences that cite.\nFetch articles"):
        prepared(tmp_path, [article("a", ["Nothing is cited."])])


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    document = article("a", ["Wolves of the north hunt roe deer in large packs «[1]»."])
    cited_by_all = [
        article(it.group, [it.citing[0].text.replace("[1]", "«[1]»")], shared=["1"])
        for it in articles()[:3]
    ]
    with pytest.raises(DataRefused, match="no question is left for train, validation"):
        prepared(tmp_path, cited_by_all)
    with pytest.raises(DataRefused, match="at least one each"):
        prepared(tmp_path, [document])


def question(id: str, article: str, *dois: str) -> ResearchQuestion:
    return ResearchQuestion(
        id=id,
        question="Why?",
        opening="phrases",
        article=article,
        evidence=Citation(source="a", id="a", version="1", section="1", quote="q"),
        sentence="q",
        references=tuple(Reference(id=doi, doi=doi) for doi in dois),
        rank=1,
        overlap=0.5,
        language="en",
    )


def test_one_common_work_is_enough_and_the_test_stays_whole() -> None:
    questions = [
        question("1", "learned", "x", "y"),
        question("2", "learned", "z"),
        question("3", "chosen", "z", "v"),
        question("4", "chosen", "w"),
        question("5", "tested", "x", "w"),
    ]
    split_of = {"learned": "train", "chosen": "validation", "tested": "test"}
    parted = part_by_works(questions, split_of)
    kept = {split: [it.id for it in parted.splits[split]] for split in SPLITS}
    assert kept == {"train": [], "validation": ["3"], "test": ["5"]}
    assert parted.dropped == {"train": 2, "validation": 1, "test": 0}
    check_works(parted.splits)
    with pytest.raises(LeakageFound, match=r"x is cited in train and in test \(5\)"):
        check_works({"train": questions[:1], "test": questions[4:]})
