"""Metrics equal those of sacrebleu, rouge-score and nltk wherever the tokens are the same."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.stem.api import StemmerI
from nltk.translate.meteor_score import single_meteor_score
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from cauce.evaluation import metrics
from cauce.evaluation.matching import lcs_length, lcs_positions
from cauce.evaluation.words import words, words_and_marks
from cauce.knowledge.sentences import sentences
from evaluation.fixtures import ENGLISH, MANY_SENTENCES, SPANISH

PAIRS = ENGLISH + SPANISH
TOKENS = st.lists(st.sampled_from("abc"), max_size=12)


class OurTokens:
    def tokenize(self, text):
        return words(text)


class NoSynonyms:
    def synsets(self, word):
        return []


class Stemmer(StemmerI):
    def __init__(self, function):
        self.function = function

    def stem(self, token):
        return self.function(token)


def near(value):
    return pytest.approx(value, abs=1e-9, rel=1e-9)


def rouge_scores(reference, answer):
    expected, given = words(reference), words(answer)
    return {
        "rouge1": metrics.rouge_n(expected, given, 1),
        "rouge2": metrics.rouge_n(expected, given, 2),
        "rougeL": metrics.rouge_l(expected, given),
    }


@pytest.mark.parametrize(("reference", "answer"), PAIRS)
def test_rouge_equals_rouge_score(reference, answer):
    oracle = RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=OurTokens())
    expected = oracle.score(reference, answer)
    for name, overlap in rouge_scores(reference, answer).items():
        assert tuple(overlap) == near(tuple(expected[name]))


@pytest.mark.parametrize(("reference", "answer"), ENGLISH)
def test_english_rouge_equals_the_default_rouge_score(reference, answer):
    expected = RougeScorer(["rouge1", "rouge2", "rougeL"]).score(reference, answer)
    for name, overlap in rouge_scores(reference, answer).items():
        assert overlap.f1 == near(expected[name].fmeasure)


def test_the_default_rouge_score_is_wrong_for_spanish_and_ours_is_not():
    default = RougeScorer(["rouge1"]).score("el año", "el ano")["rouge1"].fmeasure
    assert default == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert words("año") == ["año"]
    assert metrics.rouge_n(words("el año"), words("el ano"), 1).f1 == 0.5


@pytest.mark.parametrize(("reference", "answer"), PAIRS + MANY_SENTENCES)
def test_rouge_lsum_equals_rouge_score_by_sentence(reference, answer):
    oracle = RougeScorer(["rougeLsum"], tokenizer=OurTokens())
    expected = oracle.score(
        *("\n".join(span.of(text) for span in sentences(text)) for text in (reference, answer))
    )
    assert tuple(metrics.rouge_lsum(reference, answer)) == near(tuple(expected["rougeLsum"]))


@given(TOKENS, TOKENS)
def test_the_bit_parallel_lcs_is_as_long_as_the_one_of_the_table(reference, answer):
    assert lcs_length(reference, answer) == len(lcs_positions(reference, answer))


@pytest.mark.parametrize("text", [text for pair in PAIRS for text in pair])
def test_13a_tokens(text):
    hard = f"{text} &quot;a-b&amp;c&quot; 3-4 1,5. x,y"
    assert metrics.tokenize_13a(hard) == Tokenizer13a()(hard).split()


@pytest.mark.parametrize(("reference", "answer"), PAIRS)
def test_sentence_bleu_equals_sacrebleu(reference, answer):
    expected = BLEU(effective_order=True).sentence_score(answer, [reference]).score
    assert metrics.sentence_bleu(reference, answer) == near(expected)


@pytest.mark.parametrize("pairs", [ENGLISH, SPANISH, PAIRS, ENGLISH[3:4], ENGLISH[5:]])
def test_corpus_bleu_equals_sacrebleu(pairs):
    references, answers = (list(side) for side in zip(*pairs, strict=True))
    assert metrics.corpus_bleu(references, answers) == near(
        BLEU().corpus_score(answers, [references]).score
    )
    cut = [[" ".join(words_and_marks(text)) for text in side] for side in (answers, references)]
    expected = BLEU(tokenize="none").corpus_score(cut[0], [cut[1]]).score
    assert metrics.corpus_bleu_words(references, answers) == near(expected)


@pytest.mark.parametrize("order", [0, 2])
@pytest.mark.parametrize(
    ("reference", "answer"), [*PAIRS, ("a!", "a?"), ("", "x"), ("(hi)", "(hi")]
)
def test_chrf_equals_sacrebleu(reference, answer, order):
    expected = CHRF(word_order=order).sentence_score(answer, [reference]).score
    assert metrics.chrf(reference, answer, word_order=order) == near(expected)


@pytest.mark.parametrize("stem", [lambda word: word, metrics.prefix_stem], ids=["exact", "prefix"])
@pytest.mark.parametrize(("reference", "answer"), PAIRS)
def test_meteor_equals_nltk_without_synonyms(reference, answer, stem):
    expected = single_meteor_score(
        words(reference), words(answer), stemmer=Stemmer(stem), wordnet=NoSynonyms()
    )
    assert metrics.meteor(words(reference), words(answer), stem) == near(expected)


def test_the_light_stem_joins_endings_and_not_numbers():
    assert metrics.prefix_stem("comprimidos") == metrics.prefix_stem("comprimido")
    assert metrics.prefix_stem("acción") == metrics.prefix_stem("acciones")
    assert metrics.prefix_stem("1000000") != metrics.prefix_stem("1000001")


def test_distinct_counts_over_all_answers():
    assert metrics.distinct_n(["a b a b", "a b"], 1) == pytest.approx(2 / 6)
    assert metrics.distinct_n(["a b a b", "a b"], 2) == pytest.approx(2 / 4)
    assert metrics.distinct_n([], 1) == 0.0


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_repetition_is_the_share_of_four_words_in_a_row_said_before(answer):
    seen, again = set(), []
    for start in range(len(answer) - 3):
        four = tuple(answer[start : start + 4])
        again.append(four in seen)
        seen.add(four)
    expected = sum(again) / len(again) if again else None
    assert metrics.repetition(answer) == (None if expected is None else pytest.approx(expected))
    assert "repetition" not in metrics.text_scores("tome agua", "tome agua hoy")


def test_exact_match_ignores_case_and_punctuation_only():
    assert metrics.exact_match("Sí, tome 2,5 mg.", "sí tome 2,5 mg") == 1.0
    assert metrics.exact_match("Tome 2,5 mg", "Tome 25 mg") == 0.0


@settings(max_examples=50)
@given(st.text(max_size=40), st.text(max_size=40))
def test_scores_stay_in_their_range_for_any_text(reference, answer):
    scores = metrics.text_scores(reference, answer)
    for name, value in scores.items():
        top = 100.0 if name in ("bleu", "chrf", "chrf++") else 1.0
        assert name in ("length_ratio", "answer_words") or 0.0 <= value <= top + 1e-9


def test_equal_texts_score_best_and_every_metric_has_a_signature():
    text = "Tome 400 mg cada 8 horas con un vaso de agua."
    scores = metrics.text_scores(text, text)
    assert {name: round(value, 2) for name, value in scores.items()} == {
        **dict.fromkeys(["rouge1", "rouge2", "rougeL", "rougeLsum", "exact", "length_ratio"], 1.0),
        **dict.fromkeys(["bleu", "chrf", "chrf++"], 100.0),
        "meteor": 1.0,
        "answer_words": 11.0,
        "repetition": 0.0,
    }
    assert set(scores) <= set(metrics.SIGNATURES)
    assert set(metrics.RATES) <= set(metrics.SIGNATURES)


def test_direction_of_improvement():
    directions = {name: metrics.better_direction(name) for name in metrics.SIGNATURES}
    grouped = {
        way: {name for name, other in directions.items() if other == way}
        for way in set(directions.values())
    }
    likelihoods = {"perplexity", "loss", "bits_per_byte"}
    assert grouped["lower"] == likelihoods | {"unsupported_numbers", "repetition"}
    distinct = {"distinct1", "distinct2", "distinct3"}
    assert grouped["neither"] == distinct | {"abstained", "length_ratio", "answer_words"}


def test_meteor_penalises_scattered_matches():
    reference = list("abcdef")
    orders = ["a b c d e f", "d e f a b c", "f e d c b a"]
    scores = [metrics.meteor(reference, order.split()) for order in orders]
    assert all(better > worse for better, worse in itertools.pairwise(scores))
