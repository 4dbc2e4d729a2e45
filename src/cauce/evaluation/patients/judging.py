"""What policies come to with the same patients, and the best rules for those of practice."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

from cauce.assistant.policy.choosing import Policy, Rules
from cauce.evaluation.patients.people import Patient
from cauce.evaluation.patients.talking import Outcome, Room, Talk

ESCALATE = (0.1, 0.15, 2.0)
ASK = (0.005, 0.01, 0.02, 0.05, 0.1, 2.0)
UNSURE = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95)
TYPOS = (2, 3)
SOURCES: tuple[Literal["never", "asked", "always"], ...] = ("never", "asked", "always")
"""Settings that are tried."""


def talked(
    policy: Policy, room: Room, patients: Sequence[Patient], *, is_timed: bool = False
) -> list[Outcome]:
    """How the conversation of each patient ends when the policy does what it finds best."""
    found: list[Outcome] = []
    for patient in patients:
        talk = Talk(room, patient, is_timed=is_timed)
        while situation := talk.situation():
            chances = policy.probabilities(situation)
            talk.act(chances.index(max(chances)))
        found.append(talk.outcome)
    return found


def best_rules(room: Room, patients: Sequence[Patient]) -> Rules:
    """The thresholds, of all combinations, that get the highest mean return from the patients."""
    tried = [
        Rules(
            escalate_from=escalate,
            ask_from=ask,
            unsure_below=unsure,
            typos=typos,
            sources=sources,
            unknown=unknown,
        )
        for escalate, ask, unsure, typos, sources, unknown in itertools.product(
            ESCALATE, ASK, UNSURE, TYPOS, SOURCES, (False, True)
        )
    ]
    return max(tried, key=lambda rules: sum(it.value for it in talked(rules, room, patients)))
