"""Rows of documents become one batch of tensors: who attends to whom, and what follows what.

A row holds one document, or several of which none sees another: packed, each is computed exactly
as it would be alone, and little of the row is padding.

Axes: b rows, s tokens read (by the decoder, or by the encoder), t places that predict a token.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, NamedTuple

from cauce.corpus.images import image_inputs
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.errors import DataRefused

if TYPE_CHECKING:
    import torch
    from jaxtyping import Bool, Int
    from torch import Tensor
    from transformers import ProcessorMixin

Row = Sequence[Tokens]
"""Documents computed in one row, in order; unpacked, one."""

Segments = Sequence[Sequence[int]]
"""One list per document of a row."""


class Size(NamedTuple):
    """Tokens: of a document, or as many as fit into a row."""

    source: int
    target: int = 0
    """Of encoder-decoders; a decoder reads prompt and completion as one source."""


class Width(NamedTuple):
    """How many places a row of a batch has; the same few widths spare a compiler new shapes."""

    step: int = 1
    """The longest row is rounded up to a multiple of it, unless widths are fixed."""
    fixed: tuple[Size, ...] = ()
    """Ascending; the first that holds every row is taken."""


LONGEST = Width()
"""As wide as the longest row."""


@dataclass(frozen=True)
class Batch:
    """What a model reads, and the token that belongs at each place of its logits."""

    input_ids: Int[Tensor, "b s"]
    attention_mask: Tensor
    """(b s), 1 where a token is real; once a row holds two documents bool (b 1 s s), True where a
    query attends to a key, and causal for decoders."""
    targets: Int[Tensor, "b t"]
    """Already shifted for decoders, whose t is s; IGNORED where nothing is learned."""
    position_ids: Int[Tensor, "b s"] | None
    """Of packed decoders, from 0 in each document."""
    is_real: Bool[Tensor, "b s"]
    """False at padding. An encoder-decoder's targets are real where they are not IGNORED."""
    document_starts: Bool[Tensor, "b s"]
    """True at the first token of each document; padding starts nothing."""
    decoder_input_ids: Int[Tensor, "b t"] | None = None
    """Of encoder-decoders, as are the three below: the start token, then the targets before."""
    decoder_attention_mask: Bool[Tensor, "b 1 t t"] | None = None
    """Packed only: causal, and within a document. A lone document needs no more than causality."""
    cross_attention_mask: Bool[Tensor, "b 1 t s"] | None = None
    """Packed only: which sources a target may see. Unpacked, all that `attention_mask` shows."""
    decoder_document_starts: Bool[Tensor, "b t"] | None = None
    image_inputs: Mapping[str, Tensor] | None = None
    """Of rows that show images: what the model reads beside the tokens, by its own names."""
    judged: Mapping[str, Tensor] | None = None
    """What the objective knows of the documents, in their order, by its own names."""

    @property
    def is_packed(self) -> bool:
        """Whether some row holds two documents."""
        return self.attention_mask.ndim == 4

    def to(self, device: torch.device) -> Batch:
        """The same batch with its tensors on `device`."""
        tensors = {field.name: getattr(self, field.name) for field in fields(self)}
        groups = {name: tensors.pop(name) for name in ("image_inputs", "judged")}
        moved = {name: value.to(device) for name, value in tensors.items() if value is not None}
        for name, group in groups.items():
            if group is not None:
                moved[name] = {key: value.to(device) for key, value in group.items()}
        return replace(self, **moved)


def collate(
    rows: Sequence[Row],
    *,
    pad_id: int,
    decoder_start_id: int | None = None,
    width: Width = LONGEST,
    processor: ProcessorMixin | None = None,
) -> Batch:
    """One batch of `rows`, padded on the right; for a decoder where `decoder_start_id` is None.

    Targets are IGNORED outside the completions, decided by position and never by token id, so an
    end token stays supervised where it doubles as padding. No query is left without a key. Images
    are read by the `processor` of a vision-language model.

    Raises DataRefused for a row wider than `width`, or a document without source for an encoder.
    """
    if decoder_start_id is None:
        batch = _for_decoder(rows, pad_id, width)
        if processor is None:
            return batch
        shown = [[image for item in row for image in item.images] for row in rows]
        return replace(batch, image_inputs=image_inputs(processor, shown, batch.input_ids))
    return _for_encoder_decoder(rows, pad_id, decoder_start_id, width)


def _for_decoder(rows: Sequence[Row], pad_id: int, width: Width) -> Batch:
    read = [[[*item.prompt, *item.completion] for item in row] for row in rows]
    wanted = [[_next_tokens(item) for item in row] for row in rows]
    places = _places(Size(_longest(read)), width).source
    numbers = _numbers(read, places)
    positions = _padded([_positions(row) for row in read], 0, places)
    is_packed = _is_packed(rows)
    return Batch(
        input_ids=_padded([_joined(row) for row in read], pad_id, places),
        attention_mask=_within(numbers).tril() if is_packed else (numbers > 0).long(),
        targets=_padded([_joined(row) for row in wanted], IGNORED, places),
        position_ids=positions if is_packed else None,
        is_real=numbers > 0,
        document_starts=(positions == 0) & (numbers > 0),
    )


def _for_encoder_decoder(
    rows: Sequence[Row], pad_id: int, decoder_start_id: int, width: Width
) -> Batch:
    _refuse_without_source(rows)
    read = [[item.prompt for item in row] for row in rows]
    wanted = [[item.completion for item in row] for row in rows]
    shifted = [[[decoder_start_id, *ids][: len(ids)] for ids in row] for row in wanted]
    places = _places(Size(_longest(read), _longest(wanted)), width)
    source, target = _numbers(read, places.source), _numbers(wanted, places.target)
    is_packed = _is_packed(rows)
    return Batch(
        input_ids=_padded([_joined(row) for row in read], pad_id, places.source),
        attention_mask=_within(source) if is_packed else (source > 0).long(),
        targets=_padded([_joined(row) for row in wanted], IGNORED, places.target),
        position_ids=None,
        is_real=source > 0,
        document_starts=_starts(read, source),
        decoder_input_ids=_padded([_joined(row) for row in shifted], pad_id, places.target),
        decoder_attention_mask=_within(target).tril() if is_packed else None,
        cross_attention_mask=_across(target, source) if is_packed else None,
        decoder_document_starts=_starts(wanted, target),
    )


def _is_packed(rows: Sequence[Row]) -> bool:
    return any(len(row) > 1 for row in rows)


def _next_tokens(item: Tokens) -> list[int]:
    """For each token of the document the one after it, where that is learned."""
    return [*[IGNORED] * len(item.prompt), *item.completion, IGNORED][1:]


def _places(needed: Size, width: Width) -> Size:
    if not width.fixed:
        return Size(*(max(1, math.ceil(n / width.step)) * width.step for n in needed))
    for size in width.fixed:
        if needed.source <= size.source and needed.target <= size.target:
            return size
    raise DataRefused(
        f"a row needs {tuple(needed)} places for source and target, more than any of the fixed "
        f"widths {[tuple(size) for size in width.fixed]}; nothing is cut.\n"
        "Take the width that the rows were packed for, or leave it to the longest row."
    )


def _longest(rows: Sequence[Segments]) -> int:
    return max(sum(map(len, row)) for row in rows)


def _numbers(rows: Sequence[Segments], places: int) -> Int[Tensor, "b places"]:
    """The document, from 1, that each place of each row belongs to; 0 is padding."""
    return _padded([[n for n, ids in enumerate(row, 1) for _ in ids] for row in rows], 0, places)


def _within(numbers: Int[Tensor, "b n"]) -> Bool[Tensor, "b 1 n n"]:
    """True where two places belong to one document; padding is one more, which nobody learns."""
    return (numbers[:, :, None] == numbers[:, None, :])[:, None]


def _across(target: Int[Tensor, "b t"], source: Int[Tensor, "b s"]) -> Bool[Tensor, "b 1 t s"]:
    """True where target and source belong to one document; padding sees all, to see something."""
    same = target[:, :, None] == source[:, None, :]
    return (same | (target == 0)[:, :, None])[:, None]


def _starts(rows: Sequence[Segments], numbers: Int[Tensor, "b n"]) -> Bool[Tensor, "b n"]:
    positions = _padded([_positions(row) for row in rows], 0, numbers.shape[1])
    return (positions == 0) & (numbers > 0)


def _positions(row: Segments) -> list[int]:
    return [place for ids in row for place in range(len(ids))]


def _joined(row: Segments) -> list[int]:
    return [token for ids in row for token in ids]


def _padded(rows: Iterable[Sequence[int]], fill: int, places: int) -> Int[Tensor, "b places"]:
    import torch

    return torch.tensor([[*row, *[fill] * (places - len(row))] for row in rows])


def _refuse_without_source(rows: Sequence[Row]) -> None:
    for number, row in enumerate(rows):
        if not all(item.prompt for item in row):
            raise DataRefused(
                f"row {number} holds a document without a prompt: its encoder has nothing to read."
                "\nGive it one, if only the end token, as cauce.corpus.tokens.tokenize does."
            )
