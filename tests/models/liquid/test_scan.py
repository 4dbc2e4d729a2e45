from __future__ import annotations

import pytest
import torch

from cauce.models.liquid import use_backend
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.scan import (
    differentiable_scan,
    linear_scan,
    reverse_linear_scan,
)

needs_cpp = pytest.mark.skipif(not native.is_available(), reason="no C++ compiler here")
BACKENDS = ["torch", pytest.param("cpp", marks=needs_cpp)]


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


@pytest.mark.parametrize("time", [1, 2, 3, 8, 21])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_differentiable_scan_is_the_loop_with_its_gradients(time, backend):
    dtype = torch.float64 if backend == "torch" else torch.float32
    given = [*drawn(2, time, 19, dtype=dtype), torch.randn(2, 19, dtype=dtype)]
    given = [tensor.requires_grad_() for tensor in given]
    with use_backend(backend):
        solved = differentiable_scan(*given)
        grads = torch.autograd.grad(solved.square().sum(), given)
    factors, terms, state = given
    steps = factors.transpose(0, 1), terms.transpose(0, 1)
    first = torch.cat([state[None], torch.zeros_like(steps[1][1:])]) * steps[0]
    expected = one_by_one(steps[0], steps[1] + first).transpose(0, 1)
    torch.testing.assert_close(solved, expected)
    wanted = torch.autograd.grad(expected.square().sum(), given)
    for found, of_loop in zip(grads, wanted, strict=True):
        torch.testing.assert_close(found, of_loop, rtol=1e-4, atol=1e-4)


def test_the_gradient_of_a_scan_is_that_of_finite_differences():
    factors, terms = drawn(2, 5, 3)
    factors[0, 3] = 0
    given = [tensor.requires_grad_() for tensor in (factors, terms, torch.randn(2, 3).double())]
    assert torch.autograd.gradcheck(differentiable_scan, given)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_differentiable_scan_sees_nothing_later_and_takes_any_layout(backend):
    factors, terms = (tensor.transpose(0, 1) for tensor in drawn(40, 3, 5, dtype=torch.float32))
    with use_backend(backend):
        solved = differentiable_scan(factors, terms)
        changed = terms.clone()
        changed[:, 17:] += 1
        assert torch.equal(differentiable_scan(factors, changed)[:, :17], solved[:, :17])
    torch.testing.assert_close(
        solved, one_by_one(factors.transpose(0, 1), terms.transpose(0, 1)).transpose(0, 1)
    )


@needs_cpp
def test_cpp_scans_alike_with_any_number_of_threads():
    factors, terms = drawn(5, 300, 300, dtype=torch.float32)
    factors, threads, runs = factors.requires_grad_(), torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            solved = differentiable_scan(factors, terms)
            runs.append((solved, torch.autograd.grad(solved.sum(), factors)[0]))
    finally:
        torch.set_num_threads(threads)
    assert all(map(torch.equal, *runs))


def test_scans_of_unlike_tensors_are_refused():
    with pytest.raises(ValueError, match=r"factors are .* of shape \(2, 5, 3\) and terms"):
        differentiable_scan(torch.zeros(2, 5, 3), torch.zeros(2, 5, 4))
