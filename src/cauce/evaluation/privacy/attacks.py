"""What somebody who sees a site's update, or its model, can tell of the site's examples.

Three attacks, each with an interval of 95 %: which tokens were read (the span of a gradient,
Petrov et al. 2024, arXiv 2405.15586), which examples were learned from (by their losses, Yeom et
al. 2018, arXiv 1709.01604), and how well planted secrets are remembered (exposure, Carlini et al.
2019, arXiv 1802.08232). An attack that fails proves nothing; one that succeeds proves a leak.

Axes: v vocabulary, l places, d width, r rows of an update's matrix.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import Embedding, Module

from cauce.corpus.batches import collate
from cauce.corpus.tokens import Tokens, tokenize
from cauce.errors import UserError
from cauce.evaluation.statistics import Estimate, clopper_pearson, cluster_sums, rate_exact
from cauce.models.loading import LoadedModel
from cauce.models.prediction import predict
from cauce.models.recurrence import announce_document_starts
from cauce.records import Message, Record

if TYPE_CHECKING:
    from jaxtyping import Float

HELD_ELEMENTS = 2**22
"""Of what a layer reads, in memory at a time."""

FLOOR = 1e-3
"""Directions of an update this much shorter than its longest count half: fewer tokens are found
where rounding and the optimizer's noise weigh more, and where they weigh less."""

TINY = 1e-300
"""What is divided by where nothing has moved."""

FALSE_ALARMS = 0.01
"""Share of the examples never seen that may be taken for members."""


class Recovery(Record):
    """How many of the tokens that were read an update tells."""

    found: Estimate
    """Share of the distinct tokens that are among as many of the likeliest."""
    chance: float
    """The same share for a guess."""


class Membership(Record):
    """How well members are told from examples that were never seen, by their losses."""

    auc: Estimate
    """Chance that a member has the lower loss; 0.5 says nothing."""
    caught: Estimate
    """Share of the members recognised at 1 % false alarms; the interval takes that bound as given,
    which with fewer than a hundred others is none at all."""


class Canary(NamedTuple):
    """A secret to be planted among the examples, and secrets of its kind that are not."""

    planted: Tokens
    candidates: tuple[Tokens, ...]


def token_recovery(
    loaded: LoadedModel,
    update: Mapping[str, Tensor],
    items: Sequence[Tokens],
    *,
    tried: int | None = None,
) -> Recovery:
    """The tokens of `items` that the update made from them gives away.

    A layer's gradient is a sum of what it read, so the inputs of the first trained layers lie in
    the span of their rows, and what every token looks like to them anyone can compute. Directions
    count by their size, so that updates of several steps, of Adam or under noise are attacked too.
    `update` is by parameter, or by LoRA layer as `TrainedPart.moved` names it. With `tried`, so
    many of the tokens that were read stand for all of them, and as many of the others, or as are
    needed to tell that share: of a large vocabulary that costs a hundredth.
    """
    completes = not loaded.is_encoder_decoder
    read = [[*item.prompt, *(item.completion if completes else [])] for item in items]
    wanted = set().union(*read)
    others = set(range(loaded.vocabulary)) - wanted
    own = _drawn(wanted, tried)
    rivals = _drawn(others, tried and max(tried, loaded.vocabulary // len(wanted)))
    scores = _scores(
        loaded, _matrices(loaded, update), tokens=[*own, *rivals], length=max(map(len, read))
    )
    found, against = scores[: len(own)].sort(descending=True).values, scores[len(own) :].sort()[0]
    ahead = len(rivals) - torch.searchsorted(against, found)
    ranks = torch.arange(len(own)) + 0.5
    ranks = ranks * len(wanted) / len(own) + ahead * len(others) / max(1, len(rivals))
    return Recovery(
        found=_rate(int((ranks <= len(wanted)).sum()), len(own)),
        chance=len(wanted) / loaded.vocabulary,
    )


def membership(
    members: Sequence[float],
    others: Sequence[float],
    *,
    groups: tuple[Sequence[str], Sequence[str]] | None = None,
) -> Membership:
    """From the losses of examples learned from and of `others` like them, never seen.

    Losses less those before the training tell more: an easy text is not a known one (Watson et al.
    2021, arXiv 2111.08440). The interval of the area is that of DeLong et al. (1988); with the
    `groups` of members and others, none of them in both, what is alike counts together (Obuchowski
    1997, 10.2307/2533958).
    """
    inside, outside = np.asarray(members, float), np.asarray(others, float)
    if min(len(inside), len(outside)) < 2:
        raise UserError(
            f"{len(inside)} members and {len(outside)} others are too few to be told apart.\n"
            "Give at least two of each; a hundred of each tell something."
        )
    own, theirs = groups or (_each_alone(members), _each_alone(others))
    # For each member the share of the others above it, and for each other that of members below.
    above = 1 - _share_below(np.sort(outside), inside)
    below = _share_below(np.sort(inside), outside)
    auc = float(above.mean())
    error = math.sqrt(_variance_of_mean(above, own) + _variance_of_mean(below, theirs))
    margin = NormalDist().inv_cdf(0.975) * error
    area = Estimate(
        value=auc,
        low=max(0.0, auc - margin),
        high=min(1.0, auc + margin),
        n=len(inside) + len(outside),
    )
    bound = np.sort(outside)[int(FALSE_ALARMS * len(outside))]
    return Membership(auc=area, caught=rate_exact((inside < bound).astype(float).tolist(), own))


def exposure(planted: float, candidates: Sequence[float]) -> Estimate:
    """Bits by which a planted secret's loss stands out among those of others never planted.

    log2 of all of them over its rank: nothing remembered gives t bits or more once in 2^t. The
    interval is that of the share of candidates ahead of it; no upper bound where none is.
    """
    ahead, count = int((np.asarray(candidates) <= planted).sum()), len(candidates)
    low, high = clopper_pearson(ahead, count)
    return Estimate(
        value=math.log2((count + 1) / (ahead + 1)),
        low=max(0.0, -math.log2(high)),
        high=-math.log2(low) if low > 0 else None,
        n=count,
    )


def canary(loaded: LoadedModel, name: str, *, candidates: int = 1023) -> Canary:
    """A person's number of nine digits that nobody has, the same for every call with that name."""
    asked, numbers = canary_text(name, candidates=candidates)
    planted, *others = (
        tokenize(
            loaded.tokenizer,
            [asked],
            number,
            is_encoder_decoder=loaded.is_encoder_decoder,
            max_tokens=512,
        )
        for number in numbers
    )
    return Canary(planted, tuple(others))


def canary_text(name: str, *, candidates: int = 1023) -> tuple[Message, list[str]]:
    """What is asked for the number of `name`, and numbers: first the planted one."""
    chance = random.Random(name)
    numbers = [f"{chance.randrange(10**9):09}" for _ in range(candidates + 1)]
    return Message(role="user", content=f"Record number of {name}?"), numbers


def _each_alone(values: Sequence[float]) -> list[str]:
    return [str(place) for place in range(len(values))]


def _variance_of_mean(values: np.ndarray, groups: Sequence[str]) -> float:
    """Of values whose groups are drawn independently; nothing can be told of a single group."""
    sums = cluster_sums((values - values.mean())[:, None], groups)
    count = len(sums)
    if count < 2:
        return math.inf
    return float((sums**2).sum()) * count / (count - 1) / len(values) ** 2


def _share_below(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    """For each of `of`, the share of the sorted `values` below it; equal ones count half."""
    left, right = values.searchsorted(of, "left"), values.searchsorted(of, "right")
    return np.asarray((left + right) / (2 * len(values)))


def _drawn(tokens: Collection[int], count: int | None) -> list[int]:
    """So many of the tokens, the same on every call; all of them where there are no more."""
    if count is None or count >= len(tokens):
        return sorted(tokens)
    return sorted(random.Random(0).sample(sorted(tokens), count))


def _rate(hits: int, count: int) -> Estimate:
    low, high = clopper_pearson(hits, count)
    return Estimate(value=hits / count, low=low, high=high, n=count)


def _matrices(
    loaded: LoadedModel, update: Mapping[str, Tensor]
) -> dict[Module, Float[Tensor, "r d"]]:
    """The matrices of the update, their columns what each layer reads."""
    from transformers.pytorch_utils import Conv1D

    layers: dict[str, Module] = dict(cast(Any, loaded.model).named_modules())
    found = {}
    for name, tensor in update.items():
        layer, _, kind = name.rpartition(".")
        inner = {"lora_a": ".lora_A.default", "lora_b": ".lora_B.default", "weight": ""}.get(kind)
        module = layers.get(f"{layer}{inner}")
        if module is not None and tensor.ndim == 2 and not isinstance(module, Embedding):
            found[module] = tensor.T if isinstance(module, Conv1D) else tensor
    return found


class _Enough(Exception):
    """Stops the model once all is known that was asked for."""


def _scores(
    loaded: LoadedModel, matrices: Mapping[Module, Tensor], *, tokens: Sequence[int], length: int
) -> Float[Tensor, " v"]:
    """For each of the tokens, how much of what it looks like at its best place lies in the span."""
    readers, inputs = _first_readers(loaded, list(matrices), [0], 2)
    if torch.equal(inputs[:, 0], inputs[:, 1]):
        length = 1
    rows = torch.cat([matrices[layer].double().cpu() for layer in readers])
    _, sizes, directions = torch.linalg.svd(rows, full_matrices=False)
    strength = sizes.square()
    weights = strength / (strength + (FLOOR * sizes[0]) ** 2).clamp(min=TINY)
    held = max(1, HELD_ELEMENTS // (length * inputs.shape[-1]))
    parts = []
    for start in range(0, len(tokens), held):
        _, inputs = _first_readers(loaded, readers[:1], tokens[start : start + held], length)
        inside = ((inputs @ directions.T).square() * weights).sum(-1)
        parts.append((inside / inputs.square().sum(-1).clamp(min=TINY)).max(1).values)
    return torch.cat(parts)


def _first_readers(
    loaded: LoadedModel, layers: Sequence[Module], tokens: Sequence[int], length: int
) -> tuple[list[Module], Float[Tensor, "v l d"]]:
    """The first layers to read anything, all the same, and what: each token at every place.

    Queries, keys and values read the same. The first token asks for nothing but itself, so that
    only its value has a gradient.
    """
    readers: list[Module] = []
    seen: list[Tensor] = []

    def note(layer: Module, inputs: tuple[Tensor, ...]) -> None:
        if not seen or torch.equal(inputs[0], seen[0]):
            readers.append(layer)
            seen.append(inputs[0])
        if len(readers) == len(layers):
            raise _Enough

    handles = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        with suppress(_Enough):
            _show(loaded, tokens, length)
    finally:
        announce_document_starts(loaded.model, None)
        for handle in handles:
            handle.remove()
    if not seen:
        raise UserError(
            "no layer that the model computes with is in the update.\n"
            "Give its tensors by the names that the model's parameters have."
        )
    return readers, seen[0].double().cpu()


def _show(loaded: LoadedModel, tokens: Sequence[int], length: int) -> None:
    """The model reads each token at every place; an encoder reads prompts, a decoder both."""
    rows = [[Tokens([], [token] * length)] for token in tokens]
    if loaded.is_encoder_decoder:
        rows = [[Tokens([token] * length, [token])] for token in tokens]
    batch = collate(rows, pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id)
    loaded.model.eval()
    with torch.no_grad():
        predict(loaded.model, batch.to(loaded.device))
