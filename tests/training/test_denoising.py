from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.corpus.tokens import Tokens
from cauce.errors import DataRefused, TrainingRefused
from cauce.training.denoising import corrupt, corrupted_lengths, sentinel_ids
from models.tiny import tiny_t5

END = 1
SENTINELS = range(1299, 999, -1)

texts = st.lists(st.integers(2, 999), min_size=1, max_size=300)
cuts = st.integers(0, 300)
shares = st.floats(0.01, 0.9)
mean_spans = st.floats(1, 20)
seeds = st.integers(0, 10**6)


def merged(item):
    """The text that a corrupted one was made of: every sentinel gives way to its span."""
    spans: dict[int, list[int]] = {}
    for token in item.completion[:-1]:
        if token in SENTINELS:
            spans[token] = []
            last = spans[token]
        else:
            last.append(token)
    return [kept for token in item.prompt[:-1] for kept in spans.get(token, [token])]


@given(texts, cuts, shares, mean_spans, seeds)
def test_every_token_comes_back_by_merging(text, cut, share, mean_span, seed):
    item = Tokens(text[:cut], [*text[cut:], END])
    chance = random.Random(seed)
    found = corrupt(item, sentinels=SENTINELS, share=share, mean_span=mean_span, chance=chance)
    assert merged(found) == text
    assert found.prompt[-1] == found.completion[-1] == END


@given(texts, seeds)
def test_sentinels_stand_in_order_each_once_and_the_last_closes(text, seed):
    found = corrupt(Tokens([], [*text, END]), sentinels=SENTINELS, chance=random.Random(seed))
    asked = [token for token in found.prompt if token in SENTINELS]
    answered = [token for token in found.completion if token in SENTINELS]
    assert answered == [*SENTINELS[: len(asked) + 1]]
    assert asked == answered[:-1]
    assert found.completion[-2] == answered[-1]
    pairs = itertools.pairwise(found.prompt)
    assert not any(one in SENTINELS and two in SENTINELS for one, two in pairs)


@given(texts, cuts, seeds, st.floats(0.01, 0.5), st.floats(3, 20))
def test_lengths_are_known_before(text, cut, seed, share, mean_span):
    item = Tokens(text[:cut], [*text[cut:], END])
    chance = random.Random(seed)
    found = corrupt(item, sentinels=SENTINELS, share=share, mean_span=mean_span, chance=chance)
    expected = corrupted_lengths(item.length, share, mean_span)
    assert (len(found.prompt), len(found.completion)) == expected


@given(st.integers(20, 400))
def test_the_share_that_is_cut_out_and_its_spans_are_as_asked(tokens):
    source, target = corrupted_lengths(tokens + 1)
    spans = (source + target - tokens - 3) // 2
    noise = target - 2 - spans
    assert noise == round(0.15 * tokens)
    assert spans == max(1, round(noise / 3))


def test_the_example_of_the_paper():
    """Raffel et al. 2020, figure 2, with the words as numbers."""
    text = [*range(10, 20)]
    wanted = Tokens(
        [10, 11, 1299, 14, 15, 16, 17, 1298, 19, END], [1299, 12, 13, 1298, 18, 1297, END]
    )
    found = [
        corrupt(
            Tokens([], [*text, END]),
            sentinels=SENTINELS,
            share=0.3,
            mean_span=1.5,
            chance=random.Random(seed),
        )
        for seed in range(500)
    ]
    assert wanted in found


def test_same_seed_same_spans_and_another_seed_others():
    item = Tokens([], [*range(2, 200), END])

    def spans(seed):
        return corrupt(item, sentinels=SENTINELS, chance=random.Random(seed))

    assert spans("5/0/3") == spans("5/0/3")
    assert len({str(spans(seed)) for seed in range(20)}) == 20


def test_every_place_is_cut_out_at_times_and_none_much_more_often_than_asked():
    item = Tokens([], [*range(2, 102), END])
    counts = dict.fromkeys(range(2, 102), 0)
    chance = random.Random(0)
    for _ in range(3000):
        for token in corrupt(item, sentinels=SENTINELS, chance=chance).completion:
            if token in counts:
                counts[token] += 1
    assert min(counts.values()) > 0.03 * 3000
    assert max(counts.values()) < 0.20 * 3000


@pytest.mark.parametrize("text", [[7], [7, 8], [7, 8, 9]])
def test_short_texts_lose_one_token(text):
    found = corrupt(Tokens([], [*text, END]), sentinels=SENTINELS, chance=random.Random(0))
    assert merged(found) == text
    assert len(found.completion) == 4


def test_a_text_without_tokens_is_refused():
    with pytest.raises(DataRefused, match=r"no token but its end token.*\n.*Drop it"):
        corrupt(Tokens([], [END]), sentinels=SENTINELS, chance=random.Random(0))


def test_too_few_sentinels_are_refused():
    item = Tokens([], [*range(2, 62), END])
    corrupt(item, sentinels=SENTINELS[:4], chance=random.Random(0))
    with pytest.raises(
        DataRefused, match=r"60 tokens is to lose 3 spans, which takes 4 .* has 3.\n.*max_tokens"
    ):
        corrupt(item, sentinels=SENTINELS[:3], chance=random.Random(0))


def test_a_sentinel_in_the_text_is_refused():
    item = Tokens([2, 1298, 3], [4, END])
    with pytest.raises(DataRefused, match=r"sentinel with the id 1298.*\n.*Remove <extra_id_"):
        corrupt(item, sentinels=SENTINELS, chance=random.Random(0))


@pytest.mark.parametrize("mark", ["", "▁"])
def test_sentinels_are_found_in_the_order_of_t5(mark):
    """T5 has <extra_id_0> as its last token, mT5 with the mark of a word's beginning."""
    tokenizer = tiny_t5().tokenizer
    before = len(tokenizer)
    tokenizer.add_tokens([f"{mark}<extra_id_{number}>" for number in reversed(range(12))])
    assert sentinel_ids(tokenizer) == [*range(before + 11, before - 1, -1)]


def test_a_tokenizer_without_sentinels_is_refused():
    with pytest.raises(TrainingRefused, match=r"has 0 sentinels .*\n.*objective.*resize"):
        sentinel_ids(tiny_t5().tokenizer)
