"""Texts with spans cut out, to be filled in: how encoder-decoders are pretrained.

    text        take one tablet with water after lunch and rest
    prompt      take <0> with water after <1> rest </s>
    completion  <0> one tablet <1> lunch and <2> </s>

Span corruption of T5 (Raffel et al. 2020, arXiv 1910.10683, section 3.1.4). How many tokens are cut
out of a text, and in how many spans, depends on its length alone; chance decides where.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cauce.corpus.tokens import Tokens
from cauce.errors import DataRefused, TrainingRefused

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SHARE = 0.15
"""Share of a text's tokens that is cut out, as T5's."""

MEAN_SPAN = 3.0
"""Tokens of a span on average, as T5's."""


def corrupt(
    item: Tokens,
    *,
    sentinels: Sequence[int],
    share: float = SHARE,
    mean_span: float = MEAN_SPAN,
    chance: random.Random,
) -> Tokens:
    """The text of `item` with spans replaced by sentinels, and as completion what was there.

    The text is prompt and completion together, without the end token that closes the completion;
    that closes both parts of the result. Unlike in T5's own code, the last token is no likelier to
    be cut out than others. Raises DataRefused where a text has no token, holds a sentinel, or needs
    more sentinels than there are.
    """
    text, end = [*item.prompt, *item.completion[:-1]], item.completion[-1]
    amounts = _amounts(len(text), share, mean_span)
    _refuse_unfit(text, sentinels, amounts.spans)
    noise = _cut(amounts.noise, amounts.spans, chance)
    kept = _gaps(len(text) - amounts.noise, amounts.spans, chance)
    prompt, completion = text[: kept[0]], list[int]()
    place = kept[0]
    for sentinel, hidden, shown in zip(sentinels, noise, kept[1:], strict=False):
        prompt += [sentinel, *text[place + hidden : place + hidden + shown]]
        completion += [sentinel, *text[place : place + hidden]]
        place += hidden + shown
    return Tokens([*prompt, end], [*completion, sentinels[amounts.spans], end])


def corrupted_lengths(
    length: int, share: float = SHARE, mean_span: float = MEAN_SPAN
) -> tuple[int, int]:
    """Tokens of the prompt and of the completion that `corrupt` makes of an item of this length.

    >>> corrupted_lengths(513)
    (462, 105)
    """
    noise, spans = _amounts(length - 1, share, mean_span)
    return length - noise + spans, noise + spans + 2


def sentinel_ids(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The ids of `<extra_id_0>`, `<extra_id_1>` and so on, in the order in which T5 uses them.

    Raises TrainingRefused for a tokenizer that lacks them.
    """
    known = {token.removeprefix("▁"): number for token, number in tokenizer.get_vocab().items()}
    found: list[int] = []
    while (name := f"<extra_id_{len(found)}>") in known:
        found.append(known[name])
    if len(found) < 2:
        raise TrainingRefused(
            f"the tokenizer {tokenizer.name_or_path!r} has {len(found)} sentinels <extra_id_0>, "
            "<extra_id_1>...; span corruption needs two at least.\n"
            "Set training.objective.kind=sft, take a T5 as model.base, or add them as special "
            "tokens, resize the model's embeddings and save both."
        )
    return found


class _Amounts(NamedTuple):
    noise: int
    spans: int


def _amounts(tokens: int, share: float, mean_span: float) -> _Amounts:
    """How many of a text's tokens are cut out, and in how many spans that cannot touch.

    At least one is cut out, and where there are two, one is left.
    """
    noise = max(1, min(round(tokens * share), tokens - 1))
    spans = max(1, min(round(noise / mean_span), noise, tokens - noise + 1))
    return _Amounts(noise, spans)


def _cut(total: int, parts: int, chance: random.Random) -> list[int]:
    """Sizes of `parts` pieces of at least one, all cuts equally likely."""
    edges = [0, *sorted(chance.sample(range(1, total), parts - 1)), total]
    return [end - start for start, end in pairwise(edges)]


def _gaps(total: int, spans: int, chance: random.Random) -> list[int]:
    """Sizes of what is left before, between and after the spans; the outer two may be empty."""
    first, *middle, last = _cut(total + 2, spans + 1, chance)
    return [first - 1, *middle, last - 1]


def _refuse_unfit(text: Sequence[int], sentinels: Sequence[int], spans: int) -> None:
    if not text:
        raise DataRefused(
            "an example has no token but its end token: nothing can be cut out of it.\n"
            "Drop it from the corpus."
        )
    if spans >= len(sentinels):
        raise DataRefused(
            f"a text of {len(text)} tokens is to lose {spans} spans, which takes {spans + 1} "
            f"sentinels; the tokenizer has {len(sentinels)}.\n"
            "Lower model.max_tokens so that texts are shorter, or add sentinels to the tokenizer."
        )
    spelled = set(text).intersection(sentinels)
    if spelled:
        raise DataRefused(
            f"a text holds the sentinel with the id {min(spelled)}: it could not be told from a "
            "place where something was cut out.\n"
            "Remove <extra_id_...> from the corpus."
        )
