from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.corpus.batches import Size, Width
from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.training.order import Plan, sorted_batches
from cauce.training.settings import TrainingSettings

lengths_of = st.lists(st.integers(1, 50), min_size=1, max_size=60)
packs = st.sampled_from([None, 64])


def examples(lengths):
    """One example of each length, a third of it completion."""
    return [Tokens([1] * (length - length // 3), [2] * (length // 3)) for length in lengths]


def plan_of(lengths, settings, *, seed=0, is_encoder_decoder=False):
    items = examples(lengths)
    return Plan.of(items, settings, seed=seed, is_encoder_decoder=is_encoder_decoder)


def indices(batches):
    return sorted(index for batch in batches for row in batch for index in row)


@given(
    lengths=lengths_of,
    batch_size=st.integers(1, 7),
    accumulation=st.integers(1, 4),
    seed=st.integers(0, 99),
    pack_tokens=packs,
    is_encoder_decoder=st.booleans(),
)
def test_every_epoch_holds_every_example_once(
    lengths, batch_size, accumulation, seed, pack_tokens, is_encoder_decoder
):
    settings = TrainingSettings(
        batch_size=batch_size, accumulation=accumulation, epochs=2, pack_tokens=pack_tokens
    )
    plan = plan_of(lengths, settings, seed=seed, is_encoder_decoder=is_encoder_decoder)
    assert plan.total_steps == 2 * plan.steps_per_epoch
    for epoch in range(2):
        steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
        windows = [plan.window(step) for step in steps]
        assert indices(batch for window in windows for batch in window) == [*range(len(lengths))]
        assert all(sum(map(len, window)) == batch_size * accumulation for window in windows[:-1])


@pytest.mark.parametrize("pack_tokens", [None, 16])
def test_the_order_is_a_function_of_seed_and_step(pack_tokens):
    settings = TrainingSettings(batch_size=4, epochs=3, pack_tokens=pack_tokens)
    lengths = [number % 9 + 1 for number in range(50)]
    forwards, again = (plan_of(lengths, settings, seed=1) for _ in range(2))
    straight = [forwards.window(step) for step in range(forwards.total_steps)]
    backwards = [again.window(step) for step in reversed(range(again.total_steps))]
    other = plan_of(lengths, settings, seed=2)
    assert straight == backwards[::-1]
    assert straight != [other.window(step) for step in range(other.total_steps)]
    epoch = forwards.steps_per_epoch
    assert straight[:epoch] != straight[epoch : 2 * epoch]


def test_an_unpacked_row_is_one_example():
    plan = plan_of([3, 4, 5], TrainingSettings(batch_size=2, epochs=1))
    assert {len(row) for step in range(2) for batch in plan.window(step) for row in batch} == {1}
    assert (plan.arrangement.width, plan.arrangement.fill) == (None, None)


def test_the_padded_order_is_that_of_the_first_release():
    plan = plan_of([5, 3, 9, 1, 7], TrainingSettings(batch_size=2, epochs=1), seed=3)
    batches = [tuple(row[0] for row in plan.window(step)[0]) for step in range(3)]
    assert batches == [(0, 2), (3, 1), (4,)]


def test_batches_hold_examples_of_like_length():
    lengths = [(number * 37) % 200 + 1 for number in range(400)]
    plan = plan_of(lengths, TrainingSettings(batch_size=8, epochs=1))
    batches = [batch for step in range(plan.total_steps) for batch in plan.window(step)]
    padded = sum(max(lengths[index] for (index,) in batch) * len(batch) for batch in batches)
    assert sum(lengths) / padded > 0.9


def test_steps_decide_over_epochs():
    plan = plan_of([1] * 10, TrainingSettings(batch_size=5, epochs=3, steps=7))
    assert (plan.total_steps, plan.epoch_at(7)) == (7, 3.5)


def test_packed_a_batch_counts_rows_and_the_same_examples_share_one_in_every_epoch():
    settings = TrainingSettings(batch_size=3, epochs=2, pack_tokens=50)
    plan = plan_of([10] * 60, settings)
    assert (plan.steps_per_epoch, plan.arrangement.fill) == (4, 1.0)
    assert plan.arrangement.width == Width(fixed=(Size(50),))
    first, second = (
        [row for step in steps for batch in plan.window(step) for row in batch]
        for steps in (range(4), range(4, 8))
    )
    assert first != second
    assert sorted(first) == sorted(second)
    assert all(len(row) == 5 for row in first)


def test_rows_of_another_width_come_together():
    items = [Tokens([1] * 50, [2] * 10)] * 64 + [Tokens([1] * 4, [2] * 90)] * 4
    settings = TrainingSettings(batch_size=4, epochs=1, pack_tokens=100)
    plan = Plan.of(items, settings, seed=0, is_encoder_decoder=True)
    usual, wide = plan.arrangement.width.fixed
    assert usual.target < wide.target
    batches = [batch for step in range(plan.total_steps) for batch in plan.window(step)]
    assert sum(any(index >= 64 for row in batch for index in row) for batch in batches) <= 2


def test_an_example_longer_than_a_row_is_refused():
    with pytest.raises(TrainingRefused, match=r"example 1 has 40 tokens"):
        plan_of([10, 40], TrainingSettings(pack_tokens=32))


@given(
    lengths=st.lists(st.integers(1, 50), max_size=60),
    batch_size=st.integers(1, 7),
    pack_tokens=packs,
    is_encoder_decoder=st.booleans(),
)
def test_validation_batches_hold_every_example_once(
    lengths, batch_size, pack_tokens, is_encoder_decoder
):
    settings = TrainingSettings(batch_size=batch_size, pack_tokens=pack_tokens)
    found = sorted_batches(examples(lengths), settings, is_encoder_decoder=is_encoder_decoder)
    assert indices(found.batches) == [*range(len(lengths))]
    assert (found.width is None) == (pack_tokens is None)
