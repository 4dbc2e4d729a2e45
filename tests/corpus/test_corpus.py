from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from cauce.corpus import questions
from cauce.corpus.examples import spoken_names
from cauce.corpus.prepare import prepare
from cauce.corpus.questions import (
    KINDS,
    QUESTIONS,
    description_wording,
    held_out_wording,
    training_wordings,
)
from cauce.corpus.settings import CorpusSettings
from cauce.corpus.splits import SPLITS, assign_groups, check_leakage, draw_groups, drop_repeats
from cauce.errors import DataRefused, LeakageFound
from cauce.knowledge.sections.index import Index
from cauce.records import Citation, Document, Example, Message, Names, Section
from cauce.runs import read_records, write_records
from documents import medicine

MEDICINES = [
    "alfa",
    "bravo",
    "carlo",
    "delta",
    "echo",
    "foxtrot",
    "golfo",
    "hotel",
    "india",
    "julia",
]


def example(group: str, quote: str, name: str = "x") -> Example:
    return Example(
        id=f"{group}/{name}",
        messages=(Message(role="user", content=quote),),
        completion=quote,
        question="?",
        evidence=Citation(source="s", id=group, version="1", section="use", quote=quote),
        group=group,
        kind="use",
        language="en",
    )


def prepared(
    folder: Path, documents: list[Document], **settings: object
) -> dict[str, list[Example]]:
    write_records(folder / "documents.jsonl", documents)
    prepare(
        folder / "documents.jsonl",
        folder,
        CorpusSettings(**settings),  # type: ignore[arg-type]
        seed=0,
        fits=lambda example: True,
        progress=lambda text: None,
    )
    return {split: list(read_records(folder / f"{split}.jsonl", Example)) for split in SPLITS}


def documents() -> list[Document]:
    return [
        medicine(name, dose=100 + number, language=language, document_id=name)
        for number, name in enumerate(MEDICINES)
        for language in ("en", "es")
    ]


def test_every_kind_has_wordings_in_both_languages_that_hold_the_name() -> None:
    for kind in KINDS:
        for language in ("en", "es"):
            wordings = QUESTIONS[kind][language]
            assert len(set(wordings)) >= 5
            assert all("{name}" in wording for wording in wordings)
            assert held_out_wording(kind, language) not in training_wordings(kind, language)


def test_no_substance_stands_on_two_sides_in_any_language(tmp_path: Path) -> None:
    splits = prepared(tmp_path, documents())
    groups = {split: {item.group for item in items} for split, items in splits.items()}
    assert all(groups.values())
    assert not groups["train"] & (groups["validation"] | groups["test"])
    assert not groups["validation"] & groups["test"]
    assert {item.language for item in splits["test"]} == {"en", "es"}


def test_the_evidence_is_letter_for_letter_in_its_section(tmp_path: Path) -> None:
    by_key = {document.key: document for document in documents()}
    for items in prepared(tmp_path, documents()).values():
        for item in items:
            document = by_key[f"{item.evidence.source}/{item.evidence.id}/{item.language}"]
            assert item.evidence.quote in document.section(item.evidence.section).text
            assert item.evidence.quote in item.messages[-1].content
            assert item.question in item.messages[-1].content


def test_test_questions_are_worded_as_none_in_training(tmp_path: Path) -> None:
    splits = prepared(tmp_path, documents())
    names = {name.lower() for name in MEDICINES}

    def wording(item: Example) -> str:
        return " ".join(
            word for word in item.question.split() if word.strip("¿?.,:").lower() not in names
        )

    assert not {wording(item) for item in splits["test"]} & {
        wording(item) for item in splits["train"]
    }


def test_the_same_seed_gives_the_same_examples(tmp_path: Path) -> None:
    assert prepared(tmp_path / "a", documents()) == prepared(tmp_path / "b", documents())


def test_of_very_many_documents_some_substances_are_asked_about_and_all_are_indexed(
    tmp_path: Path,
) -> None:
    documents = [medicine(name) for name in MEDICINES]
    splits = prepared(tmp_path, documents, max_documents=4)
    assert len({item.group for split in SPLITS for item in splits[split]}) == 4
    assert all(splits[split] for split in SPLITS)
    index = Index(tmp_path / "index.sqlite")
    assert index.statistics()["documents"] == len(documents)
    index.close()
    assert draw_groups({"a": 9, "b": 9, "c": 9, "d": 9}, 3, seed=0) != {"a", "b", "c", "d"}
    assert len(draw_groups({"a": 9, "b": 9, "c": 9, "d": 9}, 3, seed=0)) == 3
    assert draw_groups({"a": 9, "b": 9}, 18, seed=1) == {"a", "b"}


def test_a_long_example_is_counted_and_left(tmp_path: Path) -> None:
    write_records(tmp_path / "documents.jsonl", documents())
    summary = prepare(
        tmp_path / "documents.jsonl",
        tmp_path,
        CorpusSettings(),
        seed=0,
        fits=lambda example: example.kind != "storage",
        progress=lambda text: None,
    )
    assert summary["too_long"] > 0
    assert all(item.kind != "storage" for item in read_records(tmp_path / "train.jsonl", Example))


def test_two_substances_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="of 2 group"):
        prepared(tmp_path, [medicine("alfa"), medicine("bravo")])


def test_a_new_substance_moves_few_of_the_others() -> None:
    shares = {"validation_share": 0.1, "test_share": 0.2, "seed": 0}
    before = assign_groups(map(str, range(100)), **shares)  # type: ignore[arg-type]
    after = assign_groups(map(str, range(101)), **shares)  # type: ignore[arg-type]
    assert sum(before[group] != after[group] for group in before) <= 3


def test_a_shared_passage_stays_in_training_only() -> None:
    splits = {
        "train": [example("a", "Store at 25 °C.")],
        "validation": [example("b", "store at  25 °C."), example("b", "Another text.", "y")],
        "test": [example("c", "Something else.")],
    }
    kept, dropped = drop_repeats(splits)
    assert dropped == 1
    check_leakage(kept)


@pytest.mark.parametrize(
    ("test_example", "what"),
    [(example("a", "Other text."), "group"), (example("z", "Same  TEXT."), "passage")],
)
def test_leakage_fails_with_both_places(test_example: Example, what: str) -> None:
    splits = {"train": [example("a", "same text.")], "test": [test_example]}
    with pytest.raises(LeakageFound, match=f"same {what} stands in train"):
        check_leakage(splits)


def test_warnings_are_asked_about_where_a_document_has_them(tmp_path: Path) -> None:
    """Labels do; the embedded medicines, with their ten kinds of section, have none."""
    text = "{} may cause drowsiness. Ask a doctor first if you are older than 65 years."
    warned = [
        document.model_copy(
            update={
                "sections": (
                    Section(
                        id="warnings",
                        kind="warnings",
                        title="Warnings",
                        text=text.format(document.title),
                    ),
                )
            }
        )
        for document in documents()
    ]
    for split, items in prepared(tmp_path / "warned", warned).items():
        assert {item.kind for item in items} == {"warnings"}
        assert all(item.completion for item in items)
        if split == "test":
            asked = {item.question.replace(item.group, "{name}") for item in items}
            assert asked == {held_out_wording("warnings", language) for language in ("en", "es")}
    for items in prepared(tmp_path / "plain", documents()).values():
        assert "warnings" not in {item.kind for item in items}


def test_a_description_has_a_wording_that_training_may_see() -> None:
    assert doctest.testmod(questions).failed == 0
    for kind in KINDS:
        for language in ("en", "es"):
            assert description_wording(kind, language) in training_wordings(kind, language)


def test_people_ask_by_the_name_of_their_language() -> None:
    document = medicine("ibuprofeno", language="es", brands=("ADVIL",)).model_copy(
        update={"names": Names(generics=("ibuprofen", "ibuprofeno"), brands=("ADVIL",))}
    )
    assert spoken_names(document) == ["ibuprofeno", "advil"]


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="choose from"):
        CorpusSettings(kinds=("dosis",))
    with pytest.raises(ValueError, match="leave less than"):
        CorpusSettings(validation_share=0.45, test_share=0.45)
