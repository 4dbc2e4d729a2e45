"""Models come from disk, as safetensors, with a tokenizer that renders chats.

No code that comes with a model is ever run.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cauce.corpus.images import IMAGE_TEMPLATE
from cauce.corpus.tokens import PLAIN_TEMPLATE
from cauce.errors import DataRefused, MissingExtra, UserError
from cauce.models.finding import require_safetensors
from cauce.models.protocol import LanguageModel
from cauce.models.quantization import Quantize, loading_options, prepare_quantized
from cauce.models.quiet import quiet_libraries
from cauce.models.settings import LiquidSettings

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin

    from cauce.models.batching import Engine

LIQUID_PREFIX = "liquid-"
"""Before the model type of a model whose MLPs were replaced by liquid layers."""

FOUNDATION = "liquid_foundation"
"""The model type of `cauce.models.foundation`."""


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory with the tokenizer and the template it is used with."""

    model: LanguageModel
    """The network; with an adapter it is a `peft` model around it."""
    tokenizer: PreTrainedTokenizerBase
    is_encoder_decoder: bool
    name: str
    """What it was loaded as: an embedded name, a folder or a hub id."""
    template_sha256: str
    adapter: str = "none"
    quantize: Quantize = "none"
    liquid: LiquidSettings | None = None
    """The transplant that was made since it was loaded; one that was loaded is in its config."""
    prefix_vectors: int = 0
    """Vectors of a person's series that it reads before a prompt (`cauce.models.prefix`)."""
    processor: ProcessorMixin | None = None
    """Of a vision-language model: makes tokens of images."""
    engine: Engine | None = None
    """Where many threads share the model: what writes for all of them."""

    @property
    def bare(self) -> Any:
        """The transformers model, under an adapter too."""
        model: Any = self.model
        return model if self.adapter == "none" else model.get_base_model()

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.model.parameters()).device

    @property
    def pad_id(self) -> int:
        """The token that fills up shorter rows of a batch."""
        return int(self.tokenizer.pad_token_id)

    @property
    def decoder_start_id(self) -> int | None:
        """The token an encoder-decoder's answers are written after; None for a decoder."""
        return int(self.model.config.decoder_start_token_id) if self.is_encoder_decoder else None

    @property
    def vocabulary(self) -> int:
        """Tokens that have an embedding: ids from here on do not exist for the model."""
        return int(cast(Any, self.model).get_input_embeddings().weight.shape[0])


def load_folder(folder: Path, *, name: str, quantize: Quantize = "none") -> LoadedModel:
    """The complete model in `folder`, an encoder-decoder or a decoder as its config says.

    Raises MissingExtra or UserError where `quantize` cannot be done here.
    """
    import torch
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        AutoModelForImageTextToText,
        AutoModelForSeq2SeqLM,
    )

    from cauce.models.vision import load_processor, reads_images, refuse_quantized_images

    require_safetensors(folder, name)
    register_own(model_type_of(folder))
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    model_class: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    is_seeing = reads_images(folder, config)
    if is_seeing:
        model_class = AutoModelForImageTextToText
        refuse_quantized_images(name, quantize)
    with quiet_libraries():
        model, report = model_class.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **loading_options(quantize, default_device()),
        )
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise DataRefused(
            f"the weights in {folder} lack {len(missing)} tensors of the model, the first is "
            f"{missing[0]!r}; they would be random.\n"
            "Fetch or export the model again, with its language-model head."
        )
    tokenizer = load_tokenizer(folder)
    processor = load_processor(folder, tokenizer, name=name) if is_seeing else None
    loaded = assemble(model, tokenizer, name=name, processor=processor)
    if quantize != "none":
        prepare_quantized(model)
    return replace(loaded, quantize=quantize)


def assemble(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    name: str,
    processor: ProcessorMixin | None = None,
) -> LoadedModel:
    """Model and tokenizer fit for use together: template, padding, end tokens, device, `eval()`."""
    if tokenizer.chat_template is None:
        tokenizer.chat_template = PLAIN_TEMPLATE if processor is None else IMAGE_TEMPLATE
    if processor is not None:
        processor.chat_template = tokenizer.chat_template
    _set_padding(tokenizer)
    _set_greedy(model, tokenizer)
    return LoadedModel(
        model=cast(Any, model).to(default_device()).eval(),
        tokenizer=tokenizer,
        is_encoder_decoder=bool(model.config.is_encoder_decoder),
        name=name,
        template_sha256=template_sha256(tokenizer),
        processor=processor,
    )


def default_device() -> torch.device:
    """This process's GPU, or the CPU where there is none."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`; MissingExtra where it needs a package that is not installed."""
    from transformers import AutoTokenizer

    register_own(model_type_of(folder))
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except ImportError as error:
        raise MissingExtra(f"the tokenizer in {folder}", "tokenizers") from error
    return tokenizer


def template_sha256(tokenizer: PreTrainedTokenizerBase) -> str:
    """Hexadecimal SHA-256 of the tokenizer's chat template."""
    template = json.dumps(tokenizer.chat_template, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(template.encode()).hexdigest()


def register_own(model_type: str) -> None:
    """Makes transformers know the class of a model that is cauce's own, if it is one."""
    if model_type.startswith(LIQUID_PREFIX):
        from cauce.models.liquid.transplant import register

        register(model_type)
    elif model_type == FOUNDATION:
        import cauce.models.foundation  # noqa: F401


def model_type_of(folder: Path) -> str:
    """As its config names it; empty where there is no config beside a tokenizer."""
    config = folder / "config.json"
    return (json.loads(config.read_bytes()).get("model_type") or "") if config.is_file() else ""


def _set_padding(tokenizer: PreTrainedTokenizerBase) -> None:
    if tokenizer.eos_token is None:
        raise UserError(
            f"the tokenizer {tokenizer.name_or_path!r} has no end token: answers could not end.\n"
            "Set eos_token in its tokenizer_config.json."
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token


def _set_greedy(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """What a published model suggests for sampling would otherwise leak into every answer."""
    from transformers import GenerationConfig

    model.generation_config = cast(Any, GenerationConfig)(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        decoder_start_token_id=model.generation_config.decoder_start_token_id,
    )
