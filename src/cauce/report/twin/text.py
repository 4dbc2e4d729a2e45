"""A twin in a few lines of text."""

from __future__ import annotations

from datetime import datetime

from cauce.records import Spoken
from cauce.report.twin.guess import Guess, percent
from cauce.report.twin.wording import SAYS
from cauce.twin.domain_text import withheld_text
from cauce.twin.store import Twin
from cauce.twin.summary.summary import summary_of


def twin_text(twin: Twin, language: Spoken, when: datetime, guess: Guess | None = None) -> str:
    """What the record says as of `when`; a model's guess comes last and is called one."""
    says = SAYS[language]
    lines = [summary_of(twin.timeline, language, when).text]
    if not twin.timeline.of_kind("allergy"):
        lines.append(says["no_allergies"])
    if guess:
        lines.append(_guess(guess, language))
    return "\n".join(lines)


def _guess(guess: Guess, language: Spoken) -> str:
    if guess.risk is None:
        return f"{guess.outcome}: {withheld_text(guess.doubts, language)}"
    says, risk = SAYS[language], percent(guess.risk, language)
    return f"{says['risk_of'].format(outcome=guess.outcome, percent=risk)}. {says['guess']}"
