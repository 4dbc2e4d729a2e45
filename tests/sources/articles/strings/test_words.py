"""Words of a reference and the gaps between them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cauce.sources.articles.strings.features import features_of
from cauce.sources.articles.strings.words import soft, words_of


def test_letters_digits_addresses_and_dois_are_words() -> None:
    raw = "Otero A. Phys. Rev. D71, 12–9. https://a.org/b?c=1. doi:10.1000/x(1)y."
    words = [word.text for word in words_of(raw)]
    assert words[:8] == ["Otero", "A", "Phys", "Rev", "D", "71", "12", "9"]
    assert words[8:] == ["https://a.org/b?c=1", "doi", "10.1000/x(1)y"]


def test_gaps_are_spelled_one_way() -> None:
    spelled = [[word.before for word in words_of(raw)] for raw in ("A , “B” 1—2", 'A, "B" 1-2')]
    assert spelled[0] == spelled[1] == ["", ',_"', '"_', "-"]


def test_soft_ignores_punctuation_case_and_spaces() -> None:
    assert (
        soft("The  Sea: a (short) Story.") == soft("the sea a short story") == "theseaashortstory"
    )


@given(st.text(max_size=80))
def test_words_are_the_text_at_their_places(raw: str) -> None:
    words = words_of(raw)
    assert all(raw[word.start : word.end] == word.text for word in words)
    assert all(one.end <= two.start for one, two in itertools.pairwise(words))
    assert len(features_of(words)) == len(words)
