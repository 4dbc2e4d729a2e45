from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.sources.cleaning import INVISIBLE, character_counts, clean_text, one_line


@given(st.text())
def test_only_the_whitelist_is_ever_deleted(text: str) -> None:
    assert character_counts(clean_text(text)) == character_counts(text)
    assert character_counts(one_line(text)) == character_counts(text)


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@given(st.text(alphabet="a \n\t\u00a0\u00ad\u2028é<"))
def test_the_quick_way_of_a_clean_text_gives_what_the_slow_one_does(text: str) -> None:
    assert clean_text(text) == clean_text(f"\0{text}")
    assert one_line(text) == one_line(f"\0{text}")


@pytest.mark.parametrize(
    "text",
    [
        "CLcr <30 mL/min/1.73 m2: halve the dose; CLcr >60: no change",
        "<5 x ULN, reinitiate; ALT or AST > 8 x ULN",
        "a copy in <braille>, <large print> or <audio>",
        "25 °C ± 2; 5–10 µg; naïve; año",
    ],
)
def test_what_looks_like_a_tag_stays(text: str) -> None:
    assert clean_text(text) == text


def test_the_whitelist_is_what_its_description_says() -> None:
    assert clean_text("\ufeffi\u00adbu\u200bprofen\u00a0 400\u2009mg\r\n\n daily\x00") == (
        "ibuprofen 400 mg\ndaily"
    )
    assert not any(character.isprintable() for character in INVISIBLE)
    every = map(chr, range(sys.maxunicode + 1))
    assert [c for c in every if c.isspace() and c.isprintable()] == [" "]
