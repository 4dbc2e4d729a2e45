"""Sentences of scientific prose: whole, in order, and never cut within a mark."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.sources.articles.sentences import sentence_spans


def cut(text: str, *marks: str) -> list[str]:
    """The sentences of a text in which each of `marks` stands once."""
    places = [(text.index(mark), text.index(mark) + len(mark)) for mark in marks]
    return [text[start:end] for start, end in sentence_spans(text, places)]


@pytest.mark.parametrize(
    "sentence",
    [
        "It was shown by Roe et al. (see Figs. 2 and 3) that E. coli and S. Typhimurium survive.",
        "The dose, i.e. 2.5 mg, was given as in Ref. 4 and Eq. 7.",
        "We thank J. R. R. Roe, Ph.D. and Prof. M. Díaz for their comments.",
        "Trees were made by PAUP ver. 4 and MrBayes v. 3.2 of Bacillus sp. Strain 7 and others.",
        "Se midió a varias especies (p. ej. Quercus sp.) según Díaz et al. 2010.",
        "El valor fue de 3.4 (véase la Fig. 2 y el núm. 4) en la Dra. Gómez.",
    ],
)
def test_a_stop_that_is_the_words_own_ends_no_sentence(sentence: str) -> None:
    assert cut(f"{sentence} The next one is short.") == [sentence, "The next one is short."]


def test_abbreviations_end_a_sentence_before_a_word_that_opens_one() -> None:
    text = "This was first seen by Roe et al. However, dogs, cats, etc. were left out."
    assert cut(text) == [
        "This was first seen by Roe et al.",
        "However, dogs, cats, etc. were left out.",
    ]


def test_the_last_word_of_a_name_may_be_one_capital() -> None:
    assert cut("All had hepatitis B. Some had fever.") == [
        "All had hepatitis B.",
        "Some had fever.",
    ]


@pytest.mark.parametrize("mark", ["1,3", "[1, 3]", "(1)"])
def test_a_mark_behind_the_stop_is_of_the_sentence_before(mark: str) -> None:
    text = f"Rivers move.{mark} Seas do not."
    assert cut(text, mark) == [f"Rivers move.{mark}", "Seas do not."]


def test_a_mark_that_acts_in_a_sentence_is_of_it() -> None:
    assert cut("Rivers move. [4] showed that seas do not.", "[4]") == [
        "Rivers move.",
        "[4] showed that seas do not.",
    ]


def test_no_sentence_ends_within_a_mark() -> None:
    mark = "(J. Roe. The seas. 2010; p. 4. Díaz 2011)"
    text = f"Rivers move {mark}. Seas do not."
    assert cut(text, mark) == [f"Rivers move {mark}.", "Seas do not."]


def test_a_line_ends_a_sentence() -> None:
    assert cut("Methods\nWe measured.\n\nResults") == ["Methods", "We measured.", "Results"]


WORDS = st.sampled_from(
    [
        "Fig.",
        "al.",
        "The",
        "rivers",
        "3.",
        "[4].",
        "E.",
        "(see",
        "2)",
        "etc.",
        "moved.",
        "\n",
        "¿Y?",
    ]
)


@given(st.lists(WORDS, max_size=30), st.data())
def test_sentences_hold_every_character_in_order_and_every_mark_whole(
    words: list[str], data: st.DataObject
) -> None:
    text = " ".join(words)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    spans = sentence_spans(text, [(start, end)])
    assert "".join("".join(text[s:e].split()) for s, e in spans) == "".join(text.split())
    assert all(before.end <= after.start for before, after in pairwise(spans))
    if text[start:end].strip() == text[start:end] != "":
        assert any(span.start <= start and end <= span.end for span in spans)
