"""Where a model is: in the package, in a folder, or where `pull`, which alone fetches, put it."""

from __future__ import annotations

import os
from pathlib import Path

from cauce.errors import NotFound, UserError

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
"""Beside every model that cauce tuned."""


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
    require_safetensors(folder, model_id)
    return folder


def require_safetensors(folder: Path, name: str) -> None:
    """Raises UserError where the folder holds no weights that can be read without running code."""
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"the model {name!r} in {folder} has no weights as *.safetensors; pickled weights can "
            "run code and are not loaded.\n"
            "Convert it once with model.save_pretrained(FOLDER), and use FOLDER as model.base."
        )
