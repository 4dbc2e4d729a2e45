"""Attention whose cost is linear in the length of the text: every token sees a window before it.

Axes: b rows, t tokens, d width, h query heads, g groups (key and value heads), w width of a head,
n blocks, s keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import Module
from torch.nn.functional import pad
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from cauce.models.foundation.config import LiquidFoundationConfig
from cauce.models.foundation.embedding import LookupTable
from cauce.models.foundation.norm import HeadNorm
from cauce.models.foundation.places import Memory, Places, Rotation
from cauce.models.foundation.residual import ResidualOutput
from cauce.models.liquid.kernels.backends import is_for_cpp

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

NOWHERE = -1
"""The position of a key that no query may see."""


class Attention(Module):
    """The matrices of queries, keys, values and of what is made of them; to be built upon."""

    def __init__(self, config: LiquidFoundationConfig, *, is_causal: bool) -> None:
        super().__init__()
        width, head = config.hidden_size, config.head_dim
        heads, groups = config.num_attention_heads, config.num_key_value_heads
        self.config, self.is_causal = config, is_causal
        self.num_key_value_groups = heads // groups
        self.query = nn.Linear(width, heads * head, bias=False)
        self.key = nn.Linear(width, groups * head, bias=False)
        self.value = nn.Linear(width, groups * head, bias=False)
        self.output = ResidualOutput(heads * head, width)


class WindowAttention(Attention):
    """softmax(q k^T / sqrt(w)) v over the `window` tokens up to each one, within its document.

    h / g query heads share a key (Ainslie et al. 2023, arXiv 2305.13245), positions are rotary
    (arXiv 2104.09864), queries and keys are normalised per head (Henry et al. 2020, arXiv
    2010.04245). Long rows are computed block by block: a block of `window` queries sees its own
    keys and those of the block before it (Longformer, arXiv 2004.05150). In an encoder the window
    reaches as far to the right.

    With `token_values` a token has a value of its own besides the one that the network makes of it
    (value residuals, Zhou et al. 2024, arXiv 2410.17897, made a table).

    Differential, the heads of two groups form pairs over the values of both (Ye et al. 2024,
    arXiv 2410.05258): A_1 v - lambda A_2 v, with lambda = sigmoid(W x) for each token and pair.
    """

    def __init__(self, config: LiquidFoundationConfig, *, is_causal: bool = True) -> None:
        super().__init__(config, is_causal=is_causal)
        head, norms = config.head_dim, config.qk_norm
        self.query_norm = HeadNorm(head, config.rms_norm_eps) if norms else nn.Identity()
        self.key_norm = HeadNorm(head, config.rms_norm_eps) if norms else nn.Identity()
        self.table: LookupTable | None = None
        if config.token_values and is_causal:
            width = config.num_key_value_heads * head
            self.table = LookupTable(config.vocab_size, width, scale=config.embedding_scale)
        self.contrast: nn.Linear | None = None
        if config.differential:
            pairs = config.num_attention_heads // 2
            self.contrast = nn.Linear(config.hidden_size, pairs, bias=False)
            self.pair_norm = HeadNorm(2 * head, config.rms_norm_eps)

    def forward(
        self, hidden: Float[Tensor, "b t d"], places: Places, memory: Memory | None = None
    ) -> Float[Tensor, "b t d"]:
        """What each token takes from those it may see; `memory` keeps the keys of one window."""
        rotation = places.rotation(self.config.head_dim, self.config.rope_theta)
        query = _turned(self.query_norm, self.query(hidden), self.config.head_dim, rotation)
        key = _turned(self.key_norm, self.key(hidden), self.config.head_dim, rotation)
        value = self.value(hidden)
        if self.table is not None and places.tokens is not None:
            value = value + self.table(places.tokens)
        value = _heads(value, self.config.head_dim)
        if memory is None:
            taken = self._whole(query, key, value, places)
        else:
            taken = self._continued(query, key, value, places, memory)
        if self.contrast is not None:
            taken = self._difference(taken, torch.sigmoid(self.contrast(hidden)))
        output: Tensor = self.output(taken.flatten(2))
        return output

    def _whole(self, query: Tensor, key: Tensor, value: Tensor, places: Places) -> Tensor:
        """Rows without a past: (b t h w)."""
        tokens, window = query.shape[2], self.config.window
        if self._is_for_cpp(query, key, value):
            return self._in_cpp(query, key, value, places)
        if window is None or tokens <= window:
            mask = None if places.documents is None else self._same_document(places.documents)
            return self._attend(query, key, value, mask)
        return self._blockwise(query, key, value, places.documents, window)

    def _is_for_cpp(self, *tensors: Tensor) -> bool:
        """The loop in C++ takes the place of torch's own fused attention, of no other."""
        is_fused = self.config._attn_implementation in (None, "sdpa")
        return self.is_causal and is_fused and is_for_cpp(*tensors)

    def _in_cpp(self, query: Tensor, key: Tensor, value: Tensor, places: Places) -> Tensor:
        """Without copies of what two blocks see, and without the scores of what none sees.

        8 rows of 512 tokens, 4 heads of 64, forward and backward on one core: 34 ms where torch's
        fused attention takes 84 over blocks with a mask, and 115 over whole rows (2026-11).
        """
        from cauce.models.liquid.kernels.window_attention_cpp import window_attention

        if self.contrast is not None:
            value = _values_of_both(value)
        by_token = [heads.transpose(1, 2) for heads in (query, key, value)]
        window = self.config.window or query.shape[2]
        return window_attention(*by_token, window=window, begins=places.begins)

    def _same_document(self, documents: Int[Tensor, "b t"]) -> Bool[Tensor, "b 1 t t"]:
        same = documents[:, None, :, None] == documents[:, None, None, :]
        return same.tril() if self.is_causal else same

    def _blockwise(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        documents: Int[Tensor, "b t"] | None,
        window: int,
    ) -> Tensor:
        """Blocks of `window` queries as rows of their own, with the keys that they may see."""
        rows, heads, tokens, _ = query.shape
        missing = -tokens % window
        blocks = (tokens + missing) // window
        asked = _blocks(pad(query, (0, 0, 0, missing)), blocks)
        sides = 2 if self.is_causal else 3
        seen = [_with_neighbours(part, missing, window, sides) for part in (key, value)]
        mask = self._visible_in_blocks(query.device, window, blocks, tokens)[:, None]
        if documents is not None:
            mask = mask & self._same_in_blocks(documents, missing, window, sides)[:, :, None]
            mask = mask.flatten(0, 1)
        else:
            mask = mask.repeat(rows, 1, 1, 1)
        taken = self._attend(asked, seen[0], seen[1], mask)
        return taken.view(rows, blocks * window, heads, -1)[:, :tokens]

    def _visible_in_blocks(
        self, device: torch.device, window: int, blocks: int, tokens: int
    ) -> Bool[Tensor, "n q s"]:
        """Which keys of its own and the neighbouring blocks a query sees, by place alone."""
        sides = 2 if self.is_causal else 3
        places = torch.arange(window, device=device)
        behind = (places + window)[:, None] - torch.arange(sides * window, device=device)
        near = (behind < window) & (behind >= 0 if self.is_causal else behind > -window)
        first = (torch.arange(blocks, device=device) - 1)[:, None] * window
        key_places = first + torch.arange(sides * window, device=device)
        is_real = ((key_places >= 0) & (key_places < tokens))[:, None, :]
        # A query of the padding sees itself, so that no softmax is over nothing.
        return near & (is_real | (behind == 0))

    def _same_in_blocks(
        self, documents: Int[Tensor, "b t"], missing: int, window: int, sides: int
    ) -> Bool[Tensor, "b n q s"]:
        padded = pad(documents, (0, missing), value=NOWHERE)
        asked = padded.view(len(documents), -1, window)
        seen = _with_neighbours(padded[:, None, :, None], 0, window, sides)
        seen = seen.view(len(documents), -1, sides * window)
        return asked[..., None] == seen[:, :, None]

    def _continued(
        self, query: Tensor, key: Tensor, value: Tensor, places: Places, memory: Memory
    ) -> Tensor:
        """Rows with a past of up to a window (or all of it), which `memory` keeps: (b t h w)."""
        if not self.is_causal:
            raise ValueError("an encoder reads its text at once and keeps no memory")
        if memory:
            kept = _Kept.of(memory)
            keys = torch.cat((kept.keys, key), 2)
            values = torch.cat((kept.values, value), 2)
            positions = torch.cat((kept.positions, places.positions), 1)
            taken = self._in_pieces(query, keys, values, positions, places)
        else:
            keys, values, positions = key, value, places.positions
            taken = self._whole(query, key, value, places)
        _Kept(keys, values, _of_last_document(positions, places)).store(memory, self.config.window)
        return taken

    def _in_pieces(
        self, query: Tensor, keys: Tensor, values: Tensor, positions: Tensor, places: Places
    ) -> Tensor:
        """A window of queries at a time, which sees its own keys and a window before: (b t h w)."""
        tokens, past = query.shape[2], keys.shape[2] - query.shape[2]
        window = self.config.window or keys.shape[2]
        pieces = []
        for begin in range(0, tokens, window):
            asked = slice(begin, min(begin + window, tokens))
            seen = slice(max(0, past + begin - window + 1), past + asked.stop)
            visible = self._visible(positions, places, asked, seen)
            part = self._attend(query[:, :, asked], keys[:, :, seen], values[:, :, seen], visible)
            pieces.append(part)
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1)

    def _visible(
        self, positions: Int[Tensor, "b all"], places: Places, asked: slice, seen: slice
    ) -> Bool[Tensor, "b 1 t s"]:
        """Which of the keys `seen` the tokens `asked` see; `positions` are those of all keys."""
        keys = positions[:, None, seen]
        behind = places.positions[:, asked, None] - keys
        visible = (behind >= 0) & (keys != NOWHERE)
        if self.config.window is not None:
            visible &= behind < self.config.window
        if places.documents is not None:
            documents = pad(places.documents, (positions.shape[1] - places.documents.shape[1], 0))
            visible &= places.documents[:, asked, None] == documents[:, None, seen]
        return visible[:, None]

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """(b t h w), or (b t h 2w) of differential attention."""
        if self.contrast is not None:
            value = _values_of_both(value)
        taken: Tensor = _attention_of(self.config)(self, query, key, value, mask)[0]
        return taken

    def _difference(self, taken: Tensor, share: Float[Tensor, "b t p"]) -> Float[Tensor, "b t h w"]:
        """Of each pair of heads, one of either group, what the first takes beyond the second."""
        rows, tokens, heads, width = taken.shape
        per_group = self.num_key_value_groups
        pairs = taken.view(rows, tokens, heads // (2 * per_group), 2, per_group, width)
        difference = pairs[:, :, :, 0] - pairs[:, :, :, 1] * share.view(
            rows, tokens, -1, per_group, 1
        )
        normed: Tensor = self.pair_norm(difference)
        return normed.flatten(2)


class CrossAttention(Attention):
    """softmax(q k^T / sqrt(w)) v, the keys and values of an encoder's states (arXiv 1706.03762)."""

    def __init__(self, config: LiquidFoundationConfig) -> None:
        super().__init__(config, is_causal=False)

    def forward(
        self, hidden: Float[Tensor, "b t d"], encoded: Encoded, memory: Memory | None = None
    ) -> Float[Tensor, "b t d"]:
        """What each token takes from the encoded text; `memory` keeps its keys and values."""
        query = _heads(self.query(hidden), self.config.head_dim)
        if memory is not None and "encoded_keys" in memory:
            key, value = memory["encoded_keys"], memory["encoded_values"]
        else:
            key = _heads(self.key(encoded.states), self.config.head_dim)
            value = _heads(self.value(encoded.states), self.config.head_dim)
        if memory is not None:
            memory["encoded_keys"], memory["encoded_values"] = key, value
        taken = _attention_of(self.config)(self, query, key, value, encoded.mask)[0]
        output: Tensor = self.output(taken.flatten(2))
        return output


class Encoded(NamedTuple):
    """What an encoder made of a text, and which of it a token of the decoder may see."""

    states: Float[Tensor, "b s d"]
    mask: Bool[Tensor, "b 1 t s"] | None
    """(b 1 1 s) where all tokens see the same; None: everything."""


def _attention_of(config: LiquidFoundationConfig) -> Any:
    """The function that the model's config says attention is to be computed with."""
    return ALL_ATTENTION_FUNCTIONS.get_interface(
        config._attn_implementation, sdpa_attention_forward
    )


class _Kept:
    """Keys, values (b g s w) and positions (b s) of the tokens that later ones may see."""

    def __init__(self, keys: Tensor, values: Tensor, positions: Tensor) -> None:
        self.keys, self.values, self.positions = keys, values, positions

    @classmethod
    def of(cls, memory: Memory) -> _Kept:
        """What `memory` holds."""
        return cls(memory["keys"], memory["values"], memory["positions"])

    def store(self, memory: Memory, window: int | None) -> None:
        """Into `memory`; of a window the last keys, from the start as many: the first are nowhere.

        The next token sees one key fewer than the window is wide, besides its own. A memory that
        was narrowed to the keys that are somewhere grows again, up to as many. `pad` copies: a view
        would hold all that was read.
        """
        count = self.positions.shape[1] if window is None else window - 1
        missing = 0 if memory else max(0, count - self.positions.shape[1])
        start = max(0, self.positions.shape[1] + missing - count)
        memory["keys"] = pad(self.keys[:, :, start:], (0, 0, missing, 0))
        memory["values"] = pad(self.values[:, :, start:], (0, 0, missing, 0))
        memory["positions"] = pad(self.positions[:, start:], (missing, 0), value=NOWHERE)


def _heads(projected: Float[Tensor, "b t x"], width: int) -> Float[Tensor, "b h t w"]:
    rows, tokens, _ = projected.shape
    return projected.view(rows, tokens, -1, width).transpose(1, 2)


def _turned(
    norm: Module, projected: Float[Tensor, "b t x"], width: int, rotation: Rotation
) -> Float[Tensor, "b h t w"]:
    """Heads of queries or keys, normalised or not, turned to their places."""
    heads = _heads(projected, width)
    if isinstance(norm, HeadNorm):
        return norm.turned(heads, rotation)
    return rotation.turn(heads)


def _values_of_both(value: Float[Tensor, "b g s w"]) -> Float[Tensor, "b g s 2w"]:
    """For each group the values of its pair of groups, side by side."""
    pairs = torch.cat((value[:, 0::2], value[:, 1::2]), -1)
    return pairs.repeat_interleave(2, 1)


def _blocks(heads: Float[Tensor, "b h t w"], count: int) -> Float[Tensor, "bn h q w"]:
    rows, number, tokens, width = heads.shape
    split = heads.view(rows, number, count, tokens // count, width)
    return split.transpose(1, 2).flatten(0, 1)


def _with_neighbours(
    heads: Float[Tensor, "b g t w"], missing: int, window: int, sides: int
) -> Float[Tensor, "bn g s w"]:
    """For each block the keys of the one before it, its own and, of three sides, the next."""
    padded = pad(heads, (0, 0, window, missing + (sides - 2) * window))
    spans = padded.unfold(2, sides * window, window)
    return spans.permute(0, 2, 1, 4, 3).flatten(0, 1)


def _of_last_document(positions: Int[Tensor, "b s"], places: Places) -> Int[Tensor, "b s"]:
    """Positions of the keys that the next token may see, NOWHERE for those of other documents."""
    if places.documents is None:
        return positions
    documents = pad(places.documents, (positions.shape[1] - places.documents.shape[1], 0))
    return positions.masked_fill(documents != documents[:, -1:], NOWHERE)
