"""The gated short convolution and the feed-forward parts against plain loops."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cauce.models.foundation.convolution import GatedConvolution, gated_convolution
from cauce.models.foundation.feed_forward import SquaredRelu, SwiGlu
from cauce.models.foundation.places import Memory, places_of
from models.foundation.kernel_cases import (
    assert_cpp_is_torch,
    assert_same_for_any_number_of_threads,
    needs_cpp,
)

WIDTH = 12


def make(kernel: int, *, is_causal: bool = True) -> GatedConvolution:
    torch.manual_seed(0)
    return GatedConvolution(WIDTH, kernel=kernel, is_causal=is_causal)


def alone(layer: GatedConvolution, hidden: Tensor) -> Tensor:
    return layer(hidden, places_of(*hidden.shape[:2], hidden.device))


def in_plain_loops(layer: GatedConvolution, hidden: Tensor) -> Tensor:
    rows = []
    for tokens in hidden:
        values = [layer.input_gate(x) * layer.value(x) for x in tokens]
        outputs = []
        for t, x in enumerate(tokens):
            mixed = torch.zeros(WIDTH)
            for number, tap in enumerate(layer.taps):
                place = t - number if layer.is_causal else t + len(layer.taps) // 2 - number
                if 0 <= place < len(values):
                    mixed = mixed + tap * values[place]
            outputs.append(layer.output(layer.output_gate(x) * mixed))
        rows.append(torch.stack(outputs))
    return torch.stack(rows)


@pytest.mark.parametrize("kernel", [1, 3, 4])
@pytest.mark.parametrize("is_causal", [True, False])
def test_equals_plain_loops(kernel: int, is_causal: bool, backend: str) -> None:
    layer = make(kernel, is_causal=is_causal)
    hidden = torch.randn(2, 9, WIDTH)
    torch.testing.assert_close(alone(layer, hidden), in_plain_loops(layer, hidden))


@pytest.mark.parametrize("is_causal", [True, False])
def test_documents_of_a_row_are_blind_to_each_other(is_causal: bool, backend: str) -> None:
    layer = make(4, is_causal=is_causal)
    parts = [torch.randn(1, length, WIDTH) for length in (3, 1, 5)]
    positions = torch.cat([torch.arange(part.shape[1]) for part in parts])[None]
    packed = layer(torch.cat(parts, 1), places_of(1, 9, positions.device, position_ids=positions))
    torch.testing.assert_close(packed, torch.cat([alone(layer, part) for part in parts], 1))


@needs_cpp
@pytest.mark.parametrize(("kernel", "width"), [(1, 8), (2, 5), (3, 37), (4, 16)])
@pytest.mark.parametrize("packed", [False, True])
def test_cpp_is_torch(kernel: int, width: int, packed: bool) -> None:
    torch.manual_seed(kernel)
    positions = torch.stack([torch.arange(11) % length for length in (2, 7, 11)])
    places = places_of(3, 11, positions.device, position_ids=positions if packed else None)
    given = [*torch.randn(3, 3, 11, width), torch.randn(kernel, width)]

    def call(value: Tensor, one: Tensor, other: Tensor, taps: Tensor) -> Tensor:
        return gated_convolution(value, (one, other), taps, places)

    assert_cpp_is_torch(call, given)
    assert_same_for_any_number_of_threads(call, given)


@needs_cpp
def test_gates_of_another_size_are_refused() -> None:
    places = places_of(1, 3, torch.device("cpu"))
    with pytest.raises(ValueError, match=r"values are \(1, 3, 8\)"):
        gated_convolution(
            torch.zeros(1, 3, 8), (torch.zeros(1, 2, 8),) * 2, torch.zeros(3, 8), places
        )


def test_pieces_equal_the_whole_after_padding_on_the_left(backend: str) -> None:
    layer = make(4)
    hidden = torch.randn(1, 8, WIDTH)
    padded = torch.cat((torch.randn(1, 3, WIDTH), hidden), 1)
    mask = torch.tensor([[0] * 3 + [1] * 8])
    memory: Memory = {}
    outputs, past = [], 0
    for count in (4, 1, 2, 1, 3):
        end = past + count
        places = places_of(1, count, hidden.device, attention_mask=mask[:, :end], past=past)
        outputs.append(layer(padded[:, past:end], places, memory))
        past = end
    torch.testing.assert_close(torch.cat(outputs, 1)[:, 3:], alone(layer, hidden))


def test_feed_forward_parts_are_their_equations() -> None:
    x = torch.randn(2, 3, WIDTH)
    gated, squared = SwiGlu(WIDTH, 20), SquaredRelu(WIDTH, 20)
    gate = gated.gate(x)
    torch.testing.assert_close(gated(x), gated.output(gate * torch.sigmoid(gate) * gated.value(x)))
    torch.testing.assert_close(squared(x), squared.output(squared.value(x).clamp(min=0) ** 2))
