"""Tokens, the same way for Spanish and English."""

import doctest
import unicodedata

from cauce.evaluation import words as module
from cauce.evaluation.words import words, words_and_marks


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
