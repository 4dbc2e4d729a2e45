from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

from cauce.models.liquid import AutoNCP, CfC, FullyConnected, MixedMemory, WiredCfC, load_ncps
from models.liquid.ncps_oracle import assert_equal, ncps, wiring_of

D, N = 5, 12
MODES = ("default", "no_gate", "pure")
ACTIVATIONS = ("lecun_tanh", "tanh", "relu", "silu", "gelu")


def fully(mode="default", *, mixed_memory=False, **options):
    torch.manual_seed(0)
    theirs = ncps.torch.CfC(D, N, mode=mode, mixed_memory=mixed_memory, **options)
    return CfC(D, N, mode=mode, **options), theirs


def wired(mode="default", **options):
    torch.manual_seed(0)
    wiring = ncps.wirings.AutoNCP(N, 3)
    theirs = ncps.torch.CfC(D, wiring, mode=mode, **options)
    return WiredCfC(wiring_of(wiring), mode=mode), theirs


def some_layers(inputs=D, neurons=N):
    torch.manual_seed(3)
    wiring = AutoNCP(inputs, neurons, 3)

    def small(**options):
        return CfC(inputs, neurons, backbone_units=4, **options)

    return {
        "cfc": small(),
        "no gate": small(mode="no_gate", activation="gelu", backbone_layers=2),
        "pure": small(mode="pure"),
        "gated": small(is_gated=True, activation="silu"),
        "no backbone": small(backbone_layers=0),
        "with a reach": small(reach=3.0),
        "wired": WiredCfC(wiring),
        "mixed": MixedMemory(small()),
        "mixed wired": MixedMemory(WiredCfC(AutoNCP(inputs, 6, 2))),
    }


LAYERS = list(some_layers())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_cfc_is_that_of_ncps(mode, depth):
    assert_equal(*fully(mode, backbone_layers=depth, backbone_units=16))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_that_of_ncps(activation):
    assert_equal(*fully(activation=activation))


@pytest.mark.parametrize("mode", MODES)
def test_a_wired_cfc_is_that_of_ncps(mode):
    assert_equal(*wired(mode))


@pytest.mark.parametrize("make", [fully, wired])
def test_mixed_memory_is_that_of_ncps(make):
    ours, theirs = make(mixed_memory=True)
    assert_equal(MixedMemory(ours), theirs)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [fully, wired])
def test_timespans_of_each_row_are_its_own_also_when_rows_equal_the_width(make, mode):
    """ncps, which is right for one row, multiplies by the wrong axis for a batch."""
    ours, theirs = make(mode)
    assert_equal(ours, theirs, rows=N, timespans=3 * torch.rand(N, 9))


@pytest.mark.parametrize("name", LAYERS)
def test_timespans_have_the_gradient_of_a_difference(name):
    layer = some_layers()[name].double()
    x, spans = torch.randn(2, 4, D).double(), torch.rand(2, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda ts: layer(x, timespans=ts)[0], [spans])


@pytest.mark.parametrize("name", LAYERS)
def test_all_gradients_are_those_of_differences(name):
    layer = some_layers(3, 7)[name].double()
    names = [name for name, _ in layer.named_parameters()]
    x, state = torch.randn(2, 3, 3).double(), torch.randn(2, layer.state_size).double()
    starts = torch.tensor([[False, True, False], [False, False, False]])
    padding = torch.tensor([[False, False, False], [True, False, False]])

    def call(x, state, *weights):
        own = dict(zip(names, weights, strict=True))
        marks = {"document_starts": starts, "padding": padding}
        return functional_call(layer, own, (x, state), marks)

    given = [x, state, *(weight.detach() for weight in layer.parameters())]
    assert torch.autograd.gradcheck(call, [tensor.requires_grad_() for tensor in given])


@pytest.mark.parametrize("name", LAYERS)
def test_packed_documents_are_computed_as_alone(name):
    layer = some_layers()[name].double()
    documents = [torch.randn(1, length, D).double() for length in (3, 1, 5)]
    starts = torch.zeros(1, 9, dtype=torch.bool)
    starts[0, [0, 3, 4]] = True
    packed, end = layer(
        torch.cat(documents, 1), torch.ones(1, layer.state_size), document_starts=starts
    )
    alone = [layer(document) for document in documents]
    torch.testing.assert_close(packed, torch.cat([outputs for outputs, _ in alone], 1))
    torch.testing.assert_close(end, alone[-1][1])


@pytest.mark.parametrize("name", LAYERS)
def test_starts_that_were_announced_hold_when_none_are_given(name):
    layer = some_layers()[name]
    x, starts = torch.randn(2, 4, D), torch.zeros(2, 4, dtype=torch.bool)
    starts[:, 2] = True
    layer.document_starts = starts
    announced = layer(x)[0]
    layer.document_starts = None
    torch.testing.assert_close(announced, layer(x, document_starts=starts)[0])
    assert not torch.allclose(announced, layer(x)[0])


@pytest.mark.parametrize("name", LAYERS)
def test_time_stands_still_at_padding(name):
    layer = some_layers()[name]
    x, state = torch.randn(2, 3, D), torch.randn(2, layer.state_size)
    padding = torch.tensor([[True, True, False, False, False], [False, False, False, True, True]])
    padded = torch.randn(2, 5, D)
    padded[0, 2:], padded[1, :3] = x[0], x[1]
    outputs, end = layer(padded, state, padding=padding)
    wanted, wanted_end = layer(x, state)
    torch.testing.assert_close(outputs[~padding].view(2, 3, -1), wanted)
    torch.testing.assert_close(end, wanted_end)


@pytest.mark.parametrize("name", LAYERS)
def test_chunks_that_hand_on_their_state_are_one_sequence(name):
    layer = some_layers()[name]
    x = torch.randn(2, 7, D)
    first, state = layer(x[:, :3])
    second, end = layer(x[:, 3:], state)
    whole, whole_end = layer(x)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(end, whole_end)


@pytest.mark.parametrize("name", LAYERS)
def test_timespans_of_one_are_no_timespans(name):
    layer, x = some_layers()[name], torch.randn(2, 6, D)
    torch.testing.assert_close(layer(x, timespans=torch.ones(2, 6))[0], layer(x)[0])


@pytest.mark.parametrize("name", LAYERS)
def test_bf16_goes_in_and_comes_out_and_is_computed_in_fp32(name):
    layer, x = some_layers()[name].bfloat16(), torch.randn(2, 6, D).bfloat16()
    outputs, state = layer(x)
    assert outputs.dtype == torch.bfloat16
    assert state.dtype == torch.float32
    wide, _ = layer.float()(x.float())
    torch.testing.assert_close(outputs.float(), wide, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("name", LAYERS)
def test_under_autocast_the_gradients_are_those_without(name):
    layer, x = some_layers()[name], torch.randn(2, 6, D)
    layer(x)[0].square().sum().backward()
    wanted = [weight.grad.clone() for weight in layer.parameters()]
    layer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = layer(x)[0].square().sum()
    loss.backward()
    assert all(map(torch.equal, wanted, [weight.grad for weight in layer.parameters()]))


@pytest.mark.parametrize("name", LAYERS)
def test_other_weights_are_used_where_they_are_given(name):
    """ncps goes on with its old ones after functional_call, assign=True and to_empty."""
    layer, x = some_layers()[name], torch.randn(2, 6, D)
    torch.manual_seed(9)
    other = type(layer).__call__
    zeros = {name: torch.zeros_like(weight) for name, weight in layer.named_parameters()}
    assert not torch.allclose(functional_call(layer, zeros, (x,))[0], other(layer, x)[0])
    with torch.device("meta"):
        empty = some_layers()[name]
    assert all(weight.is_meta for weight in empty.parameters())
    wanted = layer(x)[0]
    empty.load_state_dict(layer.state_dict(), assign=True)
    assert torch.equal(empty(x)[0], wanted)
    with torch.device("meta"):
        empty = some_layers()[name]
    empty.to_empty(device="cpu").load_state_dict(layer.state_dict())
    assert torch.equal(empty(x)[0], wanted)


@pytest.mark.parametrize("name", LAYERS)
def test_weights_drawn_anew_are_other_ones(name):
    layer = some_layers()[name]
    before = {name: weight.clone() for name, weight in layer.state_dict().items()}
    layer.reset_parameters()
    changed = [
        name for name, weight in layer.state_dict().items() if not weight.equal(before[name])
    ]
    assert set(before) - set(changed) <= {"amplitude", "rate"}


def test_a_compiled_layer_computes_the_same():
    layer, x = CfC(D, N), torch.randn(2, 6, D)
    compiled = torch.compile(layer, backend="eager")
    compiled(x)[0].sum().backward()
    found = [weight.grad.clone() for weight in layer.parameters()]
    layer.zero_grad()
    layer(x)[0].sum().backward()
    torch.testing.assert_close(found, [weight.grad for weight in layer.parameters()])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"inputs": torch.zeros(2, D)},
            r"inputs have the shape \(2, 5\); needed is \(rows, time, 5",
        ),
        ({"inputs": torch.zeros(2, 3, 4)}, r"\(2, 3, 4\); needed is \(rows, time, 5\)"),
        ({"inputs": torch.zeros(2, 0, D)}, "have no steps"),
        ({"inputs": torch.zeros(2, 3, D, dtype=torch.int64)}, "torch.int64; needed are floating"),
        ({"state": torch.zeros(1, N)}, r"state has the shape \(1, 12\); needed is \(2, 12\)"),
        ({"timespans": torch.ones(3, 2)}, r"timespans have the shape \(3, 2\); needed is \(2, 3\)"),
        ({"timespans": torch.full((2, 3), -1.0)}, r"hold -1.0 at \(0, 0\); time does not run back"),
        ({"timespans": torch.full((2, 3), torch.nan)}, r"timespans hold nan at \(0, 0\)"),
        ({"inputs": torch.full((2, 3, D), torch.inf)}, r"inputs hold inf at \(0, 0, 0\)"),
        ({"padding": torch.zeros(2, 3)}, "padding is torch.float32; needed is bool"),
        ({"document_starts": torch.zeros(3, 2, dtype=torch.bool)}, r"shape \(3, 2\); needed"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_came_and_what_was_needed(arguments, message):
    with pytest.raises(ValueError, match=message):
        CfC(D, N)(**({"inputs": torch.zeros(2, 3, D)} | arguments))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "fast"}, "mode is 'fast'; there are default, no_gate, pure"),
        ({"activation": "sine"}, "activation is 'sine'; there are lecun_tanh"),
        ({"backbone_layers": -1}, "-1 backbone layers"),
        ({"backbone_units": 0}, "must be at least 1"),
        ({"reach": 2.0, "mode": "pure"}, "reach is 2.0 with mode 'pure'"),
        ({"reach": 2.0, "backbone_layers": 0}, "and 0 backbone layers"),
    ],
)
def test_a_layer_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CfC(D, N, **options)


def test_a_reach_lets_as_much_through_before_it_bends():
    """r tanh(g / r): the layer of states r times as large, with weights to match."""
    plain, wide = (CfC(D, N, backbone_units=4, reach=reach) for reach in (1.0, 3.0))
    wide.load_state_dict(plain.state_dict())
    with torch.no_grad():
        wide.head_weight[: 2 * N] *= 3.0
        wide.head_bias[: 2 * N] *= 3.0
        wide.recurrent_weight /= 3.0
    x, state = torch.randn(2, 5, D), torch.randn(2, N)
    torch.testing.assert_close(wide(x, 3.0 * state)[0], 3.0 * plain(x, state)[0])
    with pytest.raises(ValueError, match=r"a reach of 3.0 has no mixed memory"):
        MixedMemory(wide)(x)


def test_weights_of_another_shape_are_refused_by_name():
    weights = ncps.torch.CfC(D, N).state_dict()
    with pytest.raises(ValueError, match="head_bias, head_weight, recurrent_weight: missing"):
        load_ncps(CfC(D, N + 1), weights)
    with pytest.raises(ValueError, match="another mode or depth was trained"):
        load_ncps(CfC(D, N), ncps.torch.CfC(D, N, mode="pure").state_dict())
    with pytest.raises(ValueError, match=r"rnn_cell.layer_0.sparsity_mask is not the mask"):
        load_ncps(WiredCfC(AutoNCP(D, N, 3, seed=5)), wired()[1].state_dict())


def test_a_fully_connected_wiring_is_one_layer():
    layer = WiredCfC(FullyConnected(D, N))
    assert len(layer.layers) == 1
    assert layer(torch.randn(1, 2, D))[0].shape == (1, 2, N)
