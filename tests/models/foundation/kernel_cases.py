"""A part computed by C++ in fp32 against the same part by torch in fp64, with all gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.backends import use_backend

needs_cpp = pytest.mark.skipif(not native.is_available(), reason="no C++ compiler here")


def outcome(call: Callable[..., Tensor], given: list[Tensor]) -> list[Tensor]:
    """The result, and the gradients of what was given for gradients that differ everywhere."""
    given = [tensor.detach().requires_grad_() for tensor in given]
    result = call(*given)
    asked = torch.linspace(-1, 2, result.numel(), dtype=result.dtype).sin().view_as(result)
    return [result, *torch.autograd.grad(result, given, asked)]


def assert_cpp_is_torch(call: Callable[..., Tensor], given: list[Tensor]) -> None:
    """Within 5e-6 of the largest number of each result."""
    with use_backend("cpp"):
        found = outcome(call, given)
    exact = outcome(call, [tensor.double() for tensor in given])
    for one, other in zip(found, exact, strict=True):
        assert one.dtype == torch.float32
        bound = 5e-6 * max(1.0, other.abs().max().item())
        torch.testing.assert_close(one.double(), other, rtol=0, atol=bound)


def assert_same_for_any_number_of_threads(call: Callable[..., Tensor], given: list[Tensor]) -> None:
    """To the bit, with a gradient that is summed over rows."""
    before, results = torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        try:
            with use_backend("cpp"):
                results.append(outcome(call, given))
        finally:
            torch.set_num_threads(before)
    assert all(map(torch.equal, *results))
