from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cauce.training.order import Plan, sorted_batches
from cauce.training.settings import TrainingSettings

lengths_of = st.lists(st.integers(1, 50), min_size=1, max_size=60)


@given(
    lengths=lengths_of,
    batch_size=st.integers(1, 7),
    accumulation=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_every_epoch_holds_every_example_once(lengths, batch_size, accumulation, seed):
    settings = TrainingSettings(batch_size=batch_size, accumulation=accumulation, epochs=2)
    plan = Plan.of(lengths, settings, seed=seed)
    assert plan.total_steps == 2 * plan.steps_per_epoch
    for epoch in range(2):
        steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
        windows = [plan.window(step) for step in steps]
        seen = [index for window in windows for batch in window for index in batch]
        assert sorted(seen) == list(range(len(lengths)))
        assert all(sum(map(len, window)) == batch_size * accumulation for window in windows[:-1])


def test_the_order_is_a_function_of_seed_and_step():
    settings = TrainingSettings(batch_size=4, epochs=3)
    lengths = [number % 9 + 1 for number in range(50)]
    forwards, again = (Plan.of(lengths, settings, seed=1) for _ in range(2))
    straight = [forwards.window(step) for step in range(forwards.total_steps)]
    backwards = [again.window(step) for step in reversed(range(again.total_steps))]
    assert straight == backwards[::-1]
    assert straight != [Plan.of(lengths, settings, seed=2).window(step) for step in range(39)]
    assert straight[:13] != straight[13:26]


def test_batches_hold_examples_of_like_length():
    lengths = [(number * 37) % 200 + 1 for number in range(400)]
    plan = Plan.of(lengths, TrainingSettings(batch_size=8, epochs=1), seed=0)
    batches = [batch for step in range(plan.total_steps) for batch in plan.window(step)]
    padded = sum(max(lengths[index] for index in batch) * len(batch) for batch in batches)
    assert sum(lengths) / padded > 0.9


def test_steps_decide_over_epochs():
    plan = Plan.of([1] * 10, TrainingSettings(batch_size=5, epochs=3, steps=7), seed=0)
    assert (plan.total_steps, plan.epoch_at(7)) == (7, 3.5)


@given(lengths=lengths_of, batch_size=st.integers(1, 7))
def test_validation_batches_hold_every_example_once(lengths, batch_size):
    batches = sorted_batches(lengths, batch_size)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
