"""The loss: minus the log-likelihood of the completions, summed over their tokens.

Sums, not means: whoever adds several batches up divides once, by all their tokens, so that a token
weighs the same in every batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, NamedTuple

from cauce.corpus.tokens import IGNORED, Tokens, collate
from cauce.models.generation import position_limit
from cauce.models.loading import LoadedModel

if TYPE_CHECKING:
    import torch
    from torch import Tensor

WIDTH_STEP = 32

Precision = Literal["fp32", "bf16"]


class MeanLoss(NamedTuple):
    """A loss per supervised token, in nats, and the tokens it is the mean of."""

    loss: float
    tokens: int


def accumulate_gradients(
    loaded: LoadedModel, batches: Sequence[Sequence[Tokens]], precision: Precision
) -> MeanLoss:
    """Adds to the weights' gradients that of the mean loss over all supervised tokens of `batches`.

    However the examples are cut into batches, the gradient is the same.
    """
    import torch

    tokens = sum(supervised_tokens(loaded, item) for batch in batches for item in batch)
    total = 0.0
    for batch in batches:
        loss = summed_loss(loaded, batch, precision) / tokens
        torch.autograd.backward(loss)
        total += loss.item()
    return MeanLoss(total, tokens)


def mean_loss(
    loaded: LoadedModel, batches: Sequence[Sequence[Tokens]], precision: Precision
) -> MeanLoss:
    """The loss per supervised token over all `batches`, without dropout and without gradients."""
    import torch

    loaded.model.eval()
    tokens = sum(supervised_tokens(loaded, item) for batch in batches for item in batch)
    with torch.inference_mode():
        total = sum(summed_loss(loaded, batch, precision).item() for batch in batches)
    return MeanLoss(total / tokens, tokens)


def supervised_tokens(loaded: LoadedModel, item: Tokens) -> int:
    """Tokens of the example that are predicted: its completion, less one that nothing precedes."""
    has_context = loaded.is_encoder_decoder or bool(item.prompt)
    return len(item.completion) - (0 if has_context else 1)


def summed_loss(loaded: LoadedModel, items: Sequence[Tokens], precision: Precision) -> Tensor:
    """Minus the log-likelihood, in nats, of all supervised tokens of `items`: a scalar in fp32."""
    from torch.nn.functional import cross_entropy

    batch = collate(
        items,
        pad_id=loaded.pad_id,
        is_encoder_decoder=loaded.is_encoder_decoder,
        width_step=_width_step(loaded, precision),
    )
    on_device = {name: tensor.to(loaded.device) for name, tensor in batch.items()}
    with autocast(loaded.device, precision):
        logits, targets = _predictions(loaded, on_device)
    is_supervised = targets != IGNORED
    return cross_entropy(logits[is_supervised].float(), targets[is_supervised], reduction="sum")


def _width_step(loaded: LoadedModel, precision: Precision) -> int:
    """What batch widths are rounded up to: 32 in bf16 where the model has places for it, else 1.

    With a new width at each step, memory in bf16 on a CPU grew from 0.4 to 3.4 GB within 240 steps
    of a model of 4 M weights, and not in fp32 (measured 2026-11-21; docs/log.md).
    """
    limit = position_limit(loaded)
    has_places = limit is None or limit % WIDTH_STEP == 0
    return WIDTH_STEP if precision == "bf16" and has_places else 1


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """Matrix products in bf16 over fp32 weights where `precision` says so.

    fp16 is not offered: T5 overflows in it.
    """
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def choose_precision(wanted: Literal["auto", "fp32", "bf16"], device: torch.device) -> Precision:
    """`wanted`, or for `auto` bf16 where the device multiplies bf16 matrices in hardware.

    Measured on one AVX512 core (2026-11), Llama of 0.3 to 4 M weights: bf16 trains 1.05 to 1.6
    times as fast; the smallest gain least.
    """
    import torch

    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    has_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if has_bf16 else "fp32"


def _predictions(loaded: LoadedModel, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Logits (items, places, vocabulary) and the token that belongs at each place."""
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    labels = batch["labels"]
    if loaded.is_encoder_decoder:
        shifted = loaded.model.prepare_decoder_input_ids_from_labels(labels)
        output = loaded.model(**inputs, decoder_input_ids=shifted, use_cache=False)
        return output.logits, labels
    output = loaded.model(**inputs, use_cache=False)
    return output.logits[:, :-1], labels[:, 1:]
