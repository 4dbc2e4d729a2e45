"""METEOR equals that of nltk, with and without synonyms."""

import itertools
from types import SimpleNamespace

import nltk.corpus
import pytest
from nltk.stem.api import StemmerI
from nltk.translate.meteor_score import single_meteor_score

from cauce.evaluation.meteor import meteor, prefix_stem, wordnet_synonyms
from cauce.evaluation.metrics import SIGNATURES, text_scores
from cauce.evaluation.words import words
from evaluation.fixtures import ENGLISH, SPANISH

PAIRS = ENGLISH + SPANISH
SENSES = [
    {"take", "swallow", "have"},
    {"stop", "halt", "quit", "take_a_break"},
    {"keep", "store", "Hold"},
    {"tomar", "beber", "ingerir"},
    {"niño", "crío", "pequeño"},
    {"dosis", "toma"},
    {"dosis", "cantidad"},
]
SYNONYMOUS = [
    ("Take it, then stop at once.", "Swallow it and halt at once."),
    ("keep store keep take", "store keep have store"),
    ("El niño puede tomar la dosis.", "El crío puede beber la toma, cantidad y dosis."),
    ("dosis toma cantidad", "cantidad dosis toma dosis"),
    ("halt", "have"),
]


def near(value):
    return pytest.approx(value, abs=1e-9, rel=1e-9)


class FakeWordNet:
    """A WordNet of a few senses."""

    def __init__(self, senses):
        self.senses = senses

    def synsets(self, word, lang="eng"):
        return [FakeSense(names) for names in self.senses if word in names]


class FakeSense:
    def __init__(self, names):
        self.names = sorted(names)

    def lemma_names(self, lang):
        return self.names

    def lemmas(self):
        return [SimpleNamespace(name=lambda name=name: name) for name in self.names]


class Stemmer(StemmerI):
    def __init__(self, function):
        self.function = function

    def stem(self, token):
        return self.function(token)


def as_it_is(word):
    return word


@pytest.fixture(autouse=True)
def fresh():
    wordnet_synonyms.cache_clear()
    yield
    wordnet_synonyms.cache_clear()


@pytest.fixture
def wordnet(monkeypatch):
    found = FakeWordNet(SENSES)
    monkeypatch.setattr(nltk.corpus, "wordnet", found)
    return found


@pytest.mark.parametrize("stem", [as_it_is, prefix_stem], ids=["exact", "prefix"])
@pytest.mark.parametrize(("reference", "answer"), PAIRS)
def test_meteor_equals_nltk_without_synonyms(reference, answer, stem):
    expected = single_meteor_score(
        words(reference), words(answer), stemmer=Stemmer(stem), wordnet=FakeWordNet([])
    )
    assert meteor(words(reference), words(answer), stem) == near(expected)


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(("reference", "answer"), PAIRS + SYNONYMOUS)
def test_meteor_equals_nltk_with_synonyms(reference, answer, language, wordnet):
    tokens = words(reference), words(answer)
    expected = single_meteor_score(*tokens, stemmer=Stemmer(as_it_is), wordnet=wordnet)
    assert meteor(*tokens, as_it_is, synonyms=wordnet_synonyms(language)) == near(expected)


def test_synonyms_are_of_the_words_and_not_of_their_stems(wordnet):
    """nltk looks up what its stemmer left, and no WordNet has "swall"."""
    tokens = ["take"], ["swallow"]
    assert single_meteor_score(*tokens, stemmer=Stemmer(prefix_stem), wordnet=wordnet) == 0.0
    assert meteor(*tokens) == 0.0
    assert meteor(*tokens, synonyms=wordnet_synonyms("en")) == 0.5


def test_only_one_word_synonyms_in_lower_case_count(wordnet):
    found = wordnet_synonyms("en")
    assert found("stop") == {"stop", "halt", "quit"}
    assert found("keep") == {"keep", "store", "hold"}
    assert found("xyz") == frozenset()


def test_synonyms_are_scored_under_a_name_of_their_own(wordnet):
    scores = text_scores("Take it.", "Swallow it.", language="en")
    assert scores["meteor_synonyms"] > scores["meteor"]
    assert "synonyms:no" in SIGNATURES["meteor"]
    assert "wordnet" in SIGNATURES["meteor_synonyms"]
    assert "meteor_synonyms" not in text_scores("Take it.", "Swallow it.")


def test_without_wordnet_there_are_no_synonyms(monkeypatch):
    class Absent:
        def synsets(self, word, lang):
            raise LookupError("Resource 'wordnet' not found.")

    monkeypatch.setattr(nltk.corpus, "wordnet", Absent())
    assert wordnet_synonyms("es") is None
    assert "meteor_synonyms" not in text_scores("Tome.", "Beba.", language="es")


def test_the_light_stem_joins_endings_and_not_numbers():
    assert prefix_stem("comprimidos") == prefix_stem("comprimido")
    assert prefix_stem("acción") == prefix_stem("acciones")
    assert prefix_stem("1000000") != prefix_stem("1000001")


def test_meteor_penalises_scattered_matches():
    reference = list("abcdef")
    orders = ["a b c d e f", "d e f a b c", "f e d c b a"]
    scores = [meteor(reference, order.split()) for order in orders]
    assert all(better > worse for better, worse in itertools.pairwise(scores))
