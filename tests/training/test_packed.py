"""A document of a packed row is computed as it is alone: the loss, the logits and the gradients."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import BartConfig, BartForConditionalGeneration, MambaConfig, MambaForCausalLM

from cauce.corpus.batches import collate
from cauce.corpus.packing import pack
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.errors import TrainingRefused
from cauce.models import attention
from cauce.models.adapters import attach
from cauce.models.loading import assemble
from cauce.models.prediction import predict, refuse_unpackable
from cauce.models.settings import ModelSettings
from models.tiny import DECODERS, tiny_decoder, tiny_model, tiny_t5
from training.examples import chats

KINDS = (*DECODERS, "t5")


def call(model, batch):
    """The model on packed rows, written out: an oracle for `cauce.models.prediction.predict`."""
    if batch.decoder_input_ids is None:
        return model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
        ).logits
    if not batch.is_packed:
        return model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            decoder_input_ids=batch.decoder_input_ids,
        ).logits
    encoded = model.get_encoder()(batch.input_ids, attention_mask=batch.attention_mask)
    return model(
        encoder_outputs=encoded,
        attention_mask=batch.cross_attention_mask,
        decoder_attention_mask=batch.decoder_attention_mask,
        decoder_input_ids=batch.decoder_input_ids,
    ).logits


def loss_of(loaded, batch):
    logits = call(loaded.model, batch).flatten(0, 1)
    return cross_entropy(logits, batch.targets.flatten(), ignore_index=IGNORED, reduction="sum")


def summed_loss(loaded, rows):
    return loss_of(
        loaded, collate(rows, pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id)
    )


def loss_and_gradients(loaded, batches):
    loaded.model.zero_grad(set_to_none=True)
    loss = sum(summed_loss(loaded, rows) for rows in batches)
    loss.backward()
    return loss.item(), {
        name: weight.grad.clone()
        for name, weight in loaded.model.named_parameters()
        if weight.grad is not None
    }


def documents(loaded, count=7):
    """Documents of uneven lengths, one of them long, of any token but the special ones."""
    chance = random.Random(0)

    def some(most):
        return [chance.randint(4, 300) for _ in range(chance.randint(1, most))]

    return [Tokens(some(40), [*some(9), 2]) for _ in range(count - 1)] + [
        Tokens([5] * 70, [6] * 30 + [2])
    ]


def packed_rows(loaded, items):
    packing = pack(items, 128, is_encoder_decoder=loaded.is_encoder_decoder)
    rows = [[items[index] for index in row] for row in packing.rows]
    assert len(rows) < len(items)
    return rows


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradients_of_packed_rows_are_those_of_the_documents_alone(kind, precision):
    loaded = tiny_model(kind)
    assert loaded.model.config._attn_implementation == "sdpa"
    if precision == "fp64":
        loaded.model.double()
    items = documents(loaded)
    packed, packed_gradients = loss_and_gradients(loaded, [packed_rows(loaded, items)])
    alone, gradients = loss_and_gradients(loaded, [[[item]] for item in items])
    bar, own_bar, zero = (1e-6, 1e-5, 1e-10) if precision == "fp32" else (1e-14, 1e-13, 1e-16)
    assert packed == pytest.approx(alone, rel=bar)
    assert packed_gradients.keys() == gradients.keys()
    differences = {name: (packed_gradients[name] - gradients[name]).norm() for name in gradients}
    total = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
    assert torch.stack([*differences.values()]).norm() <= bar * total
    for name, difference in differences.items():
        # The bias of BioGPT's keys shifts every score alike: its gradient is zero but for rounding.
        assert difference <= own_bar * gradients[name].norm() + zero * total, name


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_beside_a_document_does_not_matter(kind):
    loaded = tiny_model(kind)
    first, second, other = documents(loaded)[:3]
    beside = []
    for neighbour in (first, other):
        row = [neighbour, second]
        batch = collate([row], pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id)
        starts = batch.decoder_document_starts if loaded.is_encoder_decoder else None
        starts = batch.document_starts if starts is None else starts
        with torch.inference_mode():
            beside.append(call(loaded.model, batch)[0, starts[0].nonzero()[1].item() :])
    torch.testing.assert_close(*beside, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_that_lets_documents_see_each_other_changes_the_loss(kind):
    loaded = tiny_model(kind)
    batch = collate(
        packed_rows(loaded, documents(loaded)),
        pad_id=loaded.pad_id,
        decoder_start_id=loaded.decoder_start_id,
    )
    names = ["attention_mask"]
    if loaded.is_encoder_decoder:
        names += ["decoder_attention_mask", "cross_attention_mask"]
    kept = loss_of(loaded, batch).item()
    for name in names:
        mask = torch.ones_like(getattr(batch, name))
        is_causal = name == "decoder_attention_mask" or not loaded.is_encoder_decoder
        leaking = replace(batch, **{name: mask.tril() if is_causal else mask})
        assert abs(loss_of(loaded, leaking).item() - kept) > 1e-5 * kept, name


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_predict_is_the_call_written_out(kind, is_packed):
    loaded = tiny_model(kind)
    items = chats(loaded, 4)
    rows = [items[:2], items[2:]] if is_packed else [[item] for item in items]
    batch = collate(rows, pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id)
    with torch.inference_mode():
        said, written_out = predict(loaded.model, batch), call(loaded.model, batch)
    is_learned = batch.targets != IGNORED
    torch.testing.assert_close(said[is_learned], written_out[is_learned], rtol=1e-5, atol=1e-6)
    assert said.shape[:2] == batch.targets.shape


@pytest.mark.parametrize("kind", KINDS)
def test_positions_bind_documents_and_not_rows(kind):
    loaded = tiny_model(kind)
    items = [Tokens([5] * 190, [6] * 9 + [2])] * 3
    with torch.inference_mode():
        packed = summed_loss(loaded, [items]).item()
        alone = summed_loss(loaded, [[items[0]]]).item()
    assert packed == pytest.approx(3 * alone, rel=1e-5)
    assert sum(item.length for item in items) > 512


@pytest.mark.parametrize("name", ["sdpa", attention.NAME])
@pytest.mark.parametrize("kind", KINDS)
def test_models_with_bool_masks_can_be_packed(kind, name):
    attention.register()
    loaded = tiny_model(kind)
    loaded.model.set_attn_implementation(name)
    refuse_unpackable(loaded, 512)


@pytest.mark.parametrize("kind", KINDS)
def test_models_with_an_adapter_can_be_packed(kind):
    loaded = attach(tiny_model(kind), ModelSettings(base="x", adapter="lora"), seed=0)
    refuse_unpackable(loaded, 512)


@pytest.mark.parametrize("kind", KINDS)
def test_an_attention_that_adds_bool_masks_to_its_scores_is_refused(kind):
    loaded = tiny_model(kind)
    loaded.model.set_attn_implementation("eager")
    with pytest.raises(TrainingRefused, match=r"'eager' attention cannot.*differ.*\n.*sdpa"):
        refuse_unpackable(loaded, 512)


def test_a_row_wider_than_the_window_of_attention_is_refused():
    loaded = tiny_decoder("mistral")
    loaded.model.config.sliding_window = 128
    refuse_unpackable(loaded, 128)
    with pytest.raises(TrainingRefused, match=r"128 tokens back .*pack_tokens is 129.*\n.*to 128"):
        refuse_unpackable(loaded, 129)


def test_absolute_positions_of_an_encoder_decoder_are_refused():
    shape = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "vocab_size": 384}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    feed = {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "decoder_start_token_id": 2}
    torch.manual_seed(0)
    model = BartForConditionalGeneration(BartConfig(**shape, **heads, **feed))
    loaded = assemble(model, tiny_t5().tokenizer, name="tiny-bart")
    with pytest.raises(TrainingRefused, match=r"'tiny-bart' .* cannot hold several documents"):
        refuse_unpackable(loaded, 64)


def test_a_recurrent_model_that_knows_no_starts_is_refused():
    torch.manual_seed(0)
    config = MambaConfig(hidden_size=32, num_hidden_layers=1, state_size=4, vocab_size=384)
    loaded = assemble(MambaForCausalLM(config), tiny_decoder("llama").tokenizer, name="tiny-mamba")
    with pytest.raises(TrainingRefused, match=r"'tiny-mamba' .* cannot hold several documents"):
        refuse_unpackable(loaded, 64)
