"""How layers whose state runs along the tokens learn where a document starts.

Masks keep documents of one row apart in attention only: a recurrent state has to be reset. Where to
stands in an attribute, because a checkpointed layer is computed again in the backward pass, and
because a compiled one takes an attribute as an input.

Axes: b rows, t tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor
from torch.nn import Module

from cauce.corpus.batches import Batch
from cauce.models.protocol import LanguageModel

if TYPE_CHECKING:
    from jaxtyping import Bool


class Recurrent(Module, ABC):
    """A layer that carries a state from token to token, and drops it at `document_starts`.

    True in a row is where a token is the first of its document: nothing of the state before it may
    reach it. None, the default, means that each row is one document.
    """

    document_starts: Bool[Tensor, "b t"] | None = None

    @abstractmethod
    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What the layer makes of its inputs, the state of every document beginning anew."""


def announce_document_starts(model: LanguageModel, batch: Batch | None) -> None:
    """Tells every recurrent layer of `model` where the documents of `batch` start.

    A layer of an encoder learns the starts of the sources, any other those of what the decoder
    reads. They hold until the next announcement: call it before the forward pass of each batch and
    not again before its backward pass. None withdraws them, as generation needs.
    """
    layers = [part for part in model.modules() if isinstance(part, Recurrent)]
    if not layers:
        return
    encoding: set[Module] = set()
    if batch is not None and batch.decoder_input_ids is not None:
        encoding = set(cast(Module, model.get_encoder()).modules())
    for layer in layers:
        layer.document_starts = None if batch is None else _starts(batch, layer in encoding)


def _starts(batch: Batch, is_encoding: bool) -> Tensor | None:
    if batch.decoder_input_ids is None or is_encoding:
        return batch.document_starts
    return batch.decoder_document_starts
