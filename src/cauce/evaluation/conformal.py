"""Thresholds with a promise, from answers that people judged: what is shown above them is right.

Three promises, each from n answers judged right or wrong, and exact for that n:

- *all*: of new questions at most a share alpha is answered wrongly, abstentions counted as not
  wrong (conformal risk control, Angelopoulos et al. 2022, arXiv 2208.02814);
- *claims*: with probability 1 - alpha no claim that is left in a new answer is wrong (conformal
  back-off, Mohri and Hashimoto 2024, arXiv 2402.10978). It is the same calculation: an answer is
  a set of claims, and an answer judged as a whole is one claim;
- *shown*: of the answers that are shown at most a share alpha is wrong, which holds with a stated
  probability over the judged answers (a test of each threshold by Clopper and Pearson's limit, as
  in Learn then Test, Angelopoulos et al. 2021, arXiv 2110.01052).

The first two rest on exchangeability alone: the judged answers and those to come are drawn alike.
Nothing is promised of the answers of one kind of question, unless each kind has its own threshold
(Vovk et al. 2003, Mondrian confidence machine).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
from pydantic import ConfigDict, Field

from cauce.errors import UserError
from cauce.evaluation.special import beta_quantile
from cauce.evaluation.statistics import clopper_pearson
from cauce.records import Record

Among = Literal["all", "claims", "shown"]

FEWEST = 25
"""Judged answers: with fewer one more or less moves the threshold from one end to the other."""
SURE = 0.95
"""Probability with which a promise on the answers shown holds, and the limit of one set of n."""
SHARES = (1.0, 0.75, 0.5, 0.25)
"""Of the answers, the surest: the thresholds tested for a promise on the answers shown."""


class Judged(NamedTuple):
    """A claim, or an answer as a whole: how sure the system was, and whether people agree."""

    score: float
    right: bool


class Guarantee(Record):
    """A threshold, what is promised of what lies above it, and what the promise rests on."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    threshold: float
    """What scores more is shown; with groups the highest of theirs, so that each has its promise.

    Minus infinity where everything may be shown."""
    by_group: dict[str, float] = Field(default_factory=dict)
    alpha: float
    among: Among
    n: int
    """Answers judged."""
    shown: float
    """Share of the judged answers (of claims, their claims) that the threshold leaves."""
    one_set: float
    """What the rate of errors stays below with `SURE` probability for one set of n, where alpha is
    its mean over such sets; alpha itself where the promise is on the answers shown."""
    promise: str
    state: str = ""
    """Of the run whose answers were judged; empty where they are of none."""


def conformal_quantile(scores: Sequence[float], alpha: float) -> float:
    """The least score that a new one does not exceed with probability 1 - alpha.

    The ceil((n + 1)(1 - alpha))-th smallest, exactly; infinity where n is too small for alpha.
    Equal scores only make it more likely.

    >>> conformal_quantile([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], 0.2)
    0.8
    """
    rank = len(scores) + 1 - math.floor(Fraction(str(alpha)) * (len(scores) + 1))
    return sorted(scores)[rank - 1] if rank <= len(scores) else math.inf


def highest_wrong(claims: Sequence[Judged]) -> float:
    """The score that leaves no wrong claim when exceeded; minus infinity if none is wrong."""
    return max((claim.score for claim in claims if not claim.right), default=-math.inf)


def kept(claims: Sequence[Judged], threshold: float) -> list[Judged]:
    """The claims that a threshold leaves, in order."""
    return [claim for claim in claims if claim.score > threshold]


def guarantee_claims(
    answers: Sequence[Sequence[Judged]],
    alpha: float,
    *,
    groups: Sequence[str] = (),
    among: Among = "claims",
) -> Guarantee:
    """The least threshold above which answers keep no wrong claim, with probability 1 - alpha.

    `groups` name the kind of each answer: then the promise holds in each. Raises UserError with
    too few answers, in all or of one kind.
    """
    worst: dict[str, list[float]] = {}
    for claims, group in zip(answers, groups or [""] * len(answers), strict=True):
        worst.setdefault(group, []).append(highest_wrong(claims))
    _refuse_few({group: len(own) for group, own in worst.items()}, alpha)
    found = {group: conformal_quantile(own, alpha) for group, own in worst.items()}
    threshold, n = max(found.values()), len(answers)
    fewest = min(len(own) for own in worst.values())
    claims = [claim for own in answers for claim in own]
    one_set = _limit_of_one_set(fewest, alpha)
    return Guarantee(
        threshold=threshold,
        by_group=found if groups else {},
        alpha=alpha,
        among=among,
        n=n,
        shown=len(kept(claims, threshold)) / max(1, len(claims)),
        one_set=one_set,
        promise=_promise_on_average(among, alpha, fewest, one_set, is_grouped=bool(groups)),
    )


def guarantee_answers(
    answers: Sequence[Judged], alpha: float, *, groups: Sequence[str] = ()
) -> Guarantee:
    """The least threshold at which at most alpha of all questions are answered wrongly."""
    return guarantee_claims([[one] for one in answers], alpha, groups=groups, among="all")


def guarantee_shown(answers: Sequence[Judged], alpha: float) -> Guarantee:
    """The threshold that shows most answers of which at most alpha are wrong.

    One threshold for each of `SHARES` is tested, each at its part of 1 - `SURE`: the answers above
    one of the n scores are drawn alike and independently, whichever it is. Raises UserError where
    none passes.
    """
    _refuse_few({"": len(answers)}, alpha)
    level = 1 - 2 * (1 - SURE) / len(SHARES)
    for share in SHARES:
        threshold = _threshold_of_share([one.score for one in answers], share)
        shown = kept(answers, threshold)
        wrong = sum(not one.right for one in shown)
        if shown and clopper_pearson(wrong, len(shown), level)[1] <= alpha:
            return Guarantee(
                threshold=threshold,
                alpha=alpha,
                among="shown",
                n=len(answers),
                shown=len(shown) / len(answers),
                one_set=alpha,
                promise=f"With probability {SURE:.0%} over the {len(answers)} judged answers, of "
                f"the answers shown at most {alpha:.1%} are wrong. {_RESTS} They are independent.",
            )
    needed = math.ceil(math.log((1 - SURE) / len(SHARES)) / math.log1p(-alpha))
    raise UserError(
        f"no threshold leaves answers of which at most {alpha:.1%} are surely wrong: of the surest "
        f"{len(shown)} of {len(answers)}, {wrong} are.\n"
        f"Judge more answers ({needed} shown without an error are enough), raise alpha, or ask for "
        "a promise on all questions."
    )


_RESTS = (
    "It rests on the judged answers and those to come being drawn alike (exchangeable): the same "
    "run, questions of the same kind, none of the answers left out of the judging."
)


def _promise_on_average(
    among: Among, alpha: float, n: int, one_set: float, *, is_grouped: bool
) -> str:
    of = "new questions of each group" if is_grouped else "new questions"
    said = {
        "all": f"Of {of}, at most {alpha:.1%} are answered wrongly",
        "claims": f"Of the answers to {of}, at most {alpha:.1%} keep a wrong claim",
    }[among]
    return (
        f"{said}, on average over sets of {n} judged answers; for {SURE:.0%} of such sets it is at "
        f"most {one_set:.1%}. {_RESTS}"
    )


def _limit_of_one_set(n: int, alpha: float) -> float:
    """The rate of errors given n answers is at most Beta(k, n + 1 - k), k = floor(alpha(n + 1))."""
    allowed = math.floor(Fraction(str(alpha)) * (n + 1))
    return beta_quantile(SURE, allowed, n + 1 - allowed)


def _threshold_of_share(scores: Sequence[float], share: float) -> float:
    """The score that is exceeded by no more than that share of all."""
    falling = np.sort(np.asarray(scores, float))[::-1]
    count = math.floor(share * len(falling))
    return float(falling[count]) if count < len(falling) else -math.inf


def _refuse_few(counts: Mapping[str, int], alpha: float) -> None:
    if not 0 < alpha < 1:
        raise UserError(f"alpha is {alpha}.\nGive the share of errors allowed, such as 0.1.")
    needed = max(FEWEST, math.ceil(1 / Fraction(str(alpha))) - 1)
    few = {group: count for group, count in counts.items() if count < needed}
    if few or not counts:
        told = ", ".join(
            f"{count} of {group}" if group else str(count) for group, count in few.items()
        )
        raise UserError(
            f"too few judged answers for alpha {alpha}: {told or 0}; at least {needed} are needed"
            f"{' of each group' if any(few) else ''}.\n"
            "Judge more answers, join groups, or raise alpha."
        )
