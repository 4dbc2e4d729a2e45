from __future__ import annotations

import pytest
import torch
from transformers import CohereConfig, CohereForCausalLM, Gemma2Config, Gemma2ForCausalLM

from cauce.models.adapters import attach
from cauce.models.head import plain_head, set_aside
from cauce.models.loading import assemble
from cauce.models.settings import ModelSettings
from models.tiny import DECODERS, tiny_decoder, tiny_model

KINDS = [*DECODERS, "t5"]
SHAPE = {
    "vocab_size": 384,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def said(loaded):
    ids = torch.arange(4, 12)[None]
    decoder = {"decoder_input_ids": ids} if loaded.is_encoder_decoder else {}
    with torch.no_grad():
        return loaded.model(input_ids=ids, **decoder).logits


@pytest.mark.parametrize("adapter", ["none", "lora"])
@pytest.mark.parametrize("kind", KINDS)
def test_hidden_states_times_the_head_are_the_logits(kind, adapter):
    loaded = attach(tiny_model(kind), ModelSettings(adapter=adapter), seed=0)
    head = plain_head(loaded)
    assert head is loaded.model.get_output_embeddings()
    expected = said(loaded)
    with set_aside(head):
        hidden = said(loaded)
    assert hidden.shape == (1, 8, 32)
    assert torch.equal(torch.nn.functional.linear(hidden, head.weight, head.bias), expected)
    assert torch.equal(said(loaded), expected)


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (Gemma2ForCausalLM, Gemma2Config(**SHAPE, final_logit_softcapping=5.0)),
        (CohereForCausalLM, CohereConfig(**SHAPE, logit_scale=0.5)),
    ],
    ids=["capped", "scaled"],
)
def test_logits_that_are_changed_afterwards_have_no_plain_head(model, config):
    torch.manual_seed(0)
    loaded = assemble(model(config), tiny_decoder("llama").tokenizer, name="changed")
    assert plain_head(loaded) is None
    expected = said(loaded)
    with set_aside(None):
        assert torch.equal(said(loaded), expected)


def test_an_adapted_head_is_not_plain():
    settings = ModelSettings(adapter="lora", lora_targets=("q_proj", "lm_head"))
    assert plain_head(attach(tiny_decoder("llama"), settings, seed=0)) is None


def test_a_head_that_is_no_linear_layer_is_not_plain():
    class Louder(torch.nn.Linear):
        def forward(self, input):
            return super().forward(input) * 2

    loaded = tiny_decoder("llama")
    loaded.model.lm_head.__class__ = Louder
    assert plain_head(loaded) is None


@pytest.mark.parametrize("is_training", [False, True])
def test_trying_leaves_no_trace(is_training):
    loaded = tiny_decoder("gpt2", dropout=0.3)
    loaded.model.train(is_training)
    head = plain_head(loaded)
    assert head is not None
    assert not head._forward_hooks
    assert loaded.model.training is is_training
    assert all(weight.grad is None for weight in loaded.model.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_weights_stay_while_the_head_is_aside(kind):
    loaded = tiny_model(kind)
    before, head = dict(loaded.model.state_dict()), plain_head(loaded)
    with pytest.raises(KeyError), set_aside(head):
        within = loaded.model.state_dict()
        assert list(within) == list(before)
        assert all(torch.equal(within[name], before[name]) for name in before)
        assert loaded.model.get_output_embeddings() is head
        assert isinstance(head, torch.nn.Linear)
        raise KeyError
    assert type(head) is torch.nn.Linear
    assert plain_head(loaded) is head
