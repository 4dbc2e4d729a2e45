"""What a Liquid Foundation model is made of; every part can be left out."""

from __future__ import annotations

from typing import Any, Literal, get_args

from transformers import PreTrainedConfig

Mixer = Literal["convolution", "deformable", "attention", "memory"]
"""What lets the tokens of a block see earlier ones: a gated short convolution, one whose taps move,
attention to a window, or a recurrent state."""

MemoryKind = Literal["lru", "lstm", "cfc"]
FeedForward = Literal["swiglu", "relu2"]

DEFAULT_MIXERS: tuple[Mixer, ...] = (
    "convolution",
    "convolution",
    "attention",
    "convolution",
    "attention",
)


class LiquidFoundationConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """The sizes and parts of a `LiquidFoundationForCausalLM`, or of an encoder and a decoder.

    The defaults are what the trials of docs/log.md (2026-11-29) chose. Raises ValueError for parts
    that do not go together.
    """

    model_type = "liquid_foundation"
    keys_to_ignore_at_inference = ["past_key_values"]  # noqa: RUF012
    attribute_map = {"num_hidden_layers": "depth"}  # noqa: RUF012

    def __init__(
        self,
        vocab_size: int = 4096,
        hidden_size: int = 256,
        intermediate_size: int = 264,
        mixers: tuple[Mixer, ...] | list[Mixer] = DEFAULT_MIXERS,
        num_attention_heads: int = 4,
        num_key_value_heads: int = 2,
        window: int | None = 128,
        rope_theta: float = 10_000.0,
        qk_norm: bool = True,
        differential: bool = False,
        conv_kernel: int = 3,
        deformable_reach: int = 8,
        memory: MemoryKind = "lru",
        feed_forward: FeedForward = "relu2",
        expert_layers: tuple[int, ...] | list[int] = (),
        num_experts: int = 8,
        experts_per_token: int = 2,
        expert_confidence: float | None = None,
        router_z_weight: float = 0.0,
        embedding_kernel: int = 1,
        embedding_scale: float = 8.0,
        token_values: bool = True,
        shortcuts: bool = True,
        compressed_layers: tuple[int, int] | list[int] | None = None,
        compression_ratio: float = 2.0,
        compression_weight: float = 0.03,
        reconstruction_weight: float = 0.0,
        encoder_mixers: tuple[Mixer, ...] | list[Mixer] = (),
        rms_norm_eps: float = 1e-6,
        initializer_range: float = 0.02,
        output_initializer_range: float = 0.0,
        tie_word_embeddings: bool = False,
        use_cache: bool = True,
        bos_token_id: int | None = None,
        eos_token_id: int | None = None,
        pad_token_id: int | None = None,
        decoder_start_token_id: int | None = None,
        **options: Any,
    ) -> None:
        """Each argument is a field; docs/foundation.md says what each part computes."""
        self.vocab_size = vocab_size
        self.hidden_size, self.intermediate_size = hidden_size, intermediate_size
        self.mixers = list(mixers)
        self.num_attention_heads = num_attention_heads
        self.num_key_value_heads = num_key_value_heads
        self.window = window
        self.rope_theta = rope_theta
        self.qk_norm, self.differential = qk_norm, differential
        self.conv_kernel = conv_kernel
        self.deformable_reach = deformable_reach
        self.memory = memory
        self.feed_forward = feed_forward
        self.expert_layers = list(expert_layers)
        self.num_experts = num_experts
        self.experts_per_token = experts_per_token
        self.expert_confidence = expert_confidence
        self.router_z_weight = router_z_weight
        self.embedding_kernel = embedding_kernel
        self.embedding_scale = embedding_scale
        self.token_values = token_values
        self.shortcuts = shortcuts
        self.compressed_layers = None if compressed_layers is None else list(compressed_layers)
        self.compression_ratio = compression_ratio
        self.compression_weight = compression_weight
        self.reconstruction_weight = reconstruction_weight
        self.encoder_mixers = list(encoder_mixers)
        self.rms_norm_eps = rms_norm_eps
        self.initializer_range = initializer_range
        self.output_initializer_range = output_initializer_range
        self.tie_word_embeddings = tie_word_embeddings
        self.use_cache = use_cache
        self.bos_token_id, self.eos_token_id = bos_token_id, eos_token_id
        self.pad_token_id, self.decoder_start_token_id = pad_token_id, decoder_start_token_id
        _refuse_depth(options)
        options.setdefault("is_encoder_decoder", bool(encoder_mixers))
        super().__init__(**options)
        self._refuse_unknown_kinds()
        self._refuse_contradictions()

    def _refuse_unknown_kinds(self) -> None:
        named: list[tuple[str, str, Any]] = [
            *(("mixers", kind, Mixer) for kind in (*self.mixers, *self.encoder_mixers)),
            ("memory", self.memory, MemoryKind),
            ("feed_forward", self.feed_forward, FeedForward),
        ]
        for key, value, kinds in named:
            if value not in get_args(kinds):
                raise ValueError(f"{key}: {value!r}; there are {', '.join(get_args(kinds))}")

    def _refuse_contradictions(self) -> None:
        one_way = set(self.encoder_mixers) - {"attention", "convolution"}
        if one_way:
            raise ValueError(
                f"encoder_mixers name {min(one_way)!r}, which reads one way; an encoder is made of "
                "attention and convolution"
            )
        heads, groups = self.num_attention_heads, self.num_key_value_heads
        if self.hidden_size % (2 * heads) or heads % groups:
            raise ValueError(
                f"hidden_size {self.hidden_size}, num_attention_heads {heads} and "
                f"num_key_value_heads {groups} do not fit: heads have an even width, and as many "
                "share each key"
            )
        if self.differential and groups % 2:
            raise ValueError(
                f"differential attention pairs groups; num_key_value_heads is {groups}"
            )
        if (self.window is not None and self.window < 1) or self.conv_kernel < 1:
            raise ValueError(
                f"window is {self.window} and conv_kernel {self.conv_kernel}; needed is at least 1"
            )
        if self.expert_layers and not 1 <= self.experts_per_token <= self.num_experts:
            raise ValueError(
                f"experts_per_token is {self.experts_per_token}; needed is 1 to the "
                f"{self.num_experts} of num_experts"
            )
        beyond = set(self.expert_layers) - set(range(self.depth))
        if beyond:
            raise ValueError(
                f"expert_layers names layer {min(beyond)}; there are 0 to {self.depth - 1}"
            )
        if self.compressed_layers is not None:
            start, end = self.compressed_layers
            if not 0 <= start < end <= self.depth or self.is_encoder_decoder:
                raise ValueError(
                    f"compressed_layers is {self.compressed_layers}; needed are a first and an end "
                    f"within the {self.depth} layers of a decoder without encoder"
                )
            if self.window is None and "attention" in self.mixers[start:end]:
                raise ValueError(
                    "window is None and compressed_layers hold attention, whose memory would grow "
                    "with the chunks of each row apart; needed is a window"
                )

    @property
    def depth(self) -> int:
        """Blocks of the decoder."""
        return len(self.mixers)

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads


def _refuse_depth(options: dict[str, Any]) -> None:
    if "num_hidden_layers" in options:
        raise ValueError(
            f"num_hidden_layers is {options['num_hidden_layers']}; the depth of this model is "
            "that of mixers: name one for each block"
        )
