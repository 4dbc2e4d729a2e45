"""Models made from nothing: an architecture of transformers or of cauce, with random weights."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cauce.corpus.tokenizer import make_tokenizer
from cauce.errors import NotFound, RecipeError
from cauce.models.finding import EMBEDDED, models_dir
from cauce.models.loading import FOUNDATION, LoadedModel, assemble, load_tokenizer, register_own
from cauce.models.settings import TRAIN, NewModelSettings
from cauce.models.vision import SEEING, give_image_token, new_processor

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

SENTINELS = 100
"""Tokens that stand for what is cut out of a text, in the vocabulary of an encoder-decoder; as many
as T5 has."""

MOST_NAMED = 12
"""Names of keys that an error lists."""


def refuse_impossible(settings: NewModelSettings) -> None:
    """Raises RecipeError or NotFound for an architecture, key or tokenizer that does not exist."""
    _config(settings, {})
    if settings.tokenizer != TRAIN:
        tokenizer_folder(settings.tokenizer)


def new_model(settings: NewModelSettings, *, seed: int, texts: Iterable[str] = ()) -> LoadedModel:
    """The model with weights drawn by `seed`, and its tokenizer, which is made from `texts` if any.

    Raises what `refuse_impossible` does, and RecipeError for values that make no model.
    """
    import torch
    from transformers import (
        AutoModelForCausalLM,
        AutoModelForImageTextToText,
        AutoModelForSeq2SeqLM,
    )

    is_encoder_decoder = _config(settings, {}).is_encoder_decoder
    tokenizer = _tokenizer(settings, texts, SENTINELS if is_encoder_decoder else 0)
    is_seeing = settings.architecture == SEEING
    image_token = give_image_token(tokenizer) if is_seeing else None
    fields = _fields_of(tokenizer, is_encoder_decoder=is_encoder_decoder)
    config = _config(settings, fields, image_token=image_token)
    model_class: Any = AutoModelForSeq2SeqLM if is_encoder_decoder else AutoModelForCausalLM
    if is_seeing:
        model_class = AutoModelForImageTextToText
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = model_class.from_config(config, dtype=torch.float32)
    except Exception as error:
        # Whatever a model raises while it is made, the values of its config are the reason.
        raise _impossible(settings, error) from error
    processor = new_processor(config, tokenizer) if is_seeing else None
    name = f"new {settings.architecture}"
    return assemble(model, tokenizer, name=name, processor=processor)


def tokenizer_folder(name: str) -> Path:
    """The folder of a tokenizer that was made, or of a model's; NotFound says the next step."""
    places = [EMBEDDED[name]] if name in EMBEDDED else [Path(name), models_dir() / name]
    for folder in places:
        if any((folder / file).is_file() for file in ("tokenizer.json", "tokenizer_config.json")):
            return folder
    raise NotFound(
        f"no tokenizer {name!r}: there is none at {' nor at '.join(map(str, places))}.\n"
        f"Make one with: cauce tokenizer train TEXTS --out FOLDER, or set model.new.tokenizer to "
        f"{TRAIN}."
    )


def _tokenizer(
    settings: NewModelSettings, texts: Iterable[str], sentinels: int
) -> PreTrainedTokenizerBase:
    if settings.tokenizer == TRAIN:
        return make_tokenizer(texts, vocabulary=settings.vocabulary, sentinels=sentinels)
    return load_tokenizer(tokenizer_folder(settings.tokenizer))


def _fields_of(
    tokenizer: PreTrainedTokenizerBase, *, is_encoder_decoder: bool
) -> dict[str, int | None]:
    """The fields of a config that the tokenizer decides."""
    pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": pad,
        **({"decoder_start_token_id": pad} if is_encoder_decoder else {}),
    }


def _config(
    settings: NewModelSettings, fields: dict[str, Any], *, image_token: int | None = None
) -> PreTrainedConfig:
    from transformers import AutoConfig

    _refuse_unknown_architecture(settings.architecture)
    tied = {} if settings.architecture == FOUNDATION else {"tie_word_embeddings": True}
    given = {**tied, **fields, **settings.config}
    if settings.architecture == SEEING:
        text = {**tied, **fields, **settings.config.get("text_config", {})}
        place = {} if image_token is None else {"image_token_index": image_token}
        given = {**tied, **place, **settings.config, "text_config": text}
    try:
        config = AutoConfig.for_model(settings.architecture, **given)
    except Exception as error:
        # The validators of configs raise errors of several libraries.
        raise _impossible(settings, error) from error
    _refuse_unknown_keys(settings, type(config))
    return config


def _refuse_unknown_architecture(name: str) -> None:
    """Raises RecipeError unless transformers knows a language model of that type."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    register_own(name)
    writing = (MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES)
    known = {FOUNDATION, SEEING, *(kind for names in writing for kind in names)}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        advice = f"the nearest is {near[0]!r}" if near else "take llama, lfm2, gpt2 or t5"
        raise RecipeError(
            f"model.new.architecture: transformers has no language model of type {name!r}; "
            f"{advice}.\nNothing was done: mend that and repeat."
        )


def _refuse_unknown_keys(settings: NewModelSettings, config_class: type) -> None:
    """Raises RecipeError for a key that the class would take up and nothing would read."""
    known = _keys(config_class)
    for key in settings.config:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
            listed = ", ".join(sorted(known)[:MOST_NAMED])
            advice = f"the nearest is {near[0]!r}" if near else f"the keys here are {listed}..."
            raise RecipeError(
                f"model.new.config.{key}: {settings.architecture} has no such key; {advice}.\n"
                "Nothing was done: mend that and repeat."
            )


def _keys(config_class: type) -> set[str]:
    """What the constructors of a config and of the classes above it name, and its aliases."""
    named = {
        parameter.name
        for above in config_class.__mro__
        for parameter in inspect.signature(cast(Any, above).__init__).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    return (named | set(cast(Any, config_class).attribute_map)) - {"self"}


def _impossible(settings: NewModelSettings, error: Exception) -> RecipeError:
    return RecipeError(
        f"model.new.config makes no {settings.architecture}: {' '.join(str(error).split())}\n"
        "Nothing was done: mend that and repeat."
    )
