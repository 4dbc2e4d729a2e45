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

from cauce.corpus.tokens import PLAIN_TEMPLATE
from cauce.errors import DataRefused, MissingExtra, NotFound, TemplateMismatch, UserError
from cauce.models.protocol import LanguageModel
from cauce.models.quiet import quiet_libraries
from cauce.models.settings import ModelSettings
from cauce.runs import sync_directory, write_json

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

EMBEDDED = {"arroyo": Path(__file__).parent.parent / "data" / "arroyo"}
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

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.model.parameters()).device

    @property
    def pad_id(self) -> int:
        """The token that fills up shorter rows of a batch."""
        return int(self.tokenizer.pad_token_id)


def models_dir() -> Path:
    """Where pulled models are kept: `$CAUCE_MODELS`, or `~/.cache/cauce/models`."""
    return Path(os.environ.get("CAUCE_MODELS", Path.home() / ".cache" / "cauce" / "models"))


def resolve(base: str) -> Path:
    """The folder of an embedded, a local or a pulled model; NotFound says the next step."""
    candidates = [EMBEDDED[base]] if base in EMBEDDED else [Path(base), models_dir() / base]
    for folder in candidates:
        if (folder / "config.json").is_file():
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
    """The model of `settings.base` as published, without adapter, in fp32, ready to evaluate."""
    return load_folder(resolve(settings.base), name=settings.base)


def load_tuned(folder: Path) -> LoadedModel:
    """The model that `save_tuned` wrote to `folder`, its adapter on its base.

    Raises TemplateMismatch when the folder's chat template is not the one it was trained with.
    """
    card = _read_card(folder)
    if card["adapter"] == "none":
        loaded = load_folder(folder, name=str(folder))
    else:
        loaded = _with_saved_adapter(load_folder(resolve(card["base"]), name=card["base"]), folder)
    if loaded.template_sha256 != card["template_sha256"]:
        raise TemplateMismatch(
            f"{folder} was trained with the chat template {card['template_sha256'][:8]} but holds "
            f"{loaded.template_sha256[:8]}: the model would be asked in a way it never saw.\n"
            f"Restore {folder / 'chat_template.jinja'} from the run, or train again."
        )
    return loaded


def save_tuned(loaded: LoadedModel, folder: Path) -> None:
    """Writes weights or adapter, tokenizer and template; `folder` appears whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    # Left to decide by itself, peft would look the base up on the hub.
    options = {} if loaded.adapter == "none" else {"save_embedding_layers": False}
    with quiet_libraries():
        loaded.model.save_pretrained(partial, **options)
    (partial / "README.md").unlink(missing_ok=True)
    loaded.tokenizer.save_pretrained(partial)
    card = {
        "base": str(Path(loaded.name).resolve()) if Path(loaded.name).is_dir() else loaded.name,
        "adapter": loaded.adapter,
        "template_sha256": loaded.template_sha256,
    }
    write_json(partial / CARD, card)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    sync_directory(folder.parent)


def load_folder(folder: Path, *, name: str) -> LoadedModel:
    """The complete model in `folder`, an encoder-decoder or a decoder as its config says."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    _require_safetensors(folder, name)
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    model_class = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    with quiet_libraries():
        model, report = cast(Any, model_class).from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise DataRefused(
            f"the weights in {folder} lack {len(missing)} tensors of the model, the first is "
            f"{missing[0]!r}; they would be random.\n"
            "Fetch or export the model again, with its language-model head."
        )
    return assemble(model, load_tokenizer(folder), name=name)


def assemble(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, name: str
) -> LoadedModel:
    """Model and tokenizer fit for use together: template, padding, end tokens, device, `eval()`."""
    import torch

    if tokenizer.chat_template is None:
        tokenizer.chat_template = PLAIN_TEMPLATE
    _set_padding(tokenizer)
    _set_greedy(model, tokenizer)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return LoadedModel(
        model=cast(Any, model).to(device).eval(),
        tokenizer=tokenizer,
        is_encoder_decoder=bool(model.config.is_encoder_decoder),
        name=name,
        template_sha256=template_sha256(tokenizer),
    )


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`; MissingExtra where it needs a package that is not installed."""
    from transformers import AutoTokenizer

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


def _with_saved_adapter(base: LoadedModel, folder: Path) -> LoadedModel:
    from peft import PeftModel

    tokenizer = load_tokenizer(folder)
    with quiet_libraries():
        model = PeftModel.from_pretrained(cast(Any, base.model), str(folder))
    return replace(
        base,
        model=cast(LanguageModel, model.eval()),
        tokenizer=tokenizer,
        template_sha256=template_sha256(tokenizer),
        adapter="lora",
    )


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    if not path.is_file():
        raise NotFound(
            f"{folder} holds no model tuned by cauce: {CARD} is missing.\n"
            "Train one with: cauce train RUN"
        )
    card: dict[str, Any] = json.loads(path.read_bytes())
    return card


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
