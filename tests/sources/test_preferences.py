"""Judged answers become documents; a line that says none is refused with its reason."""

from __future__ import annotations

import gzip
import json

import pytest

from cauce.corpus.preferences import preference_of
from cauce.records import Document, Refusal
from cauce.sources import PreferencesSource

TURNS = [
    {"role": "system", "content": "Responde breve."},
    {"role": "user", "content": "Tomo ibuprofeno."},
    {"role": "assistant", "content": "¿Y qué quiere saber?"},
    {"role": "user", "content": "¿Con alcohol?"},
]
PAIR = {"prompt": "¿Qué dosis?", "chosen": "400 mg.", "rejected": "Mucha."}


def read(tmp_path, *rows, **options):
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    (tmp_path / "judged.jsonl").write_text("\n".join(lines))
    return list(PreferencesSource(path=tmp_path, **options).documents())


def test_a_pair_keeps_both_answers_and_what_they_rest_on(tmp_path):
    row = {**PAIR, "evidence": "Tome 400 mg.", "group": "ibuprofeno", "origin": "vote 7"}
    [document] = read(tmp_path, row, licence="CC-BY-4.0")
    assert (document.id, document.group, document.url) == ("judged.jsonl#1", "ibuprofeno", "vote 7")
    assert (document.language, document.licence) == ("es", "CC-BY-4.0")
    example = preference_of(document)
    assert (example.question, example.completion, example.rejected) == tuple(PAIR.values())
    assert (example.evidence.quote, example.is_wanted) == ("Tome 400 mg.", True)


@pytest.mark.parametrize("label", [True, False])
def test_an_answer_judged_alone_keeps_its_turns_and_its_label(label, tmp_path):
    row = {"messages": TURNS, "completion": "No beba.", "label": label, "language": "es"}
    [document] = read(tmp_path, row, language="en")
    example = preference_of(document)
    assert [it.model_dump(include={"role", "content"}) for it in example.messages] == TURNS
    assert (example.completion, example.rejected, example.is_wanted) == ("No beba.", "", label)
    assert example.evidence.quote == example.question == "¿Con alcohol?"
    assert (document.language, document.group) == ("es", "¿con alcohol?")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "Invalid JSON"),
        ({**PAIR, "rejected": " "}, "found chosen"),
        ({"prompt": "¿?", "rejected": "No."}, "found rejected"),
        ({"prompt": "¿?", "completion": "No."}, "found neither"),
        ({"prompt": "¿?", "label": True}, "found neither"),
        (
            {**PAIR, "completion": "x", "label": True},
            "found chosen, rejected, completion and label",
        ),
        ({**PAIR, "rejected": "400 mg. "}, "chosen and rejected are the same text"),
        ({**PAIR, "messages": TURNS}, "give prompt, or messages that end with the user's turn"),
        ({**PAIR, "prompt": ""}, "give prompt, or messages that end with the user's turn"),
        ({**PAIR, "prompt": "", "messages": TURNS[:3]}, "messages end with the assistant's turn"),
        ({**PAIR, "rejeted": "x"}, "rejeted: Extra inputs are not permitted"),
        ({**PAIR, "chosen": [1]}, "chosen: Input should be a valid string"),
    ],
)
def test_a_line_that_is_no_judgement_is_refused_and_the_others_go_on(row, said, tmp_path):
    refused, kept = read(tmp_path, row, PAIR)
    assert isinstance(kept, Document)
    assert isinstance(refused, Refusal)
    assert (refused.position, said in refused.reason) == ("line 1", True), refused.reason


def test_a_packed_file_is_read_and_a_broken_one_refused(tmp_path):
    content = gzip.compress(json.dumps(PAIR).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(content)
    (tmp_path / "b.jsonl.gz").write_bytes(content[:-9])
    whole, broken = PreferencesSource(path=tmp_path).documents()
    assert whole.title == "¿Qué dosis?"
    assert broken.position == "the whole file"


def test_a_document_without_a_judged_answer_is_none(tmp_path):
    [document] = read(tmp_path, PAIR)
    turn, chosen, rejected = document.sections
    assert preference_of(document.model_copy(update={"sections": (turn, rejected)})) is None
    assert preference_of(document.model_copy(update={"sections": (chosen, rejected)})) is None
