"""The encoder-decoder: a text is read both ways, an answer is written one way.

Axes: b rows, s tokens read, t tokens written, d width, v vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn
from torch.nn import Module, ModuleList
from transformers import GenerationMixin
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

from cauce.corpus.tokens import IGNORED
from cauce.models.foundation.attention import Encoded
from cauce.models.foundation.blocks import Block, Stack, auxiliary_loss, with_auxiliary
from cauce.models.foundation.cache import FoundationCache
from cauce.models.foundation.config import LiquidFoundationConfig
from cauce.models.foundation.decoder import (
    ModelOverTokens,
    choose_cache,
    memories_of,
    refuse_unknown,
)
from cauce.models.foundation.embedding import LiquidEmbedding
from cauce.models.foundation.norm import RmsNorm
from cauce.models.foundation.places import places_of

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass
class FoundationSeq2SeqOutput(Seq2SeqLMOutput):
    """What transformers' encoder-decoders put out, and one loss more."""

    auxiliary_loss: Tensor | None = None
    """In training, what routers ask for: weighted, a mean per token."""


class Encoder(Module):
    """Blocks whose tokens see both sides, over the embedding of the model."""

    main_input_name = "input_ids"

    def __init__(self, config: LiquidFoundationConfig, embedding: LiquidEmbedding) -> None:
        super().__init__()
        # Not a part of the encoder: its weights are named once, as the model's.
        self.__dict__["embedding"] = embedding
        self.layers = ModuleList(
            Block(config, kind, is_causal=False) for kind in config.encoder_mixers
        )
        self.norm = RmsNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self,
        input_ids: Int[Tensor, "b s"] | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Float[Tensor, "b s d"] | None = None,
        output_hidden_states: bool | None = None,
        **_: Any,
    ) -> BaseModelOutput:
        """The states of the text; `places_of` says which masks keep documents apart."""
        given = input_ids if inputs_embeds is None else inputs_embeds
        if given is None:
            raise ValueError("the encoder was given nothing: pass input_ids or inputs_embeds")
        rows, tokens = given.shape[:2]
        places = places_of(rows, tokens, given.device, attention_mask=attention_mask)
        embedding: LiquidEmbedding = self.__dict__["embedding"]
        hidden = embedding(input_ids, places, None, inputs_embeds=inputs_embeds)
        states = [hidden]
        for layer in self.layers:
            hidden = layer(hidden, places)
            states.append(hidden)
        return BaseModelOutput(
            last_hidden_state=self.norm(hidden),
            hidden_states=tuple(states) if output_hidden_states else None,
        )


class LiquidFoundationForConditionalGeneration(  # type: ignore[no-untyped-call]
    ModelOverTokens, GenerationMixin
):
    """A model that answers a text: `config.encoder_mixers` are the blocks that read it.

    >>> import torch
    >>> config = LiquidFoundationConfig(
    ...     vocab_size=300, hidden_size=32, intermediate_size=64, decoder_start_token_id=0,
    ...     encoder_mixers=["convolution", "attention"],
    ... )
    >>> model = LiquidFoundationForConditionalGeneration(config)
    >>> model(input_ids=torch.tensor([[5, 6]]), labels=torch.tensor([[7, 8, 9]])).logits.shape
    torch.Size([1, 3, 300])
    """

    _tied_weights_keys = {"lm_head.weight": "embedding.tokens.weight"}  # noqa: RUF012

    def __init__(self, config: LiquidFoundationConfig) -> None:
        super().__init__(config)
        if not config.encoder_mixers:
            raise ValueError("encoder_mixers is empty: name the blocks of the encoder")
        self.encoder = Encoder(config, self.embedding)
        self.decoder = Stack(config)
        self.norm = RmsNorm(config.hidden_size, config.rms_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()  # type: ignore[no-untyped-call]

    def get_encoder(self, *_: Any, **__: Any) -> Encoder:
        """What reads the text."""
        return self.encoder

    def forward(
        self,
        input_ids: Int[Tensor, "b s"] | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Int[Tensor, "b t"] | None = None,
        decoder_attention_mask: Tensor | None = None,
        encoder_outputs: BaseModelOutput | None = None,
        past_key_values: FoundationCache | None = None,
        inputs_embeds: Float[Tensor, "b s d"] | None = None,
        labels: Int[Tensor, "b t"] | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        is_real: Bool[Tensor, "b t"] | None = None,
        **options: Any,
    ) -> FoundationSeq2SeqOutput:
        """Logits (b t v); `labels`, without `decoder_input_ids`, are shifted to make those.

        `attention_mask` is that of the text, 0 at padding; of packed rows, whose encoder was run
        before, bool (b 1 t s): which of the text each token of the answer sees. `is_real` is that
        of the answer, False at padding, which counts for no expert: where nothing is labelled, if
        the answer is made of labels.
        """
        refuse_unknown(self.config, options)
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        if encoder_outputs is None:
            encoder_outputs = self.encoder(
                input_ids, attention_mask, inputs_embeds, output_hidden_states
            )
        if decoder_input_ids is None:
            if is_real is None and labels is not None:
                is_real = labels != IGNORED
            decoder_input_ids = self._shifted(labels)
        cache = choose_cache(self, past_key_values, use_cache)
        read, *states = self._decode(
            decoder_input_ids,
            decoder_attention_mask,
            Encoded(encoder_outputs[0], _cross_mask(attention_mask)),
            cache,
            is_real,
        )
        logits = self.lm_head(self.norm(read))
        auxiliary = auxiliary_loss(self) if self.training else None
        loss = None
        if labels is not None:
            size = self.config.vocab_size
            loss = self.loss_function(logits, labels, size, shift_labels=labels, **options)
            loss = with_auxiliary(loss, auxiliary, labels, options)
        return FoundationSeq2SeqOutput(
            loss=loss,
            logits=logits,
            past_key_values=cast(Any, cache),
            decoder_hidden_states=tuple(states) if output_hidden_states else None,
            encoder_last_hidden_state=encoder_outputs[0],
            encoder_hidden_states=encoder_outputs.get("hidden_states"),
            auxiliary_loss=auxiliary,
        )

    def _decode(
        self,
        ids: Int[Tensor, "b t"],
        mask: Tensor | None,
        encoded: Encoded,
        cache: FoundationCache | None,
        is_real: Bool[Tensor, "b t"] | None,
    ) -> list[Tensor]:
        """What the last block put out; and after it the embedding and what each block put out."""
        rows, tokens = ids.shape
        places = places_of(
            rows,
            tokens,
            ids.device,
            attention_mask=mask,
            past=0 if cache is None else cache.get_seq_length(),
        )
        places = replace(places, tokens=ids, is_real=places.is_real if is_real is None else is_real)
        first, *memories = memories_of(cache, len(self.decoder.layers))
        states = [self.embedding(ids, places, first)]
        read = self.decoder(
            states[0],
            places,
            None if cache is None else memories,
            states=states,
            encoded=encoded,
        )
        if cache is not None:
            cache.advance(tokens)
        return [read, *states]

    def _shifted(self, labels: Int[Tensor, "b t"] | None) -> Int[Tensor, "b t"]:
        """The answer as the decoder reads it: the start token, then the tokens before."""
        start = self.config.decoder_start_token_id
        if labels is None or start is None:
            raise ValueError(
                "the decoder was given nothing: pass decoder_input_ids, or labels with a "
                f"decoder_start_token_id in the config (found {start})"
            )
        padding = self.config.pad_token_id or 0
        read = labels.masked_fill(labels == IGNORED, padding)
        return nn.functional.pad(read[:, :-1], (1, 0), value=start)


def _cross_mask(mask: Tensor | None) -> Tensor | None:
    return mask if mask is None or mask.ndim == 4 else (mask != 0)[:, None, None, :]
