"""Recurrent memories against plain loops over time, and what keeps documents and calls apart."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from cauce.models.foundation.memory import (
    GatedLinearRecurrence,
    LstmRecurrence,
    RecurrentMemory,
    make_recurrence,
)
from cauce.models.foundation.places import Memory, Places, places_of
from cauce.models.liquid import use_backend

KINDS = ("lru", "lstm", "cfc")
WIDTH = 8


def make(kind: str, dtype: torch.dtype = torch.float32) -> RecurrentMemory:
    torch.manual_seed(0)
    return RecurrentMemory(make_recurrence(kind, WIDTH, blocks=2), WIDTH).to(dtype)


def drawn(rows: int, tokens: int, dtype: torch.dtype = torch.float32) -> Tensor:
    torch.manual_seed(rows * tokens)
    return torch.randn(rows, tokens, WIDTH, dtype=dtype)


def alone(layer: nn.Module, hidden: Tensor, memory: Memory | None = None) -> Tensor:
    return layer(hidden, places_of(*hidden.shape[:2], hidden.device), memory)


def packed(*lengths: tuple[int, ...]) -> Places:
    """A row for each tuple of document lengths."""
    positions = torch.stack([torch.cat([torch.arange(n) for n in row]) for row in lengths])
    return places_of(*positions.shape, positions.device, position_ids=positions)


def lru_in_plain_loops(layer: GatedLinearRecurrence, document: Tensor) -> Tensor:
    """The equations of the paper, a channel at a time."""
    size, states = WIDTH // 2, []
    state = [0.0] * WIDTH
    for token in document:
        x = layer.input.weight @ token
        for j in range(WIDTH):
            block, within = divmod(j, size)
            seen = x[block * size : (block + 1) * size]
            r, i = (
                torch.sigmoid(seen @ gate.weight[block, :, within] + gate.bias[j])
                for gate in (layer.decay_gate, layer.input_gate)
            )
            a = torch.exp(-8 * layer.decay[j].exp().log1p() * r)
            state[j] = a * state[j] + torch.sqrt(1 - a**2) * (i * x[j])
        states.append(torch.stack(state))
    return torch.stack(states)


def test_the_gate_and_the_output_are_the_same_for_every_recurrence():
    for kind in KINDS:
        layer, hidden = make(kind), drawn(2, 5)
        states = alone(layer.recurrence, hidden)
        expected = (gelu(hidden @ layer.gate.weight.T) * states) @ layer.output.weight.T
        torch.testing.assert_close(alone(layer, hidden), expected)


def test_the_lru_is_the_equations_of_the_paper():
    layer, hidden = make("lru", torch.float64).recurrence, drawn(2, 7, torch.float64)
    nn.init.normal_(layer.decay_gate.bias)
    states = layer(hidden, packed((7,), (3, 4)))
    for row, span in ((0, slice(7)), (1, slice(3)), (1, slice(3, 7))):
        expected = lru_in_plain_loops(layer, hidden[row, span])
        torch.testing.assert_close(states[row, span], expected)


def test_the_decays_of_a_new_lru_are_spread_as_in_the_paper():
    torch.manual_seed(0)
    layer = GatedLinearRecurrence(4096, blocks=64)
    decays = torch.exp(-8 * nn.functional.softplus(layer.decay))
    assert 0.9 <= decays.min() < 0.901 and 0.998 < decays.max() <= 0.9991
    assert abs(decays.mean() - 0.9495) < 2e-3


def test_the_lstm_is_that_of_torch_for_each_document():
    layer, hidden = make("lstm").recurrence, drawn(2, 9)
    states = layer(hidden, packed((2, 4, 3), (5, 1, 3)))
    for row, begin, end in ((0, 0, 2), (0, 2, 6), (0, 6, 9), (1, 0, 5), (1, 5, 6), (1, 6, 9)):
        expected = layer.lstm(hidden[row : row + 1, begin:end])[0]
        torch.testing.assert_close(states[row : row + 1, begin:end], expected)
    torch.testing.assert_close(alone(layer, hidden), layer.lstm(hidden)[0])


def test_the_cfc_is_the_liquid_layer_for_each_document():
    layer, hidden = make("cfc").recurrence, drawn(2, 6)
    states = layer(hidden, packed((2, 4), (6,)))
    torch.testing.assert_close(states[:1, 2:], layer.cfc(hidden[:1, 2:])[0])
    torch.testing.assert_close(states[1:], layer.cfc(hidden[1:])[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("with_memory", [False, True])
def test_later_tokens_change_nothing(kind, with_memory):
    layer, hidden = make(kind), drawn(2, 20)
    outputs = alone(layer, hidden, {} if with_memory else None)
    for step in (1, 7, 19):
        changed = hidden.clone()
        changed[:, step:] = 10 * torch.randn_like(changed[:, step:])
        assert torch.equal(
            alone(layer, changed, {} if with_memory else None)[:, :step], outputs[:, :step]
        )


@pytest.mark.parametrize("kind", KINDS)
def test_packed_documents_are_as_alone(kind):
    layer, hidden = make(kind), drawn(3, 12)
    places = packed((5, 7), (1, 1, 10), (12,))
    for memory in (None, {}):
        outputs = layer(hidden, places, memory)
        for row, begin, end in ((0, 0, 5), (0, 5, 12), (1, 1, 2), (1, 2, 12), (2, 0, 12)):
            expected = alone(layer, hidden[row : row + 1, begin:end])[0]
            torch.testing.assert_close(outputs[row, begin:end], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_packed_documents_are_as_alone(kind):
    layer, hidden = make(kind), drawn(1, 9).requires_grad_()
    both = layer(hidden, packed((4, 5)))
    wanted = torch.cat([alone(layer, hidden[:, :4]), alone(layer, hidden[:, 4:])], 1)
    leaves = [hidden, *layer.parameters()]
    for found, expected in zip(
        torch.autograd.grad(both.square().sum(), leaves),
        torch.autograd.grad(wanted.square().sum(), leaves),
        strict=True,
    ):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_memory_goes_on_where_a_call_ended(kind):
    layer, hidden = make(kind), drawn(2, 16)
    wholes = packed((16,), (16,)), packed((3, 13), (10, 6))
    for whole in wholes:
        expected = layer(hidden, whole)
        for cuts in ([1] * 16, [7, 1, 1, 7], [2, 9, 5]):
            memory: Memory = {}
            parts, begin = [], 0
            for size in cuts:
                span = slice(begin, begin + size)
                starts = None if whole.starts is None else whole.starts[:, span]
                parts.append(
                    layer(hidden[:, span], Places(whole.positions[:, span], starts), memory)
                )
                begin += size
            torch.testing.assert_close(torch.cat(parts, 1), expected, rtol=0, atol=1e-5)
            assert all(kept.shape == (2, WIDTH) for kept in memory.values())


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_replaced_and_not_written_into(kind):
    layer, hidden = make(kind), drawn(2, 3)
    memory: Memory = {}
    alone(layer, hidden, memory)
    before = dict(memory)
    copies = {name: kept.clone() for name, kept in before.items()}
    layer(hidden[:, :1], Places(torch.full((2, 1), 3)), memory)
    for name, kept in before.items():
        assert memory[name] is not kept and torch.equal(kept, copies[name])


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_gives_finite_outputs_and_gradients(kind):
    layer, hidden = make(kind), 5 * drawn(2, 6)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = layer(hidden, packed((6,), (2, 4)))
        grads = torch.autograd.grad(outputs.float().square().sum(), [*layer.parameters()])
    assert outputs.dtype == torch.bfloat16
    assert all(each.isfinite().all() for each in (outputs, *grads))
    exact = layer(hidden, packed((6,), (2, 4)))
    torch.testing.assert_close(outputs.float(), exact, rtol=0, atol=0.05 * exact.abs().max().item())
    half = layer.to(torch.bfloat16)(hidden.bfloat16(), packed((6,), (2, 4)))
    assert half.dtype == torch.bfloat16 and half.isfinite().all()


def test_an_lru_whose_gates_are_shut_has_finite_gradients():
    layer = make("lru").recurrence
    for bias in (-200.0, 200.0):
        nn.init.constant_(layer.decay_gate.bias, bias)
        states = alone(layer, drawn(2, 5))
        grads = torch.autograd.grad(states.square().sum(), [*layer.parameters()])
        assert all(grad.isfinite().all() for grad in grads)


def test_the_lru_keeps_its_state_over_a_long_text():
    layer = make("lru").recurrence
    nn.init.constant_(layer.decay_gate.bias, -6.0)
    hidden = drawn(1, 2000)
    exact = layer.double()(hidden.double(), packed((2000,)))
    states = layer.float()(hidden, packed((2000,)))
    torch.testing.assert_close(states.double(), exact, rtol=0, atol=1e-5)


def test_the_backends_of_the_lru_agree():
    layer, hidden = make("lru"), drawn(2, 33)
    fast = layer(hidden, packed((33,), (30, 3)))
    with use_backend("torch"):
        torch.testing.assert_close(layer(hidden, packed((33,), (30, 3))), fast)


def test_the_lstm_runs_once_where_no_document_starts(monkeypatch):
    layer, calls = LstmRecurrence(WIDTH), []
    layer.lstm.register_forward_hook(lambda *_: calls.append(1))
    alone(layer, drawn(2, 30))
    assert len(calls) == 1


def test_blocks_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="3 blocks do not divide a width of 8"):
        make_recurrence("lru", WIDTH, blocks=3)
