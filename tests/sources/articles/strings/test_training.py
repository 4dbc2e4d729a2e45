"""How the parser is made: labels, styles, and the same model from the same references."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from benchmarks.scholar.labelled import (
    FOLDER,
    Field,
    field_f1,
    from_pieces,
    is_for_tuning,
    is_held_out,
)

from cauce.sources.articles.strings import FieldSpan
from cauce.sources.articles.strings.tagger import labelled_spans, labels_of
from cauce.sources.articles.strings.words import words_of
from shared import shared_data

pytest.importorskip("pycrfsuite")

from scripts import make_reference_parser
from scripts.reference_styles import STYLES, Work, printed

WORK = Work(
    (("Otero", "Ana"), ("Wu", "K L")),
    {"title": "Slow currents", "journal": "Marine Letters", "date": "2019", "volume": "12"},
)


def test_the_labels_of_words_give_the_spans_back() -> None:
    raw = "Otero A. Slow currents. 2019"
    labels = labels_of(["author", "author", "title", "title", "-"])
    assert labels == ["B-author", "I-author", "B-title", "I-title", "-"]
    spans = labelled_spans(words_of(raw), labels)
    assert spans == [FieldSpan("author", 0, 7), FieldSpan("title", 9, 22)]


def test_an_inside_without_a_beginning_begins_a_span() -> None:
    spans = labelled_spans(words_of("a b c"), ["I-title", "I-date", "B-date"])
    assert [(span.field, span.start) for span in spans] == [("title", 0), ("date", 2), ("date", 4)]


@pytest.mark.parametrize("style", STYLES)
def test_a_printed_work_keeps_its_fields(style: str) -> None:
    reference = from_pieces("", printed(WORK, STYLES[style], random.Random(1)))
    texts = {field.name: field.text for field in reference.fields}
    assert {name: texts[name] for name in WORK.fields} == WORK.fields
    assert "otero" in texts["author"].lower()
    assert "[" not in reference.raw and "{" not in reference.raw
    assert len(reference.labels) == len(words_of(reference.raw))


def test_a_field_is_right_but_for_punctuation_and_case() -> None:
    gold = [[Field("title", "The Sea."), Field("date", "2019")]]
    scores = field_f1([[Field("title", "the sea"), Field("date", "2018")]], gold)
    assert (scores["title"], scores["date"], scores["micro"]) == (1.0, 0.0, 0.5)


def test_two_trainings_write_the_same_bytes(tmp_path: Path) -> None:
    references = [
        from_pieces("", printed(WORK, style, random.Random(seed)))
        for style in STYLES.values()
        for seed in (1, 2)
    ]
    models = [tmp_path / name for name in ("one", "two")]
    for model in models:
        make_reference_parser.learn(references, model)
    assert models[0].read_bytes() == models[1].read_bytes()


def test_the_files_of_the_test_are_never_learnt_from() -> None:
    files = [path.name for path in shared_data(FOLDER).glob("*.xml")]
    held_out = {file for file in files if is_held_out(file)}
    assert len(held_out) == 88
    assert not any(is_for_tuning(file) for file in held_out)
