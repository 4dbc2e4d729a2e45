"""Answers drawn from a model's own distribution, for trainings that learn from several to a prompt.

Axes: b rows, s tokens read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from cauce.corpus.images import image_inputs
from cauce.corpus.tokens import Tokens
from cauce.models.generation import end_token_ids
from cauce.models.loading import LoadedModel

if TYPE_CHECKING:
    from torch import Tensor


def sample(
    loaded: LoadedModel, prompts: Sequence[Tokens], *, max_new_tokens: int, seed: int | None
) -> list[list[int]]:
    """The tokens of an answer to each prompt, in one batch, its end token included where it ended.

    They are drawn, the same for the same seed on the same machine; without a seed each is the
    likeliest. Completions of the `prompts` are not read. Leaves torch's generator as it was.
    """
    import torch

    ends = end_token_ids(loaded)
    inputs = _inputs(loaded, prompts)
    width = 1 if loaded.is_encoder_decoder else inputs["input_ids"].shape[1]
    loaded.model.eval()
    with torch.random.fork_rng(enabled=seed is not None), torch.inference_mode():
        if seed is not None:
            torch.manual_seed(seed)
        rows = loaded.model.generate(
            **inputs, generation_config=_configuration(loaded, max_new_tokens, ends, seed)
        )
    return [_through_end(row, ends) for row in rows[:, width:].tolist()]


def _configuration(
    loaded: LoadedModel, max_new_tokens: int, ends: list[int], seed: int | None
) -> Any:
    from transformers import GenerationConfig

    # Of what is not said, transformers would keep the 50 likeliest tokens alone.
    drawing = {} if seed is None else {"top_k": 0, "top_p": 1.0, "temperature": 1.0}
    return cast(Any, GenerationConfig)(
        max_new_tokens=max_new_tokens,
        do_sample=seed is not None,
        eos_token_id=ends,
        pad_token_id=loaded.pad_id,
        **drawing,
    )


def _inputs(loaded: LoadedModel, prompts: Sequence[Tokens]) -> dict[str, Tensor]:
    """The prompts, padded on the left, and what they show."""
    import torch

    width = max(len(item.prompt) for item in prompts)
    spare = [width - len(item.prompt) for item in prompts]
    ids = [[loaded.pad_id] * n + it.prompt for n, it in zip(spare, prompts, strict=True)]
    mask = [[0] * n + [1] * len(it.prompt) for n, it in zip(spare, prompts, strict=True)]
    inputs = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
    if loaded.processor is not None:
        shown = [item.images for item in prompts]
        inputs |= image_inputs(loaded.processor, shown, inputs["input_ids"])
    return {name: value.to(loaded.device) for name, value in inputs.items()}


def _through_end(tokens: list[int], ends: list[int]) -> list[int]:
    end = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[: end + 1]
