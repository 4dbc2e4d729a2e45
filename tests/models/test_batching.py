"""Rows that join and leave between two tokens are written as each is alone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from transformers import GenerationConfig
from transformers.generation.logits_process import TemperatureLogitsWarper, TopPLogitsWarper

from cauce.errors import DataRefused
from cauce.models.asking import ASKING, AskerLeft, Asking
from cauce.models.batching import Engine
from cauce.models.generation import generate, generate_identifiers, prompt_ids
from cauce.models.loading import LoadedModel
from cauce.models.prefix import add_prefix, scales_of
from cauce.models.row import Row, Settings
from cauce.records import Measurements, Message
from models.decoders import CACHES, decoder_with

RULES = "Answer from the section alone, and say so where it does not tell."
QUESTIONS = [f"{word} is it {'for adults ' * turns}?" for turns, word in enumerate("abcdef")]
CHATS = [
    [Message(role="system", content=RULES), Message(role="user", content=question)]
    for question in QUESTIONS
]
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def llama() -> LoadedModel:
    return decoder_with("llama")


@pytest.fixture
def engine(llama: LoadedModel) -> Iterator[Engine]:
    with Engine(llama, rows=3) as engine:
        yield engine


def prompts_of(loaded: LoadedModel) -> list[list[int]]:
    return [prompt_ids(loaded, chat, 0) for chat in CHATS]


def by_transformers(loaded: LoadedModel, ids: list[int], most: int) -> list[int]:
    """What `generate` of transformers writes, greedy, the row alone."""
    config = GenerationConfig(
        max_new_tokens=most,
        do_sample=False,
        eos_token_id=loaded.tokenizer.eos_token_id,
        pad_token_id=loaded.pad_id,
    )
    given = torch.tensor([ids])
    row = loaded.model.generate(
        input_ids=given, attention_mask=torch.ones_like(given), generation_config=config
    )[0, len(ids) :].tolist()
    return row[:-1] if row[-1] == loaded.tokenizer.eos_token_id else row


@pytest.mark.parametrize("cache", CACHES)
def test_rows_are_what_transformers_writes_alone(cache):
    loaded = decoder_with(cache)
    prompts = prompts_of(loaded)
    expected = [by_transformers(loaded, ids, 4 + 2 * it) for it, ids in enumerate(prompts)]
    with Engine(loaded, rows=3) as engine:
        assert engine.is_batching
        assert engine.is_sharing
        rows = [engine.submit(ids, Settings(4 + 2 * it)) for it, ids in enumerate(prompts)]
        assert [[*row] for row in rows] == expected
        assert engine.prefixes.tokens_saved > 0
    assert len({tuple(tokens) for tokens in expected}) > 3


@pytest.mark.parametrize("cache", ["foundation", "growing", "chunks"])
def test_a_row_that_stays_when_a_longer_one_leaves_is_written_as_alone(cache):
    loaded = decoder_with(cache)
    short, *_, long = prompts_of(loaded)
    expected = [by_transformers(loaded, long, 2), by_transformers(loaded, short, 9)]
    with Engine(loaded, rows=2) as engine:
        asked = [(long, Settings(2)), (short, Settings(9))]
        rows = engine.run(lambda: [engine.submit(*each) for each in asked])
        assert [[*row] for row in rows] == expected


def test_what_cannot_share_steps_is_written_request_by_request():
    loaded = decoder_with("t5")
    expected = generate(loaded, CHATS, max_new_tokens=6, batch_size=1)
    with Engine(loaded) as engine, ThreadPoolExecutor(4) as pool:
        assert not engine.is_batching
        shared = replace(loaded, engine=engine)
        ask = lambda chat: generate(shared, [chat], max_new_tokens=6, batch_size=1)[0]  # noqa: E731
        assert list(pool.map(ask, CHATS)) == expected


def test_a_model_that_reads_joined_rows_otherwise_is_found_out(monkeypatch):
    loaded = decoder_with("gpt2")
    forward = loaded.model.forward

    def blind_to_places(position_ids=None, **options):
        return forward(**options)

    monkeypatch.setattr(loaded.model, "forward", blind_to_places)
    with Engine(loaded) as engine:
        assert not engine.is_batching


def test_generate_gives_the_same_with_an_engine(llama, engine):
    shared = replace(llama, engine=engine)
    [whole] = generate(llama, CHATS[:1], max_new_tokens=12, batch_size=1)
    for stop in ([], [whole.text[2:4]]):
        options = {"max_new_tokens": 12, "batch_size": 2, "stop": stop}
        assert generate(shared, CHATS, **options) == generate(llama, CHATS, **options)
    lines = ["dose", "use", "storage"]
    named = [
        generate_identifiers(model, CHATS, lines, most=2, batch_size=2) for model in (llama, shared)
    ]
    assert named[0] == named[1]
    assert any(named[0])


def test_a_row_is_drawn_alike_alone_and_in_a_crowd(llama, engine):
    prompts = prompts_of(llama)
    settings = [Settings(8, temperature=0.7 + it, top_p=0.9, seed=it) for it in range(6)]
    rows = [engine.submit(ids, it) for ids, it in zip(prompts, settings, strict=True)]
    crowd = [[*row] for row in rows]
    alone = [engine.generate(ids, it).tokens for ids, it in zip(prompts, settings, strict=True)]
    assert crowd == alone
    again = engine.generate(prompts[0], settings[0]._replace(seed=99)).tokens
    assert again != alone[0]


def test_tokens_are_drawn_with_the_chances_of_transformers():
    logits = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, 1.5])
    row = Row([1], Settings(1, temperature=1.5, top_p=0.8, seed=3), None)
    warped = TopPLogitsWarper(0.8)(None, TemperatureLogitsWarper(1.5)(None, logits[None]))
    chances = torch.softmax(warped, -1)[0]
    drawn = Counter(row.choose(logits, 0) for _ in range(2000))
    for token, chance in enumerate(chances.tolist()):
        assert drawn[token] / 2000 == pytest.approx(chance, abs=0.04)
        assert (drawn[token] == 0) == (chance == 0)


def test_tokens_come_one_by_one_and_the_rest_is_left(llama, engine):
    [ids, other, *_] = prompts_of(llama)
    expected = by_transformers(llama, ids, 12)
    stream = engine.stream(ids, Settings(200))
    assert [next(stream), next(stream)] == expected[:2]
    stream.close()
    assert engine.generate(other, Settings(5)).tokens == by_transformers(llama, other, 5)


def test_who_leaves_takes_the_row_along_and_no_other(llama, engine, monkeypatch):
    ids, other, *_ = prompts_of(llama)
    monkeypatch.setattr(engine, "_ends", set())
    asking = Asking()

    def ask() -> None:
        ASKING.set(asking)
        with pytest.raises(AskerLeft):
            engine.generate(ids, Settings(400))
        done.append("left")

    done: list[str] = []
    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while asking.first_token_at is None and time.monotonic() < deadline:
        time.sleep(0.001)
    row = engine.submit(other, Settings(20))
    asking.has_left.set()
    assert len([*row]) == 20
    thread.join(PATIENCE_S)
    assert done == ["left"]
    late = engine.submit(other, Settings(2))
    assert len([*late]) == 2


def test_who_left_before_is_not_begun(llama, engine):
    asking = Asking()
    asking.has_left.set()
    token = ASKING.set(asking)
    with pytest.raises(AskerLeft):
        engine.generate(prompts_of(llama)[0], Settings(5))
    ASKING.reset(token)
    assert asking.first_token_at is None


def test_what_cannot_fit_is_refused(engine):
    with pytest.raises(DataRefused, match=r"prompt of 500 tokens.*up to 20 exceeds the 512.*\n"):
        engine.submit([5] * 500, Settings(20))
    with pytest.raises(DataRefused, match="no token"):
        engine.submit([], Settings(20))


def test_a_row_that_fails_touches_no_other(llama, engine):
    prompts = prompts_of(llama)
    bad = engine.submit([5, 10**6], Settings(9))
    rows = [engine.submit(ids, Settings(9)) for ids in prompts[:2]]
    with pytest.raises(IndexError):
        list(bad)
    assert [[*row] for row in rows] == [by_transformers(llama, ids, 9) for ids in prompts[:2]]


def test_a_row_without_numbers_is_refused_alone(llama, engine, monkeypatch):
    prompts = prompts_of(llama)
    real = engine._steps.read_rows

    def one_is_nan(tokens, cache, columns):
        cache, logits = real(tokens, cache, columns)
        if len(tokens) > 1:
            logits[0] = torch.nan
        return cache, logits

    monkeypatch.setattr(engine._steps, "read_rows", one_is_nan)
    gate = threading.Event()
    engine._incoming.put(gate.wait)
    rows = [engine.submit(ids, Settings(9)) for ids in prompts[:2]]
    gate.set()
    with pytest.raises(DataRefused, match="no number"):
        list(rows[0])
    assert [*rows[1]] == by_transformers(llama, prompts[1], 9)


def test_a_step_that_fails_is_told_to_all_and_the_engine_goes_on(llama, engine, monkeypatch):
    prompts = prompts_of(llama)
    with monkeypatch.context() as patch:
        patch.setattr(engine._steps, "read_rows", lambda *_: 1 / 0)
        for row in [engine.submit(ids, Settings(9)) for ids in prompts[:2]]:
            with pytest.raises(ZeroDivisionError):
                list(row)
    assert engine.generate(prompts[0], Settings(9)).tokens == by_transformers(llama, prompts[0], 9)


def test_what_is_run_in_between_gives_and_raises(engine):
    assert engine.run(lambda: threading.current_thread().name) == "cauce engine"
    with pytest.raises(ZeroDivisionError):
        engine.run(lambda: 1 / 0)


def test_a_closed_engine_leaves_nobody_waiting(llama):
    engine = Engine(llama)
    row = engine.submit(prompts_of(llama)[0], Settings(400))
    engine.close()
    with pytest.raises(AskerLeft):
        list(row)
    with pytest.raises(AskerLeft, match="closed"):
        engine.generate(prompts_of(llama)[0], Settings(4))


def test_the_series_of_one_person_is_never_kept_for_another():
    people = [Measurements.of_text(f"glucose 0:{level} 6:{level}") for level in (60, 300, 120, 90)]
    loaded = add_prefix(decoder_with("llama"), scales_of(people), vectors=20, seed=1)
    asked = CHATS[0]
    alone = [
        generate(loaded, [asked], max_new_tokens=8, batch_size=1, series=[one]) for one in people
    ]
    with Engine(loaded) as engine:
        shared = replace(loaded, engine=engine)
        for one, expected in zip(people, alone, strict=True):
            found = generate(shared, [asked], max_new_tokens=8, batch_size=1, series=[one])
            assert found == expected
        assert engine.prefixes.bytes == 0
    assert len({it.text for [it] in alone}) > 1
