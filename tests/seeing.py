"""Tiny random vision-language models of the classes people use, with processors made here."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image, ImageDraw
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3ImageProcessorPil,
    Gemma3Processor,
    Idefics3ImageProcessorPil,
    Idefics3Processor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)

from cauce.models.quiet import quiet_libraries
from cauce.records import Document, Section
from cauce.sources.images import image_uri

Kind = Literal["llava", "smolvlm", "qwen2_5_vl", "gemma3"]
KINDS: tuple[Kind, ...] = ("llava", "smolvlm", "qwen2_5_vl", "gemma3")
WORDS = [
    "User: Assistant: Name the colour. Escribe el color de la imagen. red green blue rojo verde",
    "¿Qué medicamento es? ibuprofeno paracetamol omeprazol ibuprofen metformin metformina",
]
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (40, 60, 220)}
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
SIGHT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
TEMPLATE = """\
{%- for message in messages %}{{ message['role'] | capitalize }}: \
{% for part in message['content'] %}\
{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}\
{% endfor %}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}"""
"""As those of SmolVLM and Gemma 3: the content comes in parts, or nothing of it is shown."""


def make_folder(kind: Kind, folder: Path, *, seed: int = 0) -> Path:
    """A folder with an untrained model of that type and its processor."""
    torch.manual_seed(seed)
    make = {"llava": _llava, "smolvlm": _smolvlm, "qwen2_5_vl": _qwen, "gemma3": _gemma}[kind]
    model, processor = make()
    with quiet_libraries():
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
    return folder


def _llava() -> tuple[Any, Any]:
    tokenizer = _tokenizer(["<image>"], "<image>")
    ids = _ids(tokenizer)
    config = LlavaConfig(
        text_config={"model_type": "llama", **TEXT, **ids},
        vision_config={"model_type": "clip_vision_model", **SIGHT, "projection_dim": 32},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    size = {"height": 32, "width": 32}
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size=size, do_center_crop=False),
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    return LlavaForConditionalGeneration(config), processor


def _smolvlm() -> tuple[Any, Any]:
    special = ["<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>"]
    tokenizer = _tokenizer(special, "<image>")
    config = SmolVLMConfig(
        text_config={"model_type": "llama", **TEXT, **_ids(tokenizer)},
        vision_config={**SIGHT},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, do_image_splitting=False
    )
    return SmolVLMForConditionalGeneration(config), Idefics3Processor(
        images, tokenizer, image_seq_len=4
    )


def _qwen() -> tuple[Any, Any]:
    from transformers import Qwen2_5_VLProcessor

    special = ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
    tokenizer = _tokenizer(special, "<|vision_start|><|image_pad|><|vision_end|>")
    token = tokenizer.convert_tokens_to_ids
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0}
    config = Qwen2_5_VLConfig(
        text_config={**TEXT, **_ids(tokenizer), "rope_parameters": rope},
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "out_hidden_size": 32,
            "patch_size": 8,
            "window_size": 32,
            "fullatt_block_indexes": [1],
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )
    images = Qwen2VLImageProcessorPil(patch_size=8, min_pixels=32 * 32, max_pixels=48 * 48)
    kept = classmethod(lambda _: ["image_processor", "tokenizer"])
    named = type("Qwen2_5_VLProcessor", (Qwen2_5_VLProcessor,), {"get_attributes": kept})
    return Qwen2_5_VLForConditionalGeneration(config), named(images, tokenizer)


def _gemma() -> tuple[Any, Any]:
    special = ["<start_of_image>", "<end_of_image>", "<image_soft_token>"]
    tokenizer = _tokenizer(
        special,
        "<start_of_image>",
        boi_token="<start_of_image>",
        eoi_token="<end_of_image>",
        image_token="<image_soft_token>",
    )
    token = tokenizer.convert_tokens_to_ids
    config = Gemma3Config(
        text_config={**TEXT, **_ids(tokenizer), "head_dim": 8, "sliding_window": 64},
        vision_config={**SIGHT},
        mm_tokens_per_image=4,
        image_token_id=token("<image_soft_token>"),
        boi_token_index=token("<start_of_image>"),
        eoi_token_index=token("<end_of_image>"),
    )
    images = Gemma3ImageProcessorPil(size={"height": 32, "width": 32})
    return Gemma3ForConditionalGeneration(config), Gemma3Processor(
        images, tokenizer, image_seq_length=4
    )


def _ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _tokenizer(special: list[str], placeholder: str, **named: str) -> PreTrainedTokenizerFast:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<s>", "</s>", *special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(WORDS, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens=named or {},
    )
    tokenizer.chat_template = TEMPLATE.replace("IMAGE", placeholder)
    return tokenizer


def picture(colour: str, *, side: int = 32, shade: int = 0) -> Image.Image:
    """A square of that colour, no two shades of it alike."""
    image = Image.new("RGB", (side, side), COLOURS[colour])
    ImageDraw.Draw(image).point((shade % side, shade // side), fill="white")
    return image


def file_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file that holds the image."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def document_of(number: int, colour: str) -> Document:
    """A row that asks for the colour of a picture."""
    sections = (
        Section(id="q", kind="question", title="Q", text="Name the colour."),
        Section(id="a", kind="answer", title="A", text=colour),
    )
    return Document(
        source="files",
        id=str(number),
        version="1",
        title=str(number),
        language="en",
        sections=sections,
        images=(image_uri(picture(colour, shade=number)),),
        group=str(number),
    )
