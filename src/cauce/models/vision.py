"""Vision-language models: which folders hold one, and the processor that reads images for it.

The model itself is one more decoder (`AutoModelForImageTextToText`). Its processor is loaded by its
class, with the image processor that needs Pillow alone: the others need torchvision, and so does
the part for videos, which is left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cauce.corpus.images import IMAGE_TEMPLATE, IMAGE_TOKEN
from cauce.errors import MissingExtra, UserError
from cauce.models.quantization import Quantize
from cauce.models.quiet import quiet_libraries

if TYPE_CHECKING:
    from torch.nn import Module
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase, ProcessorMixin

SEEING = "llava"
"""The type of vision-language model that is made from nothing: any vision tower, any decoder."""

WHITE, CONTRAST = 1.0, 0.25
"""A new model sees the difference from white: what is printed, and not the paper, is its input."""

PROCESSOR_FILES = ("processor_config.json", "preprocessor_config.json")
"""One of them is beside the weights of a model that reads images."""


def reads_images(folder: Path, config: PreTrainedConfig) -> bool:
    """Whether the folder holds a vision-language model with its processor."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    is_known = config.model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    return is_known and any((folder / name).is_file() for name in PROCESSOR_FILES)


def load_processor(
    folder: Path, tokenizer: PreTrainedTokenizerBase, *, name: str
) -> ProcessorMixin:
    """The processor in `folder`, around `tokenizer`.

    Raises MissingExtra without Pillow, or without what the class of the processor needs besides.
    """
    from transformers import AutoImageProcessor

    processor_class = _without_videos(_processor_class(folder, name))
    try:
        with quiet_libraries():
            settings, _ = processor_class.get_processor_dict(folder, local_files_only=True)
            images = cast(Any, AutoImageProcessor).from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, backend="pil"
            )
            parts = {"image_processor": images, "tokenizer": tokenizer}
            args = [parts[part] for part in processor_class.get_attributes()]
            return cast("ProcessorMixin", processor_class.from_args_and_dict(args, settings))
    except ImportError as error:
        raise MissingExtra(f"reading images with {name}", "images") from error


def give_image_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """Adds the token that stands for an image, which it returns, and the template that uses it."""
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken(IMAGE_TOKEN, special=True)], special_tokens=True)
    tokenizer.chat_template = IMAGE_TEMPLATE
    return int(cast(Any, tokenizer).convert_tokens_to_ids(IMAGE_TOKEN))


def new_processor(config: Any, tokenizer: PreTrainedTokenizerBase) -> ProcessorMixin:
    """The processor of a new `SEEING` model: a whole image drawn into the square that it reads."""
    try:
        from transformers import CLIPImageProcessorPil, LlavaProcessor
    except ImportError as error:
        raise MissingExtra("a model that reads images", "images") from error

    side = config.vision_config.image_size
    images: Any = CLIPImageProcessorPil
    made: Any = LlavaProcessor
    return cast(
        "ProcessorMixin",
        made(
            images(
                size={"height": side, "width": side},
                do_center_crop=False,
                image_mean=[WHITE] * 3,
                image_std=[CONTRAST] * 3,
            ),
            tokenizer,
            patch_size=config.vision_config.patch_size,
            vision_feature_select_strategy=config.vision_feature_select_strategy,
            num_additional_image_tokens=1,
        ),
    )


def refuse_quantized_images(name: str, quantize: Quantize) -> None:
    """Raises UserError for a model that reads images and is asked for in 4 bits."""
    if quantize != "none":
        raise UserError(
            f"{name!r} reads images, and model.quantize is {quantize}: that is not done here.\n"
            "Set model.quantize to none."
        )


def language_part(model: Any) -> str:
    """The name of the part of a vision-language model that reads and writes tokens."""
    decoder: Module = model.get_decoder()
    return next(str(name) for name, part in model.named_modules() if part is decoder)


def _processor_class(folder: Path, name: str) -> Any:
    """As the folder names it, or as transformers has it for the type of the model."""
    import transformers
    from transformers.models.auto import processing_auto

    files = [folder / file for file in PROCESSOR_FILES if (folder / file).is_file()]
    read = [json.loads(path.read_bytes()) for path in files]
    model_type = json.loads((folder / "config.json").read_bytes())["model_type"]
    named = next((it["processor_class"] for it in read if it.get("processor_class")), None)
    found = named or cast(Any, processing_auto).PROCESSOR_MAPPING_NAMES.get(model_type)
    known: Any = transformers
    if found is None or found not in dir(known):
        raise UserError(
            f"the model {name!r} in {folder} wants the processor {found or 'of ' + model_type!r}, "
            "which transformers does not have; code that comes with a model is never run.\n"
            "Take a model whose processor is part of transformers: llava, smolvlm, qwen3_vl..."
        )
    return getattr(known, found)


def _without_videos(processor_class: Any) -> Any:
    """The class, or one of the same name that is made without a processor of videos."""
    parts = processor_class.get_attributes()
    if "video_processor" not in parts:
        return processor_class
    kept = [part for part in parts if part != "video_processor"]
    return type(
        processor_class.__name__,
        (processor_class,),
        {"get_attributes": classmethod(lambda _: kept)},
    )
