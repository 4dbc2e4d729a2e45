"""How much privacy the updates of a training have cost, over all its rounds, and how many are left.

The unit is one training example that is, or is not, among the site's data. Each update draws every
example by itself with the same chance, clips its gradient and adds Gaussian noise to the sum
(`dpsgd`); what that costs adds up in Renyi divergences (Mironov 2017, arXiv 1702.07476; Mironov,
Talwar and Zhang 2019, arXiv 1908.10530). A patient with k examples is protected less: their epsilon
is up to k times as large, and their delta larger still. Losses, counts of examples and choices by
the validation loss are not covered.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cauce.errors import MissingExtra, UserError
from cauce.records import Record

ORDERS = (*range(2, 65), 80, 96, 128, 256, 512)
"""Every order gives a valid bound. At whole ones the divergence is a finite sum; between them its
series does not always converge."""

LARGEST_COUNT = 2**30
"""Updates that are told apart; a budget that lasts longer is as good as endless."""


class Updates(Record):
    """Updates that were made alike."""

    noise: float = Field(ge=0)
    """Standard deviation of the noise, in lengths that one example's gradient is clipped to."""
    rate: float = Field(gt=0, le=1)
    """Chance of each example to be in an update."""
    count: int = Field(1, ge=0)


class BudgetSpent(UserError):
    """Another update would cost more privacy than a site allows."""


class Accountant(Record):
    """What a site has spent on one training; a record, kept in the site's journal as JSON."""

    history: tuple[Updates, ...] = ()

    def spent(self, delta: float) -> float:
        """Epsilon at `delta` of everything published so far; infinite without noise."""
        return _epsilon(self.history, delta)

    def steps_left(self, target_epsilon: float, delta: float, *, noise: float, rate: float) -> int:
        """Updates like these after which `spent` is still within `target_epsilon`."""
        one = Updates(noise=noise, rate=rate)

        def fits(count: int) -> bool:
            updates = one.model_copy(update={"count": count})
            return _epsilon([*self.history, updates], delta) <= target_epsilon

        return _largest(fits)

    def after(self, updates: Updates, *, target_epsilon: float, delta: float) -> Accountant:
        """The account with `updates` in it: to be written down before they are made.

        Raises BudgetSpent, and nothing is spent, where that would exceed `target_epsilon`.
        """
        account = Accountant(history=_joined(self.history, updates))
        if (epsilon := account.spent(delta)) > target_epsilon:
            left = self.steps_left(target_epsilon, delta, noise=updates.noise, rate=updates.rate)
            raise BudgetSpent(
                f"{updates.count} more updates would bring epsilon from {self.spent(delta):.3g} to "
                f"{epsilon:.3g}, more than the {target_epsilon:g} that this site allows at delta "
                f"{delta:g}.\nAt most {left} updates are left; stop here, or agree on another "
                "budget with whoever answers for the data."
            )
        return account


def noise_for(epsilon: float, delta: float, *, steps: int, rate: float) -> float:
    """The least noise, to three digits, with which `steps` updates cost at most `epsilon`."""

    def fits(thousandths: int) -> bool:
        updates = Updates(noise=thousandths / 1000, rate=rate, count=steps)
        return _epsilon([updates], delta) <= epsilon

    # Too little noise is what is counted up: one step more is enough.
    return (_largest(lambda thousandths: not fits(thousandths)) + 1) / 1000


class ClientLevel(Record):
    """What it would take to hide that a whole site took part, not only one of its examples."""

    sites: int
    rounds: int
    epsilon: float
    delta: float
    noise: float
    """On the sum, in lengths that one site's update is clipped to."""
    noise_to_update: float
    """Length of the noise on the mean of all sites, in lengths of the longest update allowed."""

    @property
    def is_meaningful(self) -> bool:
        """Whether an update would be longer than the noise on it."""
        return self.noise_to_update <= 1

    def statement(self) -> str:
        """The same in words, for a report."""
        price = (
            f"To hide that one of {self.sites} sites took part at all, at epsilon "
            f"{self.epsilon:g} and delta {self.delta:g} over {self.rounds} rounds, the noise on "
            f"each mean update would be {self.noise_to_update:.3g} times as long as the update "
            "itself may be"
        )
        if self.is_meaningful:
            return f"{price}: the update would survive that."
        return (
            f"{price}. Nothing would be learned: client-level epsilon is meaningless for so few "
            "sites, whose names are known anyway. What is protected is each example."
        )


def client_level(
    sites: int, *, rounds: int, parameters: int, epsilon: float = 2.0, delta: float = 1e-5
) -> ClientLevel:
    """The noise that client-level privacy would take where all sites take part in every round."""
    noise = noise_for(epsilon, delta, steps=rounds, rate=1.0)
    return ClientLevel(
        sites=sites,
        rounds=rounds,
        epsilon=epsilon,
        delta=delta,
        noise=noise,
        noise_to_update=noise * math.sqrt(parameters) / sites,
    )


def _epsilon(history: Sequence[Updates], delta: float) -> float:
    made = [updates for updates in history if updates.count]
    if not made:
        return 0.0
    if any(updates.noise == 0 for updates in made):
        return math.inf
    divergences = [it.count * _divergences(it.noise, it.rate) for it in made]
    from dp_accounting.rdp import compute_epsilon

    return float(compute_epsilon(ORDERS, sum(divergences), delta)[0])


@functools.cache
def _divergences(noise: float, rate: float) -> NDArray[np.float64]:
    """Of one update, at each of `ORDERS`."""
    try:
        from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
        from dp_accounting.rdp import RdpAccountant
    except ImportError as error:
        raise MissingExtra("accounting for privacy", "federated") from error
    accountant = RdpAccountant(ORDERS)
    accountant.compose(PoissonSampledDpEvent(rate, GaussianDpEvent(noise)))
    return np.asarray(accountant.rdp)


def _joined(history: tuple[Updates, ...], updates: Updates) -> tuple[Updates, ...]:
    """Rounds made alike are one entry: the account does not grow with them."""
    if history and history[-1].model_copy(update={"count": updates.count}) == updates:
        count = history[-1].count + updates.count
        return (*history[:-1], updates.model_copy(update={"count": count}))
    return (*history, updates)


def _largest(fits: Callable[[int], bool]) -> int:
    """The largest count up to `LARGEST_COUNT` that fits, when every smaller one does; 0 if none."""
    low, high = 0, 1
    while high <= LARGEST_COUNT and fits(high):
        low, high = high, 2 * high
    while high - low > 1 and low < LARGEST_COUNT:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
