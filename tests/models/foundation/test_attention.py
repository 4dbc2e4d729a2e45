"""Window attention against plain loops, and what keeps documents, blocks and steps apart."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from cauce.models.foundation.attention import WindowAttention
from cauce.models.foundation.config import LiquidFoundationConfig
from cauce.models.foundation.places import Memory, Places, places_of
from cauce.models.liquid.kernels.window_attention_cpp import window_attention
from models.foundation.kernel_cases import (
    assert_cpp_is_torch,
    assert_same_for_any_number_of_threads,
    needs_cpp,
)

WIDTH, HEADS, GROUPS = 32, 4, 2


def make(*, is_causal: bool = True, **options: object) -> WindowAttention:
    torch.manual_seed(0)
    config = LiquidFoundationConfig(
        hidden_size=WIDTH, num_attention_heads=HEADS, num_key_value_heads=GROUPS, **options
    )
    config._attn_implementation = "sdpa"
    return WindowAttention(config, is_causal=is_causal).eval()


def alone(layer: WindowAttention, hidden: Tensor) -> Tensor:
    return layer(hidden, places_of(*hidden.shape[:2], hidden.device))


def in_plain_loops(layer: WindowAttention, hidden: Tensor) -> Tensor:
    """One document, one query, one key at a time."""
    width, config = WIDTH // HEADS, layer.config
    rows = []
    for tokens in hidden:
        q = turned(layer.query_norm(layer.query(tokens).view(-1, HEADS, width)), config.rope_theta)
        k = turned(layer.key_norm(layer.key(tokens).view(-1, GROUPS, width)), config.rope_theta)
        v = layer.value(tokens).view(-1, GROUPS, width)
        outputs = []
        for t in range(len(tokens)):
            seen = [
                s
                for s in range(len(tokens))
                if (config.window is None or abs(t - s) < config.window)
                and (s <= t or not layer.is_causal)
            ]
            heads = []
            for head in range(HEADS):
                group = head // (HEADS // GROUPS)
                scores = torch.stack([q[t, head] @ k[s, group] for s in seen]) / math.sqrt(width)
                values = v[seen].flatten(1) if config.differential else v[seen, group]
                heads.append(scores.softmax(0) @ values)
            if layer.contrast is not None:
                share = torch.sigmoid(layer.contrast(tokens[t]))
                half = HEADS // 2
                heads = [
                    layer.pair_norm(heads[i] - share[i] * heads[i + half]) for i in range(half)
                ]
            outputs.append(layer.output(torch.cat(heads)))
        rows.append(torch.stack(outputs))
    return torch.stack(rows)


def turned(heads: Tensor, base: float) -> Tensor:
    turned = torch.empty_like(heads)
    half = heads.shape[-1] // 2
    for t in range(len(heads)):
        for i in range(half):
            angle = t * base ** (-i / half)
            a, b = heads[t, :, i], heads[t, :, i + half]
            turned[t, :, i] = a * math.cos(angle) - b * math.sin(angle)
            turned[t, :, i + half] = b * math.cos(angle) + a * math.sin(angle)
    return turned


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize(
    "options", [{"window": None}, {"window": 4}, {"window": 5, "qk_norm": False}]
)
@pytest.mark.parametrize("differential", [False, True])
def test_equals_plain_loops(
    is_causal: bool, options: dict[str, object], differential: bool, backend: str
) -> None:
    layer = make(is_causal=is_causal, differential=differential, **options)
    hidden = torch.randn(2, 13, WIDTH)
    torch.testing.assert_close(alone(layer, hidden), in_plain_loops(layer, hidden))


@pytest.mark.parametrize("window", [None, 4, 16])
def test_documents_of_a_row_are_blind_to_each_other(window: int | None, backend: str) -> None:
    layer = make(window=window)
    parts = [torch.randn(1, length, WIDTH) for length in (5, 1, 9)]
    positions = torch.cat([torch.arange(part.shape[1]) for part in parts])[None]
    packed = layer(torch.cat(parts, 1), places_of(1, 15, positions.device, position_ids=positions))
    torch.testing.assert_close(packed, torch.cat([alone(layer, part) for part in parts], 1))


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("differential", [False, True])
def test_pieces_equal_the_whole(window: int | None, differential: bool, backend: str) -> None:
    layer = make(window=window, differential=differential)
    hidden = torch.randn(2, 14, WIDTH)
    memory: Memory = {}
    outputs, past = [], 0
    for count in (3, 1, 1, 6, 1, 2):
        places = places_of(2, count, hidden.device, past=past)
        outputs.append(layer(hidden[:, past : past + count], places, memory))
        past += count
    torch.testing.assert_close(torch.cat(outputs, 1), alone(layer, hidden))
    if window is not None:
        assert memory["keys"].shape[2] == window - 1


def test_rows_padded_on_the_left_go_on_as_they_would_alone(backend: str) -> None:
    layer = make(window=4)
    hidden = torch.randn(1, 6, WIDTH)
    padded = torch.cat((torch.randn(1, 3, WIDTH), hidden), 1)
    mask = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1, 1]])
    memory: Memory = {}
    first = places_of(1, 5, hidden.device, attention_mask=mask[:, :5])
    outputs = [layer(padded[:, :5], first, memory)[:, 3:]]
    for place in range(5, 9):
        places = places_of(1, 1, hidden.device, attention_mask=mask[:, : place + 1], past=place)
        outputs.append(layer(padded[:, place : place + 1], places, memory))
    torch.testing.assert_close(torch.cat(outputs, 1), alone(layer, hidden))


@pytest.mark.parametrize("window", [None, 8])
def test_nothing_changes_when_later_tokens_do(window: int | None, backend: str) -> None:
    layer = make(window=window, differential=True).train()
    hidden = torch.randn(3, 40, WIDTH)
    before = alone(layer, hidden)
    for place in (1, 7, 8, 23):
        changed = hidden.clone()
        changed[:, place:] = 10 * torch.randn_like(changed[:, place:])
        assert torch.equal(alone(layer, changed)[:, :place], before[:, :place])


@needs_cpp
@pytest.mark.parametrize("window", [1, 5, 40, None])
@pytest.mark.parametrize(
    "sizes", [(1, 2, 2, 5, 7), (50, 4, 2, 8, 8), (61, 3, 1, 20, 40), (97, 2, 2, 64, 64)]
)
@pytest.mark.parametrize("packed", [False, True])
def test_cpp_is_a_masked_softmax(window: int | None, sizes: tuple[int, ...], packed: bool) -> None:
    tokens, heads, groups, width, value_width = sizes
    torch.manual_seed(tokens)
    columns = torch.arange(tokens)
    behind = columns[:, None] - columns
    mask, begins = (behind >= 0) & (behind < (window or tokens)), None
    if packed:
        begins = torch.stack([columns // 7 * 7, columns // 30 * 30])
        mask = (mask & (columns >= begins[..., None]))[:, None]

    def call(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if query.dtype == torch.float32:
            return window_attention(query, key, value, window=window or tokens, begins=begins)
        by_head = [each.transpose(1, 2) for each in (query, key, value)]
        taken = scaled_dot_product_attention(*by_head, attn_mask=mask, enable_gqa=True)
        return taken.transpose(1, 2)

    given = [
        torch.randn(2, tokens, heads, width),
        torch.randn(2, tokens, groups, width),
        torch.randn(2, tokens, groups, value_width),
    ]
    assert_cpp_is_torch(call, given)
    assert_same_for_any_number_of_threads(call, given)


@needs_cpp
def test_scores_beyond_the_range_of_exponentials_are_no_trouble() -> None:
    query, key, value = 200 * torch.randn(3, 1, 30, 2, 16)
    taken = window_attention(query, key, value, window=9, begins=None)
    assert taken.isfinite().all()
    torch.testing.assert_close(taken[:, :1], value[:, :1])


@needs_cpp
def test_sizes_that_do_not_fit_are_refused() -> None:
    one, other = torch.zeros(1, 4, 2, 8), torch.zeros(1, 3, 2, 8)
    with pytest.raises(ValueError, match=r"keys \(1, 3, 2, 8\)"):
        window_attention(one, other, other, window=2, begins=None)


def test_an_encoder_keeps_no_memory() -> None:
    layer, hidden = make(is_causal=False), torch.randn(1, 3, WIDTH)
    with pytest.raises(ValueError, match="reads its text at once"):
        layer(hidden, places_of(1, 3, hidden.device), {})


def test_places_are_read_from_positions_and_from_masks() -> None:
    device = torch.device("cpu")
    expected = [[0, 1, 2, 0, 1, 0]]
    starts = torch.tensor([[1, 0, 0, 1, 0, 1]]).bool()
    numbers = starts.cumsum(1)
    mask = (numbers[:, :, None] == numbers[:, None])[:, None].tril()
    by_mask = places_of(1, 6, device, attention_mask=mask)
    by_positions = places_of(1, 6, device, position_ids=torch.tensor(expected))
    for places in (by_mask, by_positions):
        assert places.positions.tolist() == expected
        assert places.starts is not None and torch.equal(places.starts, starts)
    beside = places_of(2, 4, device, attention_mask=torch.tensor([[0, 0, 1, 1], [1, 1, 1, 0]]))
    assert beside.positions.tolist() == [[0, 1, 0, 1], [0, 1, 2, 0]]
    assert places_of(1, 4, device, position_ids=torch.arange(4)[None]).starts is None
    mask, positions = torch.tensor([[0, 0, 1, 1, 1, 0]]), torch.tensor([[0, 0, 0, 1, 0, 1]])
    both = places_of(1, 6, device, attention_mask=mask, position_ids=positions)
    assert both.positions.tolist() == positions.tolist()
    assert both.is_real.tolist() == (mask == 1).tolist()
    later = places_of(
        1, 2, device, attention_mask=mask[:, :5], position_ids=torch.tensor([[1, 2]]), past=3
    )
    assert later.positions.tolist() == [[1, 2]] and later.is_real.all()
    assert Places(torch.arange(3)[None]).documents is None


def test_a_mask_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="0 at padding"):
        places_of(1, 4, torch.device("cpu"), attention_mask=torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize(
    ("mask", "positions", "said"),
    [
        ([0, 0, 1, 1], [0, 1, 2, 3], "count more tokens of a text than attention_mask shows"),
        ([1, 0, 1, 1], None, "has a 0 between ones"),
        ([1, 0, 1, 1], [0, 0, 0, 1], "has a 0 between ones"),
        ([1, 1, 1], [0, 1, 2, 3], r"needed is \(1, 4\), 0 at padding"),
    ],
)
def test_masks_and_positions_that_tell_of_different_texts_are_refused(
    mask: list[int], positions: list[int] | None, said: str
) -> None:
    given = None if positions is None else torch.tensor([positions])
    with pytest.raises(ValueError, match=said):
        places_of(
            1,
            4,
            torch.device("cpu"),
            attention_mask=torch.tensor([mask]),
            position_ids=given,
        )


def test_a_token_brings_a_value_of_its_own() -> None:
    layer = make(window=4)
    hidden, ids = torch.randn(1, 6, WIDTH), torch.tensor([[7, 3, 7, 9, 3, 5]])
    assert layer.table is not None
    places = replace(places_of(1, 6, hidden.device), tokens=ids)
    added = layer(hidden, places) - alone(layer, hidden)
    values = layer.table(ids)
    torch.testing.assert_close(values, layer.table.scale * layer.table.weight[ids])
    with torch.no_grad():
        layer.value.weight.zero_()
    # Attention is linear in the values: what is added is what they alone give.
    torch.testing.assert_close(added, layer(hidden, places), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("window", [4, 32, None])
def test_a_text_is_read_into_a_memory_as_it_is_without_one(
    window: int | None, backend: str
) -> None:
    """To the bit: it goes the way whose cost is linear in the length."""
    layer, hidden = make(window=window), torch.randn(2, 13, WIDTH)
    places = places_of(2, 13, hidden.device)
    assert torch.equal(layer(hidden, places, {}), layer(hidden, places))


@pytest.mark.parametrize("window", [None, 4])
def test_a_long_piece_in_which_documents_begin_goes_on_from_a_memory(window: int | None) -> None:
    layer = make(window=window)
    parts = [torch.randn(1, length, WIDTH) for length in (9, 7, 2)]
    hidden = torch.cat(parts, 1)
    positions = torch.cat([torch.arange(part.shape[1]) for part in parts])[None]
    memory: Memory = {}
    outputs = []
    for begin, end in ((0, 4), (4, 17), (17, 18)):
        piece = positions[:, begin:end]
        places = places_of(1, end - begin, hidden.device, position_ids=piece, past=begin)
        outputs.append(layer(hidden[:, begin:end], places, memory))
    expected = torch.cat([alone(layer, part) for part in parts], 1)
    torch.testing.assert_close(torch.cat(outputs, 1), expected)
