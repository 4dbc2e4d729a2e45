"""The decoder with each of its parts: causal, the same in pieces, packed, padded and saved."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, DynamicCache

from cauce.corpus.batches import Width, collate
from cauce.corpus.tokens import Tokens
from cauce.models.foundation import (
    FoundationCache,
    LiquidFoundationConfig,
    LiquidFoundationForCausalLM,
)
from cauce.models.foundation.embedding import LookupTable
from cauce.models.foundation.experts import Experts
from cauce.models.prediction import predict
from models.foundation.foundation_cases import (
    PARTS,
    VOCABULARY,
    make_encoder_decoder,
    make_model,
)

parts = pytest.mark.parametrize("part", PARTS)


def some_ids(rows: int, tokens: int, *, seed: int = 1) -> Tensor:
    return torch.randint(3, VOCABULARY, (rows, tokens), generator=torch.manual_seed(seed))


@parts
@pytest.mark.parametrize("is_training", [False, True])
def test_nothing_changes_when_later_tokens_do(part: str, is_training: bool) -> None:
    model = make_model(part).train(is_training)
    ids = some_ids(2, 21)
    with torch.no_grad():
        before = model(ids, use_cache=False).logits
        for place in (1, 6, 13, 20):
            changed = ids.clone()
            changed[:, place:] = some_ids(2, 21 - place, seed=place + 7)
            after = model(changed, use_cache=False).logits
            assert torch.equal(after[:, :place], before[:, :place])


@parts
def test_nothing_changes_after_a_cache_when_later_tokens_do(part: str) -> None:
    model = make_model(part)
    ids = some_ids(2, 12)

    def continued(later: Tensor) -> Tensor:
        cache = FoundationCache()
        model(ids[:, :5], past_key_values=cache)
        return model(later, past_key_values=cache).logits

    with torch.no_grad():
        changed = ids[:, 5:].clone()
        changed[:, 4:] = some_ids(2, 3, seed=9)
        before, after = continued(ids[:, 5:])[:, :4], continued(changed)[:, :4]
    if "compressed_layers" in PARTS[part]:
        # Later tokens change how many chunks there are, and products of few rows round by that.
        torch.testing.assert_close(after, before, atol=1e-6, rtol=1e-6)
    else:
        assert torch.equal(after, before)


@parts
def test_pieces_equal_the_whole(part: str) -> None:
    model = make_model(part)
    ids = some_ids(2, 18)
    with torch.no_grad():
        whole = model(ids, use_cache=False).logits
        for pieces in ([1] * 18, [7, 1, 1, 9], [2, 16]):
            cache, outputs, past = FoundationCache(), [], 0
            for count in pieces:
                outputs.append(model(ids[:, past : past + count], past_key_values=cache).logits)
                past += count
            torch.testing.assert_close(torch.cat(outputs, 1), whole, atol=1e-5, rtol=1e-4)


@parts
def test_packed_documents_are_as_they_are_alone(part: str) -> None:
    model = make_model(part)
    documents = [some_ids(1, length, seed=length) for length in (7, 1, 11)]
    positions = torch.cat([torch.arange(ids.shape[1]) for ids in documents])[None]
    with torch.no_grad():
        packed = model(torch.cat(documents, 1), position_ids=positions, use_cache=False).logits
        alone = [model(ids, use_cache=False).logits for ids in documents]
    torch.testing.assert_close(packed, torch.cat(alone, 1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("sizes", [[7, 5], [9, 3], [7, 1, 4], [7, 1, 1, 3]])
@pytest.mark.parametrize("part", ["default", "lru", "all at once"])
def test_a_document_that_starts_after_a_cache_is_as_it_is_alone(
    part: str, sizes: list[int]
) -> None:
    model = make_model(part)
    documents = [some_ids(1, length, seed=length) for length in (7, 5)]
    positions = torch.cat([torch.arange(ids.shape[1]) for ids in documents])[None]
    pieces = zip(torch.cat(documents, 1).split(sizes, 1), positions.split(sizes, 1), strict=True)
    cache = FoundationCache()
    with torch.no_grad():
        alone = model(documents[1], use_cache=False).logits
        outputs = [
            model(ids, position_ids=places, past_key_values=cache).logits for ids, places in pieces
        ]
    torch.testing.assert_close(torch.cat(outputs, 1)[:, 7:], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("options", [{"window": 1}, {"window": 40}, {"conv_kernel": 1}])
def test_the_narrowest_and_the_widest_parts_go_on_from_a_cache(options: dict[str, int]) -> None:
    model = make_model(**options)
    ids = some_ids(2, 9)
    cache = FoundationCache()
    with torch.no_grad():
        pieces = [model(piece, past_key_values=cache).logits for piece in ids.split([1, 3, 5], 1)]
        whole = model(ids, use_cache=False).logits
    torch.testing.assert_close(torch.cat(pieces, 1), whole, atol=1e-5, rtol=1e-4)


def test_a_packed_mask_after_a_cache_is_refused() -> None:
    model, cache = make_model(), FoundationCache()
    model(some_ids(1, 3), past_key_values=cache)
    mask = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"needed is \(1, 6\), 0 at padding, or without a past"):
        model(some_ids(1, 3), attention_mask=mask, past_key_values=cache)


@parts
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("is_training", [False, True])
def test_generation_is_the_same_with_and_without_a_cache(
    part: str, beams: int, is_training: bool
) -> None:
    model = make_model(part).train(is_training)
    prompts = some_ids(2, 9)
    prompts[0, :4] = 2
    mask = torch.ones_like(prompts)
    mask[0, :4] = 0
    options = {"max_new_tokens": 7, "do_sample": False, "num_beams": beams, "eos_token_id": 1}
    cached, plain = (
        model.generate(prompts, attention_mask=mask, use_cache=use_cache, **options)
        for use_cache in (True, False)
    )
    assert torch.equal(cached, plain)
    alone = model.generate(prompts[:1, 4:], **options)
    assert torch.equal(alone[0, 5:], cached[0, 9 : 9 + alone.shape[1] - 5])


@parts
def test_checkpointed_gradients_are_equal(part: str) -> None:
    gradients = []
    for is_checkpointing in (False, True):
        model = make_model(part).train()
        if is_checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})
        ids = some_ids(2, 10)
        model(ids, labels=ids).loss.backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)


@parts
def test_sixteen_bits_train_and_write(part: str) -> None:
    """Under autocast, whose weights have 32, without a warning; and with weights of 16."""
    model = make_model(part).train()
    ids = some_ids(2, 10)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(ids, labels=ids).loss
    loss.backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())
    small = copy.deepcopy(model).to(torch.bfloat16).eval()
    assert small(ids).logits.dtype == torch.bfloat16
    assert small.generate(ids, max_new_tokens=2, do_sample=False).shape[1] <= 12


@parts
def test_every_weight_learns(part: str) -> None:
    model = make_model(part).train()
    ids = some_ids(4, 24)
    model(ids, labels=ids).loss.backward()
    still = [
        name
        for name, weight in model.named_parameters()
        if weight.grad is None or not weight.grad.abs().sum()
    ]
    assert still == []


@parts
def test_a_saved_model_is_the_same_and_known_to_the_auto_classes(part: str, tmp_path: Path) -> None:
    model = make_model(part)
    model.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).model_type == "liquid_foundation"
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(again) is LiquidFoundationForCausalLM
    ids = some_ids(1, 8)
    with torch.no_grad():
        assert torch.equal(again(ids).logits, model(ids).logits)


def test_tied_weights_are_one() -> None:
    model = make_model("plain")
    assert model.lm_head.weight is model.get_input_embeddings().weight
    apart = make_model()
    assert apart.lm_head.weight is not apart.get_input_embeddings().weight


def test_a_loss_counts_what_routers_ask_for() -> None:
    model = make_model("confident experts").train()
    ids = some_ids(2, 9)
    output = model(ids, labels=ids)
    likelihood = torch.nn.functional.cross_entropy(
        output.logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()
    )
    assert output.auxiliary_loss > 0
    torch.testing.assert_close(output.loss, likelihood + output.auxiliary_loss)


@pytest.mark.parametrize("part", ["default", "confident experts"])
def test_losses_of_parts_of_an_update_add_up(part: str) -> None:
    model, ids = make_model(part).train(), some_ids(4, 9)
    whole = model(ids, labels=ids).loss
    items = torch.tensor(4 * 8)
    parts = [model(it, labels=it, num_items_in_batch=items).loss for it in (ids[:1], ids[1:])]
    torch.testing.assert_close(sum(parts), whole)


@pytest.mark.parametrize("part", ["experts", "confident experts"])
def test_gradients_of_smaller_batches_add_up(part: str) -> None:
    """Those of the balance are counts, so they add up as they are."""
    model, ids = make_model(part).train(), some_ids(4, 12)
    found = []
    for batches in ([ids], [ids[:1], ids[1:]]):
        model.zero_grad()
        for batch in batches:
            (model(batch, labels=batch).loss * len(batch) / len(ids)).backward()
        found.append({name: weight.grad.clone() for name, weight in model.named_parameters()})
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, atol=1e-6, rtol=1e-5, msg=name)


@pytest.mark.parametrize("part", ["experts", "confident experts", "all at once"])
@pytest.mark.parametrize("is_packed", [True, False])
def test_experts_are_used_as_without_padding(part: str, is_packed: bool) -> None:
    model = make_model(part).train()
    texts = [Tokens(some_ids(1, 9 + number)[0].tolist(), [5, 6]) for number in (0, 1, 20)]
    rows = [texts[:2], texts[2:]] if is_packed else [[text] for text in texts]

    def loads(rows: list[list[Tokens]]) -> Tensor:
        model.zero_grad()
        logits = predict(model, collate(rows, pad_id=2, width=Width(step=64)))
        logits.sum().backward()
        found = [it for it in model.modules() if isinstance(it, Experts)]
        assert found
        return torch.cat([it.balance_bias.grad for it in found])

    torch.testing.assert_close(loads(rows), sum(loads([[text]]) for text in texts))


def test_a_new_model_begins_as_its_embedding_and_its_head() -> None:
    torch.manual_seed(0)
    options = {"vocab_size": VOCABULARY, "hidden_size": 32, "pad_token_id": 2}
    model = AutoModelForCausalLM.from_config(LiquidFoundationConfig(**options)).eval()
    ids = some_ids(1, 9)
    embedded = model.get_input_embeddings()(ids)
    torch.testing.assert_close(model(ids).logits, model.lm_head(model.model.norm(embedded)))


def test_vectors_move_as_fast_as_their_scale_says() -> None:
    """One step of Adam changes what the network reads by the rate times the scale."""
    moves = []
    for scale in (1.0, 3.0):
        model = make_model(embedding_scale=scale, tie_word_embeddings=False).train()
        ids = some_ids(1, 9)
        table = model.get_input_embeddings()
        before = table(ids).detach().clone()
        optimizer = torch.optim.Adam([table.weight], lr=1e-3, eps=1e-16)
        model(ids, labels=ids).loss.backward()
        optimizer.step()
        moves.append((table(ids) - before).abs().max().item())
    assert moves[0] == pytest.approx(1e-3, rel=1e-3)
    assert moves[1] == pytest.approx(3e-3, rel=1e-3)


def test_vectors_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError, match=r"needed is an nn\.Embedding of that size"):
        make_model().set_input_embeddings(torch.nn.Embedding(5, 32))


@pytest.mark.parametrize("mean_resizing", [True, False])
@pytest.mark.parametrize("part", ["default", "plain", "all at once"])
def test_a_larger_vocabulary_is_read_and_learned_by_every_table(
    part: str, mean_resizing: bool, tmp_path: Path
) -> None:
    model = make_model(part, initializer_range=0.05).train()
    ids = some_ids(2, 9)
    with torch.no_grad():
        before = model(ids).logits
    model.resize_token_embeddings(VOCABULARY + 5, mean_resizing=mean_resizing)
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits[..., :VOCABULARY], before)
    further = ids.clone()
    further[:, :2] = VOCABULARY + 4
    model(further, labels=further).loss.backward()
    for table in model.modules():
        if isinstance(table, LookupTable):
            assert table.weight.grad[-1].any()
            added = table.scale * table.weight[VOCABULARY:].std().item()
            assert mean_resizing or added == pytest.approx(0.05, rel=0.3)
    model.eval().save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(again(further).logits, model(further).logits)


def test_a_cache_of_fixed_size_holds_any_length() -> None:
    model = make_model("default")
    cache = FoundationCache()
    sizes = []
    with torch.no_grad():
        for _ in range(3):
            model(some_ids(1, 40), past_key_values=cache)
            memory = cache.memory("1")
            sizes.append(sum(tensor.numel() for tensor in memory.values()))
    assert cache.get_seq_length() == 120
    assert len(set(sizes)) == 1


@parts
def test_a_cache_holds_no_more_than_what_is_needed_of_a_prompt(part: str) -> None:
    model, cache = make_model(part), FoundationCache()
    with torch.no_grad():
        model(some_ids(1, 40), past_key_values=cache)
        model(some_ids(1, 1), past_key_values=cache)
    for memory in cache.by_part().values():
        for name, tensor in memory.items():
            assert tensor.untyped_storage().nbytes() == tensor.nbytes, name


def test_a_cache_where_blocks_are_computed_again_is_refused() -> None:
    model, ids = make_model().train(), some_ids(1, 4)
    model.activation_checkpointing_enable({"use_reentrant": False})
    for options in ({"use_cache": True}, {"past_key_values": FoundationCache()}):
        with pytest.raises(ValueError, match="gradient checkpointing computes blocks again"):
            model(ids, **options)
    assert model(ids).past_key_values is None
    assert model.generate(ids, max_new_tokens=2, do_sample=False).shape[1] > 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cache": object()}, "cache was asked for"),
        ({"output_attentions": True}, "output_attentions was asked for"),
        ({"return_dict": False}, "return_dict=False was asked for"),
    ],
)
def test_what_is_not_given_is_refused(options: dict[str, object], said: str) -> None:
    text = some_ids(1, 3)
    with pytest.raises(ValueError, match=said):
        make_model()(text, **options)
    with pytest.raises(ValueError, match=said):
        make_encoder_decoder()(input_ids=text, decoder_input_ids=text, **options)


def test_the_config_says_what_is_put_out() -> None:
    text = some_ids(1, 3)
    decoder = make_model(output_hidden_states=True)
    assert len(decoder(text).hidden_states) == 4
    both = make_encoder_decoder(output_hidden_states=True)
    output = both(input_ids=text, decoder_input_ids=text)
    assert len(output.decoder_hidden_states) == 4
    assert len(output.encoder_hidden_states) == 3
    assert decoder(text, output_hidden_states=False).hidden_states is None
    with pytest.raises(ValueError, match="output_attentions was asked for"):
        make_model(output_attentions=True)(text)


@parts
def test_vectors_beside_their_tokens_are_those_tokens(part: str) -> None:
    model, ids = make_model(part), some_ids(2, 9)
    vectors = model.get_input_embeddings()(ids)
    with torch.no_grad():
        given = model(input_ids=ids, inputs_embeds=vectors, use_cache=False).logits
        assert torch.equal(given, model(ids, use_cache=False).logits)


def test_vectors_alone_are_refused_where_tokens_have_values() -> None:
    ids = some_ids(2, 9)
    model = make_model()
    vectors = model.get_input_embeddings()(ids)
    for given in ({}, {"inputs_embeds": vectors}):
        with pytest.raises(ValueError, match="input_ids are missing"):
            model(**given)
    plain = make_model("plain")
    with torch.no_grad():
        vectors = plain.get_input_embeddings()(ids)
        assert torch.equal(plain(inputs_embeds=vectors).logits, plain(ids).logits)
        written = plain.generate(inputs_embeds=vectors, max_new_tokens=4, do_sample=False)
    assert torch.equal(written, plain.generate(ids, max_new_tokens=4, do_sample=False)[:, 9:])


@pytest.mark.parametrize("auto", [AutoModel, AutoModelForCausalLM])
def test_no_decoder_is_made_of_an_encoder_decoder(auto: type, tmp_path: Path) -> None:
    make_encoder_decoder().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="a decoder was asked for; take AutoModelForSeq2SeqLM"):
        auto.from_pretrained(tmp_path)


@pytest.mark.parametrize("part", ["experts", "confident experts"])
def test_padding_goes_to_no_expert_while_text_is_written_or_read_with_positions(part: str) -> None:
    model, ids = make_model(part), some_ids(2, 9)
    mask = torch.ones_like(ids)
    mask[0, :4] = 0
    experts = next(it for it in model.modules() if isinstance(it, Experts))
    rows = [ids[:1, 4:], ids[1:]]
    counted = 0
    with torch.no_grad():
        for row in rows:
            model(row, use_cache=False)
            counted = counted + experts._loads
        model.generate(ids, attention_mask=mask, max_new_tokens=1, do_sample=False)
        assert torch.equal(experts._loads, counted)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        model.train()(ids, attention_mask=mask, position_ids=positions)
        assert torch.equal(experts._loads, counted)


def test_another_cache_is_refused() -> None:
    model = make_model()
    with pytest.raises(ValueError, match="cannot hold recurrent states"):
        model(some_ids(1, 3), past_key_values=DynamicCache())


def test_assisted_decoding_is_refused() -> None:
    model = make_model()
    cache = FoundationCache()
    model(some_ids(1, 3), past_key_values=cache)
    with pytest.raises(ValueError, match="cannot be taken back"):
        cache.crop(-1)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"mixers": ["convolution", "fourier"]}, "fourier"),
        ({"compressed_layers": [1, 9]}, "compressed_layers"),
        ({"num_attention_heads": 3}, "do not fit"),
        ({"differential": True, "num_key_value_heads": 1}, "pairs groups"),
        ({"encoder_mixers": ["memory"]}, "reads one way"),
        ({"window": 0}, "window is 0"),
        ({"conv_kernel": 0}, "conv_kernel 0; needed is at least 1"),
        ({"expert_layers": [1, 3]}, "names layer 3; there are 0 to 2"),
        ({"memory": "gru"}, "memory: 'gru'; there are lru, lstm, cfc"),
        ({"feed_forward": "gelu"}, "feed_forward: 'gelu'; there are swiglu, relu2"),
        ({"num_hidden_layers": 8}, "num_hidden_layers is 8; the depth of this model is that of"),
        ({"expert_layers": [1], "experts_per_token": 0}, "experts_per_token is 0; needed is 1 to"),
        ({"expert_layers": [1], "experts_per_token": 9}, "experts_per_token is 9; needed is 1 to"),
        ({"window": None, "compressed_layers": [0, 2]}, "whose memory would grow"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(options: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        make_model(**options)
