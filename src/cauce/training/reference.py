"""The model that a trained one is held near to: itself before the training.

No second copy of it is held. What it says of the answers is computed once, before the first update,
and kept beside the log; under an adapter it is the base, the adapter off.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch

from cauce.corpus.judged import Pair, Rated
from cauce.corpus.tokens import Tokens
from cauce.models.head import set_aside
from cauce.models.loading import LoadedModel
from cauce.runs import write_json
from cauce.training.acceleration import (
    accelerated,
    choose_attention,
    choose_precision,
    choose_width,
)
from cauce.training.distribution import Processes
from cauce.training.scoring import Scoring, sums
from cauce.training.settings import TrainingSettings

NAME = "reference.json"


def referred(
    loaded: LoadedModel, items: Sequence[Tokens], settings: TrainingSettings, folder: Path
) -> list[Tokens]:
    """The items with what `loaded`, without its adapter, says of their answers.

    Those that are no judged answers, or have it, stay as they are. It is kept in the folder, and
    read there again where items, model and precision are the same.
    """
    wanted = [item for item in items if _asked_about(item)]
    if not wanted:
        return list(items)
    processes = Processes.start(settings.parallel)
    precision, _ = choose_precision(settings.precision, loaded)
    key = f"{digest_of_tokens(wanted)} {digest_of_weights(loaded)} {precision}"
    path = folder / NAME
    known = processes.gather(_kept(path, key) if processes.is_main else None)[0]
    if known is None:
        known = _computed(loaded, wanted, settings)
        if processes.is_main:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(path, {"of": key, "log_probabilities": known})
    told = iter(known)
    return [_with_reference(it, next(told)) if _asked_about(it) else it for it in items]


def without_adapter(loaded: LoadedModel) -> AbstractContextManager[None]:
    """While entered, the model is what it was before its adapter, if it has one."""
    if loaded.adapter == "none":
        return nullcontext()
    off: AbstractContextManager[None] = cast(Any, loaded.model).disable_adapter()
    return off


def digest_of_tokens(items: Sequence[Tokens]) -> str:
    """Hexadecimal digest that changes with any token of any example, or with their order."""
    digest = hashlib.sha256()
    for item in items:
        for ids in (item.prompt, item.completion):
            digest.update(len(ids).to_bytes(4, "little") + array("I", ids).tobytes())
        for image in item.images:
            digest.update(image.encode())
        if item.judged is not None:
            digest.update(repr(item.judged).encode())
    return digest.hexdigest()[:16]


def digest_of_weights(loaded: LoadedModel) -> str:
    """Hexadecimal digest that changes with any weight of the model, frozen or not."""
    digest = hashlib.sha256()
    for name, weight in loaded.model.named_parameters():
        digest.update(name.encode())
        flat = weight.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _asked_about(item: Tokens) -> bool:
    return isinstance(item.judged, Pair | Rated) and item.judged.reference is None


def _with_reference(item: Tokens, told: Sequence[float]) -> Tokens:
    assert isinstance(item.judged, Pair | Rated)
    return item._replace(judged=item.judged._replace(reference=(told[0], told[1])))


def _kept(path: Path, key: str) -> list[list[float]] | None:
    if not path.is_file():
        return None
    kept = json.loads(path.read_bytes())
    return kept["log_probabilities"] if kept["of"] == key else None


def _computed(
    loaded: LoadedModel, items: Sequence[Tokens], settings: TrainingSettings
) -> list[list[float]]:
    """Both log-probabilities of each item, without dropout, in the precision of the training."""
    precision, _ = choose_precision(settings.precision, loaded)
    attention = choose_attention(loaded, precision, max(item.length for item in items))
    scoring = Scoring(loaded, precision).eval()
    width = choose_width(loaded, precision)
    order = sorted(range(len(items)), key=lambda place: items[place].length)
    known: dict[int, list[float]] = {}
    with (
        accelerated(loaded, attention),
        set_aside(scoring.head),
        without_adapter(loaded),
        torch.no_grad(),
    ):
        for start in range(0, len(order), settings.batch_size):
            chosen = order[start : start + settings.batch_size]
            batch = scoring.batch([list(_answers(items[place])) for place in chosen], width)
            each, _ = scoring.log_probabilities(batch)
            told = sums(each, batch, 2 * len(chosen)).view(-1, 2).tolist()
            known.update(zip(chosen, told, strict=True))
    return [known[place] for place in range(len(items))]


def _answers(item: Tokens) -> Iterator[Tokens]:
    """Both answers that are asked about, each as a document of its own."""
    if isinstance(item.judged, Rated):
        yield item._replace(judged=None)
        yield item._replace(completion=item.judged.elsewhere, judged=None)
    else:
        yield from item.documents
