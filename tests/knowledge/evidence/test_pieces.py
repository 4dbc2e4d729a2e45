"""Sentences of labels whose headings, rows and references have no stop of their own."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.knowledge.evidence import pieces as pieces_module
from cauce.knowledge.evidence import telling as telling_module
from cauce.knowledge.evidence.passages import best_place, is_heading, passage, passage_at
from cauce.knowledge.evidence.pieces import pieces
from cauce.knowledge.evidence.telling import measures, specific_stems, telling


@pytest.mark.parametrize("module", [pieces_module, telling_module])
def test_the_examples_in_the_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Test first. (2.1, 14) Give 5 mg.", ["Test first. (2.1, 14)", "Give 5 mg."]),
        ("Give 5 mg. ( 5. 2 ) Stop.", ["Give 5 mg. ( 5. 2 )", "Stop."]),
        ("Adults: 5 mg ( 2.2 ) Children: 1 mg", ["Adults: 5 mg ( 2.2 )", "Children: 1 mg"]),
        ("Mania ( 2.2 ) 15 mg/day", ["Mania ( 2.2 ) 15 mg/day"]),
        ("Avoid [see Warnings ( 5.1 ) Table 2].", ["Avoid [see Warnings ( 5.1 ) Table 2]."]),
        ("Rows 20 mg 2.1 Adults Take it", ["Rows 20 mg", "2.1 Adults Take it"]),
        ("Mean 3.2 Placebo", ["Mean 3.2 Placebo"]),
        ("Read it. Table 2. Doses", ["Read it.", "Table 2. Doses"]),
        ("Take 0.5 mg, e.g. at night. Rest.", ["Take 0.5 mg, e.g. at night.", "Rest."]),
        (" ( 2.1 ) ", ["( 2.1 )"]),
        ("", []),
    ],
)
def test_pieces_end_where_a_reader_says(text: str, parts: list[str]) -> None:
    assert [span.of(text) for span in pieces(text)] == parts


PRINTED = ("Take", "5 mg.", "( 2.1 )", "[see Use (8.6)]", "Table 2.", "2.1 Adults", "\n", "• one")


@given(st.lists(st.sampled_from(PRINTED), max_size=12))
def test_pieces_lose_nothing_but_space(parts: list[str]) -> None:
    text = " ".join(parts)
    joined = "".join(span.of(text) for span in pieces(text))
    assert "".join(joined.split()) == "".join(text.split())


def quoted(text: str, question: str, limit_chars: int, kind: str = "dose") -> str:
    """The passage that answers a question on a kind of section."""
    return passage_at(text, best_place(text, telling(kind, question)), limit_chars)


LABEL = (
    "Select patients by mutation. ( 2.1 ) Recommended dose: 120 mg twice daily ( 2.3 ) "
    "Poor metabolizers: half of the usual dose, 60 mg. The maximum dose is 240 mg."
)


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("What is the usual dose?", "Recommended dose: 120 mg"),
        ("maximum dose", "The maximum dose is 240 mg."),
        ("dosis máxima", "The maximum dose is 240 mg."),
    ],
)
def test_a_dose_is_quoted_where_it_is_stated(question: str, start: str) -> None:
    assert quoted(LABEL, question, 60).startswith(start)


def test_words_that_any_question_may_hold_choose_nothing() -> None:
    assert specific_stems("What is the usual recommended adult dose in mania?") == {"dose", "mania"}


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("dose under 60 kg", "in those of 60-kg or less"),
        ("safe with G6PD deficiency?", "deficiency of g6pd"),
        ("Child-Pugh B", "child-pugh class b"),
    ],
)
def test_a_measure_is_found_however_a_text_joins_it(question: str, text: str) -> None:
    assert any(one.pattern.search(text) for one in measures(question))
    assert not any(one.pattern.search("160 kg, child-pugh a") for one in measures(question))


ROWS = "Table 4: Dose Adjustments [see Use (8.6)]. CrCl Dose 30 to 60 10 mg " + "60 20 mg " * 90


def test_a_caption_is_quoted_with_its_rows() -> None:
    assert "30 to 60 10 mg" in passage(ROWS, 200)
    assert passage(ROWS, 200) in ROWS
    assert len(quoted(ROWS, "usual dose", 200)) <= 200


def test_an_announcement_without_room_for_what_follows_is_left_out() -> None:
    text = "Take 5 mg. " + "Keep it so. " * 5 + "Doses are shown in Table 2. " + "x 5 mg, " * 40
    assert quoted(text, "usual dose", 100).endswith("Keep it so.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Table 2.", True),
        ("2.6 Dosage Adjustments [see Use in Specific Populations ( 8.6 )]", True),
        ("Table 2 Doses 5 mg daily", False),
        ("Avoid use.", False),
        ("None. None ( 4 )", False),
    ],
)
def test_headings_are_told_from_sentences(text: str, expected: bool) -> None:
    assert is_heading(text) is expected
