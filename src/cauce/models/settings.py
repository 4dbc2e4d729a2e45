"""Which model is used, and how much of it is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from cauce.records import Record


class ModelSettings(Record):
    """The model a run starts from and the adapter it gets."""

    base: str = "arroyo"
    """`arroyo` (the small model that cauce brings along), a folder, or the hub id of a model that
    `cauce models pull` has fetched."""
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
    max_tokens: int = Field(512, ge=8)
    """Longest prompt and completion together, in tokens; longer examples are refused, never cut."""

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> ModelSettings:
        if self.quantize != "none" and self.adapter == "none":
            raise ValueError(
                f"quantize is {self.quantize} but adapter is none, and weights of 4 bits cannot be "
                "trained; set adapter to lora, or quantize to none"
            )
        return self
