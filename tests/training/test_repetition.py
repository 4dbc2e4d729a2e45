from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.training.examples import Examples
from cauce.training.loop import train
from cauce.training.objectives import Pretrain
from cauce.training.repetition import (
    FIRST_LONGEST,
    LAST_LONGEST,
    SHORTEST_COPY,
    Repetitions,
    end_with_copy,
    longest,
)
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_model
from training.examples import chats, tiny_t5_with_sentinels

SETTINGS = TrainingSettings(
    objective=Pretrain(repetition_steps=8), batch_size=3, accumulation=2, steps=12
)


def repetitions(loaded, *, seed=1):
    return Repetitions.of(loaded, SETTINGS, row_tokens=64, seed=seed)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_what_is_learned_is_what_was_read(kind):
    loaded = tiny_model(kind)
    special = {*loaded.tokenizer.all_special_ids} - {loaded.tokenizer.eos_token_id}
    for step in range(8):
        batches = repetitions(loaded).batches(step)
        assert len(batches) == 2
        items = [item for batch in batches for row in batch for item in row]
        assert all(item.prompt == item.completion for item in items)
        assert not special & {token for item in items for token in item.prompt}
        assert len({tuple(item.prompt) for item in items}) == len(items)
        for batch in batches:
            assert len({item.length for row in batch for item in row}) == 1
            assert sum(item.length for row in batch for item in row) <= 3 * 64 + 2 * len(batch)


def test_batches_are_decided_by_seed_and_step_alone():
    loaded = tiny_model("gpt2")
    forwards = [repetitions(loaded).batches(step) for step in range(8)]
    backwards = [repetitions(loaded).batches(step) for step in reversed(range(8))]
    assert forwards == backwards[::-1]
    assert repetitions(loaded, seed=2).batches(0) != forwards[0]
    assert forwards[0] != forwards[1]


def test_short_ones_come_first_and_the_longest_last():
    lengths = [longest(step, 200) for step in range(201)]
    assert lengths == sorted(lengths)
    assert set(lengths[:100]) == {FIRST_LONGEST}
    assert lengths[200] == LAST_LONGEST


@given(st.integers(0, 200), st.integers(1, 200), st.integers(0, 99))
def test_an_example_ends_with_tokens_that_stand_before(prompt, completion, seed):
    item = Tokens([*range(prompt)], [*range(prompt, prompt + completion)])
    found = end_with_copy(item, random.Random(seed))
    assert (len(found.prompt), len(found.completion)) == (prompt, completion)
    whole = [*found.prompt, *found.completion]
    kept = next((n for n, token in enumerate(whole) if token != n), len(whole))
    copied = whole[kept:]
    if copied:
        assert len(copied) >= SHORTEST_COPY
        assert copied == whole[copied[0] : copied[0] + len(copied)]
        assert copied[0] + len(copied) <= kept
    else:
        assert found == item


def test_so_many_examples_as_asked_for_end_with_a_copy_drawn_anew_in_each_epoch():
    loaded = tiny_model("gpt2")
    items = [Tokens([], [*range(40)]) for _ in range(200)]
    examples = Examples(items, loaded, Pretrain(), seed="1", copied_share=0.5)
    epochs = [[examples.at(index, epoch) for index in range(200)] for epoch in range(2)]
    changed = [sum(item != items[0] for item in epoch) for epoch in epochs]
    assert all(70 < count < 130 for count in changed)
    assert epochs[0] != epochs[1]
    assert list(examples.first()) == items


def test_an_encoder_decoder_is_refused_copies():
    with pytest.raises(TrainingRefused, match=r"copied_share is 0\.5.*\n.*Leave"):
        Examples([], tiny_t5_with_sentinels(), Pretrain(), seed="1", copied_share=0.5)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"pack_tokens": 64}, "leave one of the two out"),
        ({"steps": 8}, "raise steps"),
    ],
)
def test_settings_that_leave_no_room_are_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        TrainingSettings.model_validate({**SETTINGS.model_dump(), **change})


def test_examples_follow_the_repetitions_and_none_is_left_out(tmp_path):
    loaded = tiny_model("gpt2")
    items = chats(loaded, 10)
    settings = TrainingSettings(
        objective=Pretrain(repetition_steps=3), batch_size=4, epochs=2, evaluate_every=5
    )
    summary = train(
        loaded, items[:8], items[8:], settings, tmp_path, seed=1, progress=lambda line: None
    )
    assert summary["steps"] == 3 + 2 * 2
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    epochs = [line["epoch"] for line in log if "epoch" in line]
    assert epochs == [0, 0, 0, 0.5, 1, 1.5, 2]
