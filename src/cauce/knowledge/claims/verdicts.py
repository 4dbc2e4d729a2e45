"""What becomes of each claim of any answer against the texts that it rests on, and by which check.

The checks are those of `cauce.knowledge.claims.claims`: a claim is shown when a sentence of the
evidence says it. They read Spanish and English. A paraphrase that is true may well be "not shown";
what is "supported" is said by the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from cauce.knowledge.claims.checks import MedicinesOf, check_medicines, check_numbers
from cauce.knowledge.claims.claims import Compared, compared
from cauce.records import Language

Verdict = Literal["supported", "contradicted", "not shown"]


class Claim(NamedTuple):
    """A sentence of an answer, and what the evidence makes of it."""

    text: str
    verdict: Verdict
    """`contradicted`: the nearest sentence says the same of another amount, unit, frequency, route
    or population, or denies it."""
    checks: tuple[str, ...] = ()
    """Names of those that it fails."""
    detail: str = ""
    score: float = 1.0
    """1 of a supported claim, 0 of a contradicted one and of one whose number or medicine no text
    names; else how much of it the nearest sentence says."""


def check_claims(
    answer: str,
    evidence: Sequence[str],
    language: Language | None = None,
    *,
    title: str = "",
    medicines_of: MedicinesOf | None = None,
) -> list[Claim]:
    """The verdict on each sentence of `answer`, in order; a sentence without words has none.

    `title` is what the reader knows besides the evidence: a claim may open with its name.

    >>> quotes = ["Adults take 400 mg a day.", "Do not take it with alcohol."]
    >>> answer = "Adults take 0.4 g a day. Take it with alcohol. It helps against pain."
    >>> [(claim.verdict, claim.checks) for claim in check_claims(answer, quotes)]
    [('supported', ()), ('contradicted', ('negation', 'wording')), ('not shown', ('wording',))]
    """
    known = "\n".join(evidence)

    def judged(claim: Compared) -> Claim:
        other = [check_numbers(claim.text, known, language)]
        if medicines_of:
            other.append(check_medicines(claim.text, f"{title}\n{known}", medicines_of))
        failed = {check.name: check.detail for check in other if not check.passed}
        failed |= {problem.check: problem.detail for problem in reversed(claim.problems)}
        if not failed:
            return Claim(claim.text, "supported")
        denied = bool(claim.problems) and all(problem.contradicts for problem in claim.problems)
        if denied and "medicines" not in failed:
            return Claim(claim.text, "contradicted", tuple(failed), _told(failed), 0.0)
        said = claim.said if claim.problems else 0.0
        return Claim(claim.text, "not shown", tuple(failed), _told(failed), said)

    return [judged(claim) for claim in compared(answer, evidence, title, language)]


def _told(failed: dict[str, str]) -> str:
    return "; ".join(f"{name}: {detail}" for name, detail in failed.items())
