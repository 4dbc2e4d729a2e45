"""Models that cauce tuned: a folder with `cauce.json`, whole or as an adapter on another model."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from cauce.errors import DataRefused, NotFound, TemplateMismatch, UserError
from cauce.models.finding import CARD, resolve
from cauce.models.loading import LoadedModel, load_folder, load_tokenizer, template_sha256
from cauce.models.promoted import served_model
from cauce.models.protocol import LanguageModel
from cauce.models.quantization import Quantize, round_weights
from cauce.models.quiet import quiet_libraries
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.runs import Run, sync_directory, write_json

PREFIX = "prefix.safetensors"


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
