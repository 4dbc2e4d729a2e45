"""One step of a model whose rows are of different lengths: a prompt, or a token of each row.

Axes: b rows, v vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cauce.models.cache_rows import UnknownCache, copied, joined
from cauce.models.loading import LoadedModel

if TYPE_CHECKING:
    from jaxtyping import Float
    from transformers.cache_utils import Cache

LONG, SHORT = 9, 4
"""Tokens of the two texts on which a model is tried."""


class Steps:
    """The steps of a model, which is not trained meanwhile."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        loaded.model.eval()
        parameters = inspect.signature(loaded.bare.forward).parameters
        self._knows_positions = "position_ids" in parameters
        self._only_last = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}

    def read(
        self, ids: Sequence[int], cache: Cache | None, past: int
    ) -> tuple[Cache, Float[Tensor, " v"]]:
        """What is kept of `past` tokens in `cache` and these, and what is expected after them."""
        device = self._loaded.device
        positions = torch.arange(past, past + len(ids), device=device)[None]
        mask = torch.ones(1, past + len(ids), dtype=torch.long, device=device)
        given = torch.tensor([ids], device=device)
        output = self._forward(given, cache, mask, positions)
        return output.past_key_values, output.logits[0, -1]

    def read_rows(
        self, tokens: Sequence[int], cache: Cache | None, columns: Sequence[int]
    ) -> tuple[Cache, Float[Tensor, "b v"]]:
        """One token of each row, behind the so many columns that the cache holds of it."""
        device = self._loaded.device
        past = torch.tensor(columns, device=device)
        places = torch.arange(max(columns) + 1, device=device)
        mask = (places >= max(columns) - past[:, None]).long()
        given = torch.tensor(tokens, device=device)[:, None]
        output = self._forward(given, cache, mask, past[:, None])
        return output.past_key_values, output.logits[:, -1]

    def _forward(self, ids: Tensor, cache: Cache | None, mask: Tensor, positions: Tensor) -> Any:
        places = {"position_ids": positions} if self._knows_positions else {}
        return self._loaded.model(
            input_ids=ids,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            **places,
            **self._only_last,
        )

    def write_alike(self) -> bool:
        """Whether a token of two joined rows is read as it is of each alone: tried, not assumed.

        No for encoder-decoders and models that see, whose rows hold more than tokens.
        """
        if self._loaded.is_encoder_decoder or self._loaded.processor is not None:
            return False
        texts = self._texts()
        next_tokens = [text[0] for text in texts]
        with torch.inference_mode():
            caches = [self.read(text, None, 0)[0] for text in texts]
            alone = [
                self.read([token], copied(cache), len(text))[1]
                for text, token, cache in zip(texts, next_tokens, caches, strict=True)
            ]
            try:
                cache = joined(caches)
            except UnknownCache:
                return False
            _, together = self.read_rows(next_tokens, cache, [len(text) for text in texts])
        return _are_close(together, torch.stack(alone))

    def read_alike(self) -> bool:
        """Whether a text that is read in two pieces is as it is in one."""
        long, _ = self._texts()
        with torch.inference_mode():
            _, whole = self.read(long, None, 0)
            cache, _ = self.read(long[:SHORT], None, 0)
            _, pieced = self.read(long[SHORT:], cache, SHORT)
        return _are_close(pieced, whole)

    def _texts(self) -> tuple[list[int], list[int]]:
        ids = [(7 * place + 5) % self._loaded.vocabulary for place in range(LONG + SHORT)]
        return ids[:LONG], ids[LONG:]


def _are_close(one: Tensor, other: Tensor) -> bool:
    tolerance = 1e-4 if one.dtype == torch.float32 else 5e-2
    return float((one - other).abs().max()) <= tolerance * float(other.abs().max())
