from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.knowledge import sentences, words
from cauce.knowledge.claims import checks
from cauce.knowledge.evidence import evidence, passages
from cauce.knowledge.evidence.passages import passage
from cauce.knowledge.sentences import lead
from cauce.knowledge.sentences import sentences as split


@pytest.mark.parametrize("module", [checks, evidence, passages, sentences, words])
def test_the_examples_in_the_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Ruiz vio al paciente. Le dio 2.5 mg.", 2),
        ("¿Duele? ¡Sí! Tome 1 g.", 3),
        ("Use once daily (e.g. in the morning) with food.", 1),
        ("Indicated for: • pain • fever", 3),
        ("One\nTwo", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_says(text: str, count: int) -> None:
    assert len(split(text)) == count


@given(st.text(alphabet="ab. \n•:A1", max_size=80))
def test_sentences_lose_nothing_but_space(text: str) -> None:
    joined = "".join(span.of(text) for span in split(text))
    assert "".join(joined.split()) == "".join(text.split())


@given(st.text(alphabet="ab. \n•:A1", max_size=200), st.integers(5, 60))
def test_a_passage_stands_in_its_text_and_fits(text: str, limit: int) -> None:
    found = passage(text, limit)
    assert found in text
    assert len(found) <= limit


def test_a_sentence_that_announces_a_list_is_not_an_answer_by_itself() -> None:
    assert lead("Do not take it with:\n• alcohol\n• opioids", 20) == ""
    assert (
        lead("Do not take it with:\n• alcohol\n• opioids", 31) == "Do not take it with:\n• alcohol"
    )


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        ("", []),
        ("Una. Dos.", ["Una.", "Dos."]),
        ("Take 2.5 mg daily. Stop if ill.", ["Take 2.5 mg daily.", "Stop if ill."]),
        ("Lo dijo el Dr. Ruiz. Espere.", ["Lo dijo el Dr. Ruiz.", "Espere."]),
        ("Beba agua (p. ej. Un vaso). Coma.", ["Beba agua (p. ej. Un vaso).", "Coma."]),
        ("¿Duele? ¡Llame! Ya.", ["¿Duele?", "¡Llame!", "Ya."]),
        ("Línea uno\nlínea dos", ["Línea uno", "línea dos"]),
        ("menos de 5. no es fin", ["menos de 5. no es fin"]),
    ],
)
def test_sentences_as_a_clinician_writes_them(whole: str, parts: list[str]) -> None:
    assert [span.of(whole) for span in split(whole)] == parts


def test_a_lead_ends_with_no_heading_and_keeps_the_items_of_a_list():
    text = "No se prevén efectos. \nLactancia\nPasa a la leche en poca cantidad."
    assert lead(text, 35) == "No se prevén efectos."
    assert lead(text, 80) == text
    listed = "It may cause:\nNausea\nHeadache\nRash, which may spread over the whole body."
    assert lead(listed, 30) == "It may cause:\nNausea\nHeadache"
