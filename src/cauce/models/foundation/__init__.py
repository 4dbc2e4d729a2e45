"""Liquid Foundation: a small language model made from nothing, strictly causal, part by part.

Importing this package makes its models known to transformers' auto classes.
"""

from __future__ import annotations

from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from cauce.models.foundation.cache import FoundationCache
from cauce.models.foundation.config import LiquidFoundationConfig
from cauce.models.foundation.decoder import LiquidFoundationForCausalLM, LiquidFoundationModel
from cauce.models.foundation.encoder_decoder import LiquidFoundationForConditionalGeneration

__all__ = [
    "FoundationCache",
    "LiquidFoundationConfig",
    "LiquidFoundationForCausalLM",
    "LiquidFoundationForConditionalGeneration",
    "LiquidFoundationModel",
]

AutoConfig.register(LiquidFoundationConfig.model_type, LiquidFoundationConfig)
AutoModel.register(LiquidFoundationConfig, LiquidFoundationModel)
AutoModelForCausalLM.register(LiquidFoundationConfig, LiquidFoundationForCausalLM)
AutoModelForSeq2SeqLM.register(LiquidFoundationConfig, LiquidFoundationForConditionalGeneration)
