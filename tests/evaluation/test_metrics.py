"""Every text metric of an answer, and what is said of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.evaluation import metrics
from evaluation.fixtures import ENGLISH, SPANISH


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
        **dict.fromkeys(["rouge1_ascii", "rouge2_ascii", "rougeL_ascii"], 1.0),
        **dict.fromkeys(["bleu", "chrf", "chrf++"], 100.0),
        "meteor": 1.0,
        "answer_words": 11.0,
        "repetition": 0.0,
    }
    assert set(scores) <= set(metrics.SIGNATURES)
    assert set(metrics.RATES) <= set(metrics.SIGNATURES)


def test_stems_are_scored_where_asked_for_under_names_of_their_own():
    texts = "Los niños tomaban comprimidos", "el niño tomó un comprimido"
    scores = metrics.text_scores(*texts, language="es", stem=True)
    assert scores["rouge1"] == 0.0
    assert scores["rouge1_stem"] == pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))
    assert set(scores) <= set(metrics.SIGNATURES)
    added = set(scores) - set(metrics.text_scores(*texts, language="es"))
    assert added == {"rouge1_stem", "rouge2_stem", "rougeL_stem"}
    assert metrics.text_scores("the doses", "a dose", language="en", stem=True)["rouge1_stem"] > 0


def test_scores_of_all_answers_together_have_signatures():
    references, answers = (list(side) for side in zip(*ENGLISH, *SPANISH, strict=True))
    scores = metrics.corpus_scores(references, answers)
    assert set(scores) <= set(metrics.SIGNATURES)
    assert scores["distinct1"] == metrics.distinct_n(answers, 1)
    assert 0 < scores["corpus_bleu"] < scores["corpus_chrf"] < 100


def test_direction_of_improvement():
    directions = {name: metrics.better_direction(name) for name in metrics.SIGNATURES}
    grouped = {
        way: {name for name, other in directions.items() if other == way}
        for way in set(directions.values())
    }
    likelihoods = {"perplexity", "loss", "bits_per_byte"}
    choices = {"brier", "calibration_error", "risk_coverage_area", "risk_at_80"}
    claims = {"contradicted_claims", *(name for name in directions if name.startswith("fails_"))}
    assert len(claims) == 8
    others = {"unsupported_numbers", "repetition"}
    assert grouped["lower"] == likelihoods | choices | claims | others
    distinct = {"distinct1", "distinct2", "distinct3"}
    lengths = {"length_ratio", "answer_words"}
    bias = {"bias_ambig", "bias_disambig"}
    assert grouped["neither"] == distinct | lengths | bias | {"abstained", "confidence"}
