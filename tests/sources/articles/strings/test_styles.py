"""What styles fix in a reference: quoted titles, and organisations that publish their own work."""

from __future__ import annotations

import itertools

import pytest
from benchmarks.scholar.labelled import FOLDER, is_held_out, labelled

from cauce.sources.articles.strings.styles import as_styles_print
from cauce.sources.articles.strings.tagger import labelled_spans, labels_of
from cauce.sources.articles.strings.words import words_of
from shared import shared_data


def fields_after(raw: str, fields: str) -> list[tuple[str, str]]:
    """The fields of a reference and their texts, of words that were found to be `fields`."""
    words = words_of(raw)
    names = {"a": "author", "t": "title", "b": "book", "d": "date", "j": "journal"}
    names |= {"p": "publisher", "l": "place"}
    labels = labels_of([names[letter] for letter in fields])
    spans = labelled_spans(words, as_styles_print(words, labels))
    return [(span.field, raw[span.start : span.end]) for span in spans]


@pytest.mark.parametrize(
    ("raw", "fields", "wanted"),
    [
        (
            "A. Poe, “2013 survey of the great lakes,” Lakes, 2014.",
            "aadtttttjd",
            ["author: A. Poe", "title: 2013 survey of the great lakes", "journal: Lakes"],
        ),
        (
            "River Group and Sea Board, “Survey of lakes,” Lakes, 2014.",
            "tttttbbbjd",
            ["institution: River Group and Sea Board", "book: Survey of lakes", "journal: Lakes"],
        ),
        (
            "Poe, Ana. «Los ríos “lentos” del sur», Lagos, 2014.",
            "aatttttjd",
            ["author: Poe, Ana", "title: Los ríos “lentos” del sur", "journal: Lagos"],
        ),
        (
            "Poe, A. What a “slow, wide” river is. Lakes, 2014.",
            "aattttttjd",
            ["author: Poe, A", "title: What a “slow, wide” river is", "journal: Lakes"],
        ),
        (
            "A. Poe, “Journal of Lakes”, 2014.",
            "aajjjd",
            ["author: A. Poe", "journal: Journal of Lakes"],
        ),
        (
            "River Board. Slow water. Oslo: River Board, 2014.",
            "bbbblppd",
            [
                "institution: River Board",
                "book: Slow water",
                "place: Oslo",
                "publisher: River Board",
            ],
        ),
        (
            "River Press book of lakes. Oslo: River Press, 2014.",
            "bbbbblppd",
            ["book: River Press book of lakes", "place: Oslo", "publisher: River Press"],
        ),
        (
            "River Board. Oslo: River Board, 2014.",
            "bblppd",
            ["book: River Board", "place: Oslo", "publisher: River Board"],
        ),
    ],
)
def test_titles_are_what_the_style_says(raw: str, fields: str, wanted: list[str]) -> None:
    *found, date = [f"{field}: {text}" for field, text in fields_after(raw, fields)]
    assert found == wanted
    assert date == "date: 2014"


def test_what_people_marked_is_never_changed() -> None:
    """On references that the parser learnt from, none of the test."""
    learnt = (one for one in labelled(shared_data(FOLDER)) if not is_held_out(one.file))
    quoted = 0
    for one in itertools.islice(learnt, 1000):
        words, labels = words_of(one.raw), labels_of(one.labels)
        assert as_styles_print(words, labels) == labels, one.raw
        quoted += '"' in "".join(word.before for word in words)
    assert quoted > 80
