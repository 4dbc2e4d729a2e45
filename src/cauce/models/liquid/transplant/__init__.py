"""MLP blocks of decoders become liquid layers; the model stays a Hugging Face model."""

from __future__ import annotations

from cauce.models.liquid.transplant.liquidize import control_of, liquidize
from cauce.models.liquid.transplant.model import added_parts, register, replaced_blocks
from cauce.models.loading import FOUNDATION

__all__ = ["added_parts", "control_of", "liquidize", "register", "replaced_blocks"]

for _model_type in ("gpt2", "llama", "mistral", "biogpt", FOUNDATION):
    register(_model_type)
