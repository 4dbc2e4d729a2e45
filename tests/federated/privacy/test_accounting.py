from __future__ import annotations

import math

import pytest

from cauce.federated.privacy.accounting import (
    Accountant,
    BudgetSpent,
    Updates,
    client_level,
    noise_for,
)

accounting = pytest.importorskip("dp_accounting", reason="accounts need cauce[federated]")

DELTA = 2e-4
RATE = 32 / 500


def spent(*history: Updates) -> float:
    return Accountant(history=history).spent(DELTA)


@pytest.mark.parametrize(("noise", "rate", "count"), [(1.0, RATE, 47), (1.5, 0.01, 300)])
def test_epsilon_is_that_of_the_reference_within_a_few_percent(
    noise: float, rate: float, count: int
) -> None:
    """Tighter orders can only lower a bound; numerical accounting of the whole loss more."""
    event = accounting.PoissonSampledDpEvent(rate, accounting.GaussianDpEvent(noise))
    exact = accounting.rdp.RdpAccountant([1.75, *range(2, 256), 2.5, 3.5, 4.5, 5.5, 6.5])
    exact.compose(event, count)
    found = spent(Updates(noise=noise, rate=rate, count=count))
    assert exact.get_epsilon(DELTA) <= found <= 1.03 * exact.get_epsilon(DELTA)


def test_all_examples_in_every_update_cost_what_a_gaussian_does() -> None:
    """Renyi divergence a / (2 z^2) at order a, the best order found on a fine grid."""
    steps, noise = 20, 4.0
    best = min(
        steps * a / (2 * noise**2) + math.log1p(-1 / a) - math.log(DELTA * a) / (a - 1)
        for a in (1 + n / 100 for n in range(10, 20_000))
    )
    found = spent(Updates(noise=noise, rate=1.0, count=steps))
    assert best <= found <= 1.01 * best


def test_the_last_update_that_fits_is_allowed_and_the_next_refused() -> None:
    account = Accountant(history=(Updates(noise=1.0, rate=RATE, count=20),))
    left = account.steps_left(3.0, DELTA, noise=1.0, rate=RATE)
    assert left > 0
    full = account.after(Updates(noise=1.0, rate=RATE, count=left), target_epsilon=3.0, delta=DELTA)
    assert full.spent(DELTA) <= 3.0
    assert full.history == (Updates(noise=1.0, rate=RATE, count=20 + left),)
    with pytest.raises(BudgetSpent, match="At most 0 updates are left"):
        full.after(Updates(noise=1.0, rate=RATE), target_epsilon=3.0, delta=DELTA)
    assert spent(Updates(noise=1.0, rate=RATE, count=20 + left + 1)) > 3.0


def test_rounds_of_other_rates_add_up_and_survive_json() -> None:
    first, second = Updates(noise=1.0, rate=RATE, count=10), Updates(noise=2.0, rate=0.1, count=5)
    account = Accountant()
    for updates in (first, second):
        account = account.after(updates, target_epsilon=10, delta=DELTA)
        account = Accountant.model_validate_json(account.model_dump_json())
    assert account.history == (first, second)
    assert max(spent(first), spent(second)) < account.spent(DELTA) < spent(first) + spent(second)


def test_nothing_made_costs_nothing_and_no_noise_costs_all() -> None:
    assert spent() == spent(Updates(noise=1.0, rate=0.5, count=0)) == 0
    assert spent(Updates(noise=0.0, rate=0.5)) == math.inf
    assert Accountant().steps_left(100, DELTA, noise=0.0, rate=0.5) == 0


def test_the_noise_for_a_budget_is_the_least() -> None:
    noise = noise_for(3.0, DELTA, steps=47, rate=RATE)
    assert spent(Updates(noise=noise, rate=RATE, count=47)) <= 3.0
    assert spent(Updates(noise=noise - 0.002, rate=RATE, count=47)) > 3.0


def test_client_level_privacy_of_a_handful_is_called_meaningless() -> None:
    few = client_level(5, rounds=20, parameters=16_384)
    cost = Accountant(history=(Updates(noise=few.noise, rate=1.0, count=20),))
    assert 1.9 < cost.spent(1e-5) <= 2.0
    assert not few.is_meaningful
    assert few.noise_to_update == pytest.approx(few.noise * 128 / 5)
    assert "meaningless" in few.statement()
    many = client_level(100_000, rounds=20, parameters=16_384)
    assert many.is_meaningful
    assert "meaningless" not in many.statement()
