"""The encoder-decoder: reads both ways, writes one way, packed and padded as it is alone."""

from __future__ import annotations

import doctest
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForSeq2SeqLM

from cauce.corpus.batches import collate
from cauce.corpus.tokens import Tokens
from cauce.models.foundation import (
    LiquidFoundationForConditionalGeneration,
    decoder,
    encoder_decoder,
)
from cauce.models.prediction import predict
from models.foundation.foundation_cases import VOCABULARY, make_encoder_decoder


@pytest.mark.parametrize("module", [decoder, encoder_decoder])
def test_the_examples_of_the_models_are_right(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def some_ids(rows: int, tokens: int, *, seed: int = 1) -> Tensor:
    return torch.randint(3, VOCABULARY, (rows, tokens), generator=torch.manual_seed(seed))


def test_an_answer_does_not_depend_on_its_later_tokens() -> None:
    model = make_encoder_decoder()
    text, answer = some_ids(2, 11), some_ids(2, 15, seed=2)
    with torch.no_grad():
        before = model(input_ids=text, decoder_input_ids=answer, use_cache=False).logits
        changed = answer.clone()
        changed[:, 8:] = some_ids(2, 7, seed=3)
        after = model(input_ids=text, decoder_input_ids=changed, use_cache=False).logits
    assert torch.equal(after[:, :8], before[:, :8])


def test_every_token_read_changes_the_answer() -> None:
    """A kernel of 3 and a window of 6 reach 6 tokens, both ways; the answer sees all of 9."""
    model = make_encoder_decoder()
    text, answer = some_ids(1, 9), some_ids(1, 4, seed=2)

    def read(text: Tensor) -> list[Tensor]:
        output = model(input_ids=text, decoder_input_ids=answer)
        return [output.encoder_last_hidden_state[0], output.logits[0]]

    with torch.no_grad():
        before = read(text)
        for place in range(9):
            changed = text.clone()
            changed[0, place] = 3 + (changed[0, place] - 2) % (VOCABULARY - 3)
            pairs = zip(read(changed), before, strict=True)
            states, logits = ((one != other).any(-1).tolist() for one, other in pairs)
            assert states == [abs(place - other) <= 6 for other in range(9)]
            assert all(logits)


def test_padding_of_the_text_changes_nothing() -> None:
    model = make_encoder_decoder()
    text, answer = some_ids(1, 7), some_ids(1, 5, seed=2)
    padded = torch.cat((text, torch.full((1, 4), 2)), 1)
    mask = torch.tensor([[1] * 7 + [0] * 4])
    with torch.no_grad():
        alone = model(input_ids=text, decoder_input_ids=answer).logits
        beside = model(input_ids=padded, attention_mask=mask, decoder_input_ids=answer).logits
    torch.testing.assert_close(beside, alone)


def test_packed_documents_are_as_they_are_alone() -> None:
    model = make_encoder_decoder()
    documents = [
        Tokens(some_ids(1, n, seed=n)[0].tolist(), some_ids(1, m, seed=m)[0].tolist())
        for n, m in ((8, 3), (1, 6), (5, 5))
    ]

    def logits(row: list[Tokens]) -> Tensor:
        return predict(model, collate([row], pad_id=2, decoder_start_id=2))[0]

    with torch.no_grad():
        torch.testing.assert_close(
            logits(documents), torch.cat([logits([document]) for document in documents])
        )


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("is_training", [False, True])
def test_generation_is_the_same_with_and_without_a_cache(beams: int, is_training: bool) -> None:
    model = make_encoder_decoder().train(is_training)
    text = some_ids(2, 9)
    mask = torch.ones_like(text)
    mask[0, 6:] = 0
    cached, plain = (
        model.generate(
            text,
            attention_mask=mask,
            use_cache=use_cache,
            max_new_tokens=8,
            num_beams=beams,
            do_sample=False,
        )
        for use_cache in (True, False)
    )
    assert torch.equal(cached, plain)


def test_labels_are_shifted_and_every_weight_learns() -> None:
    model = make_encoder_decoder().train()
    text, answer = some_ids(2, 6), some_ids(2, 5, seed=2)
    output = model(input_ids=text, labels=answer)
    shifted = torch.cat((torch.full((2, 1), 2), answer[:, :-1]), 1)
    by_hand = model(input_ids=text, decoder_input_ids=shifted).logits
    torch.testing.assert_close(output.logits, by_hand)
    output.loss.backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in model.parameters())


def test_labels_that_are_not_learned_are_read_as_padding_and_count_for_no_expert() -> None:
    model = make_encoder_decoder(expert_layers=[1], num_experts=4).train()
    balance = model.decoder.layers[1].feed_forward.balance_bias
    text, answer = some_ids(2, 6), some_ids(2, 5, seed=2)
    answer[0, 3:] = -100
    output = model(input_ids=text, labels=answer)
    output.loss.backward()
    found = balance.grad.clone()
    start = torch.full((2, 1), 2)
    read = torch.cat((start, answer[:, :-1].masked_fill(answer[:, :-1] == -100, 2)), 1)
    model.zero_grad()
    by_hand = model(input_ids=text, decoder_input_ids=read, is_real=answer != -100, labels=answer)
    by_hand.loss.backward()
    assert torch.equal(by_hand.logits, output.logits)
    assert torch.equal(balance.grad, found)


def test_a_token_that_pads_learns_where_it_is_read() -> None:
    model = make_encoder_decoder().train()
    model(input_ids=some_ids(2, 6), labels=some_ids(2, 5, seed=2)).loss.backward()
    start = model.config.decoder_start_token_id
    assert start == model.config.pad_token_id
    assert model.get_input_embeddings().weight.grad[start].any()


@pytest.mark.parametrize("options", [{}, {"expert_layers": [1], "router_z_weight": 0.1}])
def test_losses_of_parts_of_an_update_add_up(options: dict[str, object]) -> None:
    model = make_encoder_decoder(**options).train()
    text, answer = some_ids(3, 6), some_ids(3, 5, seed=2)
    whole = model(input_ids=text, labels=answer).loss
    items = torch.tensor(answer.numel())
    parts = [
        model(input_ids=text[rows], labels=answer[rows], num_items_in_batch=items).loss
        for rows in (slice(0, 1), slice(1, 3))
    ]
    torch.testing.assert_close(sum(parts), whole)


def test_recomputed_in_sixteen_bits_every_weight_learns() -> None:
    model = make_encoder_decoder(differential=True, expert_layers=[1]).train()
    model.activation_checkpointing_enable()
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(input_ids=some_ids(2, 6), labels=some_ids(2, 5, seed=2)).loss
    loss.backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in model.parameters())


def test_rows_of_other_lengths_have_no_gradient_that_is_no_number() -> None:
    """Padding of the answer sees nothing of the text."""
    model = make_encoder_decoder().train()
    rows = [[Tokens([5, 6, 7], [8, 9, 10, 11])], [Tokens([5], [6])]]
    batch = collate(rows, pad_id=2, decoder_start_id=2)
    packed = collate([[*rows[0], *rows[1]], rows[1]], pad_id=2, decoder_start_id=2)
    for each in (batch, packed):
        predict(model, each).square().mean().backward()
        assert all(weight.grad.isfinite().all() for weight in model.parameters())


def test_padding_of_the_answer_counts_for_no_expert() -> None:
    model = make_encoder_decoder(expert_layers=[1], num_experts=4).train()
    balance = model.decoder.layers[1].feed_forward.balance_bias
    rows = [[Tokens([5, 6, 7], [8, 9, 10, 11])], [Tokens([5], [6])]]

    def loads(rows: list[list[Tokens]]) -> Tensor:
        model.zero_grad()
        predict(model, collate(rows, pad_id=2, decoder_start_id=2)).sum().backward()
        return balance.grad.clone()

    torch.testing.assert_close(loads(rows), loads(rows[:1]) + loads(rows[1:]))


def test_a_saved_model_is_the_same(tmp_path: Path) -> None:
    model = make_encoder_decoder(tie_word_embeddings=True)
    model.save_pretrained(tmp_path)
    again = AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    assert type(again) is LiquidFoundationForConditionalGeneration
    assert again.lm_head.weight is again.get_input_embeddings().weight
    text, answer = some_ids(1, 6), some_ids(1, 4, seed=2)
    with torch.no_grad():
        assert torch.equal(
            again(input_ids=text, decoder_input_ids=answer).logits,
            model(input_ids=text, decoder_input_ids=answer).logits,
        )


def test_nothing_to_write_is_refused() -> None:
    with pytest.raises(ValueError, match="decoder was given nothing"):
        make_encoder_decoder()(input_ids=some_ids(1, 3))
    with pytest.raises(ValueError, match="encoder was given nothing"):
        make_encoder_decoder()(decoder_input_ids=some_ids(1, 3))
