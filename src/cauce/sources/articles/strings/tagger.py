"""Which words of a reference are which field, by the model that ships with the package."""

from __future__ import annotations

import functools
import importlib.resources
import itertools
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cauce.errors import MissingExtra
from cauce.sources.articles.strings.features import features_of
from cauce.sources.articles.strings.styles import as_styles_print
from cauce.sources.articles.strings.words import Word, words_of

if TYPE_CHECKING:
    from pycrfsuite import Tagger

_ONE_AT_A_TIME = threading.Lock()
"""A tagger holds the reference that it works on."""


class FieldSpan(NamedTuple):
    """A field and where it is printed, in characters."""

    field: str
    """`author`, `title`, `journal`, `book`, `date`, `volume`, `issue`, `pages`, `editor`..."""
    start: int
    end: int


def spans_of(raw: str) -> list[FieldSpan]:
    """The fields of a reference in the order printed; MissingExtra without python-crfsuite."""
    words = words_of(raw)
    if not words:
        return []
    features = features_of(words)
    with _ONE_AT_A_TIME:
        labels = _tagger().tag(features)
    return labelled_spans(words, as_styles_print(words, labels))


def labels_of(fields: Sequence[str]) -> list[str]:
    """The labels of words by their fields: `B-title` begins one, `I-title` goes on, `-` is none."""
    pairs = itertools.pairwise(["-", *fields])
    return [
        "-" if field == "-" else f"{'I' if field == before else 'B'}-{field}"
        for before, field in pairs
    ]


def labelled_spans(words: Sequence[Word], labels: Sequence[str]) -> list[FieldSpan]:
    """What the labels of the words mark, without the punctuation around."""
    spans: list[FieldSpan] = []
    before = "-"
    for word, label in zip(words, labels, strict=True):
        begins, _, field = label.partition("-")
        if begins == "I" and before.partition("-")[2] == field:
            spans[-1] = spans[-1]._replace(end=word.end)
        elif field:
            spans.append(FieldSpan(field, word.start, word.end))
        before = label
    return spans


@functools.cache
def _tagger() -> Tagger:
    try:
        from pycrfsuite import Tagger
    except ModuleNotFoundError:
        raise MissingExtra("Reading printed references", "scholar") from None
    tagger = Tagger()
    model = importlib.resources.files("cauce") / "data" / "reference-parser" / "fields.crfsuite"
    with importlib.resources.as_file(model) as path:
        tagger.open(str(path))
    return tagger
