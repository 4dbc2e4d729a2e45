"""BLEU equals that of sacrebleu, and bears its signature."""

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from cauce.evaluation.bleu import corpus_bleu, corpus_bleu_words, sentence_bleu, tokenize_13a
from cauce.evaluation.metrics import SIGNATURES
from cauce.evaluation.words import words_and_marks
from evaluation.fixtures import ENGLISH, SPANISH

PAIRS = ENGLISH + SPANISH


def near(value):
    return pytest.approx(value, abs=1e-9, rel=1e-9)


@pytest.mark.parametrize("text", [text for pair in PAIRS for text in pair])
def test_13a_tokens(text):
    hard = f"{text} &quot;a-b&amp;c&quot; 3-4 1,5. x,y"
    assert tokenize_13a(hard) == Tokenizer13a()(hard).split()


@pytest.mark.parametrize(("reference", "answer"), PAIRS)
def test_sentence_bleu_equals_sacrebleu(reference, answer):
    expected = BLEU(effective_order=True).sentence_score(answer, [reference]).score
    assert sentence_bleu(reference, answer) == near(expected)


@pytest.mark.parametrize("pairs", [ENGLISH, SPANISH, PAIRS, ENGLISH[3:4], ENGLISH[5:]])
def test_corpus_bleu_equals_sacrebleu(pairs):
    references, answers = (list(side) for side in zip(*pairs, strict=True))
    assert corpus_bleu(references, answers) == near(
        BLEU().corpus_score(answers, [references]).score
    )
    cut = [[" ".join(words_and_marks(text)) for text in side] for side in (answers, references)]
    expected = BLEU(tokenize="none").corpus_score(cut[0], [cut[1]]).score
    assert corpus_bleu_words(references, answers) == near(expected)


def test_signatures_are_those_that_sacrebleu_prints():
    by_sentence, whole = BLEU(effective_order=True), BLEU()
    by_sentence.sentence_score("a b", ["a b"])
    whole.corpus_score(["a b"], [["a b"]])
    assert SIGNATURES["bleu"] == str(by_sentence.get_signature())
    assert SIGNATURES["corpus_bleu"] == str(whole.get_signature())
