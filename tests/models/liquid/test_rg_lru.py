"""The RG-LRU against a loop over time by autograd, and its C++ against its torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cauce.models.liquid import use_backend
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.rg_lru import rg_lru_recurrence

needs_cpp = pytest.mark.skipif(not native.is_available(), reason="no C++ compiler here")


class Case:
    """Tensors of one call, and where documents start."""

    def __init__(
        self, rows: int, time: int, width: int, dtype: torch.dtype, *, marked: bool = True
    ) -> None:
        torch.manual_seed(rows * time * width)
        values, decay, of_input = torch.randn(3, rows, time, width, dtype=dtype)
        speed = torch.logspace(-6, 1, width, dtype=dtype)
        state = torch.randn(rows, width, dtype=dtype)
        self.given = [each.requires_grad_() for each in (values, decay, of_input, speed, state)]
        self.starts = torch.rand(rows, time) < 0.3 if marked else None

    def run(self, call=None) -> list[Tensor]:
        """The states, and the gradients of all that was given."""
        values, decay, of_input, speed, state = self.given
        call = call or rg_lru_recurrence
        states = call(values, (decay, of_input), speed, state, starts=self.starts)
        asked = torch.linspace(-1, 2, states.numel(), dtype=states.dtype).view_as(states)
        return [states, *torch.autograd.grad((states * asked).sum(), self.given)]


def one_by_one(values, gates, speed, state, *, starts):
    """The recurrence by its definition."""
    states = []
    for step in range(values.shape[1]):
        if starts is not None:
            state = state * ~starts[:, step, None]
        a = torch.exp(-speed * torch.sigmoid(gates[0][:, step]))
        state = (
            a * state + torch.sqrt(1 - a**2) * torch.sigmoid(gates[1][:, step]) * values[:, step]
        )
        states.append(state)
    return torch.stack(states, 1)


def assert_near(found: list[Tensor], expected: list[Tensor], share: float) -> None:
    for one, other in zip(found, expected, strict=True):
        bound = share * other.abs().max().item() + 1e-12
        torch.testing.assert_close(one, other.to(one.dtype), rtol=0, atol=bound)


@pytest.mark.parametrize("marked", [False, True])
def test_it_is_the_loop_by_its_definition(marked):
    case = Case(3, 9, 5, torch.float64, marked=marked)
    assert_near(case.run(), case.run(one_by_one), 1e-9)


@needs_cpp
@pytest.mark.parametrize("marked", [False, True])
def test_cpp_is_torch_at_every_width_and_length(marked):
    for rows, time, width in ((1, 1, 1), (2, 1, 16), (3, 7, 17), (2, 40, 31), (1, 300, 8)):
        case = Case(rows, time, width, torch.float32, marked=marked)
        exact = Case(rows, time, width, torch.float64, marked=marked)
        exact.given = [each.detach().double().requires_grad_() for each in case.given]
        exact.starts = case.starts
        with use_backend("cpp"):
            found = case.run()
        assert_near(found, exact.run(), 1e-5)


@needs_cpp
def test_shut_gates_give_the_same_finite_gradients_in_both_backends():
    for level in (-200.0, -20.0, 20.0, 200.0):
        case = Case(2, 6, 9, torch.float32)
        with torch.no_grad():
            case.given[1].fill_(level)
        with use_backend("cpp"):
            fast = case.run()
        with use_backend("torch"):
            plain = case.run()
        assert all(each.isfinite().all() for each in (*fast, *plain))
        assert_near(fast, plain, 1e-4)


@needs_cpp
def test_results_do_not_depend_on_threads():
    case, threads, runs = Case(5, 200, 130, torch.float32), torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            runs.append(case.run())
    finally:
        torch.set_num_threads(threads)
    assert all(map(torch.equal, *runs))


def test_what_does_not_fit_is_refused():
    values, *gates, speed, state = Case(2, 3, 4, torch.float32).given
    with pytest.raises(ValueError, match=r"gates\[1\] is .* of shape \(2, 3, 2\); needed is"):
        rg_lru_recurrence(values, (gates[0], gates[1][..., :2]), speed, state)
    with pytest.raises(ValueError, match=r"state is torch.float64 .* needed is torch.float32"):
        rg_lru_recurrence(values, (gates[0], gates[1]), speed, state.double())
    with pytest.raises(ValueError, match=r"starts is torch.bool of shape \(2, 1\)"):
        starts = torch.ones(2, 1, dtype=torch.bool)
        rg_lru_recurrence(values, (gates[0], gates[1]), speed, state, starts=starts)
