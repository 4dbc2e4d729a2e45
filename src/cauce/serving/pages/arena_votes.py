"""Two answers to one question, shown blind, and what the votes on such pairs come to."""

from __future__ import annotations

import random
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from cauce.evaluation.statistics import Estimate, rate_exact
from cauce.records import Reply
from cauce.serving.queue import Queue
from cauce.serving.storage import Choice, Tally

KEPT = 1000
"""Pairs that wait for a vote, of all users; the oldest go."""
_CHANCE = random.SystemRandom()


class Contender(NamedTuple):
    """What answers, under the name that is revealed after the vote."""

    name: str
    queue: Queue
    plain: bool = False


class Answered(NamedTuple):
    """An answer and whose it is."""

    system: str
    reply: Reply


class Pairing(NamedTuple):
    """Two answers in the order in which they are shown, and the vote on them."""

    id: str
    user_id: str
    question: str
    left: Answered
    right: Answered
    choice: Choice | None = None
    """None until the vote, and the names are not told before."""

    @property
    def is_same(self) -> bool:
        """Both say the same, so there is nothing to vote on."""
        return self.left.reply.text == self.right.reply.text


class Pairings:
    """The last pairs, in the memory of the server: nothing of one is stored before its vote."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Pairing] = OrderedDict()

    def new(self, user_id: str, question: str, answers: tuple[Answered, Answered]) -> Pairing:
        """The pair in an order that chance decides."""
        left, right = _CHANCE.sample(answers, 2)
        pairing = Pairing(secrets.token_urlsafe(12), user_id, question, left, right)
        self._keep(pairing)
        return pairing

    def of(self, user_id: str, pairing_id: str) -> Pairing | None:
        """The user's pair; None for another's, and for one that is kept no more."""
        found = self._kept.get(pairing_id)
        return found if found and found.user_id == user_id else None

    def vote(self, pairing: Pairing, choice: Choice) -> None:
        """Notes the vote, after which the names are told."""
        self._keep(pairing._replace(choice=choice))

    def _keep(self, pairing: Pairing) -> None:
        self._kept[pairing.id] = pairing
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


class Standing(NamedTuple):
    """How two systems stand against each other on the same questions."""

    first: str
    second: str
    for_first: int
    for_second: int
    ties: int
    neither: int
    voters: int
    share: Estimate | None
    """Of the votes that chose one of the two, those for the first, with the exact interval of
    `rate_exact` over voters; None while nobody chose."""

    @property
    def is_shown(self) -> bool:
        """Whether the interval leaves no doubt which of the two is chosen more often."""
        share = self.share
        if share is None or share.low is None or share.high is None:
            return False
        return share.low > 0.5 or share.high < 0.5


def standings(tallies: Iterable[Tally]) -> tuple[Standing, ...]:
    """Every two systems that were voted on, by name; left and right do not matter."""
    pairs: dict[tuple[str, str], list[Tally]] = {}
    for tally in tallies:
        first, second = sorted((tally.left, tally.right))
        pairs.setdefault((first, second), []).append(tally)
    return tuple(_standing(*pair, of_pair) for pair, of_pair in sorted(pairs.items()))


def _standing(first: str, second: str, tallies: list[Tally]) -> Standing:
    chosen: dict[str, int] = {first: 0, second: 0}
    undecided = {"tie": 0, "neither": 0}
    values, voters = list[float](), list[str]()
    for tally in tallies:
        if tally.choice in undecided:
            undecided[tally.choice] += tally.votes
            continue
        system = tally.left if tally.choice == "left" else tally.right
        chosen[system] += tally.votes
        values += [float(system == first)] * tally.votes
        voters += [tally.user_id] * tally.votes
    return Standing(
        first,
        second,
        chosen[first],
        chosen[second],
        undecided["tie"],
        undecided["neither"],
        len({tally.user_id for tally in tallies}),
        rate_exact(values, voters) if values else None,
    )
