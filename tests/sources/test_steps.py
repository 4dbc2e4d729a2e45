"""Named steps of cleaning: what each changes, what it counts, and that nothing else is lost."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.errors import RecipeError
from cauce.recipe import parse_source
from cauce.records import Document, Refusal
from cauce.runs import read_records
from cauce.sources import FilesSource, fetch
from cauce.sources.cleaning import character_counts, clean_text
from cauce.sources.rows import Columns
from cauce.sources.steps import Step, clean_by

ALL: tuple[Step, ...] = ("escapes", "entities", "nfc", "urls")
SPANISH = "El niño cigüeño, ¿comió «pan» con ají a 2 €? ¡Sí! 25 °C ± 2; <30 mL/min, AT&T y R&D."


def test_spanish_and_what_looks_like_markup_is_left_alone() -> None:
    assert clean_by(SPANISH, ALL) == (SPANISH, Counter())


def test_without_steps_only_white_space_is_folded() -> None:
    text = "a &amp;  b\u00a0https://a.es \\n n\u0303"
    assert clean_by(text, ()) == (clean_text(text), Counter())


@pytest.mark.parametrize(
    ("step", "text", "cleaned", "changes"),
    [
        ("entities", "a&ntilde;o &lt;30 &#8364; &#x20AC;", "año <30 € €", 4),
        ("entities", "A&amp;B &copy 2024 &nothing; &#0;", "A&B &copy 2024 &nothing; &#0;", 1),
        ("entities", "&#x1; &#xFFFFFF; &#1234567;", "&#x1; &#xFFFFFF; &#1234567;", 0),
        ("entities", "se escribe &amp;lt; con &amp;amp;", "se escribe &lt; con &amp;", 2),
        ("entities", "uno&nbsp; dos", "uno dos", 1),
        ("nfc", "man\u0303ana, pingu\u0308ino, cafe\u0301", "mañana, pingüino, café", 3),
        ("urls", "Lea https://a.es/b?c=d#e, y (www.f.es/g).", "Lea , y ().", 2),
        ("urls", "HTTP://A.ES y «http://b.es/año»…", "y «»…", 2),
        ("urls", "La www es vieja; http:// no es nada", "La www es vieja; http:// no es nada", 0),
        ("escapes", 'Fine.\\nHe said \\"no\\" to C:\\temp', 'Fine.\nHe said "no" to C:\\temp', 3),
    ],
)  # fmt: skip
def test_each_step_does_one_thing_and_counts_it(
    step: Step, text: str, cleaned: str, changes: int
) -> None:
    found, counts = clean_by(text, [step])
    assert found == cleaned
    assert counts == (Counter({step: changes}) if changes else Counter())


def test_the_order_in_the_recipe_does_not_matter() -> None:
    text = "n\u0303 https://a.es/?b=1&amp;c=2 fin\\n"
    assert clean_by(text, ALL) == clean_by(text, ALL[::-1]) == ("ñ fin", Counter(
        {"escapes": 1, "entities": 1, "nfc": 1, "urls": 1}
    ))  # fmt: skip


@given(st.text())
def test_normal_form_loses_no_letter_and_no_mark(text: str) -> None:
    cleaned, _ = clean_by(text, ["nfc"])
    assert unicodedata.normalize("NFD", cleaned) == unicodedata.normalize("NFD", clean_text(text))


ADDRESSES = st.builds(
    "{}{}.es/{}x".format,
    st.sampled_from(["http://", "https://", "www."]),
    st.text(alphabet="ab1-", min_size=1, max_size=5),
    st.text(alphabet="a/?=&%.,;)", max_size=5),
)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(alphabet="añ¿ .,;)\n<&", max_size=9), ADDRESSES), max_size=4))
def test_of_addresses_every_letter_goes_and_of_the_rest_none(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"{before} {address} " for before, address in parts)
    cleaned, counts = clean_by(text, ["urls"])
    assert counts["urls"] == len(parts)
    assert character_counts(cleaned) == character_counts("".join(before for before, _ in parts))


def test_a_recipe_line_asks_for_them_and_the_fetch_counts_them(tmp_path: Path) -> None:
    rows = [
        {"t": "Uno &amp; dos", "h": "A&ntilde;o"},
        {"t": "https://a.es", "h": "Nada"},
        {"t": "Tres www.b.es", "h": "Tres"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    columns = Columns(sections={"t": "other"}, title="h")
    plain = FilesSource(path=tmp_path / "a.jsonl", columns=columns, language="es")
    asked = plain.model_copy(update={"cleaning": ("urls", "entities")})
    assert "cleaned" not in fetch([plain], tmp_path / "plain", lambda line: None)
    summary = fetch([plain, asked], tmp_path / "out", lambda line: None)
    assert summary["cleaned"] == {"entities": 1, "urls": 2}
    fetch([asked], tmp_path / "cleaned", lambda line: None)
    documents = read_records(tmp_path / "cleaned" / "documents.jsonl", Document)
    assert [(it.title, it.sections[0].text) for it in documents] == [
        ("Año", "Uno & dos"),
        ("Tres", "Tres"),
    ]
    (refused,) = read_records(tmp_path / "cleaned" / "refused.jsonl", Refusal)
    assert refused.reason == "no text is left after the cleaning: urls, entities"


def test_a_step_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"cleaning\.0: .*'escapes', 'entities', 'nfc' or 'urls'"):
        parse_source("hub", ["name=a/b", "cleaning=[html]"])
