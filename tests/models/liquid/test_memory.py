from __future__ import annotations

import itertools

import pytest
import torch

from cauce.models.liquid import (
    LTC,
    AutoNCP,
    CfC,
    FullyConnected,
    LrcSSM,
    MixedMemory,
    WiredCfC,
    use_backend,
)
from cauce.models.liquid.kernels import native
from models.liquid.ncps_oracle import assert_equal, ncps, wiring_of

D = 5
MODES = ("default", "no_gate", "pure")
needs_cpp = pytest.mark.skipif(not native.is_available(), reason="no C++ compiler here")


def cfc(units=6, **options):
    return CfC(D, units, backbone_units=4, **options)


LAYERS = {
    **{
        f"{mode} of depth {depth}": lambda mode=mode, depth=depth: cfc(
            mode=mode, backbone_layers=depth
        )
        for mode, depth in itertools.product(MODES, (0, 1, 2))
    },
    **{
        activation: lambda activation=activation: cfc(activation=activation)
        for activation in ("tanh", "relu", "silu", "gelu", "gelu_tanh")
    },
    "gated": lambda: cfc(is_gated=True, activation="silu", backbone_layers=2),
    **{f"wired {mode}": lambda mode=mode: WiredCfC(AutoNCP(D, 9, 3), mode=mode) for mode in MODES},
    "one wired layer": lambda: WiredCfC(FullyConnected(D, 6)),
}
OTHERS = {
    "ltc": lambda: LTC(FullyConnected(D, 6)),
    "wired ltc": lambda: LTC(AutoNCP(D, 9, 3), constraint="explicit", ode_unfolds=2),
    "lrc": lambda: LrcSSM(D, 6, output_size=4),
}
ALL = LAYERS | OTHERS


class Case:
    """A layer with mixed memory, and all that it can be called with."""

    def __init__(self, make, *, timed=False, marked=False, b=3, t=7, dtype=torch.float32):
        torch.manual_seed(b)
        self.layer = MixedMemory(make()).to(dtype)
        with torch.no_grad():
            for weight in self.layer.parameters():
                if not weight.any():
                    weight.fill_(0.2)
        self.x = torch.randn(b, t, D, dtype=dtype).requires_grad_()
        self.state = 0.5 * torch.randn(b, self.layer.state_size, dtype=dtype)
        self.state.requires_grad_()
        self.timespans = torch.rand(b, t, dtype=dtype).requires_grad_() if timed else None
        self.starts, self.padding = torch.rand(2, b, t) < 0.3 if marked else (None, None)

    def run(self, call=None):
        """Outputs where time goes on, the last state, and the gradients of all that has one."""
        call = call or self.layer
        outputs, end = call(
            self.x,
            self.state,
            timespans=self.timespans,
            document_starts=self.starts,
            padding=self.padding,
        )
        if self.padding is not None:
            outputs = outputs.masked_fill(self.padding[..., None], 0.0)
        asked = torch.linspace(-1, 2, outputs.numel(), dtype=outputs.dtype)
        loss = (outputs * asked.view_as(outputs)).sum() + end.square().sum()
        leaves = [self.x, self.state, *self.layer.parameters()]
        leaves += [] if self.timespans is None else [self.timespans]
        return [outputs.detach(), end.detach(), *torch.autograd.grad(loss, leaves)]

    def run_by(self, backend):
        with use_backend(backend):
            return self.run()

    def one_by_one(self, x, state, *, timespans, document_starts, padding):
        """The layer by its definition: an LSTM, then a step of the layer itself."""
        mixed, outputs = self.layer, []
        for step in range(x.shape[1]):
            if document_starts is not None:
                state = state * ~document_starts[:, step, None]
            hidden, cells = state.chunk(2, 1)
            sums = x[:, step] @ mixed.input_weight.T + mixed.input_bias
            sums = sums + hidden @ mixed.recurrent_weight.T
            new, take, keep, show = sums.chunk(4, 1)
            cells = cells * torch.sigmoid(keep + 1) + torch.tanh(new) * torch.sigmoid(take)
            elapsed = None if timespans is None else timespans[:, [step]]
            output, hidden = mixed.layer(
                x[:, [step]], torch.tanh(cells) * torch.sigmoid(show), timespans=elapsed
            )
            after = torch.cat([hidden, cells], 1)
            outputs.append(output[:, 0])
            state = after if padding is None else torch.where(padding[:, [step]], state, after)
        return torch.stack(outputs, 1), state


def assert_near(found, expected, share=1e-5):
    for one, other in zip(found, expected, strict=True):
        bound = share * other.abs().max().item() + 1e-12
        torch.testing.assert_close(one, other.to(one.dtype), rtol=0, atol=bound)


@pytest.mark.parametrize("name", ALL)
def test_every_layer_is_stepped_as_one_step_after_the_other(name):
    for timed, marked in itertools.product((False, True), repeat=2):
        case = Case(ALL[name], timed=timed, marked=marked, dtype=torch.float64)
        assert_near(case.run(), case.run(case.one_by_one), 1e-10)


@pytest.mark.parametrize("is_full", [False, True])
def test_an_ltc_with_mixed_memory_is_that_of_ncps(is_full):
    torch.manual_seed(0)
    wiring = ncps.wirings.FullyConnected(8) if is_full else ncps.wirings.AutoNCP(8, 3)
    theirs = ncps.torch.LTC(D, wiring, mixed_memory=True)
    loose = ("layer.cm",)
    assert_equal(MixedMemory(LTC(wiring_of(theirs.rnn_cell._wiring))), theirs, loose=loose)


@pytest.mark.parametrize("name", ["default of depth 1", "wired default", "ltc"])
def test_where_no_time_passes_the_memory_goes_on(name):
    case = Case(ALL[name], timed=True, dtype=torch.float64)
    with torch.no_grad():
        case.timespans[:, 2:4] = 0
    assert_near(case.run(), case.run(case.one_by_one), 1e-10)


@pytest.mark.parametrize("name", ["default of depth 1", "wired default"])
def test_the_output_at_padding_is_that_of_the_state_that_stands(name):
    case = Case(ALL[name])
    padding = torch.tensor([[False, False, True, True, False, False, True]]).expand(3, -1)
    outputs, end = case.layer(case.x, padding=padding)
    for step in (2, 3, 6):
        assert torch.equal(outputs[:, step], outputs[:, step - 1])
    assert end.shape == case.state.shape


@needs_cpp
@pytest.mark.parametrize("name", LAYERS)
def test_cpp_is_torch_in_every_form(name):
    for timed, marked in itertools.product((False, True), repeat=2):
        case = Case(LAYERS[name], timed=timed, marked=marked)
        assert_near(case.run_by("cpp"), case.run_by("torch"))


@needs_cpp
def test_cpp_is_torch_at_every_width_and_number_of_rows():
    for units in (1, 5, 16, 17, 40):
        case = Case(lambda units=units: cfc(units), timed=units % 2 == 0)
        assert_near(case.run_by("cpp"), case.run_by("torch"))
    for units, motor in ((7, 1), (20, 17), (45, 9)):
        case = Case(lambda size=(units, motor): WiredCfC(AutoNCP(D, *size)))
        assert_near(case.run_by("cpp"), case.run_by("torch"))
    for rows in range(1, 10):
        case = Case(lambda: WiredCfC(AutoNCP(D, 20, 5)), b=rows, marked=True)
        assert_near(case.run_by("cpp"), case.run_by("torch"))


@needs_cpp
def test_cpp_is_as_close_to_fp64_as_torch():
    case = Case(lambda: WiredCfC(AutoNCP(D, 60, 20)), t=40)
    found = case.run_by("cpp")
    case.layer.double()
    case.x, case.state = (each.detach().double().requires_grad_() for each in (case.x, case.state))
    assert_near(found, case.run())


@needs_cpp
def test_results_depend_on_neither_threads_nor_neighbours():
    case = Case(lambda: WiredCfC(AutoNCP(D, 64, 16)), b=7, t=100, marked=True)
    threads, runs = torch.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            runs.append(case.run_by("cpp")[:4])
    finally:
        torch.set_num_threads(threads)
    for run in runs[1:]:
        assert all(map(torch.equal, runs[0][:2], run[:2]))
        assert_near(run, runs[0], 1e-6)
    with use_backend("cpp"):
        whole = case.layer(case.x)[0]
        alone = case.layer(case.x[[3]])[0]
    torch.testing.assert_close(alone[0], whole[3], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["default of depth 2", "wired default", "ltc"])
def test_a_backward_pass_can_be_repeated(name):
    case = Case(ALL[name])
    loss = case.layer(case.x)[0].square().sum()
    first, second = (torch.autograd.grad(loss, case.x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("name", ["wired default", "ltc", "lrc"])
def test_without_gradients_the_outputs_are_the_same(name):
    case = Case(ALL[name])
    with torch.no_grad():
        outputs, end = case.layer(case.x)
    wanted, wanted_end = case.layer(case.x)
    assert torch.equal(outputs, wanted)
    assert torch.equal(end, wanted_end)
