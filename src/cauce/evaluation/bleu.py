"""BLEU (Papineni et al. 2002), 0 to 100, equal to `sacrebleu`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from cauce.evaluation.matching import ngrams
from cauce.evaluation.words import words_and_marks

_MAX_ORDER = 4


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


def _bleu(pairs: Sequence[tuple[list[str], list[str]]], *, effective_order: bool) -> float:
    """BLEU with exponential smoothing of (reference, answer) token lists."""
    shared, total = [0] * _MAX_ORDER, [0] * _MAX_ORDER
    for reference, answer in pairs:
        for n in range(_MAX_ORDER):
            given = ngrams(answer, n + 1)
            shared[n] += (given & ngrams(reference, n + 1)).total()
            total[n] += given.total()
    if not any(shared):
        return 0.0
    orders = sum(map(bool, total)) if effective_order else _MAX_ORDER
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
