"""The model that another tool names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cauce.models.finding import resolve
from cauce.models.loading import LoadedModel, load_tokenizer
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def open_model(name: str) -> LoadedModel:
    """The tuned model of the run of that name or path; else the model of that folder or id.

    Raises NotFound where it is neither, and where the run has no tuned model yet.
    """
    tuned = _tuned_folder(name)
    return load_base(ModelSettings(base=name)) if tuned is None else load_tuned(tuned)


def open_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The tokenizer of the model that `open_model` gives; NotFound as there."""
    return load_tokenizer(_tuned_folder(name) or resolve(name))


def _tuned_folder(name: str) -> Path | None:
    for run in (Path(name), Path("runs") / name):
        if (run / "manifest.json").is_file():
            return run / "train" / "model"
    return None
