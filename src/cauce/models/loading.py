"""Models come from disk, as safetensors, with a tokenizer that renders chats; `pull` alone fetches.

No code that comes with a model is ever run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cauce.corpus.images import IMAGE_TEMPLATE
from cauce.corpus.tokens import PLAIN_TEMPLATE
from cauce.errors import DataRefused, MissingExtra, NotFound, TemplateMismatch, UserError
from cauce.models.promoted import served_model
from cauce.models.protocol import LanguageModel
from cauce.models.quantization import (
    Quantize,
    loading_options,
    prepare_quantized,
    round_weights,
)
from cauce.models.quiet import quiet_libraries
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.runs import Run, sync_directory, write_json

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin

    from cauce.models.batching import Engine

EMBEDDED = {"cauce-mini": Path(__file__).parent.parent / "data" / "cauce-mini"}
"""Models that are part of the package."""

PULLED_FILES = [
    "*.safetensors",
    "*.safetensors.index.json",
    "*.json",
    "*.jinja",
    "*.txt",
    "*.model",
]
"""What `pull` fetches: weights as safetensors, never a pickle, never code."""

CARD = "cauce.json"
PREFIX = "prefix.safetensors"

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


def models_dir() -> Path:
    """Where pulled models are kept: `$CAUCE_MODELS`, or `~/.cache/cauce/models`."""
    return Path(os.environ.get("CAUCE_MODELS", Path.home() / ".cache" / "cauce" / "models"))


def resolve(base: str) -> Path:
    """The folder of an embedded, a local or a pulled model; NotFound says the next step."""
    candidates = [EMBEDDED[base]] if base in EMBEDDED else [Path(base), models_dir() / base]
    for folder in candidates:
        if any((folder / name).is_file() for name in ("config.json", CARD)):
            return folder
    places = " nor at ".join(str(folder) for folder in candidates)
    remedy = (
        "Install cauce again: the model is part of the package."
        if base in EMBEDDED
        else f"Fetch a model of the hub with: cauce models pull {base}"
    )
    raise NotFound(f"no model {base!r}: there is no config.json at {places}.\n{remedy}")


def pull(model_id: str) -> Path:
    """The folder that the hub's model was downloaded to; the only call that needs network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    folder = models_dir() / model_id
    try:
        snapshot_download(model_id, local_dir=folder, allow_patterns=PULLED_FILES)
    except RepositoryNotFoundError as error:
        raise NotFound(
            f"the hub has no public model {model_id!r}.\n"
            "Check its id at https://huggingface.co/models; for a private one set HF_TOKEN."
        ) from error
    _require_safetensors(folder, model_id)
    return folder


def load_base(settings: ModelSettings) -> LoadedModel:
    """The model of `settings.base` as it stands, without adapter, in fp32, ready to evaluate.

    A folder that cauce tuned is one more model to go on from: its adapter, if any, is merged into
    its weights. With `settings.quantize`, its linear weights are in 4 bits. Raises TemplateMismatch
    as `load_tuned` does.
    """
    return _load_whole(settings.base, settings.quantize)


def load_tuned(folder: Path) -> LoadedModel:
    """The model that `save_tuned` wrote to `folder`, its adapter on its base as trained with it.

    Raises TemplateMismatch when the folder's chat template is not the one it was trained with, and
    DataRefused when its adapter was made for another model than its base is now.
    """
    card = _read_card(folder)
    if card["adapter"] == "none" and not card.get("prefix"):
        loaded = load_folder(folder, name=str(folder))
    else:
        base = _transplanted(_load_whole(card["base"], card.get("quantize", "none")), card)
        loaded = _with_prefix(base, folder, card)
        if card["adapter"] != "none":
            loaded = _with_saved_adapter(loaded, folder, card)
    _refuse_other_template(loaded, card, folder)
    return loaded


def model_folder(run: Run, remedy: str = "") -> Path:
    """Where a run's model is: the one that it is served with, or what a remedy left of its own.

    NotFound where it was not trained, or the remedy was not made.
    """
    folder = run.path / (f"remedies/{remedy}/model" if remedy else served_model(run))
    if (folder / CARD).is_file():
        return folder
    if not remedy:
        raise NotFound(f"{run.path} has no trained model.\nWalk its recipe first: cauce run.")
    raise NotFound(
        f"assistant.remedy is {remedy!r}, and {folder.parent} holds no model.\n"
        f"Make it first: cauce remedy {run.path.name}"
    )


def load_model_of(run: Run, remedy: str = "") -> LoadedModel | None:
    """The run's tuned model, as it was trained or as a remedy left it; None for one untrained.

    Raises as `model_folder` and `load_tuned`.
    """
    is_trained = "train" in run.manifest["stages"]
    return load_tuned(model_folder(run, remedy)) if is_trained else None


def tokenizer_folder(run: Run, base: str) -> Path:
    """Where the tokenizer is that fits the run best: its trained model's, else the base's."""
    return model_folder(run) if "train" in run.manifest["stages"] else resolve(base)


def load_base_of(folder: Path) -> LoadedModel:
    """The model that the tuned one in `folder` started from, as it was; NotFound without card."""
    card = _read_card(folder)
    return load_base(ModelSettings(base=card["base"], quantize=card.get("quantize", "none")))


def _refuse_other_template(loaded: LoadedModel, card: dict[str, Any], folder: Path) -> None:
    if loaded.template_sha256 != card["template_sha256"]:
        raise TemplateMismatch(
            f"{folder} was trained with the chat template {card['template_sha256'][:8]} but holds "
            f"{loaded.template_sha256[:8]}: the model would be asked in a way it never saw.\n"
            f"Restore {folder / 'chat_template.jinja'} from the run, or train again."
        )


def save_tuned(loaded: LoadedModel, folder: Path) -> None:
    """Writes weights or adapter, tokenizer and template; `folder` appears whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    # Left to decide by itself, peft would look the base up on the hub.
    options = {} if loaded.adapter == "none" else {"save_embedding_layers": False}
    is_base = loaded.prefix_vectors > 0 and loaded.adapter == "none"
    if not is_base:
        with quiet_libraries():
            loaded.model.save_pretrained(partial, **options)
    (partial / "README.md").unlink(missing_ok=True)
    loaded.tokenizer.save_pretrained(partial)
    if loaded.processor is not None:
        loaded.processor.save_pretrained(partial)
    card = {
        "base": _base_as_named_from(folder, loaded.name),
        "adapter": loaded.adapter,
        "quantize": loaded.quantize,
        "liquid": loaded.liquid.model_dump(mode="json") if loaded.liquid else None,
        "template_sha256": loaded.template_sha256,
        "base_tensors": _tensors_without_adapter(loaded),
        **_saved_prefix(loaded, partial),
    }
    write_json(partial / CARD, card)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    sync_directory(folder.parent)


def _base_as_named_from(folder: Path, name: str) -> str:
    """A folder of the run that `folder` is in by its way from there: the run may be moved."""
    base, folder = Path(name).resolve(), folder.resolve()
    if not Path(name).is_dir():
        return name
    runs = (it for it in folder.parents if (it / "manifest.json").is_file())
    is_of_run = any(run in base.parents for run in runs)
    return os.path.relpath(base, folder) if is_of_run else str(base)


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

    _require_safetensors(folder, name)
    register_own(_model_type(folder))
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

    register_own(_model_type(folder))
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


def _load_whole(name: str, quantize: Quantize = "none") -> LoadedModel:
    """The model of that name without adapter: one that it was saved with has become part of it."""
    folder = resolve(name)
    card = _read_card(folder) if (folder / CARD).is_file() else None
    if card is not None and card.get("prefix"):
        raise UserError(
            f"{name} reads a person's series before its prompts; as a base it would be without.\n"
            f"Set model.base to {card['base']}."
        )
    if card is None or card["adapter"] == "none":
        loaded = load_folder(folder, name=name, quantize=quantize)
    elif quantize == "none":
        loaded = replace(_merged(folder, card), name=name)
    else:
        raise UserError(
            f"model.base {name} is an adapter of {card['base']}; merged into weights of 4 bits it "
            "would be rounded away in part.\n"
            f"Set model.quantize to none, or model.base to {card['base']}."
        )
    if card is not None:
        _refuse_other_template(loaded, card, folder)
    return loaded


def _merged(folder: Path, card: dict[str, Any]) -> LoadedModel:
    """Base and adapter of `folder` as one model in fp32 that computes what they compute."""
    base = _transplanted(_load_whole(card["base"]), card)
    if card.get("quantize", "none") != "none":
        rounded = _load_whole(card["base"], card["quantize"])
        round_weights(cast(Any, base.model), cast(Any, rounded.model))
    tuned = _with_saved_adapter(base, folder, card)
    merged = cast(Any, tuned.model).merge_and_unload().requires_grad_(True)
    return replace(tuned, model=merged.eval(), adapter="none")


def _transplanted(base: LoadedModel, card: dict[str, Any]) -> LoadedModel:
    """`base` as it was under the adapter; its liquid layers are random until that is loaded."""
    if card.get("liquid") is None:
        return base
    from cauce.models.liquid.transplant import liquidize

    settings = LiquidSettings.model_validate(card["liquid"])
    liquidize(base.bare, **dict(settings))
    return replace(base, liquid=settings)


def _saved_prefix(loaded: LoadedModel, folder: Path) -> dict[str, Any]:
    if not loaded.prefix_vectors:
        return {}
    from cauce.models.prefix import save_prefix

    return {"prefix": save_prefix(loaded, folder / PREFIX)}


def _with_prefix(base: LoadedModel, folder: Path, card: dict[str, Any]) -> LoadedModel:
    if not card.get("prefix"):
        return base
    from cauce.models.prefix import load_prefix

    return load_prefix(base, folder / PREFIX, card["prefix"])


def _with_saved_adapter(base: LoadedModel, folder: Path, card: dict[str, Any]) -> LoadedModel:
    from peft import PeftModel

    tokenizer = load_tokenizer(folder)
    if tokenizer.get_vocab() != base.tokenizer.get_vocab():
        raise _other_base(base, folder, "their vocabularies differ")
    tensors = _tensors_without_adapter(base)
    if card.get("base_tensors", tensors) != tensors:
        fault = f"that had {card['base_tensors']} tensors, this has {tensors}"
        raise _other_base(base, folder, fault)
    try:
        with quiet_libraries():
            model = PeftModel.from_pretrained(cast(Any, base.model), str(folder))
    except RuntimeError as error:
        if "size mismatch" not in str(error):
            raise
        fault = str(error).split("size mismatch for ", 1)[1].splitlines()[0]
        raise _other_base(base, folder, fault) from error
    return replace(
        base,
        model=cast(LanguageModel, model.eval()),
        tokenizer=tokenizer,
        template_sha256=template_sha256(tokenizer),
        adapter="lora",
    )


def _tensors_without_adapter(loaded: LoadedModel) -> int:
    """How many weights the model has of its own: a layer more is told, however it is stored.

    peft would leave that layer, or one less, without its adapter and without a word.
    """
    return sum(
        "lora_" not in name and ".modules_to_save." not in name
        for name, _ in loaded.model.named_parameters()
    )


def _other_base(base: LoadedModel, folder: Path, fault: str) -> DataRefused:
    return DataRefused(
        f"the adapter in {folder} was made for another model than {base.name!r} is now: {fault}.\n"
        f"Restore the model it was trained on, which {folder / CARD} names, or train again."
    )


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    if not path.is_file():
        raise NotFound(
            f"{folder} holds no model tuned by cauce: {CARD} is missing.\n"
            "Train one with: cauce train RUN"
        )
    card: dict[str, Any] = json.loads(path.read_bytes())
    if card["base"].startswith(".."):
        card["base"] = str((folder / card["base"]).resolve())
    return card


def register_own(model_type: str) -> None:
    """Makes transformers know the class of a model that is cauce's own, if it is one."""
    if model_type.startswith(LIQUID_PREFIX):
        from cauce.models.liquid.transplant import register

        register(model_type)
    elif model_type == FOUNDATION:
        import cauce.models.foundation  # noqa: F401


def _model_type(folder: Path) -> str:
    """As its config names it; empty where there is no config beside a tokenizer."""
    config = folder / "config.json"
    return (json.loads(config.read_bytes()).get("model_type") or "") if config.is_file() else ""


def _require_safetensors(folder: Path, name: str) -> None:
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"the model {name!r} in {folder} has no weights as *.safetensors; pickled weights can "
            "run code and are not loaded.\n"
            "Convert it once with model.save_pretrained(FOLDER), and use FOLDER as model.base."
        )


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
