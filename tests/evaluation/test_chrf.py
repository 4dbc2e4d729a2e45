"""chrF equals that of sacrebleu, and bears its signature."""

import pytest
from sacrebleu.metrics.chrf import CHRF

from cauce.evaluation.chrf import chrf, corpus_chrf
from cauce.evaluation.metrics import SIGNATURES
from evaluation.fixtures import ENGLISH, SPANISH

PAIRS = [*ENGLISH, *SPANISH, ("a!", "a?"), ("", "x"), ("(hi)", "(hi"), ("ab", "abcdefghi j")]
ORDERS = pytest.mark.parametrize(("order", "name"), [(0, "chrf"), (2, "chrf++")])


def near(value):
    return pytest.approx(value, abs=1e-9, rel=1e-9)


@ORDERS
@pytest.mark.parametrize(("reference", "answer"), PAIRS)
def test_chrf_equals_sacrebleu(reference, answer, order, name):
    expected = CHRF(word_order=order).sentence_score(answer, [reference]).score
    assert chrf(reference, answer, word_order=order) == near(expected)


@ORDERS
@pytest.mark.parametrize("pairs", [ENGLISH, SPANISH, PAIRS, PAIRS[-3:]])
def test_corpus_chrf_equals_sacrebleu_and_bears_its_signature(pairs, order, name):
    references, answers = (list(side) for side in zip(*pairs, strict=True))
    oracle = CHRF(word_order=order)
    expected = oracle.corpus_score(answers, [references]).score
    assert corpus_chrf(references, answers, word_order=order) == near(expected)
    signature = str(oracle.get_signature())
    assert (SIGNATURES[name], SIGNATURES[f"corpus_{name}"]) == (signature, signature)
