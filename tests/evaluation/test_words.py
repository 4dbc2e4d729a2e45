"""Tokens, the same way for Spanish and English."""

import doctest
import sys
import unicodedata

import pytest
from nltk.stem.snowball import SnowballStemmer

from cauce.errors import MissingExtra
from cauce.evaluation import words as module
from cauce.evaluation.words import stems, words, words_and_marks


def test_doc_examples():
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)


def test_spanish_words_stay_whole():
    assert words("El AÑO próximo, ¿güisqui?") == ["el", "año", "próximo", "güisqui"]


def test_composed_and_decomposed_accents_are_one_spelling():
    spanish = "año corazón pingüino"
    assert words(unicodedata.normalize("NFD", spanish)) == words(spanish)


def test_numbers_keep_their_mark_and_lose_their_unit():
    assert words("2,5mg 1.000 4-6 B12") == ["2,5", "mg", "1.000", "4", "6", "b12"]


def test_marks_are_tokens_where_wanted():
    assert words_and_marks("«Sí» (40 %)") == ["«", "sí", "»", "(", "40", "%", ")"]


@pytest.mark.parametrize(
    ("language", "name", "text"),
    [
        ("es", "spanish", "Los niños comían rápidamente las canciones; tómelas según necesidad"),
        ("en", "english", "The children were running quickly and generously stored tablets"),
    ],
)
def test_stems_equal_those_of_another_snowball(language, name, text):
    oracle = SnowballStemmer(name)
    assert stems(words(text), language) == [oracle.stem(word) for word in words(text)]


def test_without_the_stemmer_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "snowballstemmer", None)
    module._snowball.cache_clear()
    with pytest.raises(MissingExtra, match=r"evaluation.stem.*\n.*cauce\[metrics\]"):
        stems(["niños"], "es")
