"""What the Triton kernels must do: run by test_triton.py in a process that may interpret them."""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import cfc_triton, ltc_triton
from cauce.models.liquid.kernels.activations import Activation
from cauce.models.liquid.kernels.backends import Backend, use_backend
from cauce.models.liquid.kernels.cfc import CfCForm, CfCWeights, Mode, cfc_recurrence
from cauce.models.liquid.kernels.ltc import Synapses, ltc_recurrence, synaptic_sums

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def _flow(steps: int, rows: int, *marks: str) -> Flow:
    """A flow with those of the fields that are named."""
    timespans = 0.2 + torch.rand(steps, rows)
    starts = torch.rand(steps, rows) < 0.3
    frozen = torch.rand(steps, rows) < 0.3
    made = {"timespans": timespans, "starts": starts, "frozen": frozen}
    return Flow(**{name: made[name].to(DEVICE) for name in marks})


def _random(*shape: int, scale: float = 1.0) -> Tensor:
    return (scale * torch.randn(shape)).to(DEVICE).requires_grad_()


def _cfc_weights(
    neurons: int, units: int, form: CfCForm, depth: int, *, is_timed: bool
) -> CfCWeights:
    heads = 1 if form.mode == "pure" else 4 if is_timed else 3
    width = units * (2 if form.is_gated else 1)
    first = width if depth else heads * neurons
    weights = CfCWeights(_random(first, neurons, scale=neurons**-0.5))
    if depth:
        weights = weights._replace(
            hidden=tuple(_random(width, units, scale=units**-0.5) for _ in range(depth - 1)),
            hidden_biases=tuple(_random(width) for _ in range(depth - 1)),
            heads=_random(heads * neurons, units, scale=units**-0.5),
            heads_bias=_random(heads * neurons),
        )
    if form.mode == "pure":
        rate = torch.rand(neurons).to(DEVICE).requires_grad_()
        weights = weights._replace(amplitude=_random(neurons), rate=rate)
    return weights


def _leaves(weights: CfCWeights) -> list[Tensor]:
    parts = [part if isinstance(part, tuple) else (part,) for part in weights]
    return [part for part in chain.from_iterable(parts) if part is not None]


def _cfc_results(
    backend: Backend, drive: Tensor, state: Tensor, weights: CfCWeights, form: CfCForm, flow: Flow
) -> list[Tensor]:
    """The states, and the gradients of everything for the same gradient of the states."""
    leaves = [drive, state, *_leaves(weights)]
    if flow.timespans is not None:
        flow = flow._replace(timespans=flow.timespans.clone().requires_grad_())
        leaves.append(flow.timespans)
    with use_backend(backend):
        states = cfc_recurrence(drive, state, weights, form, flow)
        wanted = torch.sin(torch.arange(states.numel(), device=DEVICE).float()).view_as(states)
        return [states.detach(), *torch.autograd.grad(states, leaves, wanted)]


def _assert_same(ours: list[Tensor], truth: list[Tensor]) -> None:
    for one, other in zip(ours, truth, strict=True):
        torch.testing.assert_close(one / other.abs().max(), other / other.abs().max(), **CLOSE)


CFC = [
    (CfCForm("default"), 1, ()),
    (CfCForm("default"), 0, ()),
    (CfCForm("default", "tanh"), 1, ("timespans", "starts", "frozen")),
    (CfCForm("default", "silu", True), 1, ("timespans",)),
    (CfCForm("default", "gelu"), 3, ("starts", "frozen")),
    (CfCForm("default", "relu", True), 2, ("timespans", "frozen")),
    (CfCForm("default"), 0, ("timespans", "starts", "frozen")),
    (CfCForm("no_gate", "gelu_tanh"), 1, ("starts",)),
    (CfCForm("no_gate"), 0, ("timespans", "frozen")),
    (CfCForm("pure", "relu"), 1, ("timespans", "starts")),
    (CfCForm("pure"), 0, ("timespans", "starts", "frozen")),
    (CfCForm("pure", "silu"), 2, ()),
]


@pytest.mark.parametrize(("form", "depth", "marks"), CFC)
def test_cfc_gives_what_torch_gives(form: CfCForm, depth: int, marks: tuple[str, ...]) -> None:
    torch.manual_seed(1)
    steps, rows, neurons, units = 3, 5, 7, 19
    weights = _cfc_weights(neurons, units, form, depth, is_timed="timespans" in marks)
    first = len(weights.recurrent)
    given = _random(steps, rows, first), _random(rows, neurons), weights, form
    flow = _flow(steps, rows, *marks)
    _assert_same(_cfc_results("triton", *given, flow), _cfc_results("torch", *given, flow))


@pytest.mark.parametrize("depth", [0, 1])
def test_cfc_goes_through_several_blocks_of_rows_inputs_and_outputs(depth: int) -> None:
    torch.manual_seed(2)
    steps, rows, neurons, units = 2, 18, 130, 67
    form = CfCForm("default")
    weights = _cfc_weights(neurons, units, form, depth, is_timed=False)
    drive = _random(steps, rows, len(weights.recurrent))
    given = drive, _random(rows, neurons), weights, form, _flow(steps, rows, "starts", "frozen")
    _assert_same(_cfc_results("triton", *given), _cfc_results("torch", *given))


def test_cfc_leaves_many_weights_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(7)
    form = CfCForm("default")
    weights = _cfc_weights(5, 6, form, 1, is_timed=False)
    given = _random(2, 3, 6), _random(3, 5), weights, form, Flow()
    monkeypatch.setattr(cfc_triton, "MOST_WEIGHTS", 119)
    ours, truth = _cfc_results("triton", *given), _cfc_results("torch", *given)
    assert all(torch.equal(one, other) for one, other in zip(ours, truth, strict=True))


@pytest.mark.parametrize("mode", ["default", "pure"])
def test_cfc_in_chunks_gives_what_it_gives_at_once(mode: Mode) -> None:
    torch.manual_seed(3)
    form = CfCForm(mode)
    weights = _cfc_weights(6, 9, form, 1, is_timed=True)
    drive, state = _random(5, 3, 9), _random(3, 6)
    flow = _flow(5, 3, "timespans", "starts", "frozen")
    with use_backend("triton"), torch.no_grad():
        whole = cfc_recurrence(drive, state, weights, form, flow)
        chunks, end = [], state
        for part in (slice(0, 2), slice(2, 3), slice(3, 5)):
            part_of_flow = Flow(*(field[part] for field in flow if field is not None))
            chunks.append(cfc_recurrence(drive[part], end, weights, form, part_of_flow))
            end = chunks[-1][-1]
    torch.testing.assert_close(torch.cat(chunks), whole, rtol=0, atol=0)


@pytest.mark.parametrize("activation", ["lecun_tanh", "tanh", "relu", "silu", "gelu", "gelu_tanh"])
def test_activations_keep_their_digits_near_zero_and_far_from_it(activation: Activation) -> None:
    """Seen through heads that are the identity, small enough for the tanh behind to be linear."""
    values = torch.tensor([1e-6, -1e-4, 3e-3, 0.1, -0.24, 0.26, -1.0, 4.0, -30.0, 90.0])
    width = len(values)
    form = CfCForm("no_gate", activation)
    weights = CfCWeights(
        torch.zeros(width, width, device=DEVICE),
        heads=torch.cat([torch.eye(width), torch.zeros(2 * width, width)]).to(DEVICE),
        heads_bias=torch.zeros(3 * width, device=DEVICE),
    )
    drive, state = values.to(DEVICE)[None, None], torch.zeros(1, width, device=DEVICE)
    with use_backend("triton"):
        ours = cfc_recurrence(drive, state, weights, form, Flow())
    with use_backend("torch"):
        truth = cfc_recurrence(drive.double(), state.double(), _doubled(weights), form, Flow())
    torch.testing.assert_close(ours, truth.float(), rtol=2e-6, atol=1e-9)


def _doubled(weights: CfCWeights) -> CfCWeights:
    return weights._replace(
        recurrent=weights.recurrent.double(),
        heads=None if weights.heads is None else weights.heads.double(),
        heads_bias=None if weights.heads_bias is None else weights.heads_bias.double(),
    )


def _synapses(senders: int, receivers: int) -> Synapses:
    def draw(low: float, high: float) -> Tensor:
        drawn = low + (high - low) * torch.rand(senders, receivers)
        return drawn.to(DEVICE).requires_grad_()

    w = (draw(0.01, 1.0) * (torch.rand(senders, receivers) < 0.7).to(DEVICE)).detach()
    return Synapses(w.requires_grad_(), draw(3, 8), draw(0.3, 0.8), draw(-1, 1))


def _sums_results(backend: Backend, values: Tensor, synapses: Synapses) -> list[Tensor]:
    with use_backend(backend):
        current, conductance = synaptic_sums(values, synapses)
        loss = (current.sin() + conductance.cos()).sum()
        grads = torch.autograd.grad(loss, [values, *synapses[:4]])
    return [current.detach(), conductance.detach(), *grads]


@pytest.mark.parametrize(
    ("rows", "senders", "receivers"), [(7, 5, 11), (1, 1, 1), (3, 70, 67), (27, 4, 5)]
)
def test_sums_over_synapses_are_those_of_torch(
    rows: int, senders: int, receivers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(4)
    monkeypatch.setattr(ltc_triton, "LEAST_SHARE", 10)
    given = _random(rows, senders), _synapses(senders, receivers)
    _assert_same(_sums_results("triton", *given), _sums_results("torch", *given))


class _LTCCase(NamedTuple):
    steps: int
    rows: int
    neurons: int
    unfolds: int
    marks: tuple[str, ...] = ()


def _ltc_results(backend: Backend, case: _LTCCase) -> list[Tensor]:
    """The states and all gradients, of the same numbers for each backend."""
    torch.manual_seed(5)
    steps, rows, neurons, unfolds, marks = case
    current, state = _random(steps, rows, neurons), _random(rows, neurons)
    conductance = torch.rand(steps, rows, neurons).to(DEVICE).requires_grad_()
    capacitance = (0.4 + torch.rand(neurons)).to(DEVICE).requires_grad_()
    synapses, flow = _synapses(neurons, neurons), _flow(steps, rows, *marks)
    leaves = [current, conductance, capacitance, state, *synapses[:4]]
    if flow.timespans is not None:
        flow.timespans[0, 0] = 0
        flow = flow._replace(timespans=flow.timespans.requires_grad_())
        leaves.append(flow.timespans)
    with use_backend(backend):
        states = ltc_recurrence(current, conductance, capacitance, state, synapses, flow, unfolds)
        wanted = torch.sin(torch.arange(states.numel(), device=DEVICE).float()).view_as(states)
        return [states.detach(), *torch.autograd.grad(states, leaves, wanted)]


@pytest.mark.parametrize(
    "case",
    [
        _LTCCase(2, 2, 5, 6),
        _LTCCase(2, 1, 1, 1),
        _LTCCase(4, 3, 9, 2, ("timespans", "starts", "frozen")),
        _LTCCase(3, 2, 6, 3, ("starts",)),
        _LTCCase(3, 2, 6, 1, ("timespans", "frozen")),
        _LTCCase(2, 1, 140, 2, ("starts", "frozen")),
    ],
)
def test_ltc_gives_what_torch_gives(case: _LTCCase) -> None:
    _assert_same(_ltc_results("triton", case), _ltc_results("torch", case))


def test_ltc_gives_the_same_with_several_rows_to_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    case = _LTCCase(2, 6, 7, 2, ("timespans", "starts", "frozen"))
    truth = _ltc_results("torch", case)
    monkeypatch.setattr(ltc_triton, "PROGRAMS", 1)
    monkeypatch.setattr(ltc_triton, "LEAST_SHARE", 10)
    assert ltc_triton._blocks(6, 7, 7)["ROWS"] == 4
    _assert_same(_ltc_results("triton", case), truth)


@pytest.mark.parametrize(
    "case", [_LTCCase(2, 5, 20, 3, ("timespans", "starts", "frozen")), _LTCCase(2, 1, 70, 1)]
)
def test_ltc_gives_the_same_with_a_launch_for_each_unfold(
    case: _LTCCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ltc_triton, "MOST_TOGETHER", 0)
    _assert_same(_ltc_results("triton", case), _ltc_results("torch", case))


@pytest.mark.parametrize("most_together", [0, 256])
def test_ltc_gives_the_same_states_where_no_gradient_is_wanted(
    most_together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(8)
    monkeypatch.setattr(ltc_triton, "MOST_TOGETHER", most_together)
    current, conductance = _random(3, 2, 5), torch.rand(3, 2, 5).to(DEVICE)
    capacitance, synapses = torch.full((5,), 0.5, device=DEVICE), _synapses(5, 5)
    flow = _flow(3, 2, "timespans", "starts", "frozen")
    given = current, conductance, capacitance, _random(2, 5), synapses, flow, 3
    with use_backend("triton"):
        states = ltc_recurrence(*given)
        with torch.no_grad():
            assert torch.equal(ltc_recurrence(*given), states)


def test_ltc_in_chunks_gives_what_it_gives_at_once() -> None:
    torch.manual_seed(6)
    steps, rows, neurons = 5, 2, 6
    current, conductance = (
        _random(steps, rows, neurons),
        torch.rand(steps, rows, neurons).to(DEVICE),
    )
    capacitance, synapses = torch.full((neurons,), 0.5, device=DEVICE), _synapses(neurons, neurons)
    flow, state = _flow(steps, rows, "timespans", "starts", "frozen"), _random(rows, neurons)

    def run(part: slice, begin: Tensor) -> Tensor:
        part_of_flow = Flow(*(field[part] for field in flow if field is not None))
        given = current[part], conductance[part], capacitance, begin, synapses, part_of_flow, 2
        return ltc_recurrence(*given)

    with use_backend("triton"), torch.no_grad():
        first = run(slice(0, 2), state)
        chunks = torch.cat([first, run(slice(2, 5), first[-1])])
        torch.testing.assert_close(chunks, run(slice(0, 5), state), rtol=0, atol=0)
