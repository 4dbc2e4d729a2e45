from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cauce.corpus.tokens import chat_prompt
from cauce.errors import DataRefused
from cauce.models.generation import (
    Written,
    continue_tokens,
    cut_at_stop,
    end_token_ids,
    generate,
    position_limit,
    stream,
)
from cauce.records import Message
from models.tiny import DECODERS, tiny_decoder, tiny_model

PROMPTS = [
    [Message(role="user", content="¿Qué es?")],
    [Message(role="system", content="Be brief."), Message(role="user", content="What is it for?")],
    [Message(role="user", content="¿Cómo se toma la metformina con las comidas del niño?")],
]


def lively(kind):
    """A tiny model whose logits are spread out, so that it writes something and never ties."""
    loaded = tiny_model(kind)
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in loaded.model.parameters():
            if weight.ndim == 2:
                weight.add_(0.2 * torch.randn_like(weight))
    return loaded


def greedy_in_plain_loops(loaded, prompt, max_new_tokens):
    """Whole forward passes, no cache, no padding."""
    ids = chat_prompt(loaded.tokenizer, prompt, is_encoder_decoder=loaded.is_encoder_decoder)
    written = []
    start = loaded.model.generation_config.decoder_start_token_id
    for _ in range(max_new_tokens):
        if loaded.is_encoder_decoder:
            inputs = {"input_ids": [ids], "decoder_input_ids": [[start, *written]]}
        else:
            inputs = {"input_ids": [ids + written]}
        with torch.no_grad():
            tensors = {name: torch.tensor(value) for name, value in inputs.items()}
            token = int(loaded.model(**tensors).logits[0, -1].argmax())
        if token in end_token_ids(loaded):
            break
        written.append(token)
    text = loaded.tokenizer.decode(written, skip_special_tokens=True).strip()
    return Written(text, is_finished=len(written) < max_new_tokens)


@pytest.mark.parametrize("kind", [*DECODERS, "t5"])
def test_answers_equal_those_of_plain_loops_whatever_the_batch(kind):
    loaded = lively(kind)
    expected = [greedy_in_plain_loops(loaded, prompt, 12) for prompt in PROMPTS]
    assert any(answer.text for answer in expected)
    for batch_size in (1, 2, 3):
        answers = generate(loaded, PROMPTS, max_new_tokens=12, batch_size=batch_size)
        assert answers == expected


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_streamed_pieces_join_to_the_answer(kind):
    loaded = lively(kind)
    for prompt in PROMPTS:
        [answer] = generate(loaded, [prompt], max_new_tokens=12, batch_size=1)
        assert "".join(stream(loaded, prompt, max_new_tokens=12)) == answer.text


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_stop_strings_cut_exactly_plain_and_streamed(kind):
    loaded = lively(kind)
    [answer] = generate(loaded, PROMPTS[:1], max_new_tokens=12, batch_size=1)
    stop = [answer.text[4:6]]
    expected = answer.text[: answer.text.index(stop[0])].strip()
    [stopped] = generate(loaded, PROMPTS[:1], max_new_tokens=12, batch_size=1, stop=stop)
    assert stopped == Written(expected, is_finished=True)
    assert "".join(stream(loaded, PROMPTS[0], max_new_tokens=12, stop=stop)) == expected


def test_a_trained_end_token_ends_the_answer():
    loaded = tiny_decoder("llama")
    with torch.no_grad():
        loaded.model.model.norm.weight.zero_()
    loaded.tokenizer.eos_token = loaded.tokenizer.convert_ids_to_tokens(0)
    ended = generate(loaded, PROMPTS, max_new_tokens=5, batch_size=3)
    assert ended == [Written("", is_finished=True)] * 3


@pytest.mark.parametrize(("kind", "place"), [("gpt2", 5), ("llama", 5), ("t5", 0)])
def test_an_answer_is_finished_where_an_end_token_came_in_time(kind, place, monkeypatch):
    loaded = lively(kind)
    written = greedy_in_plain_loops(loaded, PROMPTS[0], 12).text
    tokens = loaded.tokenizer.encode(written, add_special_tokens=False)
    end, place = tokens[place], tokens.index(tokens[place])
    monkeypatch.setattr("cauce.models.generation.end_token_ids", lambda loaded: [end])
    told = []
    for most in (1, 3, 5, 7):
        together = generate(loaded, PROMPTS, max_new_tokens=most, batch_size=3)
        [alone] = generate(loaded, PROMPTS[:1], max_new_tokens=most, batch_size=1)
        assert alone == together[0]
        told.append(alone.is_finished)
    assert told == [place < most for most in (1, 3, 5, 7)]


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_tokens_are_continued_as_the_chat_they_come_from(kind):
    loaded = lively(kind)
    ids = [
        chat_prompt(loaded.tokenizer, prompt, is_encoder_decoder=loaded.is_encoder_decoder)
        for prompt in PROMPTS
    ]
    written = generate(loaded, PROMPTS, max_new_tokens=8, batch_size=2)
    texts = continue_tokens(loaded, ids, max_new_tokens=8, batch_size=3)
    assert [text.strip() for text in texts] == [one.text for one in written]
    letter = texts[0].strip()[1]
    [cut] = continue_tokens(loaded, ids[:1], max_new_tokens=8, batch_size=1, stop=[letter])
    assert cut == texts[0].partition(letter)[0]


def test_a_prompt_that_cannot_fit_is_refused():
    loaded = tiny_decoder("gpt2")
    assert position_limit(loaded) == 512
    with pytest.raises(DataRefused, match=r"up to 600 .* exceeds the 512.*\n.*max_new_tokens"):
        generate(loaded, PROMPTS, max_new_tokens=600, batch_size=1)


def test_t5_tells_places_apart_at_any_length():
    assert position_limit(tiny_model("t5")) is None


@given(text=st.text("ab ", max_size=12), stop=st.lists(st.text("ab", min_size=1, max_size=3)))
def test_cut_text_is_the_longest_beginning_without_stop(text, stop):
    cut = cut_at_stop(text, stop)
    assert text.startswith(cut)
    assert not any(word in cut for word in stop)
    assert cut == text or any(text[len(cut) :].startswith(word) for word in stop)
