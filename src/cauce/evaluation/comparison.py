"""What a comparison of two systems holds, and which of its metrics conclusions are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cauce.evaluation.likelihood import LIKELIHOOD_METRICS
from cauce.evaluation.metrics import Better
from cauce.records import Record

ALPHA = 0.05
_KINDS = (
    ("rougeL", "rouge", "chrf", "bleu", "meteor", "bertscore"),
    ("bits_per_byte", *LIKELIHOOD_METRICS, "sequence_accuracy"),
    ("right_choice",),
)
"""Measures of one thing by how their names begin, the one that speaks for them first."""
_DESCRIPTIVE = ("answer_words", "length_ratio", "repetition", "confidence", "names_choice")
"""How a system answers, which is not what it is judged by."""

Verdict = Literal["better", "worse", "differs", "unclear", "no difference shown"]


class MetricDifference(Record):
    """One metric in both systems over the items that both have it for."""

    metric: str
    better: Better
    a: float
    b: float
    difference: float
    """b - a."""
    low: float | None
    """Lower bound of the 95 % interval of the difference, by cluster bootstrap."""
    high: float | None
    p: float
    """Two-sided, by flipping the signs of whole groups; not corrected for the number of metrics."""
    p_holm: float | None = None
    """`p` corrected over the primary metrics of the whole table; None for the other metrics."""
    n: int
    mcnemar_p: float | None = None
    """For metrics that are 0 or 1: exact, items taken as independent."""
    detectable: float | None = None
    """True difference that these items would have shown with a probability of 80 %."""
    signature: str = ""

    @property
    def is_primary(self) -> bool:
        """Whether conclusions may be drawn from it."""
        return self.p_holm is not None

    @property
    def verdict(self) -> Verdict:
        """What may be said of b against a.

        `unclear`: the interval leaves out zero, but chance is not ruled out among so many measures.
        """
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "no difference shown"
        if self.p_holm is not None and self.p_holm > ALPHA:
            return "unclear"
        if self.better == "neither":
            return "differs"
        return "better" if (self.difference > 0) == (self.better == "higher") else "worse"


class Cost(Record):
    """What answers take in both systems; None where it was not measured.

    Without an interval: the items of a batch share its seconds evenly, and memory is one figure.
    """

    name: Literal["cpu_s", "peak_mb"]
    """CPU seconds an answer, or the MiB that the process had held at most by the last answer."""
    a: float | None
    b: float | None


class Flip(Record):
    """An item that is right in one system and wrong in the other, or whose ROUGE-L moved most."""

    id: str
    group: str
    question: str
    reference: str
    answer_a: str
    answer_b: str
    changed: tuple[str, ...]
    """Metrics that changed."""
    scores_a: dict[str, float]
    scores_b: dict[str, float]


class Comparison(Record):
    """What changes from system `a` to system `b` on the items that both answered."""

    a: str
    b: str
    items: int
    groups: int
    only_in_a: tuple[str, ...] = ()
    """Items that `b` lacks; they are in no figure."""
    only_in_b: tuple[str, ...] = ()
    metrics: tuple[MetricDifference, ...]
    costs: tuple[Cost, ...] = ()
    not_compared: tuple[str, ...] = ()
    """What could not be compared, and why."""
    flipped: tuple[Flip, ...]


def primary_metrics(names: Sequence[str]) -> list[str]:
    """Those of `names` that conclusions are drawn from, in their order.

    One for each thing that is measured: likeness to the reference (ROUGE-L), foretelling it (bits
    per byte, else perplexity), the right choice, and every rate or score of its own, such as the
    right medicine or what a task adds. Other overlap measures, likelihoods and accuracies of the
    same tokens nearly repeat these; correcting over all of them would hide differences there are.
    How long an answer is and the like describe it only.
    """
    chosen = [name for name in names if _kind(name) is None and name not in _DESCRIPTIVE]
    for kind in _KINDS:
        own = [name for name in names if _kind(name) is kind]
        chosen += sorted(own, key=lambda name: _place(name, kind))[:1]
    return [name for name in names if name in chosen]


def _kind(name: str) -> tuple[str, ...] | None:
    return next((kind for kind in _KINDS if name.startswith(kind)), None)


def _place(name: str, kind: tuple[str, ...]) -> tuple[int, int]:
    """The beginning that `name` has; of two with the same one, the plainer comes first."""
    return next(i for i, start in enumerate(kind) if name.startswith(start)), len(name)
