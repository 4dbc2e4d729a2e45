from __future__ import annotations

import itertools

import pytest
import torch

from cauce.models.liquid import LTC, AutoNCP, FullyConnected, use_backend
from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.ltc import Synapses, ltc_recurrence, synaptic_sums
from models.liquid.ncps_oracle import assert_equal, ncps, wiring_of

pytestmark = pytest.mark.skipif(not native.is_available(), reason="no C++ compiler here")

MARKED = ("timespans", "starts", "frozen")


def drawn_synapses(senders, receivers, density=1.0):
    w, mu = torch.rand(2, senders, receivers)
    sigma, erev = 3 + 5 * torch.rand(senders, receivers), torch.randn(senders, receivers)
    if density == 1.0:
        parts, mask = [w / senders, sigma, mu, erev], None
    else:
        mask = (torch.rand(senders, receivers) < density).float()
        parts = [w * mask / (density * senders), sigma, mu, erev]
    return Synapses(*(part.requires_grad_() for part in parts), mask)


class Case:
    """A recurrence with all its tensors, in fp32."""

    def __init__(self, b=3, n=5, *, t=6, unfolds=3, density=1.0, marks=(), reach=1.0):
        torch.manual_seed(b * n)
        self.unfolds, self.synapses = unfolds, drawn_synapses(n, n, density)
        self.current = torch.randn(t, b, n, requires_grad=True)
        self.conductance = (1 + torch.rand(t, b, n)).requires_grad_()
        self.capacitance = (0.5 + torch.rand(n)).requires_grad_()
        self.state = (reach * torch.randn(b, n)).requires_grad_()
        spans = 0.2 + torch.rand(t, b)
        spans[1, 0] = 0.0
        times = spans.requires_grad_() if "timespans" in marks else None
        drawn = torch.rand(2, t, b) < 0.3
        self.flow = Flow(times, *(drawn[i] if MARKED[i + 1] in marks else None for i in (0, 1)))

    def tensors(self, dtype):
        """The same, as leaves of that dtype, in the order of the gradients."""
        leaves = [self.current, self.conductance, self.capacitance, self.state]
        leaves += [self.synapses.w, self.synapses.sigma, self.synapses.mu, self.synapses.erev]
        leaves += [] if self.flow.timespans is None else [self.flow.timespans]
        return [leaf.detach().to(dtype).requires_grad_() for leaf in leaves]

    def run(self, backend, dtype=torch.float32):
        """The states, and the gradients of all that has one."""
        leaves = self.tensors(dtype)
        mask = None if self.synapses.mask is None else self.synapses.mask.to(dtype)
        flow = self.flow._replace(timespans=leaves[8] if len(leaves) > 8 else None)
        with use_backend(backend):
            states = ltc_recurrence(*leaves[:4], Synapses(*leaves[4:8], mask), flow, self.unfolds)
            loss = (states * torch.linspace(-1, 2, states.numel()).view_as(states)).sum()
            found = [states.detach(), *torch.autograd.grad(loss, leaves)]
        if mask is not None:
            found[5] = found[5] * mask
        return found


def assert_near(found, wanted, share):
    for mine, its in zip(found, wanted, strict=True):
        bound = share * its.abs().max().item() + 1e-8
        torch.testing.assert_close(mine.double(), its.double(), rtol=0, atol=bound)


@pytest.mark.parametrize("b", range(1, 7))
@pytest.mark.parametrize("n", [1, 5, 16, 19])
def test_any_sizes_give_what_torch_gives(b, n):
    case = Case(b, n, marks=MARKED)
    assert_near(case.run("cpp"), case.run("torch", torch.float64), 1e-5)


@pytest.mark.parametrize("marks", [(), *itertools.combinations(MARKED, 1), MARKED])
@pytest.mark.parametrize("density", [1.0, 0.4, 0.05])
@pytest.mark.parametrize("unfolds", [1, 6])
def test_marks_and_sparse_synapses_give_what_torch_gives(marks, density, unfolds):
    case = Case(5, 37, density=density, marks=marks, unfolds=unfolds)
    assert_near(case.run("cpp"), case.run("torch", torch.float64), 1e-5)


@pytest.mark.parametrize("reach", [40.0, 1e4, 1e9])
def test_states_far_away_give_what_torch_gives(reach):
    case = Case(4, 11, reach=reach, t=2, unfolds=1)
    assert_near(case.run("cpp"), case.run("torch", torch.float64), 2e-5)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 41])
@pytest.mark.parametrize(("senders", "receivers"), [(1, 1), (3, 20), (20, 3), (33, 33)])
@pytest.mark.parametrize("density", [1.0, 0.3])
def test_sums_give_what_torch_gives(rows, senders, receivers, density):
    torch.manual_seed(rows)
    synapses = drawn_synapses(senders, receivers, density)
    values, asked = torch.randn(rows, senders), torch.randn(2, rows, receivers)

    def run(backend, dtype):
        leaves = [part.detach().to(dtype).requires_grad_() for part in (values, *synapses[:4])]
        mask = torch.ones(senders, receivers) if synapses.mask is None else synapses.mask
        with use_backend(backend):
            both = synaptic_sums(leaves[0], Synapses(*leaves[1:], mask.to(dtype)))
            loss = (torch.stack(both) * asked).sum()
            grads = torch.autograd.grad(loss, leaves)
        return [*both, grads[0], grads[1] * mask, *grads[2:]]

    assert_near(run("cpp", torch.float32), run("torch", torch.float64), 1e-5)


@pytest.mark.parametrize("kind", ["full", "ncp"])
@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("units", [20, 64])
def test_an_ltc_in_cpp_is_that_of_ncps(kind, implicit, units):
    torch.manual_seed(0)
    full = kind == "full"
    wiring = ncps.wirings.FullyConnected(units) if full else ncps.wirings.AutoNCP(units, 5)
    theirs = ncps.torch.LTC(7, wiring, implicit_param_constraints=implicit)
    ours = LTC(wiring_of(wiring), constraint="implicit" if implicit else "explicit")
    with use_backend("cpp"):
        timespans = 0.2 + torch.rand(2, 16)
        assert_equal(ours, theirs, rows=2, steps=16, timespans=timespans, loose=("cm",))


def test_two_threads_give_the_same_states_and_nearly_the_same_gradients():
    torch.manual_seed(0)
    layer, x = LTC(AutoNCP(40, 60, 8)), torch.randn(6, 30, 40)
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 2):
            torch.set_num_threads(count)
            layer.zero_grad()
            with use_backend("cpp"):
                outputs = layer(x)[0]
                outputs.square().sum().backward()
            found.append([outputs.detach(), *(weight.grad for weight in layer.parameters())])
            found[-1] = [tensor.clone() for tensor in found[-1]]
    finally:
        torch.set_num_threads(threads)
    one, two, again = found
    assert torch.equal(one[0], two[0])
    assert_near(two[1:], one[1:], 1e-5)
    assert all(torch.equal(a, b) for a, b in zip(two, again, strict=True))


def test_results_in_cpp_without_gradients_are_those_with():
    torch.manual_seed(0)
    layer, x = LTC(FullyConnected(5, 9)), torch.randn(2, 8, 5)
    with use_backend("cpp"):
        kept = layer(x)[0]
        with torch.no_grad():
            assert torch.equal(layer(x)[0], kept)


def test_inputs_and_weights_that_are_views_give_what_their_copies_give():
    case = Case(4, 12)
    views = [leaf.mT.contiguous().mT for leaf in (case.current, case.conductance, case.state)]
    synapses = Synapses(*(part.t().contiguous().t() for part in case.synapses[:4]))
    assert not views[0].is_contiguous() and not synapses.w.is_contiguous()
    with use_backend("cpp"):
        found = ltc_recurrence(*views[:2], case.capacitance, views[2], synapses, case.flow, 3)
        (grad,) = torch.autograd.grad(found.mT.square().sum(), case.synapses.w)
    wanted = case.run("torch")[0]
    assert grad.isfinite().all()
    torch.testing.assert_close(found.detach(), wanted, rtol=0, atol=1e-6)
