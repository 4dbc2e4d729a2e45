from __future__ import annotations

import pytest

from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.training.denoising import corrupted_lengths
from cauce.training.examples import Examples
from cauce.training.objectives import Distil, Pretrain, Sft
from models.tiny import tiny_model
from training.examples import chats, tiny_t5_with_sentinels


@pytest.fixture(scope="module")
def t5():
    return tiny_t5_with_sentinels()


@pytest.mark.parametrize("objective", [Sft(), Distil(teacher="it")])
@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_what_is_not_pretrained_on_stays_as_it_is(kind, objective):
    loaded = tiny_model(kind)
    items = chats(loaded, 4)
    examples = Examples(items, loaded, objective, seed="1")
    assert len(examples) == 4
    assert examples.first() == items
    assert [examples.at(index, 7) for index in range(4)] == items


def test_a_decoder_is_pretrained_on_prompts_too():
    loaded = tiny_model("gpt2")
    items = chats(loaded, 3)
    examples = Examples(items, loaded, Pretrain(), seed="1")
    assert list(examples.first()) == [Tokens([], item.prompt + item.completion) for item in items]
    assert examples.at(1, 5) == examples.at(1, 0)
    assert examples.first()[1:] == list(examples.first())[1:]


def test_an_encoder_decoder_restores_spans_that_each_epoch_cuts_anew(t5):
    items = chats(t5, 5)
    examples = Examples(items, t5, Pretrain(), seed="1")
    epochs = [[examples.at(index, epoch) for index in range(5)] for epoch in range(3)]
    assert epochs[0] == examples.first()
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert examples.at(2, 1) == epochs[1][2]


def test_what_is_cut_is_decided_by_seed_epoch_and_number_alone(t5):
    items = chats(t5, 5)
    one, same, other = (Examples(items, t5, Pretrain(), seed=seed) for seed in "112")
    same.first()
    assert one.at(3, 2) == same.at(3, 2)
    assert [one.at(index, 0) for index in range(5)] != other.first()
    shorter = Examples(items[:4], t5, Pretrain(), seed="1")
    assert shorter.at(3, 2) == one.at(3, 2)
    twice = Examples([items[0], items[0]], t5, Pretrain(), seed="1")
    assert any(twice.at(0, epoch) != twice.at(1, epoch) for epoch in range(4))


def test_lengths_are_the_same_in_every_epoch(t5):
    items = chats(t5, 6)
    examples = Examples(items, t5, Pretrain(), seed="1")
    for index, item in enumerate(items):
        expected = corrupted_lengths(len(item.prompt) + len(item.completion))
        for epoch in range(5):
            found = examples.at(index, epoch)
            assert (len(found.prompt), len(found.completion)) == expected


def test_a_tokenizer_without_sentinels_is_refused():
    with pytest.raises(TrainingRefused, match=r"has 0 sentinels.*\n.*kind=sft"):
        Examples([], tiny_model("t5"), Pretrain(), seed="1")
