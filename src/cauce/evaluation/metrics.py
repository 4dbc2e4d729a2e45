"""Measures of an answer against a reference, each with a signature that says how it was computed.

ROUGE (Lin 2004), METEOR (Lavie & Agarwal 2007) and the rates lie between 0 and 1, as in
`rouge-score` and `nltk`; BLEU (Papineni et al. 2002) and chrF (Popović 2015, 2017) between 0 and
100, as in `sacrebleu`. Where the tokens agree, so do the scores, to 1e-9.
"""

from __future__ import annotations

import itertools
import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from cauce.evaluation.matching import Counts, align, lcs_length, lcs_positions, ngrams
from cauce.evaluation.words import words, words_and_marks
from cauce.knowledge.sentences import sentences

Better = Literal["higher", "lower", "neither"]

SIGNATURES = {
    "rouge1": "f1|tok:cauce-words|case:lower|stem:no",
    "rouge2": "f1|tok:cauce-words|case:lower|stem:no",
    "rougeL": "f1|tok:cauce-words|case:lower|stem:no|lcs:whole-text",
    "rougeLsum": "f1|tok:cauce-words|case:lower|stem:no|lcs:by-sentence",
    "bleu": "sentence|case:mixed|eff:yes|tok:13a|smooth:exp|refs:1",
    "corpus_bleu": "corpus|case:mixed|eff:no|tok:13a|smooth:exp|refs:1",
    "corpus_bleu_words": "corpus|case:lower|eff:no|tok:cauce-words-and-marks|smooth:exp|refs:1",
    "chrf": "sentence|chrF2|case:mixed|eff:yes|nc:6|nw:0|space:no",
    "chrf++": "sentence|chrF2++|case:mixed|eff:yes|nc:6|nw:2|space:no",
    "meteor": "a:0.9|b:3|g:0.5|tok:cauce-words|match:exact+prefix5|synonyms:no",
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
    "perplexity": "token-weighted|completion only|teacher forcing",
    "loss": "nats per token|token-weighted|completion only|teacher forcing",
    "bits_per_byte": "bits, end token included, per UTF-8 byte|completion only|teacher forcing",
    "token_accuracy": "token-weighted|completion only|teacher forcing",
    "top5_accuracy": "token-weighted|completion only|teacher forcing",
    "sequence_accuracy": "every token right|teacher forcing",
}
"""How each metric of an evaluation is computed; written beside the numbers."""

RATES = ("exact", "right_drug", "right_section", "unsupported_numbers", "abstained")
"""The per-item metrics that are 0 or 1."""

_BETTER: dict[str, Better] = {
    "unsupported_numbers": "lower",
    "perplexity": "lower",
    "loss": "lower",
    "bits_per_byte": "lower",
    "repetition": "lower",
    "abstained": "neither",
    "length_ratio": "neither",
    "answer_words": "neither",
    "distinct1": "neither",
    "distinct2": "neither",
    "distinct3": "neither",
}

REPEATED_WORDS = 4
"""Words in a row that count as said before: fewer recur in any text."""

_MAX_BLEU_ORDER = 4
_ASCII_MARKS = frozenset(string.punctuation)


def better_direction(metric: str) -> Better:
    """Whether a larger value of `metric` is good, bad, or neither in itself."""
    return _BETTER.get(metric, "higher")


class Overlap(NamedTuple):
    """Shared units as a share of the answer, of the reference, and their harmonic mean."""

    precision: float
    recall: float
    f1: float


def rouge_n(reference: Sequence[str], answer: Sequence[str], n: int) -> Overlap:
    """ROUGE-n of two token lists."""
    expected, given = ngrams(reference, n), ngrams(answer, n)
    return _overlap((expected & given).total(), given.total(), expected.total())


def rouge_l(reference: Sequence[str], answer: Sequence[str]) -> Overlap:
    """ROUGE-L of two token lists: the longest common subsequence."""
    return _overlap(lcs_length(reference, answer), len(answer), len(reference))


def rouge_lsum(reference: str, answer: str) -> Overlap:
    """ROUGE-Lsum: per reference sentence, the union of its LCS with every answer sentence."""
    expected = [words(span.of(reference)) for span in sentences(reference)]
    given = [words(span.of(answer)) for span in sentences(answer)]
    left_given = Counter(token for sentence in given for token in sentence)
    given_tokens, shared = left_given.total(), 0
    for sentence in expected:
        union = {i for candidate in given for i in lcs_positions(sentence, candidate)}
        for i in sorted(union):
            if left_given[sentence[i]] > 0:
                left_given[sentence[i]] -= 1
                shared += 1
    return _overlap(shared, given_tokens, sum(map(len, expected)))


def tokenize_13a(text: str) -> list[str]:
    """The tokens of mteval-v13a, the tokenizer that published BLEU figures use."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in (("quot", '"'), ("amp", "&"), ("lt", "<"), ("gt", ">")):
        text = text.replace(f"&{entity};", character)
    text = re.sub(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])", r" \1 ", f" {text} ")
    text = re.sub(r"([^0-9])([\.,])", r"\1 \2 ", text)
    text = re.sub(r"([\.,])([^0-9])", r" \1 \2", text)
    return re.sub(r"([0-9])(-)", r"\1 \2 ", text).split()


def sentence_bleu(
    reference: str, answer: str, tokenize: Callable[[str], list[str]] = tokenize_13a
) -> float:
    """BLEU of one answer, over the orders that the answer is long enough to have (0-100)."""
    return _bleu([(tokenize(reference), tokenize(answer))], effective_order=True)


def corpus_bleu(
    references: Sequence[str],
    answers: Sequence[str],
    tokenize: Callable[[str], list[str]] = tokenize_13a,
) -> float:
    """BLEU of all answers together (0-100); it is not the mean of their sentence BLEUs."""
    pairs = zip(references, answers, strict=True)
    return _bleu([(tokenize(r), tokenize(a)) for r, a in pairs], effective_order=False)


def corpus_bleu_words(references: Sequence[str], answers: Sequence[str]) -> float:
    """BLEU of all answers over this project's lower-cased words and marks (0-100)."""
    return corpus_bleu(references, answers, words_and_marks)


def chrf(reference: str, answer: str, *, word_order: int = 0) -> float:
    """chrF2 (0-100): character 1- to 6-grams without spaces; chrF2++ with `word_order=2`."""
    expected, given = "".join(reference.split()), "".join(answer.split())
    counts = [(ngrams(expected, n), ngrams(given, n)) for n in range(1, 7)]
    expected_words, given_words = _split_punctuation(reference), _split_punctuation(answer)
    for n in range(1, word_order + 1):
        counts.append((ngrams(expected_words, n), ngrams(given_words, n)))
    return _chrf_score([pair for pair in counts if pair[0] and pair[1]])


def meteor(
    reference: Sequence[str], answer: Sequence[str], stem: Callable[[str], str] | None = None
) -> float:
    """METEOR of two token lists: exact matches, then matches of stems; no synonyms.

    The default stem is the word without accents cut to its first five letters: light, the same
    for Spanish and English, and enough for plural, gender and verb endings.
    """
    pairs = align(list(enumerate(answer)), list(enumerate(reference)), stem or prefix_stem)
    if not pairs:
        return 0.0
    precision, recall = len(pairs) / len(answer), len(pairs) / len(reference)
    mean = precision * recall / (0.9 * precision + 0.1 * recall)
    chunks = 1 + sum(
        after != (here[0] + 1, here[1] + 1) for here, after in itertools.pairwise(pairs)
    )
    return mean * (1 - 0.5 * (chunks / len(pairs)) ** 3)


def prefix_stem(word: str) -> str:
    """The first five letters without accents; a number stays whole ("comprimidos" -> "compr")."""
    if word[0].isdigit():
        return word
    letters = (c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return "".join(letters)[:5]


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


def text_scores(reference: str, answer: str) -> dict[str, float]:
    """Every per-item text metric of `answer`, by name; one that does not apply is missing."""
    expected, given = words(reference), words(answer)
    repeated = repetition(given)
    return {
        "rouge1": rouge_n(expected, given, 1).f1,
        "rouge2": rouge_n(expected, given, 2).f1,
        "rougeL": rouge_l(expected, given).f1,
        "rougeLsum": rouge_lsum(reference, answer).f1,
        "bleu": sentence_bleu(reference, answer),
        "chrf": chrf(reference, answer),
        "chrf++": chrf(reference, answer, word_order=2),
        "meteor": meteor(expected, given),
        "exact": exact_match(reference, answer),
        "length_ratio": len(given) / len(expected) if expected else 0.0,
        "answer_words": float(len(given)),
        **({} if repeated is None else {"repetition": repeated}),
    }


def _overlap(shared: int, given: int, expected: int) -> Overlap:
    if not shared:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = shared / given, shared / expected
    return Overlap(precision, recall, 2 * precision * recall / (precision + recall))


def _bleu(pairs: Sequence[tuple[list[str], list[str]]], *, effective_order: bool) -> float:
    """BLEU with exponential smoothing of (reference, answer) token lists."""
    shared, total = [0] * _MAX_BLEU_ORDER, [0] * _MAX_BLEU_ORDER
    for reference, answer in pairs:
        for n in range(_MAX_BLEU_ORDER):
            given = ngrams(answer, n + 1)
            shared[n] += (given & ngrams(reference, n + 1)).total()
            total[n] += given.total()
    if not any(shared):
        return 0.0
    orders = sum(map(bool, total)) if effective_order else _MAX_BLEU_ORDER
    if not all(total[:orders]):
        return 0.0
    logs, smoothing = 0.0, 1.0
    for n in range(orders):
        smoothing *= 1.0 if shared[n] else 2.0
        logs += math.log(shared[n] / total[n] if shared[n] else 1 / (smoothing * total[n]))
    answer_tokens = sum(len(answer) for _, answer in pairs)
    reference_tokens = sum(len(reference) for reference, _ in pairs)
    brevity = min(1.0, math.exp(1 - reference_tokens / answer_tokens))
    return 100 * brevity * math.exp(logs / orders)


def _chrf_score(counts: Sequence[tuple[Counts, ...]]) -> float:
    """F2 of the precisions and recalls averaged over the orders that both texts have."""
    if not counts:
        return 0.0
    shared = [(expected & given).total() for expected, given in counts]
    pairs = list(zip(shared, counts, strict=True))
    precision = sum(same / given.total() for same, (_, given) in pairs) / len(pairs)
    recall = sum(same / expected.total() for same, (expected, _) in pairs) / len(pairs)
    return 100 * 5 * precision * recall / (4 * precision + recall) if any(shared) else 0.0


def _split_punctuation(text: str) -> list[str]:
    """Words with one ASCII mark at their end, or else at their start, cut off, as chrF++ does."""
    tokens: list[str] = []
    for word in text.split():
        if len(word) > 1 and word[-1] in _ASCII_MARKS:
            tokens += [word[:-1], word[-1]]
        elif len(word) > 1 and word[0] in _ASCII_MARKS:
            tokens += [word[0], word[1:]]
        else:
            tokens.append(word)
    return tokens
