"""Norms against torch's own, and their C++ against their torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import rms_norm

from cauce.models.foundation.norm import HeadNorm, RmsNorm
from cauce.models.foundation.places import places_of
from models.foundation.kernel_cases import (
    assert_cpp_is_torch,
    assert_same_for_any_number_of_threads,
    needs_cpp,
)

EPSILON = 1e-3


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def turned_heads(heads: Tensor, weight: Tensor, *, packed: bool = False) -> Tensor:
    """Of (b h t w); packed, positions differ from row to row."""
    rows, _, tokens, width = heads.shape
    positions = None
    if packed:
        positions = torch.stack([torch.arange(tokens) % (row + 2) for row in range(rows)])
    places = places_of(rows, tokens, heads.device, position_ids=positions)
    norm = HeadNorm(width, EPSILON)
    del norm.weight
    norm.weight = weight
    return norm.turned(heads, places.rotation(width, 100.0))


@pytest.mark.parametrize("shape", [(3, 5, 16), (0, 4), (2, 1, 3, 7)])
def test_it_is_torchs_norm_with_torchs_weights(shape: tuple[int, ...], backend: str) -> None:
    norm, other = RmsNorm(shape[-1], EPSILON), nn.RMSNorm(shape[-1], EPSILON)
    nn.init.normal_(norm.weight)
    other.load_state_dict(norm.state_dict())
    x = random(*shape)
    torch.testing.assert_close(norm(x), other(x))
    torch.testing.assert_close(
        HeadNorm(shape[-1], EPSILON)(x), rms_norm(x, x.shape[-1:], None, EPSILON)
    )


@needs_cpp
@pytest.mark.parametrize("rows", [1, 2, 200])
@pytest.mark.parametrize("width", [1, 6, 16, 37, 256])
def test_cpp_is_torch(rows: int, width: int) -> None:
    given = [3 * random(rows, width), random(width)]
    assert_cpp_is_torch(_normed, given)


@needs_cpp
@pytest.mark.parametrize("width", [2, 8, 30, 64])
@pytest.mark.parametrize("packed", [False, True])
def test_turned_heads_are_those_of_torch(width: int, packed: bool) -> None:
    given = [random(3, 2, 9, width), random(width)]
    assert_cpp_is_torch(lambda x, weight: turned_heads(x, weight, packed=packed), given)


@needs_cpp
def test_gradients_are_the_same_for_any_number_of_threads() -> None:
    assert_same_for_any_number_of_threads(_normed, [random(3000, 256), random(256)])


def test_rows_know_nothing_of_each_other(backend: str) -> None:
    norm, x = RmsNorm(37, EPSILON), random(4, 37)
    assert torch.equal(norm(x)[2], norm(x[2:3])[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_precisions_are_left_to_torch(dtype: torch.dtype) -> None:
    x = random(4, 16).to(dtype)
    assert RmsNorm(16, EPSILON).to(dtype)(x).dtype == dtype
    assert HeadNorm(16, EPSILON).to(dtype)(x).dtype == dtype
    assert RmsNorm(16, EPSILON).to("meta", dtype)(x.to("meta")).is_meta


def test_a_width_of_another_norm_is_refused() -> None:
    with pytest.raises(RuntimeError, match="normalized_shape"):
        RmsNorm(16, EPSILON)(random(4, 8))


def test_what_is_traced_is_made_of_torchs_operations() -> None:
    traced = torch.export.export(RmsNorm(16, EPSILON), (random(4, 16),), strict=False)
    assert any("rms_norm" in str(node.target) for node in traced.graph.nodes)


def _normed(x: Tensor, weight: Tensor) -> Tensor:
    norm = RmsNorm(len(weight), EPSILON)
    del norm.weight
    norm.weight = weight
    return norm(x)
