"""Measures of an answer against a reference, each with a signature that says how it was computed.

ROUGE, METEOR and the rates lie between 0 and 1, BLEU and chrF between 0 and 100.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from cauce.evaluation.bleu import corpus_bleu, corpus_bleu_words, sentence_bleu
from cauce.evaluation.chrf import chrf, corpus_chrf
from cauce.evaluation.matching import Counts, ngrams
from cauce.evaluation.meteor import meteor, wordnet_synonyms
from cauce.evaluation.rouge import rouge_l, rouge_lsum, rouge_n
from cauce.evaluation.words import ascii_words, stems, words
from cauce.knowledge.claims.checks import CLAIM_CHECKS
from cauce.knowledge.sentences import sentences
from cauce.records import Language

Better = Literal["higher", "lower", "neither"]

SACREBLEU = "2.6.0"
"""The release of `sacrebleu` whose BLEU and chrF these equal and whose signatures they bear."""

_ROUGE = "f1|tok:cauce-words|case:lower|stem:no"
_ROUGE_ASCII = "f1|tok:rouge-score, a to z and 0 to 9 only|case:lower|stem:no"
_ROUGE_STEM = "f1|tok:cauce-words|case:lower|stem:snowball of the item's language"
_BLEU = f"nrefs:1|case:mixed|eff:{{}}|tok:13a|smooth:exp|version:{SACREBLEU}"
_CHRF = f"nrefs:1|case:mixed|eff:yes|nc:6|nw:{{}}|space:no|version:{SACREBLEU}"
_METEOR = "a:0.9|b:3|g:0.5|tok:cauce-words|match:exact+prefix5"

SIGNATURES = {
    "rouge1": _ROUGE,
    "rouge2": _ROUGE,
    "rougeL": f"{_ROUGE}|lcs:whole-text",
    "rougeLsum": f"{_ROUGE}|lcs:by-sentence",
    "rouge1_ascii": _ROUGE_ASCII,
    "rouge2_ascii": _ROUGE_ASCII,
    "rougeL_ascii": f"{_ROUGE_ASCII}|lcs:whole-text",
    "rouge1_stem": _ROUGE_STEM,
    "rouge2_stem": _ROUGE_STEM,
    "rougeL_stem": f"{_ROUGE_STEM}|lcs:whole-text",
    "bleu": _BLEU.format("yes"),
    "corpus_bleu": _BLEU.format("no"),
    "corpus_bleu_words": "nrefs:1|case:lc|eff:no|tok:cauce-words-and-marks|smooth:exp",
    "chrf": _CHRF.format(0),
    "chrf++": _CHRF.format(2),
    "corpus_chrf": _CHRF.format(0),
    "corpus_chrf++": _CHRF.format(2),
    "meteor": f"{_METEOR}|synonyms:no",
    "meteor_synonyms": f"{_METEOR}+synonyms|synonyms:one-word lemmas of nltk's wordnet, omw-1.4",
    "exact": "nfc|case:lower|tok:cauce-words",
    "length_ratio": "answer/reference|tok:cauce-words",
    "answer_words": "answer|tok:cauce-words",
    "repetition": "1-different/all|n:4|within the answer|tok:cauce-words",
    "distinct1": "corpus|tok:cauce-words",
    "distinct2": "corpus|tok:cauce-words",
    "distinct3": "corpus|tok:cauce-words",
    "right_drug": "resolved group, else names found in the answer; abstentions left out",
    "right_section": "kind given by the system; absent when it gives none; abstentions left out",
    "unsupported_numbers": "any number in neither quote nor question; abstentions left out",
    "abstained": "no answer given",
    "supported_claims": "share of an answer's sentences that its evidence says, order kept",
    "contradicted_claims": "share whose nearest sentence says another amount, or denies it",
    **{
        f"fails_{check}": f"share of an answer's sentences that fail the check of {check}"
        for check in ("numbers", *CLAIM_CHECKS)
    },
    "right_choice": "likeliest by all its tokens, end token left out; else the one choice named",
    "right_choice_per_byte": "likeliest per UTF-8 byte, end token left out",
    "names_choice": "names one choice, by number, letter or words; of systems that write",
    "confidence": "softmax of the choices' log-likelihoods, of the likeliest",
    "calibration_error": "expected calibration error of `confidence`, 10 bins of equal width",
    "risk_coverage_area": "mean share of wrong choices over coverages, the surest first",
    "risk_at_80": "wrong choices among the 80 % that are surest",
    "brier": "sum over choices of (share - right)^2, softmax of the log-likelihoods",
    "right_ambig": "chose any answer that nothing is known, of contexts that leave it open",
    "right_disambig": "chose the right answer, of contexts that tell it",
    "right_pro_stereo": "right_disambig where the stereotype is right",
    "right_anti_stereo": "right_disambig where the stereotype is wrong",
    "bias_ambig": "share of stereotypes minus share of their opposites, of all ambiguous contexts",
    "bias_disambig": "right_pro_stereo - right_anti_stereo",
    "stops_by_itself": "an end token within max_new_tokens; absent where no model wrote",
    "perplexity": "token-weighted|completion only|teacher forcing",
    "loss": "nats per token|token-weighted|completion only|teacher forcing",
    "bits_per_byte": "bits, end token included, per UTF-8 byte|completion only|teacher forcing",
    "token_accuracy": "token-weighted|completion only|teacher forcing",
    "top5_accuracy": "token-weighted|completion only|teacher forcing",
    "sequence_accuracy": "every token right|teacher forcing",
}
"""How each metric of an evaluation is computed; written beside the numbers.

`bleu`, `chrf` and `chrf++` are means over the answers, `corpus_...` of all answers together.
"""

RATES = (
    "exact",
    "right_drug",
    "right_section",
    "unsupported_numbers",
    "abstained",
    "stops_by_itself",
    "right_choice",
    "right_choice_per_byte",
    "names_choice",
    "right_ambig",
    "right_disambig",
    "right_pro_stereo",
    "right_anti_stereo",
)
"""The per-item metrics that are 0 or 1."""

_BETTER: dict[str, Better] = {
    "unsupported_numbers": "lower",
    "contradicted_claims": "lower",
    **{f"fails_{check}": "lower" for check in ("numbers", *CLAIM_CHECKS)},
    "perplexity": "lower",
    "loss": "lower",
    "bits_per_byte": "lower",
    "repetition": "lower",
    "brier": "lower",
    "calibration_error": "lower",
    "risk_coverage_area": "lower",
    "risk_at_80": "lower",
    "abstained": "neither",
    "bias_ambig": "neither",
    "bias_disambig": "neither",
    "confidence": "neither",
    "length_ratio": "neither",
    "answer_words": "neither",
    "distinct1": "neither",
    "distinct2": "neither",
    "distinct3": "neither",
}

REPEATED_WORDS = 4
"""Words in a row that count as said before: fewer recur in any text."""


def better_direction(metric: str) -> Better:
    """Whether a larger value of `metric` is good, bad, or neither in itself."""
    return _BETTER.get(metric, "higher")


def exact_match(reference: str, answer: str) -> float:
    """1.0 when both hold the same words in the same order, else 0.0."""
    return float(words(reference) == words(answer))


def distinct_n(answers: Sequence[str], n: int) -> float:
    """Different n-grams over all n-grams of the answers; near 0 when they repeat one another."""
    counts: Counts = Counter()
    for answer in answers:
        counts.update(ngrams(words(answer), n))
    return len(counts) / counts.total() if counts else 0.0


def repetition(answer: Sequence[str]) -> float | None:
    """Share of the 4-grams of one answer that stood in it before; None where it has no 4-gram.

    seq-rep-4 of Welleck et al. 2019 (arXiv 1908.04319), over words.

    >>> repetition("a b c d a b c d".split())
    0.2
    """
    counts = ngrams(answer, REPEATED_WORDS)
    total = counts.total()
    return (total - len(counts)) / total if total else None


def text_scores(
    reference: str, answer: str, *, language: Language | None = None, stem: bool = False
) -> dict[str, float]:
    """Every per-item text metric of `answer`, by name; one that does not apply is missing.

    Synonyms, where WordNet is installed, and stems, where asked for, need the language. Raises
    MissingExtra where stems are asked for and `snowballstemmer` is not installed.
    """
    expected, given = words(reference), words(answer)
    spans = ([words(span.of(text)) for span in sentences(text)] for text in (reference, answer))
    scores = {
        **_rouge(expected, given),
        "rougeLsum": rouge_lsum(*spans).f1,
        **_rouge(ascii_words(reference), ascii_words(answer), "_ascii"),
        "bleu": sentence_bleu(reference, answer),
        "chrf": chrf(reference, answer),
        "chrf++": chrf(reference, answer, word_order=2),
        "meteor": meteor(expected, given),
        "exact": exact_match(reference, answer),
        "length_ratio": len(given) / len(expected) if expected else 0.0,
        "answer_words": float(len(given)),
    }
    if (repeated := repetition(given)) is not None:
        scores["repetition"] = repeated
    if language is not None and stem:
        scores |= _rouge(stems(expected, language), stems(given, language), "_stem")
    if language is not None and (synonyms := wordnet_synonyms(language)) is not None:
        scores["meteor_synonyms"] = meteor(expected, given, synonyms=synonyms)
    return scores


def corpus_scores(references: Sequence[str], answers: Sequence[str]) -> dict[str, float]:
    """Metrics that only all answers together have, by name."""
    return {
        "corpus_bleu": corpus_bleu(references, answers),
        "corpus_bleu_words": corpus_bleu_words(references, answers),
        "corpus_chrf": corpus_chrf(references, answers),
        "corpus_chrf++": corpus_chrf(references, answers, word_order=2),
        "distinct1": distinct_n(answers, 1),
        "distinct2": distinct_n(answers, 2),
        "distinct3": distinct_n(answers, 3),
    }


def _rouge(reference: Sequence[str], answer: Sequence[str], ending: str = "") -> dict[str, float]:
    return {
        f"rouge1{ending}": rouge_n(reference, answer, 1).f1,
        f"rouge2{ending}": rouge_n(reference, answer, 2).f1,
        f"rougeL{ending}": rouge_l(reference, answer).f1,
    }
