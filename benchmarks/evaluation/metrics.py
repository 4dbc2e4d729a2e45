"""Metrics of texts against the packages that published figures come from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from benchmarks import report
from cauce.evaluation.bleu import corpus_bleu, sentence_bleu
from cauce.evaluation.chrf import chrf, corpus_chrf
from cauce.evaluation.rouge import rouge_l, rouge_lsum, rouge_n
from cauce.evaluation.words import ascii_words, words
from cauce.knowledge.sentences import sentences
from cauce.records import Document
from cauce.sources.vademecum import VademecumSource

PAIRS_A_LANGUAGE = 200
BAR = 1e-9
TYPES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]


class Pair(NamedTuple):
    """A text and what stands for a model's version of it."""

    reference: str
    answer: str


class Words:
    """Our words for `rouge-score`."""

    def tokenize(self, text: str) -> list[str]:
        """Of one text."""
        return words(text)


def metrics() -> None:
    """ROUGE, BLEU and chrF against rouge-score and sacrebleu on the same tokens."""
    for language in ("es", "en"):
        pairs = list(_pairs(language))
        name = f"{len(pairs)} {language} texts: largest difference of"
        report(f"{name} ROUGE, our words", _rouge_difference(pairs, is_ascii=False), BAR)
        report(f"{name} ROUGE, its own tokens", _rouge_difference(pairs, is_ascii=True), BAR)
        report(f"{name} BLEU", _bleu_difference(pairs), BAR)
        report(f"{name} chrF and chrF++", _chrf_difference(pairs), BAR)


def _pairs(language: str) -> Iterator[Pair]:
    """Paragraphs of the package's own labels, some altered and some with another in their place."""
    chance = random.Random(0)
    texts = [
        section.text
        for document in VademecumSource(kind="vademecum").documents()
        if isinstance(document, Document) and document.language == language
        for section in document.sections
    ]
    for reference in chance.choices(texts, k=PAIRS_A_LANGUAGE):
        yield Pair(reference, _altered(reference, texts, chance))


def _altered(text: str, texts: Sequence[str], chance: random.Random) -> str:
    kept = [word for word in text.split(" ") if chance.random() < 0.8]
    match chance.randrange(4):
        case 0:
            return chance.choice(texts)
        case 1:
            return " ".join(kept[: chance.randint(0, 12)])
        case 2:
            return " ".join(chance.sample(kept, len(kept)))
    return " ".join(kept)


def _rouge_difference(pairs: Sequence[Pair], *, is_ascii: bool) -> float:
    cut = ascii_words if is_ascii else words
    oracle = RougeScorer(TYPES, tokenizer=None if is_ascii else Words())
    largest = 0.0
    for pair in pairs:
        by_sentence = [[span.of(text) for span in sentences(text)] for text in pair]
        expected = oracle.score(*pair)
        expected["rougeLsum"] = oracle.score(*map("\n".join, by_sentence))["rougeLsum"]
        reference, answer = map(cut, pair)
        found = {
            "rouge1": rouge_n(reference, answer, 1),
            "rouge2": rouge_n(reference, answer, 2),
            "rougeL": rouge_l(reference, answer),
            "rougeLsum": rouge_lsum(*([cut(each) for each in side] for side in by_sentence)),
        }
        for kind in TYPES:
            ours, theirs = found[kind], expected[kind]
            largest = max(largest, *(abs(a - b) for a, b in zip(ours, theirs, strict=True)))
    return largest


def _bleu_difference(pairs: Sequence[Pair]) -> float:
    by_sentence = BLEU(effective_order=True)
    singly = [
        abs(sentence_bleu(*pair) - by_sentence.sentence_score(pair.answer, [pair.reference]).score)
        for pair in pairs
    ]
    references, answers = (list(side) for side in zip(*pairs, strict=True))
    expected = BLEU().corpus_score(answers, [references]).score
    return max(*singly, abs(corpus_bleu(references, answers) - expected))


def _chrf_difference(pairs: Sequence[Pair]) -> float:
    references, answers = (list(side) for side in zip(*pairs, strict=True))
    largest = 0.0
    for order in (0, 2):
        oracle = CHRF(word_order=order)
        whole = oracle.corpus_score(answers, [references]).score
        largest = max(largest, abs(corpus_chrf(references, answers, word_order=order) - whole))
        for pair in pairs:
            expected = oracle.sentence_score(pair.answer, [pair.reference]).score
            largest = max(largest, abs(chrf(*pair, word_order=order) - expected))
    return largest
