from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.corpus.tokens import Tokens
from cauce.errors import LeakageFound
from cauce.training import overlap
from cauce.training.overlap import NEAR, SCAFFOLD_SHARE, SHINGLE, find_overlaps, refuse_overlap
from models.tiny import tiny_model
from training.examples import chats

SYSTEM = list(range(1000, 1200))
"""A system prompt ten times as long as what the examples are about."""


def text(chance: random.Random, length: int = 60) -> list[int]:
    return [chance.randrange(3, 900) for _ in range(length)]


def corpus(count: int, *, seed: int = 0, prefix: list[int] | None = None) -> list[Tokens]:
    chance = random.Random(seed)
    return [Tokens([*(prefix or []), *text(chance)], [*text(chance, 20), 2]) for _ in range(count)]


def changed(item: Tokens, places: list[int]) -> Tokens:
    prompt = list(item.prompt)
    for place in places:
        prompt[place] = 950 + place % 40
    return Tokens(prompt, item.completion)


def slow_overlaps(train: list[Tokens], held_out: list[Tokens]) -> dict[int, float]:
    """The definition, pair by pair: how near each overlapping held-out example comes."""

    def shingles(item: Tokens) -> set[tuple[int, ...]]:
        ids = [*item.prompt, *item.completion]
        return {tuple(ids[start : start + SHINGLE]) for start in range(max(1, len(ids) - 4))}

    def jaccard(one: set[tuple[int, ...]], two: set[tuple[int, ...]]) -> float:
        return len(one & two) / len(one | two) if one | two else 0.0

    def key(item: Tokens) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(item.prompt), tuple(item.completion)

    trained = {key(item): shingles(item) for item in train}
    asked = {key(item): shingles(item) for item in held_out if key(item) not in trained}
    everything = [*trained.values(), *asked.values()]
    limit = max(SCAFFOLD_SHARE * len(everything), min(10, len(everything) / 2), 2)
    counts: dict[tuple[int, ...], int] = {}
    for found in everything:
        for shingle in found:
            counts[shingle] = counts.get(shingle, 0) + 1

    def content(found: set[tuple[int, ...]]) -> set[tuple[int, ...]]:
        return {shingle for shingle in found if counts[shingle] <= limit}

    overlaps = {}
    for place, item in enumerate(held_out):
        if key(item) in trained:
            overlaps[place] = 1.0
            continue
        mine = shingles(item)
        nearest = max(
            min(jaccard(mine, theirs), jaccard(content(mine), content(theirs)))
            for theirs in trained.values()
        )
        if nearest >= NEAR:
            overlaps[place] = nearest
    return overlaps


@given(st.randoms(use_true_random=False), st.integers(2, 4), st.integers(1, 40))
@settings(max_examples=150)
def test_what_is_found_is_what_the_definition_says(chance, alphabet, count):
    """Few kinds of token and edited copies: every size, many pairs close to the threshold."""

    def example() -> Tokens:
        body = [chance.randrange(alphabet) for _ in range(chance.randrange(40))]
        return Tokens(body, [chance.randrange(alphabet) for _ in range(chance.randrange(1, 30))])

    train = [example() for _ in range(count)]
    held_out = [example() for _ in range(3)]
    for item in chance.choices(train, k=5):
        completion = list(item.completion)
        completion[chance.randrange(len(completion))] = chance.randrange(alphabet)
        held_out.append(Tokens(item.prompt, completion))
    found = find_overlaps(train, held_out)
    expected = slow_overlaps(train, held_out)
    assert {overlap.held_out: overlap.similarity for overlap in found} == pytest.approx(expected)


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_how_many_are_read_together_changes_nothing(rows, monkeypatch):
    monkeypatch.setattr(overlap, "ROWS_AT_ONCE", rows)
    train, held_out = corpus(20, seed=1, prefix=SYSTEM), corpus(6, seed=2, prefix=SYSTEM)
    held_out[1], held_out[4] = changed(train[12], [230]), train[3]
    found = find_overlaps(train, held_out)
    assert [(one.held_out, one.train) for one in found] == [(1, 12), (4, 3)]
    assert {one.held_out: one.similarity for one in found} == pytest.approx(
        slow_overlaps(train, held_out)
    )


def test_different_examples_pass():
    refuse_overlap(corpus(50, seed=1), corpus(20, seed=2))


@pytest.mark.parametrize(("train", "held_out"), [([], corpus(2)), (corpus(2), []), ([], [])])
def test_nothing_to_compare_passes(train, held_out):
    refuse_overlap(train, held_out)


def test_examples_shorter_than_a_shingle_are_told_apart():
    assert not find_overlaps([Tokens([7], [0])], [Tokens([7], [0, 0])])


def test_an_exact_copy_is_named_by_both_places():
    train, held_out = corpus(50, seed=1), corpus(20, seed=2)
    held_out[7] = Tokens(list(train[31].prompt), list(train[31].completion))
    with pytest.raises(
        LeakageFound,
        match=r"^1 of 20 test examples .*number 7 is an exact copy of training example 31\.\n"
        r".*Remove.*same group",
    ):
        refuse_overlap(train, held_out, name="test")


def test_the_first_of_several_copies_in_training_is_named():
    train = corpus(10, seed=1)
    [overlap] = find_overlaps([*train, train[4]], [train[4]])
    assert overlap == (0, 4, 1.0)


def test_each_of_two_equal_held_out_examples_is_counted():
    train = corpus(10, seed=1)
    assert [overlap.held_out for overlap in find_overlaps(train, [train[4], train[4]])] == [0, 1]


@pytest.mark.parametrize("prefix", [None, SYSTEM])
@pytest.mark.parametrize(
    ("edits", "is_near"), [([30], True), ([30, 31], True), ([9, 19, 29, 39, 49], False)]
)
def test_a_copy_with_few_changed_tokens_is_near(prefix, edits, is_near):
    train, held_out = corpus(40, seed=1, prefix=prefix), corpus(10, seed=2, prefix=prefix)
    held_out[3] = changed(train[12], [len(prefix or []) + place for place in edits])
    found = find_overlaps(train, held_out)
    assert [(overlap.held_out, overlap.train) for overlap in found] == [(3, 12)] * is_near
    assert all(NEAR <= overlap.similarity < 1 for overlap in found)


def test_a_near_copy_is_told_with_how_near_it_is():
    train = corpus(40, seed=1)
    with pytest.raises(LeakageFound, match=r"number 0 is 0\.88 the same as training example 12"):
        refuse_overlap(train, [changed(train[12], [30])])


@pytest.mark.parametrize("count", [2, 4, 10, 200])
def test_a_system_prompt_that_all_share_makes_none_near(count):
    assert not find_overlaps(
        corpus(count, seed=1, prefix=SYSTEM), corpus(count, seed=2, prefix=SYSTEM)
    )


def test_a_prompt_that_one_source_of_several_has_makes_none_near():
    """A tenth of the examples open with the same two hundred tokens, the others do not."""
    plain = corpus(180, seed=1)
    assert not find_overlaps(
        [*plain, *corpus(20, seed=3, prefix=SYSTEM)], corpus(5, seed=4, prefix=SYSTEM)
    )


def test_the_same_words_in_scaffold_of_another_kind_are_not_near():
    """Without its scaffold the example is the trained one; with it, they differ by half."""
    openings = [list(range(2000 + 100 * kind, 2080 + 100 * kind)) for kind in range(2)]
    chance = random.Random(5)
    train = [Tokens(openings[place % 2], [*text(chance), 2]) for place in range(60)]
    assert not find_overlaps(train, [Tokens(openings[1], train[0].completion)])


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_the_end_of_the_example_is_shown_where_there_is_a_tokenizer(kind):
    loaded = tiny_model(kind)
    items = chats(loaded, 6)
    with pytest.raises(LeakageFound, match=r"training example 4, which ends '.*amoxicilina: dolor"):
        refuse_overlap(items, [items[4]], tokenizer=loaded.tokenizer)


def test_time_grows_as_the_examples_do():
    def cpu_s(count: int) -> float:
        train = corpus(count, seed=1, prefix=SYSTEM)
        held_out = corpus(count // 10, seed=2, prefix=SYSTEM)
        start = time.process_time()
        assert not find_overlaps(train, held_out)
        return time.process_time() - start

    cpu_s(100)
    assert cpu_s(4000) < 40 * cpu_s(400)
