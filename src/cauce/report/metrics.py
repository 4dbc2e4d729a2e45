"""How each measurement is called, drawn and put into words."""

from __future__ import annotations

from typing import Literal, NamedTuple

from cauce.evaluation.metrics import better_direction

SYSTEMS = ("base", "tuned", "assistant")
"""The systems of an evaluation, in the order in which they are shown."""
NOT_MEASURED = "not measured"
NBSP = "\u00a0"
"""Keeps a number and its unit on one line."""

Unit = Literal["share", "points", "number"]


class Metric(NamedTuple):
    """What a reader needs to know of a measurement."""

    name: str
    title: str
    meaning: str
    unit: Unit
    """`share`: 0 to 1, shown in per cent; `points`: 0 to 100; `number`: anything."""
    digits: int = 2
    """Decimals of a number below 10."""

    @property
    def top(self) -> float:
        """The largest value there can be on a common axis."""
        return 100.0 if self.unit == "points" else 1.0

    def shown(self, value: float | None) -> str:
        """The value as it is printed."""
        if value is None:
            return NOT_MEASURED
        if self.unit == "share":
            return f"{100 * value:.1f}{NBSP}%"
        return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.{self.digits}f}"

    def shown_interval(self, low: float | None, high: float | None) -> str:
        """`low to high` as it is printed; empty when there is no interval."""
        if low is None or high is None:
            return ""
        return f"{self.shown(low).removesuffix(NBSP + '%')} to {self.shown(high)}"

    def shown_change(self, value: float) -> str:
        """A difference as it is printed, with its sign; shares differ by percentage points."""
        text = self.shown(abs(value)).replace("%", "pp")
        return text if value == 0 else f"{'+' if value > 0 else '−'}{text}"


METRICS = (
    Metric("right_drug", "Right medicine", "answers about the medicine asked for", "share"),
    Metric("right_section", "Right section", "answers from the section asked for", "share"),
    Metric(
        "unsupported_numbers",
        "Unsupported numbers",
        "answers with a number that neither the cited text nor the question holds",
        "share",
    ),
    Metric("abstained", "Abstained", "questions left unanswered, with the reason given", "share"),
    Metric("exact", "Exact answers", "answers equal to the reference", "share"),
    Metric("rouge1", "ROUGE-1", "words shared with the reference", "share"),
    Metric("rouge2", "ROUGE-2", "word pairs shared with the reference", "share"),
    Metric("rougeL", "ROUGE-L", "longest common run of words with the reference", "share"),
    Metric("rougeLsum", "ROUGE-Lsum", "ROUGE-L by sentence", "share"),
    Metric("meteor", "METEOR", "aligned words, order counted", "share"),
    Metric("bleu", "BLEU", "n-grams shared with the reference, mean over answers", "points"),
    Metric("corpus_bleu", "BLEU, corpus", "over all answers together", "points"),
    Metric("corpus_bleu_words", "BLEU, corpus, words", "over lower-cased words", "points"),
    Metric("chrf", "chrF", "characters shared with the reference", "points"),
    Metric("chrf++", "chrF++", "characters and words shared with the reference", "points"),
    Metric("token_accuracy", "Next token", "tokens of the reference foretold", "share"),
    Metric("top5_accuracy", "Next token in five", "reference token among the likeliest 5", "share"),
    Metric("sequence_accuracy", "Whole sequence", "references foretold token by token", "share"),
    Metric("perplexity", "Perplexity", "surprise per token of the reference", "number"),
    Metric("loss", "Loss", "nats per token of the reference", "number", 3),
    Metric(
        "bits_per_byte", "Bits per byte", "bits that a byte of the reference takes", "number", 3
    ),
    Metric("length_ratio", "Length", "answer over reference, in words", "number"),
    Metric("answer_words", "Words", "words of an answer", "number"),
    Metric("repetition", "Repetition", "four words in a row that the answer said before", "share"),
    Metric("distinct1", "Distinct words", "different words over words", "share"),
    Metric("distinct2", "Distinct pairs", "different word pairs over pairs", "share"),
    Metric("distinct3", "Distinct triples", "different word triples over triples", "share"),
)
CHARTED = ("right_drug", "right_section", "unsupported_numbers", "rougeL", "chrf", "token_accuracy")
"""What is drawn on one axis: few enough to read at a glance."""
HEADLINES = ("perplexity", "rougeL", "right_drug", "unsupported_numbers", "right_section")
"""What the verdict speaks of, most telling first."""
TEXT_HEADLINES = ("bits_per_byte", "perplexity", "token_accuracy")
"""The same of a model that was trained on text."""

_BY_NAME = {metric.name: metric for metric in METRICS}


def metric_of(name: str) -> Metric:
    """The metric of that name; one unknown here is shown under its own name as a plain number."""
    return _BY_NAME.get(name, Metric(name, name, "", "number"))


def wanted(name: str) -> str:
    """Which direction is good, in words."""
    match better_direction(name):
        case "higher":
            return "higher is better"
        case "lower":
            return "lower is better"
    return "neither is better"
