from __future__ import annotations

import pytest
import torch

from cauce.models.liquid.kernels.scan import linear_scan, reverse_linear_scan


def one_by_one(factors, terms):
    value, values = torch.zeros_like(terms[0]), []
    for factor, term in zip(factors, terms, strict=True):
        value = factor * value + term
        values.append(value)
    return torch.stack(values)


def drawn(*shape, dtype=torch.float64):
    torch.manual_seed(sum(shape))
    return torch.empty(shape, dtype=dtype).uniform_(-1.1, 1.1), torch.randn(shape, dtype=dtype)


@pytest.mark.parametrize("time", [1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 100])
def test_a_scan_is_the_loop_at_every_length(time):
    factors, terms = drawn(time, 2, 3)
    torch.testing.assert_close(linear_scan(factors, terms), one_by_one(factors, terms))


@pytest.mark.parametrize("time", [1, 2, 5, 16, 37])
def test_a_reverse_scan_is_the_loop_from_the_end(time):
    factors, terms = drawn(time, 4)
    expected = one_by_one(factors.flip(0), terms.flip(0)).flip(0)
    torch.testing.assert_close(reverse_linear_scan(factors, terms), expected)


def test_the_first_factor_does_not_matter_as_the_state_before_is_zero():
    factors, terms = drawn(9, 2)
    changed = factors.clone()
    changed[0] = 1e6
    assert torch.equal(linear_scan(changed, terms), linear_scan(factors, terms))


def test_a_factor_of_zero_starts_anew():
    factors, terms = drawn(20, 3)
    factors[7] = 0
    assert torch.equal(linear_scan(factors, terms)[7], terms[7])
    alone = linear_scan(factors[7:], terms[7:])
    torch.testing.assert_close(linear_scan(factors, terms)[7:], alone)


def test_factors_near_one_keep_their_precision_over_a_long_time():
    factors = torch.full((16384, 1), 0.9995)
    terms = torch.randn(16384, 1, generator=torch.Generator().manual_seed(0))
    exact = one_by_one(factors.double(), terms.double())
    error = (linear_scan(factors, terms) - exact).abs().max() / exact.abs().max()
    assert error < 1e-6


def test_a_scan_leaves_its_inputs_and_makes_no_graph():
    factors, terms = drawn(11, 2)
    kept = factors.clone(), terms.clone()
    solved = linear_scan(factors.requires_grad_(), terms.requires_grad_())
    assert not solved.requires_grad
    assert torch.equal(factors, kept[0]) and torch.equal(terms, kept[1])


def test_steps_with_gaps_between_their_numbers_are_solved_too():
    factors, terms = drawn(13, 4)
    expected = one_by_one(factors[:, ::2], terms[:, ::2])
    torch.testing.assert_close(linear_scan(factors[:, ::2], terms[:, ::2]), expected)
