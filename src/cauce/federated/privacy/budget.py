"""One site's differential privacy over a whole job: its key, its noise, and its account on disk.

What is private is each training example in what leaves the site, the changes of weights; losses and
counts of examples are told as they are, and what stays at the site needs none.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import NamedTuple

from cauce.federated.privacy.accounting import Accountant, Updates, noise_for
from cauce.federated.privacy.dpsgd import DpSgd
from cauce.federated.privacy.keystream import new_key
from cauce.runs import atomic_write, write_json

DELTA_SHARE = 0.1
"""Delta of a job, times the number of a site's examples."""
USUAL_NOISE = 1.0
"""What a job without privacy is told that it would cost, in lengths of a clipped gradient."""


class Plan(NamedTuple):
    """How many updates leave a site over a job, and from how many examples each."""

    examples: int
    batch: int
    updates: int

    @property
    def rate(self) -> float:
        """Chance of each example to be in an update."""
        return min(1.0, self.batch / self.examples)

    @property
    def delta(self) -> float:
        """The chance with which the promise may be broken."""
        return DELTA_SHARE / self.examples


class SitePrivacy:
    """Private updates of one site that stop before the job's budget is exceeded."""

    def __init__(self, folder: Path, plan: Plan, *, epsilon: float, clip: float) -> None:
        self._folder, self._plan, self._epsilon, self._clip = folder, plan, epsilon, clip
        self._noise = noise_for(epsilon, plan.delta, steps=plan.updates, rate=plan.rate)
        path = folder / "noise.key"
        if not path.is_file():
            with atomic_write(path, private=True) as stream:
                stream.write(new_key())
        self._key = path.read_bytes()

    def of_round(self, number: int, steps: int, task: str) -> DpSgd:
        """The private updates of a round, written into the account before the first is made.

        Raises BudgetSpent where they would exceed the budget.
        """
        spent = Updates(noise=self._noise, rate=self._plan.rate, count=steps)
        account = self._account(number - 1).after(
            spent, target_epsilon=self._epsilon, delta=self._plan.delta
        )
        write_json(self._place(number), account.model_dump(mode="json"))
        return DpSgd(
            examples=self._plan.examples,
            batch=self._plan.batch,
            clip=self._clip,
            noise=self._noise,
            place=task,
            key=self._key,
        )

    def spent(self, number: int) -> float:
        """Epsilon after that round."""
        return self._account(number).spent(self._plan.delta)

    def _account(self, number: int) -> Accountant:
        """As it was after the newest round up to `number` that the site took part in."""
        while number > 0 and not self._place(number).is_file():
            number -= 1
        return (
            Accountant.model_validate_json(self._place(number).read_bytes())
            if number
            else (Accountant())
        )

    def _place(self, number: int) -> Path:
        return self._folder / f"account-{number:04}.json"


def with_privacy(plan: Plan, epsilon: float) -> str:
    """What a site is told when each of its training examples was hidden in noise."""
    return (
        f"each training example was hidden with epsilon {epsilon:.2g} at delta {plan.delta:.1g} "
        "over the job; a person with several examples is hidden less"
    )


def without_privacy(plan: Plan) -> str:
    """What a site is told when updates leave it as they are; with what a budget would be.

    The figure is left out where the package that accounts is not installed.
    """
    notice = (
        "updates leave this site without differential privacy: what was learned from single "
        "examples may be read out of them (federated.epsilon sets a budget)"
    )
    if importlib.util.find_spec("dp_accounting") is None:
        return notice
    usual = Updates(noise=USUAL_NOISE, rate=plan.rate, count=plan.updates)
    epsilon = Accountant(history=(usual,)).spent(plan.delta)
    return (
        f"{notice}; with noise of {USUAL_NOISE:g} this job would have an epsilon of {epsilon:.2g} "
        f"at delta {plan.delta:.1g}"
    )
