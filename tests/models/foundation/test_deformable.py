"""The deformable convolution against plain loops, and what keeps documents and calls apart."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cauce.models.foundation.convolution import causal_convolution
from cauce.models.foundation.deformable import DeformableConvolution, deformable_convolution
from cauce.models.foundation.places import Memory, Places, places_of

WIDTH, KERNEL, REACH = 8, 3, 4


def make(groups: int = 2, dtype: torch.dtype = torch.float32) -> DeformableConvolution:
    """A layer whose offsets are spread over all of their reach."""
    torch.manual_seed(0)
    layer = DeformableConvolution(WIDTH, kernel=KERNEL, reach=REACH, groups=groups)
    torch.nn.init.normal_(layer.offset.weight)
    torch.nn.init.normal_(layer.offset_bias)
    return layer.to(dtype)


def drawn(rows: int, tokens: int, dtype: torch.dtype = torch.float32) -> Tensor:
    torch.manual_seed(rows * tokens)
    return torch.randn(rows, tokens, WIDTH, dtype=dtype)


def alone(layer: DeformableConvolution, hidden: Tensor, memory: Memory | None = None) -> Tensor:
    return layer(hidden, places_of(*hidden.shape[:2], hidden.device), memory)


def packed(*lengths: tuple[int, ...]) -> Places:
    """A row for each tuple of document lengths."""
    positions = torch.stack([torch.cat([torch.arange(n) for n in row]) for row in lengths])
    return places_of(*positions.shape, positions.device, position_ids=positions)


def in_plain_loops(values: Tensor, offsets: Tensor, taps: Tensor) -> Tensor:
    """One document, channel by channel: between two tokens, the share of each is its nearness."""
    outputs = torch.zeros_like(values)
    tokens, width = values.shape
    size = width // offsets.shape[2]
    for t in range(tokens):
        for k in range(len(taps)):
            for j in range(width):
                place = t - k - offsets[t, k, j // size].item()
                for s in range(tokens):
                    nearness = max(0.0, 1 - abs(place - s))
                    outputs[t, j] += taps[k, j] * nearness * values[s, j]
    return outputs


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_it_is_what_plain_loops_compute(groups):
    layer, hidden = make(groups, torch.float64), drawn(2, 11, torch.float64)
    values = layer.input_gate(hidden) * layer.value(hidden)
    offsets = layer.offsets(hidden)
    assert offsets.min() < 0.5 and offsets.max() > REACH - 0.5
    outputs = layer(hidden, packed((11,), (4, 7)))
    for row, span in ((0, slice(11)), (1, slice(4)), (1, slice(4, 11))):
        mixed = in_plain_loops(values[row, span], offsets[row, span], layer.taps)
        expected = layer.output(layer.output_gate(hidden[row, span]) * mixed)
        torch.testing.assert_close(outputs[row, span], expected)


def test_at_whole_offsets_it_is_the_convolution_of_earlier_tokens():
    values, taps = drawn(2, 9), torch.randn(KERNEL, WIDTH)
    places = packed((9,), (5, 4))
    for shift in (0, 1, REACH):
        offsets = torch.full((2, 9, KERNEL, 1), float(shift))
        shifted = torch.cat([torch.zeros(shift, WIDTH), taps])
        torch.testing.assert_close(
            deformable_convolution(values, offsets, taps, places, reach=REACH),
            causal_convolution(values, shifted, places),
        )


def test_a_new_layer_is_nearly_the_plain_convolution():
    layer = DeformableConvolution(WIDTH, kernel=KERNEL, reach=REACH)
    torch.nn.init.zeros_(layer.offset.weight)
    torch.testing.assert_close(layer.offsets(drawn(1, 3)), torch.full((1, 3, KERNEL, 1), 0.1))


def test_every_gradient_is_that_of_finite_differences():
    torch.manual_seed(1)
    values = torch.randn(1, 5, 4, dtype=torch.float64).requires_grad_()
    offsets = (torch.randint(0, 3, (1, 5, 2, 2)) + 0.2 + 0.6 * torch.rand(1, 5, 2, 2)).double()
    taps = torch.randn(2, 4, dtype=torch.float64).requires_grad_()
    places = packed((2, 3))
    assert torch.autograd.gradcheck(
        lambda *given: deformable_convolution(*given, places, reach=3),
        (values, offsets.requires_grad_(), taps),
    )


@pytest.mark.parametrize("with_memory", [False, True])
def test_later_tokens_change_nothing(with_memory):
    layer, hidden = make(), drawn(2, 20)
    outputs = alone(layer, hidden, {} if with_memory else None)
    for step in (1, 7, 19):
        changed = hidden.clone()
        changed[:, step:] = 10 * torch.randn_like(changed[:, step:])
        again = alone(layer, changed, {} if with_memory else None)
        assert torch.equal(again[:, :step], outputs[:, :step])


def test_packed_documents_are_as_alone():
    layer, hidden = make(), drawn(2, 12)
    for memory in (None, {}):
        outputs = layer(hidden, packed((5, 7), (1, 1, 10)), memory)
        for row, begin, end in ((0, 0, 5), (0, 5, 12), (1, 1, 2), (1, 2, 12)):
            expected = alone(layer, hidden[row : row + 1, begin:end])[0]
            torch.testing.assert_close(outputs[row, begin:end], expected, rtol=0, atol=1e-5)


def test_memory_goes_on_where_a_call_ended():
    layer, hidden = make(), drawn(2, 16)
    for whole in (packed((16,), (16,)), packed((3, 13), (10, 6))):
        expected = layer(hidden, whole)
        for cuts in ([1] * 16, [7, 1, 1, 7], [2, 9, 5]):
            memory: Memory = {}
            parts, begin = [], 0
            for size in cuts:
                span = slice(begin, begin + size)
                starts = None if whole.starts is None else whole.starts[:, span]
                if starts is not None and not starts.any():
                    starts = None
                places = Places(whole.positions[:, span], starts)
                parts.append(layer(hidden[:, span], places, memory))
                begin += size
            torch.testing.assert_close(torch.cat(parts, 1), expected, rtol=0, atol=1e-5)
            assert memory["tail"].shape == (2, KERNEL - 1 + REACH, WIDTH)


def test_half_precision_gives_finite_outputs_and_gradients():
    layer, hidden = make(), 5 * drawn(2, 6)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = layer(hidden, packed((6,), (2, 4)))
        grads = torch.autograd.grad(outputs.float().square().sum(), [*layer.parameters()])
    assert outputs.dtype == torch.bfloat16
    assert all(each.isfinite().all() for each in (outputs, *grads))
    half = layer.to(torch.bfloat16)(hidden.bfloat16(), packed((6,), (2, 4)))
    assert half.dtype == torch.bfloat16 and half.isfinite().all()


def test_what_is_no_number_stays_none_and_points_nowhere():
    layer, hidden = make(), drawn(1, 6)
    hidden[0, 2, 0] = float("nan")
    outputs = alone(layer, hidden)
    assert outputs[0, 2].isnan().all() and outputs[0, :2].isfinite().all()


@pytest.mark.parametrize(("groups", "reach"), [(3, 4), (2, 0)])
def test_groups_and_reaches_that_cannot_be_are_refused(groups, reach):
    with pytest.raises(ValueError, match=f"{groups} groups of 8 channels with a reach of {reach}"):
        DeformableConvolution(WIDTH, kernel=KERNEL, reach=reach, groups=groups)
