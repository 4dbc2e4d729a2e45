"""Which model is used, and how much of it is trained."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from cauce.records import Record


class LiquidSettings(Record):
    """Which MLP blocks of a decoder become liquid layers, which ones, and from where they start."""

    cell: Literal["cfc", "ltc", "lrc", "mlp"] = "cfc"
    """What takes the place of an MLP; `mlp` is a smaller MLP, as controls are made of."""
    wiring: Literal["full", "ncp"] = "full"
    """`full` connects all neurons; `ncp` draws a Neural Circuit Policy (cfc and ltc)."""
    layers: Literal["all"] | tuple[int, ...] = "all"
    """Numbers of the decoder's layers, from 0, whose MLP is replaced."""
    init: Literal["preserve", "distil"] = "distil"
    """`preserve` (cfc, full) computes what the MLP did; `distil` learns it in `distil_steps`."""
    distil_steps: int = Field(400, ge=0)
    """Updates before the training proper, in which the model learns from what it was."""
    units: int | None = Field(None, ge=1)
    """Neurons, as many as the model is wide when null; where they differ a linear layer follows.
    Inputs of a narrower `ltc` are brought to that width first; an `mlp` has it for hidden width."""
    backbone_units: int = Field(128, ge=1)
    """Width of the backbone of a fully connected `cfc`."""
    mixed_memory: bool = False
    """An LSTM before each step keeps what the liquid state would forget; slower."""
    keep_mlp: bool = False
    """The MLP stays, and a gate that starts at 0 adds the liquid layer's output to its own."""

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> LiquidSettings:
        if self.wiring == "ncp" and self.cell not in ("cfc", "ltc"):
            raise ValueError(f"wiring is ncp, which goes with cfc and ltc; cell is {self.cell}")
        if self.init == "preserve":
            is_able = self.cell == "cfc" and self.wiring == "full" and not self.mixed_memory
            if not is_able or self.keep_mlp or self.units is not None:
                raise ValueError(
                    "init is preserve, which needs cell cfc and wiring full, without units, "
                    "mixed_memory and keep_mlp; else set init to distil"
                )
        return self


TRAIN = "train"
"""In the place of a tokenizer: one is made from the run's own training texts."""


class NewModelSettings(Record):
    """A model with random weights, drawn by the recipe's seed."""

    architecture: str
    """`liquid_foundation`, or a type as transformers names it: `llama`, `lfm2`, `gpt2`, `t5`..."""
    tokenizer: str = TRAIN
    """`train` makes one from the training texts of a text corpus; else a folder that
    `cauce tokenizer train` wrote, or a model whose tokenizer is used."""
    vocabulary: int = Field(4096, ge=300)
    """Most tokens of a tokenizer that is made."""
    config: dict[str, Any] = Field(default_factory=dict)
    """Fields of the architecture's config, by its own names; the others keep its defaults. The
    vocabulary and the special tokens are the tokenizer's, and output and input share embeddings in
    all but `liquid_foundation`, unless it says otherwise."""


class ModelSettings(Record):
    """The model a run starts from and the adapter it gets."""

    base: str = "cauce-mini"
    """`cauce-mini` (the small model that cauce brings along), a folder, or the hub id of a model
    that `cauce models pull` has fetched; empty where `new` makes one."""
    new: NewModelSettings | None = None
    """Makes a model instead of taking one; all of it is trained."""
    adapter: Literal["none", "lora"] = "none"
    """`none` trains every weight; `lora` trains small matrices beside frozen ones."""
    quantize: Literal["none", "4bit"] = "none"
    """`4bit` keeps the frozen weights under a LoRA in 4 bits instead of 32, for want of memory:
    updates take longer, and the adapter is served on the same 4 bits. Needs extra `quantize`."""
    lora_rank: int = Field(16, ge=1)
    """Inner width of each LoRA matrix pair; 16 is enough to teach a form of answer."""
    lora_alpha: int = Field(32, ge=1)
    """LoRA's output is scaled by alpha / rank; twice the rank is the common choice."""
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of LoRA inputs dropped in training; above 0 only for very small data."""
    lora_targets: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Names of the layers that get an adapter: every linear layer but the output head, or a list
    such as `[q_proj, v_proj]`."""
    liquid: LiquidSettings | None = None
    """Replaces MLP blocks by liquid layers before the model is trained; null leaves it whole."""
    prefix_vectors: int = Field(0, ge=0, le=64)
    """Vectors that a liquid network makes of an example's series and puts before its prompt, 4 to
    16 for most; the model is frozen but for its LoRA. 0 leaves the series in the prompt as text."""
    max_tokens: int = Field(512, ge=8)
    """Longest prompt and completion together, in tokens; longer examples are refused, never cut."""

    @model_validator(mode="before")
    @classmethod
    def _new_has_no_base(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("new") is not None and "base" not in data:
            return {**data, "base": ""}
        return data

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> ModelSettings:
        if bool(self.base) == (self.new is not None):
            raise ValueError(
                f"base is {self.base!r} and new makes a model; leave one of the two out"
                if self.base
                else "base is empty and new is null; give one of the two"
            )
        if self.new is not None and (self.adapter, self.quantize, self.liquid) != (
            "none",
            "none",
            None,
        ):
            raise ValueError(
                "new makes a model of random weights, of which there is nothing to keep: leave out "
                "adapter, quantize and liquid"
            )
        if self.prefix_vectors and (self.new is not None or self.liquid is not None):
            raise ValueError(
                f"prefix_vectors is {self.prefix_vectors}, which goes before a model that stays as "
                "it is; leave out new and liquid"
            )
        if self.quantize != "none" and self.adapter == "none":
            raise ValueError(
                f"quantize is {self.quantize} but adapter is none, and weights of 4 bits cannot be "
                "trained; set adapter to lora, or quantize to none"
            )
        if self.quantize != "none" and self.liquid is not None:
            raise ValueError(
                f"quantize is {self.quantize} and liquid replaces layers, which needs weights that "
                "are not rounded; set quantize to none"
            )
        return self
