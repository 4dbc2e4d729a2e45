"""The decoder as a model of transformers: it trains, generates and is saved as any other.

Axes: b rows, t tokens, d width, v vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedConfig, PreTrainedModel
from transformers.cache_utils import Cache
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from cauce.models.foundation.blocks import Stack, auxiliary_loss, with_auxiliary
from cauce.models.foundation.cache import FoundationCache
from cauce.models.foundation.config import LiquidFoundationConfig
from cauce.models.foundation.embedding import LiquidEmbedding, LookupTable
from cauce.models.foundation.experts import Experts
from cauce.models.foundation.norm import RmsNorm
from cauce.models.foundation.places import Memory, places_of
from cauce.models.foundation.residual import ResidualOutput

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int


@dataclass
class FoundationOutput(CausalLMOutputWithPast):
    """What transformers' causal language models put out, and one loss more."""

    auxiliary_loss: Tensor | None = None
    """In training, what routers and compression ask for: weighted, a mean per token."""


@runtime_checkable
class Resettable(Protocol):
    """A module with weights that are not drawn like those of a matrix."""

    def reset_parameters(self) -> None:
        """Draws its weights anew."""


class LiquidFoundationPreTrainedModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    """What decoder and encoder-decoder share: how they start, and what they can do."""

    config_class = LiquidFoundationConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["Block"]  # noqa: RUF012
    _supports_sdpa = True

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        """`generate` leaves the cache to the model."""
        return False

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
    ) -> nn.Embedding:
        """The vectors of that many tokens; every other table of tokens and the head follow."""
        vectors = super().resize_token_embeddings(new_num_tokens, pad_to_multiple_of, mean_resizing)
        for part in self.modules():
            if isinstance(part, LookupTable) and part is not vectors:
                self._get_resized_embeddings(
                    part, vectors.num_embeddings, mean_resizing=mean_resizing
                )
        return vectors

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Matrices are drawn from a normal distribution; parts that differ draw themselves."""
        std = self.config.initializer_range
        if isinstance(module, ResidualOutput):
            nn.init.normal_(module.weight, 0.0, self.config.output_initializer_range)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, 0.0, std / self.config.embedding_scale)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, std)
        elif isinstance(module, Experts):
            module.reset_parameters(std, self.config.output_initializer_range)
        elif isinstance(module, nn.RMSNorm):
            nn.init.ones_(module.weight)
        elif isinstance(module, Resettable):
            module.reset_parameters()


class ModelOverTokens(LiquidFoundationPreTrainedModel):  # type: ignore[no-untyped-call]
    """A model whose own first part gives tokens their vectors."""

    def __init__(self, config: LiquidFoundationConfig) -> None:
        super().__init__(config)
        self.embedding = LiquidEmbedding(
            config.vocab_size,
            config.hidden_size,
            kernel=config.embedding_kernel,
            scale=config.embedding_scale,
        )

    def get_input_embeddings(self) -> nn.Embedding:
        """The vectors of the tokens."""
        return self.embedding.tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Puts other vectors in their place; see `LiquidEmbedding.put`."""
        self.embedding.put(value)


class LiquidFoundationModel(ModelOverTokens):  # type: ignore[no-untyped-call]
    """Embedding, blocks and a last norm: hidden states from tokens.

    Raises ValueError for the config of an encoder-decoder.
    """

    def __init__(self, config: LiquidFoundationConfig) -> None:
        if config.is_encoder_decoder:
            raise ValueError(
                f"encoder_mixers is {config.encoder_mixers}: this is the config of an "
                "encoder-decoder, and a decoder was asked for; take AutoModelForSeq2SeqLM"
            )
        super().__init__(config)
        self.stack = Stack(config)
        self.norm = RmsNorm(config.hidden_size, config.rms_norm_eps)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_ids: Int[Tensor, "b t"] | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Int[Tensor, "b t"] | None = None,
        past_key_values: FoundationCache | None = None,
        inputs_embeds: Float[Tensor, "b t d"] | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        is_real: Bool[Tensor, "b t"] | None = None,
        **options: Any,
    ) -> BaseModelOutputWithPast:
        """The hidden states; `places_of` says which masks and positions keep documents apart.

        `inputs_embeds` stand in place of the vectors of `input_ids`, which the tables of attention
        (`token_values`) still need. `is_real`, False at padding, tells experts what not to count
        where no mask (b t) does.
        """
        refuse_unknown(self.config, options)
        cache = choose_cache(self, past_key_values, use_cache)
        given = input_ids if inputs_embeds is None else inputs_embeds
        looks_up = self.config.token_values and "attention" in self.config.mixers
        if given is None or (input_ids is None and looks_up):
            raise ValueError(
                "input_ids are missing; needed are they, beside inputs_embeds too where attention "
                "looks up values of tokens (token_values)"
            )
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        rows, tokens = given.shape[:2]
        places = places_of(
            rows,
            tokens,
            given.device,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past=0 if cache is None else cache.get_seq_length(),
        )
        places = replace(
            places, tokens=input_ids, is_real=places.is_real if is_real is None else is_real
        )
        first, *memories = memories_of(cache, self.config.depth)
        hidden = self.embedding(input_ids, places, first, inputs_embeds=inputs_embeds)
        states = [hidden] if output_hidden_states else None
        hidden = self.stack(hidden, places, None if cache is None else memories, states=states)
        if cache is not None:
            cache.advance(tokens)
        return BaseModelOutputWithPast(
            last_hidden_state=self.norm(hidden),
            past_key_values=cache,
            hidden_states=None if states is None else tuple(states),
        )


class LiquidFoundationForCausalLM(  # type: ignore[no-untyped-call]
    LiquidFoundationPreTrainedModel, GenerationMixin
):
    """A language model: every token from those before it.

    >>> config = LiquidFoundationConfig(vocab_size=300, hidden_size=32, intermediate_size=64)
    >>> model = LiquidFoundationForCausalLM(config)
    >>> model.generate(torch.tensor([[5, 6, 7]]), max_new_tokens=4, do_sample=False).shape
    torch.Size([1, 7])
    """

    _tied_weights_keys = {"lm_head.weight": "model.embedding.tokens.weight"}  # noqa: RUF012

    def __init__(self, config: LiquidFoundationConfig) -> None:
        super().__init__(config)
        self.model = LiquidFoundationModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_ids: Int[Tensor, "b t"] | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Int[Tensor, "b t"] | None = None,
        past_key_values: FoundationCache | None = None,
        inputs_embeds: Float[Tensor, "b t d"] | None = None,
        labels: Int[Tensor, "b t"] | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        is_real: Bool[Tensor, "b t"] | None = None,
        **options: Any,
    ) -> FoundationOutput:
        """Logits (b t v); with `labels`, which are shifted here, their mean cross-entropy too.

        In training `auxiliary_loss` holds what routers and compression ask for; it is part of
        `loss`.
        """
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            output_hidden_states=output_hidden_states,
            is_real=is_real,
            **options,
        )
        hidden = output.last_hidden_state
        if isinstance(logits_to_keep, Tensor):
            hidden = hidden[:, logits_to_keep]
        elif logits_to_keep:
            hidden = hidden[:, -logits_to_keep:]
        logits = self.lm_head(hidden)
        auxiliary = auxiliary_loss(self.model) if self.training else None
        loss = None
        if labels is not None:
            loss = self.loss_function(logits, labels, self.config.vocab_size, **options)
            loss = with_auxiliary(loss, auxiliary, labels[:, 1:], options)
        return FoundationOutput(
            loss=loss,
            logits=logits,
            past_key_values=output.past_key_values,
            hidden_states=output.hidden_states,
            auxiliary_loss=auxiliary,
        )


def memories_of(cache: FoundationCache | None, depth: int) -> list[Memory | None]:
    """The memory of the embedding, of each block and of the compression; None without a cache."""
    names = ["embedding", *map(str, range(depth)), "compression"]
    return [None if cache is None else cache.memory(name) for name in names]


def choose_cache(
    model: LiquidFoundationPreTrainedModel, given: FoundationCache | None, use_cache: bool | None
) -> FoundationCache | None:
    """The cache to use: the given one, a new one where one is wanted, in training by name only.

    Raises ValueError for the cache of another model, and where a block is to be computed again in
    the backward pass: it would go on from what it had put into the cache itself.
    """
    if isinstance(given, Cache) and not isinstance(given, FoundationCache):
        raise ValueError(
            f"past_key_values is a {type(given).__name__}, which cannot hold recurrent states; "
            "leave it out, or give a cauce.models.foundation.FoundationCache"
        )
    is_usual = model.config.use_cache and not model.training
    is_wanted = is_usual if use_cache is None else use_cache
    cache = FoundationCache() if given is None and is_wanted else given
    if (
        cache is not None
        and model.training
        and torch.is_grad_enabled()
        and model.is_activation_checkpointing
    ):
        raise ValueError(
            "gradient checkpointing computes blocks again, which a cache would make another text; "
            "leave past_key_values and use_cache out, or call within torch.no_grad()"
        )
    return cache


def refuse_unknown(config: PreTrainedConfig, options: dict[str, Any]) -> None:
    """Raises ValueError for what is asked of other models of transformers and not given here."""
    asked = {
        "cache": options.get("cache") is not None,
        "output_attentions": options.get("output_attentions") or config.output_attentions,
        "return_dict=False": options.get("return_dict", config.return_dict) is False,
    }
    for name, is_asked in asked.items():
        if is_asked:
            raise ValueError(
                f"{name} was asked for; a Liquid Foundation model has no paged cache, keeps no "
                "attentions and answers with an output by names: leave it out"
            )
