"""ROUGE equals that of rouge-score wherever the tokens are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from cauce.evaluation.matching import lcs_length, lcs_positions
from cauce.evaluation.metrics import text_scores
from cauce.evaluation.rouge import rouge_l, rouge_lsum, rouge_n
from cauce.evaluation.words import ascii_words, words
from cauce.knowledge.sentences import sentences
from evaluation.fixtures import ENGLISH, MANY_SENTENCES, SPANISH

PAIRS = ENGLISH + SPANISH
TOKENS = st.lists(st.sampled_from("abc"), max_size=12)
TYPES = ["rouge1", "rouge2", "rougeL"]


class OurTokens:
    def tokenize(self, text):
        return words(text)


def near(value):
    return pytest.approx(value, abs=1e-9, rel=1e-9)


def rouge_scores(expected, given_tokens):
    return {
        "rouge1": rouge_n(expected, given_tokens, 1),
        "rouge2": rouge_n(expected, given_tokens, 2),
        "rougeL": rouge_l(expected, given_tokens),
    }


@pytest.mark.parametrize(("reference", "answer"), PAIRS)
def test_rouge_equals_rouge_score_on_our_words(reference, answer):
    expected = RougeScorer(TYPES, tokenizer=OurTokens()).score(reference, answer)
    for name, overlap in rouge_scores(words(reference), words(answer)).items():
        assert tuple(overlap) == near(tuple(expected[name]))


@pytest.mark.parametrize(("reference", "answer"), PAIRS)
def test_the_ascii_rouge_is_rouge_score_as_it_comes(reference, answer):
    expected = RougeScorer(TYPES).score(reference, answer)
    overlaps = rouge_scores(ascii_words(reference), ascii_words(answer))
    scores = text_scores(reference, answer)
    for name, overlap in overlaps.items():
        assert tuple(overlap) == near(tuple(expected[name]))
        assert scores[f"{name}_ascii"] == near(expected[name].fmeasure)


def test_the_ascii_rouge_is_wrong_for_spanish_and_ours_is_not():
    scores = text_scores("el año", "el ano")
    assert scores["rouge1_ascii"] == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert scores["rouge1"] == 0.5


@pytest.mark.parametrize(("reference", "answer"), PAIRS + MANY_SENTENCES)
def test_rouge_lsum_equals_rouge_score_by_sentence(reference, answer):
    oracle = RougeScorer(["rougeLsum"], tokenizer=OurTokens())
    cut = [[span.of(text) for span in sentences(text)] for text in (reference, answer)]
    expected = oracle.score(*map("\n".join, cut))
    tokens = ([words(sentence) for sentence in side] for side in cut)
    assert tuple(rouge_lsum(*tokens)) == near(tuple(expected["rougeLsum"]))
    assert text_scores(reference, answer)["rougeLsum"] == near(expected["rougeLsum"].fmeasure)


@given(TOKENS, TOKENS)
def test_the_bit_parallel_lcs_is_as_long_as_the_one_of_the_table(reference, answer):
    assert lcs_length(reference, answer) == len(lcs_positions(reference, answer))
