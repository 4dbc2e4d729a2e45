"""Attention by batched matrix products, for training on CPUs that multiply bf16 in hardware.

The fused kernel that torch offers there is slow backwards, and falls back to a slow composition
where a bias has a gradient (T5). Registered with transformers under the name `cauce`, so that any
of its models can use it: `model.set_attn_implementation("cauce")`.

Axes: b batch, h heads, q queries, k keys, d width of a head, v width of a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jaxtyping import Float

NAME = "cauce"

CAUSAL_BLOCK, FULL_BLOCK = 128, 256
"""Queries computed together: few, so that the scores stay in cache and keys later than all of them
are left out, but enough for products at full speed (measured 2026-11; docs/log.md)."""


MIN_SAVED = 2**17
"""Scores that must be saved for each document of packed rows to compute it by itself: small
products are slow (one core, bf16, rows of 256 tokens: 2.1 times the time; of 1,024: half)."""


class _Block(NamedTuple):
    """Queries `start` to `end` of some rows, which see keys from `first` to before `visible`."""

    rows: slice
    start: int
    end: int
    first: int
    visible: int
    place: slice
    """Where in the flat weights."""
    is_last: bool
    """Of its document, whose keys it sees all of."""

    @property
    def queries(self) -> tuple[slice, slice, slice]:
        return self.rows, slice(None), slice(self.start, self.end)

    @property
    def keys(self) -> tuple[slice, slice, slice]:
        return self.rows, slice(None), slice(self.first, self.visible)


class _Document(NamedTuple):
    """Places of some rows that see each other and nothing else."""

    rows: slice
    start: int
    end: int


def register() -> None:
    """Makes the name `cauce` known to transformers, with bool masks (True attends)."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attention_forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def attention_forward(
    module: Any,
    query: Float[Tensor, "b h q d"],
    key: Float[Tensor, "b g k d"],
    value: Float[Tensor, "b g k v"],
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    position_bias: Float[Tensor, "1 h q k"] | None = None,
    **options: Any,
) -> tuple[Float[Tensor, "b q h v"], None]:
    """What each query takes from the values it may see, in the form that transformers asks for.

    With fewer key heads g than query heads h, h / g queries share each (Ainslie et al. 2023,
    2305.13245). A mask is bool and True where a query attends, or is added to the scores; that of a
    causal layer may hide more, and never shows later keys. Scores are rounded to the precision of
    `query`, as by transformers' eager attention. Raises ValueError for capped scores and sinks.
    """
    unknown = [name for name in ("softcap", "s_aux") if options.get(name) is not None]
    if unknown:
        raise ValueError(
            f"the attention {NAME!r} does not know {unknown[0]}, which {type(module).__name__} "
            "needs: choose another with model.set_attn_implementation"
        )
    if attention_mask is not None and attention_mask.dtype != torch.bool:
        bias = attention_mask.to(query.dtype)
        position_bias = bias if position_bias is None else position_bias + bias
        attention_mask = None
    with torch.autocast(query.device.type, enabled=False):
        output, *_rest = _attention(
            query.contiguous(),
            key.to(query.dtype).contiguous(),
            value.to(query.dtype).contiguous(),
            None if position_bias is None else position_bias.to(query.dtype),
            attention_mask,
            query.shape[-1] ** -0.5 if scaling is None else scaling,
            dropout,
            bool(module.is_causal) and query.shape[2] == key.shape[2],
        )
    return output.transpose(1, 2).contiguous(), None


@torch.library.custom_op("cauce::attention", mutates_args=())
def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None,
    mask: Tensor | None,
    scale: float,
    dropout: float,
    is_causal: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Output (b h q v), attention weights and, with dropout, which of them were kept, both flat."""
    h, groups = query.shape[1], key.shape[1]
    blocks, mask = _plan(query, key, mask, is_causal)
    weights = query.new_empty(_most_weights(query, key, is_causal))
    kept = query.new_empty(weights.numel() if dropout else 0)
    if dropout:
        kept.bernoulli_(1 - dropout).div_(1 - dropout)
    output = query.new_empty(*query.shape[:3], value.shape[3])
    scaled = query * scale
    for block in blocks:
        scores = _grouped(scaled[block.queries], groups) @ key[block.keys].transpose(2, 3)
        scores = scores.view(-1, h, block.end - block.start, block.visible - block.first)
        _hide(scores, bias, mask, block, is_causal)
        share = weights[block.place].view_as(scores)
        torch.softmax(scores, -1, out=share)
        used = share * kept[block.place].view_as(share) if dropout else share
        taken = _grouped(used, groups) @ value[block.keys]
        output[block.queries] = taken.view(*scores.shape[:3], -1)
    return output, weights, kept


@_attention.register_fake
def _(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None,
    mask: Tensor | None,
    scale: float,
    dropout: float,
    is_causal: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    size = _most_weights(query, key, is_causal)
    return (
        query.new_empty(*query.shape[:3], value.shape[3]),
        query.new_empty(size),
        query.new_empty(size if dropout else 0),
    )


def _most_weights(query: Tensor, key: Tensor, is_causal: bool) -> int:
    """Weights of a batch without a mask, which hides some of them."""
    whole = _Document(slice(0, query.shape[0]), 0, query.shape[2])
    *_, last = _blocks([whole], query, key, is_causal)
    return int(last.place.stop)


def _plan(
    query: Tensor, key: Tensor, mask: Tensor | None, is_causal: bool
) -> tuple[list[_Block], Tensor | None]:
    """What is computed together, and what must still be hidden in it.

    A mask that only keeps the documents of packed rows apart is not needed: each is computed by
    itself, and the cost of a row is that of its documents and not of its length.
    """
    documents = None if mask is None else _documents(mask, query, key, is_causal)
    if documents is not None:
        return list(_blocks(documents, query, key, is_causal)), None
    whole = _Document(slice(0, query.shape[0]), 0, query.shape[2])
    return list(_blocks([whole], query, key, is_causal)), mask


def _documents(mask: Tensor, query: Tensor, key: Tensor, is_causal: bool) -> list[_Document] | None:
    """The documents that `mask` keeps apart, None where it does anything else."""
    rows, queries, keys = query.shape[0], query.shape[2], key.shape[2]
    if queries != keys or mask.shape != (rows, 1, queries, keys):
        return None
    starts = torch.ones(rows, queries, dtype=torch.bool, device=mask.device)
    starts[:, 1:] = ~mask[:, 0].diagonal(-1, 1, 2)
    places = starts.flatten().nonzero().flatten().tolist()
    ends = [*places[1:], rows * queries]
    scores = rows * queries**2 - sum(
        (end - start) ** 2 for start, end in zip(places, ends, strict=True)
    )
    if scores * query.shape[1] < MIN_SAVED * (1 + is_causal) * len(places):
        return None
    numbers = starts.cumsum(1)
    same = numbers[:, :, None] == numbers[:, None, :]
    if not torch.equal(same.tril_() if is_causal else same, mask[:, 0]):
        return None
    return [
        _Document(slice(row, row + 1), start - row * queries, end - row * queries)
        for start, end in zip(places, ends, strict=True)
        for row in [start // queries]
    ]


def _blocks(
    documents: Iterable[_Document], query: Tensor, key: Tensor, is_causal: bool
) -> Iterator[_Block]:
    heads, queries, keys = query.shape[1], query.shape[2], key.shape[2]
    size = CAUSAL_BLOCK if is_causal else FULL_BLOCK
    place = 0
    for rows, first, last in documents:
        for start in range(first, last, size):
            end = min(start + size, last)
            visible = end if is_causal else last if queries == keys else keys
            count = (rows.stop - rows.start) * heads * (end - start) * (visible - first)
            where = slice(place, place + count)
            yield _Block(rows, start, end, first, visible, where, end == last)
            place += count


def _grouped(tensor: Tensor, groups: int) -> Tensor:
    """(b h q x) with the queries of heads that share a key one after the other: (b g h/g*q x)."""
    b, h, q, x = tensor.shape
    return tensor if h == groups else tensor.reshape(b, groups, h // groups * q, x)


def _hide(
    scores: Tensor, bias: Tensor | None, mask: Tensor | None, block: _Block, is_causal: bool
) -> None:
    """Adds the bias, and takes invisible keys out of the scores, in place.

    By adding: `masked_fill_` takes three times as long in 16 bits.
    """
    lowest = torch.finfo(scores.dtype).min
    visible = slice(block.first, block.visible)
    if bias is not None:
        scores += _rows_of(bias, block)[..., visible]
    if mask is not None:
        is_hidden = ~_rows_of(mask, block)[..., visible]
        scores += torch.zeros_like(is_hidden, dtype=scores.dtype).masked_fill_(is_hidden, lowest)
    elif is_causal:
        size = block.end - block.start
        later = scores.new_full((size, size), lowest).triu_(1)
        scores[..., block.start - block.first :] += later


def _rows_of(tensor: Tensor, block: _Block) -> Tensor:
    """The part of a bias or mask (b or 1, h or 1, q or 1, k) that is the block's."""
    rows = tensor if tensor.shape[0] == 1 else tensor[block.rows]
    return rows if rows.shape[2] == 1 else rows[:, :, block.start : block.end]


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    query, key, value, bias, mask, ctx.scale, ctx.dropout, ctx.is_causal = inputs
    ctx.save_for_backward(query, key, value, mask, *output[1:])
    ctx.bias_shape = None if bias is None else bias.shape


def _backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    query, key, value, mask, weights, kept = ctx.saved_tensors
    by_query, by_key, by_value, by_bias = _attention_backward(
        gradient.contiguous(),
        query,
        key,
        value,
        mask,
        weights,
        kept,
        ctx.scale,
        ctx.is_causal,
        ctx.bias_shape[0] if ctx.bias_shape is not None and ctx.needs_input_grad[3] else 0,
    )
    if ctx.bias_shape is None or not ctx.needs_input_grad[3]:
        return by_query, by_key, by_value, None, None, None, None, None
    return by_query, by_key, by_value, by_bias.sum_to_size(ctx.bias_shape), None, None, None, None


@torch.library.custom_op("cauce::attention_backward", mutates_args=())
def _attention_backward(
    gradient: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    weights: Tensor,
    kept: Tensor,
    scale: float,
    is_causal: bool,
    bias_rows: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients by query, key, value and bias; that one (b h q k), or (1 h q k) for all rows."""
    rows, h, q, _ = query.shape
    groups, keys = key.shape[1], key.shape[2]
    by_query, by_key, by_value = (torch.empty_like(tensor) for tensor in (query, key, value))
    by_bias = query.new_zeros((bias_rows, h, q, keys) if bias_rows else (0,))
    for block in reversed(_plan(query, key, mask, is_causal)[0]):
        share = weights[block.place].view(
            -1, h, block.end - block.start, block.visible - block.first
        )
        asked = _grouped(gradient[block.queries], groups)
        by_share = (asked @ value[block.keys].transpose(2, 3)).view_as(share)
        used = share
        if kept.numel():
            part = kept[block.place].view_as(share)
            by_share *= part
            used = share * part
        add = torch.Tensor.copy_ if block.is_last else torch.Tensor.add_
        add(by_value[block.keys], _grouped(used, groups).transpose(2, 3) @ asked)
        by_score = torch._softmax_backward_data(by_share, share, -1, share.dtype)
        if bias_rows:
            each = by_score if bias_rows == rows else by_score.sum(0, keepdim=True)
            _rows_of(by_bias, block)[..., block.first : block.visible] += each
        by_score = _grouped(by_score, groups)
        taken = by_score @ key[block.keys]
        by_query[block.queries] = taken.view(*share.shape[:3], -1)
        add(by_key[block.keys], by_score.transpose(2, 3) @ _grouped(query[block.queries], groups))
    return by_query.mul_(scale), by_key.mul_(scale), by_value, by_bias


@_attention_backward.register_fake
def _(
    gradient: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    weights: Tensor,
    kept: Tensor,
    scale: float,
    is_causal: bool,
    bias_rows: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    _, h, q, _ = query.shape
    bias = query.new_empty((bias_rows, h, q, key.shape[2]) if bias_rows else (0,))
    return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value), bias


_attention.register_autograd(_backward, setup_context=_save)
