from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call

from cauce.models.liquid import LTC, AutoNCP, FullyConnected, Wiring, load_ncps, use_backend
from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import ltc_torch
from cauce.models.liquid.kernels.ltc import Synapses, ltc_recurrence, synaptic_sums
from models.liquid.ncps_oracle import assert_equal, ncps, wiring_of

D, N, K = 5, 12, 6


@pytest.fixture(autouse=True)
def _by_torch():
    torch.manual_seed(0)
    with use_backend("torch"):
        yield


def both(kind, constraint="implicit", **options):
    wiring = ncps.wirings.FullyConnected(N) if kind == "full" else ncps.wirings.AutoNCP(N, 3)
    implicit = constraint == "implicit"
    theirs = ncps.torch.LTC(D, wiring, implicit_param_constraints=implicit, **options)
    return LTC(wiring_of(wiring), constraint=constraint, **options), theirs


def small(kind="ncp", **options):
    torch.manual_seed(4)
    return LTC(AutoNCP(D, N, 3) if kind == "ncp" else FullyConnected(D, N, 3), **options)


def gradients(layer, loss):
    layer.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in layer.named_parameters()}


@pytest.mark.parametrize("kind", ["full", "ncp"])
@pytest.mark.parametrize("constraint", ["implicit", "explicit"])
@pytest.mark.parametrize("timed", [False, True])
def test_an_ltc_is_that_of_ncps(kind, constraint, timed):
    timespans = torch.rand(3, 9) + 0.2 if timed else None
    assert_equal(*both(kind, constraint), timespans=timespans, loose=("cm",))


def test_an_ltc_is_that_of_ncps_with_other_unfolds_and_epsilon():
    assert_equal(*both("ncp", ode_unfolds=3, epsilon=0.1), loose=("cm",))


def test_timespans_of_as_many_rows_as_neurons_are_those_of_each_row():
    assert_equal(*both("full"), rows=N, timespans=torch.rand(N, 9) + 0.2, loose=("cm",))


def test_an_ltc_of_64_neurons_is_that_of_ncps():
    theirs = ncps.torch.LTC(16, ncps.wirings.FullyConnected(64))
    ours = LTC(wiring_of(theirs._wiring))
    assert_equal(ours, theirs, rows=2, steps=40, loose=("cm",))


def test_ncps_weights_of_another_wiring_are_refused():
    _, theirs = both("ncp")
    with pytest.raises(ValueError, match="sparsity_mask"):
        load_ncps(LTC(AutoNCP(D, N, 3, seed=7)), theirs.state_dict())


def test_explicit_weights_are_clamped_as_those_of_ncps():
    ours, theirs = both("ncp", "explicit")
    with torch.no_grad():
        for weight in (theirs.rnn_cell.w, theirs.rnn_cell.sensory_w, theirs.rnn_cell.cm):
            weight.sub_(0.5)
    load_ncps(ours, theirs.state_dict())
    theirs.rnn_cell.apply_weight_constraints()
    ours.clamp_weights()
    for name in ("w", "sensory_w", "cm", "gleak", "sigma"):
        assert torch.equal(getattr(ours, name), getattr(theirs.rnn_cell, name))


def test_implicit_weights_are_not_clamped():
    layer = small()
    with torch.no_grad():
        layer.w.fill_(-1.0)
    layer.clamp_weights()
    assert (layer.w == -1).all()


@pytest.mark.parametrize("timed", [False, True])
def test_the_gradient_is_that_of_differences(timed):
    torch.manual_seed(1)
    layer = LTC(AutoNCP(2, 5, 2), ode_unfolds=2).double()
    x, state = torch.randn(2, 3, 2, dtype=torch.float64), torch.rand(2, 5, dtype=torch.float64)
    spans = torch.rand(2, 3, dtype=torch.float64) + 0.3
    starts = torch.tensor([[False, False, True], [False, True, False]])
    padding = torch.tensor([[False, True, False], [False, False, False]])
    names = [name for name, _ in layer.named_parameters()]

    def run(x, state, spans, *weights):
        call = {"timespans": spans if timed else None, "document_starts": starts}
        return functional_call(
            layer, dict(zip(names, weights, strict=True)), (x, state), call | {"padding": padding}
        )

    leaves = [x, state, spans, *(weight.detach() for weight in layer.parameters())]
    assert torch.autograd.gradcheck(run, [leaf.requires_grad_() for leaf in leaves])


def test_no_time_leaves_the_state_as_it_is_and_gives_finite_gradients():
    layer = small()
    x, state = torch.randn(2, 4, D), torch.randn(2, N, requires_grad=True)
    spans = torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 2.0, 1e-30]], requires_grad=True)
    outputs, end = layer(x, state, timespans=spans)
    assert torch.equal(end[0], state[0])
    assert torch.equal(outputs[1, 0], outputs[1, 1])
    torch.testing.assert_close(outputs[1, 2], outputs[1, 3])
    found = gradients(layer, (outputs.sum() + end.sum()))
    assert all(grad.isfinite().all() for grad in found.values())
    assert spans.grad.isfinite().all() and spans.grad[1, 0] != 0 and spans.grad[0, 1] == 0
    assert torch.equal(state.grad[0, 3:], torch.ones(N - 3))


def test_a_timespan_of_two_is_not_one_of_one():
    layer, x = small(), torch.randn(1, 3, D)
    one, two = (layer(x, timespans=torch.full((1, 3), span))[0] for span in (1.0, 2.0))
    assert torch.equal(one, layer(x)[0])
    assert not torch.allclose(one, two, atol=1e-3)


@pytest.mark.parametrize("kind", ["full", "ncp"])
def test_packed_documents_are_as_alone(kind):
    layer = small(kind).double()
    x, asked = torch.randn(1, 9, D).double(), torch.randn(1, 9, 3).double()
    spans = torch.rand(1, 9).double() + 0.5
    starts = torch.zeros(1, 9, dtype=torch.bool)
    starts[0, [0, 4]] = True
    packed = layer(x, torch.ones(1, N).double(), timespans=spans, document_starts=starts)[0]
    alone = [layer(x[:, part], timespans=spans[:, part])[0] for part in (slice(0, 4), slice(4, 9))]
    torch.testing.assert_close(packed, torch.cat(alone, 1), rtol=0, atol=1e-14)
    found = gradients(layer, (packed * asked).sum())
    wanted = gradients(layer, (torch.cat(alone, 1) * asked).sum())
    for name, grad in wanted.items():
        torch.testing.assert_close(found[name], grad, rtol=1e-10, atol=1e-12)


def test_padding_leaves_no_trace():
    layer = small().double()
    x, asked = torch.randn(1, 7, D).double(), torch.randn(1, 5, 3).double()
    padding = torch.tensor([[True, False, False, True, False, False, False]])
    state = torch.rand(1, N).double()
    padded, end = layer(x, state, padding=padding)
    plain, plain_end = layer(x[:, ~padding[0]], state)
    assert torch.equal(padded[:, ~padding[0]], plain) and torch.equal(end, plain_end)
    found = gradients(layer, (padded[:, ~padding[0]] * asked).sum())
    for name, grad in gradients(layer, (plain * asked).sum()).items():
        torch.testing.assert_close(found[name], grad, rtol=1e-12, atol=1e-14)


def test_chunks_with_the_state_carried_are_the_whole():
    layer = small()
    x = torch.randn(2, 8, D)
    whole, end = layer(x)
    first, state = layer(x[:, :3])
    rest, last = layer(x[:, 3:], state)
    assert torch.equal(torch.cat([first, rest], 1), whole)
    assert torch.equal(last, end)


def test_results_without_gradients_are_those_with():
    layer, x = small(), torch.randn(2, 8, D)
    with torch.no_grad():
        free, end = layer(x)
    kept, kept_end = layer(x)
    assert torch.equal(free, kept) and torch.equal(end, kept_end)


def test_what_a_step_saves_is_two_numbers_for_each_unfold_and_neuron():
    def saved(steps):
        kept = {}

        def note(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with saved_tensors_hooks(note, lambda tensor: tensor):
            layer(x[:, :steps])[0].sum()
        return sum(kept.values())

    layer, rows = small("full"), 3
    x = torch.randn(rows, 40, D, requires_grad=True)
    x.data_ptr()
    per_step = (saved(40) - saved(8)) / (32 * rows) / 4
    assert 2 * K * N < per_step <= (2 * K + 1) * N + 2 * D + 1
    assert 4 * ((2 * K + 1) * 768 + 2 * 768 + 1) <= 50_000


@pytest.mark.parametrize("rows", [1, 2, 33, 70])
def test_sums_over_pieces_are_sums_over_all(rows, monkeypatch):
    monkeypatch.setattr("cauce.models.liquid.kernels.ltc_torch.PIECE", 32 * 7 * 4)
    parts = [torch.rand(7, 11, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    w, sigma, mu, erev = parts
    values = torch.randn(rows, 7, dtype=torch.float64, requires_grad=True)
    a = w * torch.sigmoid(sigma * (values[..., None] - mu))
    wanted = [(a * erev).sum(1), a.sum(1)]
    found = synaptic_sums(values, Synapses(*parts))
    asked = torch.randn(2, rows, 11, dtype=torch.float64)
    leaves = [values, *parts]
    wanted += torch.autograd.grad((torch.stack(wanted) * asked).sum(), leaves)
    found = [*found, *torch.autograd.grad((torch.stack(found) * asked).sum(), leaves)]
    for mine, its in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("density", [0.0, 0.05, 0.2, 0.6])
@pytest.mark.parametrize("piece", [40, 2**17])
@pytest.mark.parametrize("marked", [False, True])
def test_listed_synapses_give_what_all_pairs_give(density, piece, marked, monkeypatch):
    monkeypatch.setattr(ltc_torch, "PIECE", piece)
    numbers = {"dtype": torch.float64, "requires_grad": True}
    t, b, n, senders = 4, 3, 13, 9
    masks = [(torch.rand(i, n) < density).double() for i in (senders, n)]
    masks[1][:, [2, n - 1]] = 0
    weights = [torch.rand(4, i, n, **numbers) for i in (senders, n)]
    values, state = torch.randn(t, b, senders, **numbers), torch.randn(b, n, **numbers)
    capacitance, spans = torch.rand(n, **numbers), torch.rand(t, b, **numbers)
    starts, frozen = torch.rand(2, t, b) < 0.3 if marked else (None, None)
    asked = torch.randn(t, b, n, dtype=torch.float64)

    def run(share):
        monkeypatch.setattr(ltc_torch, "SPARSE", share)
        sensory, own = (
            Synapses(parts[0] * mask, *parts[1:], mask)
            for parts, mask in zip(weights, masks, strict=True)
        )
        current, conductance = synaptic_sums(values, sensory)
        flow = Flow(spans, starts, frozen)
        states = ltc_recurrence(current, conductance + 1, capacitance, state, own, flow, 5)
        leaves = [values, state, capacitance, spans, *weights]
        return [states, *torch.autograd.grad((states * asked).sum(), leaves)]

    for listed, paired in zip(run(1.0), run(-1.0), strict=True):
        torch.testing.assert_close(listed, paired, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("wiring", "is_listed"), [("ncp", True), ("full", False)])
def test_synapses_are_listed_where_they_are_few(wiring, is_listed):
    synapses = small(wiring)._synapses(torch.float32)
    [piece] = ltc_torch._pieces(synapses, 4)
    assert isinstance(piece, ltc_torch._SparsePiece) == is_listed


def test_weights_without_a_synapse_do_nothing_and_get_no_gradient():
    layer, x = small("ncp"), torch.randn(2, 6, D)
    outputs = layer(x)[0]
    found = gradients(layer, outputs.square().sum())
    absent = torch.from_numpy(layer.wiring.synapses == 0)
    with torch.no_grad():
        for name in ("w", "sigma", "mu", "erev"):
            assert (found[name][absent] == 0).all() and (found[name][~absent] != 0).any()
            getattr(layer, name)[absent] = 100.0
    assert torch.equal(layer(x)[0], outputs)


def effect_of_the_state(layer):
    x = torch.randn(1, 1, layer.input_size)
    with torch.no_grad():
        states = [layer(x, torch.full((1, layer.state_size), begin))[1] for begin in (0.0, 1.0)]
    return (states[1] - states[0]).abs()


@pytest.mark.parametrize("constraint", ["implicit", "explicit"])
@pytest.mark.parametrize("units", [64, 256, 768])
def test_a_scaled_layer_remembers_equally_at_any_width(constraint, units):
    effect = effect_of_the_state(LTC(FullyConnected(units, units), constraint=constraint))
    assert effect.max().item() == pytest.approx(0.33, abs=0.05)
    assert effect.mean().item() == pytest.approx(0.25, abs=0.03)


def test_a_scaled_layer_with_few_synapses_remembers_as_much():
    effect = effect_of_the_state(LTC(AutoNCP(256, 256, 64)))
    assert effect.mean().item() == pytest.approx(0.25, abs=0.05)


def test_a_wide_layer_drawn_as_the_original_forgets():
    assert effect_of_the_state(LTC(FullyConnected(256, 256), init="ncps")).max() < 1e-4


@pytest.mark.parametrize("init", ["scaled", "ncps"])
def test_constrained_weights_are_drawn_alike(init):
    drawn = []
    for constraint in ("implicit", "explicit"):
        torch.manual_seed(2)
        layer = LTC(FullyConnected(9, 40), init=init, constraint=constraint)
        drawn.append(layer._positive(layer.w, torch.float32).detach())
    assert drawn[0].min() > 0
    if init == "scaled":
        torch.testing.assert_close(drawn[0], drawn[1], rtol=1e-4, atol=1e-7)
        assert drawn[1].sum(0).mean().item() == pytest.approx(1.0, abs=0.1)
    else:
        assert drawn[1].min() >= 0.001 and drawn[1].max() <= 1


def test_reversal_potentials_begin_at_the_polarity_of_the_wiring():
    layer = small()
    assert np.array_equal(layer.erev.detach().numpy(), layer.wiring.synapses)
    assert np.array_equal(layer.sensory_erev.detach().numpy(), layer.wiring.sensory_synapses)


def test_a_layer_in_bf16_follows_that_in_fp32():
    layer, x = small(), torch.randn(2, 20, D)
    exact = layer.bfloat16().float()(x.bfloat16().float())[0]
    outputs, state = layer.bfloat16()(x.bfloat16())
    assert outputs.dtype == torch.bfloat16 and state.dtype == torch.float32
    torch.testing.assert_close(outputs.float(), exact, rtol=1e-2, atol=1e-2)
    outputs.float().sum().backward()
    assert layer.w.grad.dtype == torch.bfloat16 and layer.w.grad.isfinite().all()


def test_other_weights_can_be_called_with():
    first, second, x = small(), small(), torch.randn(2, 4, D)
    second.reset_parameters()
    weights = dict(second.named_parameters())
    assert not torch.equal(first(x)[0], second(x)[0])
    assert torch.equal(functional_call(first, weights, (x,))[0], second(x)[0])


def test_a_layer_made_on_meta_takes_weights_by_assignment():
    source, x = small(), torch.randn(2, 4, D)
    with torch.device("meta"):
        empty = LTC(source.wiring)
    assert empty.w.is_meta
    empty.load_state_dict(source.state_dict(), assign=True)
    assert torch.equal(empty(x)[0], source(x)[0])


def test_a_layer_made_on_meta_is_drawn_after_to_empty():
    with torch.device("meta"):
        layer = LTC(AutoNCP(D, N, 3))
    layer.to_empty(device="cpu").reset_parameters()
    assert layer(torch.randn(1, 3, D))[0].isfinite().all()


def test_an_input_without_synapses_is_allowed():
    sensory = np.array([[1, -1], [0, 0]])
    layer = LTC(Wiring.from_masks(sensory, np.array([[0, 1], [1, 0]]), 1))
    x = torch.randn(1, 3, 2)
    changed = x.clone()
    changed[..., 1] += 1
    assert torch.equal(layer(x)[0], layer(changed)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"constraint": "none"}, "constraint is 'none'; there are implicit, explicit"),
        ({"init": "wide"}, "init is 'wide'; there are scaled, ncps"),
        ({"ode_unfolds": 0}, "ode_unfolds is 0; a step needs at least 1"),
    ],
)
def test_unfit_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)
