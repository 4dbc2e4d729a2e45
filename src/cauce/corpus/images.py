"""Images become tokens: places in the prompt, and the numbers that a model reads into them.

A processor of `transformers` knows how many places an image takes, and cuts it up. It is given
images that were decoded here, never an address: asked for one, it would fetch it or open a path.

Axes: b rows, s tokens read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from cauce.errors import DataRefused
from cauce.sources.images import decode_image

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor
    from transformers import ProcessorMixin

IMAGE_TOKEN = "<image>"
"""Stands for an image in the template below; the processor repeats it as often as it needs."""

IMAGE_TEMPLATE = """\
{%- for message in messages %}
{%- if message.role == 'assistant' %}{{ 'Assistant:\\n' }}{% else %}\
{{ message.role.capitalize() + ':\\n' }}{% endif %}
{%- for part in message.content %}
{%- if part.type == 'image' %}{{ '<image>\\n' }}{% else %}{{ part.text }}{% endif %}
{%- endfor %}
{%- if message.role == 'assistant' %}{{ eos_token }}{% else %}{{ '\\n\\n' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ 'Assistant:\\n' }}{% endif %}"""
"""The chat template of a vision-language model that has none."""

_OF_TEXT = ("input_ids", "attention_mask")
_KINDS_OF_TOKENS = ("token_type_ids", "mm_token_type_ids")
"""What models call the row that says of each token whether it is of an image."""


def image_digest(uri: str) -> str:
    """A hexadecimal digest that tells one image from another."""
    return hashlib.sha256(uri.encode()).hexdigest()[:32]


def image_prompt(processor: ProcessorMixin | None, text: str, images: Sequence[str]) -> list[int]:
    """The tokens of a prompt whose placeholders stand for the images, in their order.

    Raises DataRefused where the model reads no images, or the template has no place for them.
    """
    if processor is None:
        raise DataRefused(
            f"the prompt shows {len(images)} image(s), and the model reads text alone.\n"
            "Take a vision-language model, whose folder holds a processor_config.json."
        )
    try:
        made = _processed(processor, text, images, add_special_tokens=False)
    except ValueError as error:
        raise DataRefused(
            f"the chat template has no place for {len(images)} image(s) in "
            f"{text[:60]!r}...: {error}\nUse the template that belongs to the processor."
        ) from error
    ids: list[int] = made["input_ids"][0]
    return ids


def image_inputs(
    processor: ProcessorMixin,
    images: Sequence[Sequence[str]],
    input_ids: Int[Tensor, "b s"],
) -> dict[str, Tensor]:
    """What a model reads beside `input_ids`, given the images of each row; nothing without any.

    The images of all rows stand one after the other, as their places do. A model that wants to know
    which tokens are of an image is told.
    """
    import torch

    shown = [row for row in images if row]
    if not shown:
        return {}
    token = str(cast(Any, processor).image_token)
    made = [_processed(processor, token * len(row), row, return_tensors="pt") for row in shown]
    names = [name for name in made[0] if name not in (*_OF_TEXT, *_KINDS_OF_TOKENS)]
    inputs = {name: _stacked([one[name] for one in made]) for name in names}
    for name in _KINDS_OF_TOKENS:
        if name in made[0]:
            kinds = processor.create_mm_token_type_ids(input_ids.tolist())
            inputs[name] = torch.tensor(kinds)
    return inputs


def _processed(
    processor: ProcessorMixin, text: str, images: Sequence[str], **options: Any
) -> dict[str, Any]:
    decoded = [decode_image(uri) for uri in images]
    made: dict[str, Any] = processor(images=decoded, text=[text], **options)
    return made


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    """One after the other; what is smaller in another direction is filled up with zeros."""
    import torch
    from torch.nn.functional import pad

    largest = [max(sizes) for sizes in zip(*(part.shape[1:] for part in parts), strict=True)]
    filled = []
    for part in parts:
        missing = [most - size for most, size in zip(largest, part.shape[1:], strict=True)]
        filled.append(pad(part, [places for it in reversed(missing) for places in (0, it)]))
    return torch.cat(filled)
