from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.corpus.batches import Size, collate
from cauce.corpus.packing import _Rows, pack
from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused

lengths = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=60)


def documents(sizes):
    return [Tokens([1] * source, [2] * target) for source, target in sizes]


def log_normal(count, *, mean, most, sigma=0.6, seed=0):
    """Lengths as those of texts are spread: most short, a few very long."""
    chance = random.Random(seed)
    centre = math.log(mean) - sigma**2 / 2
    return [max(2, min(most, round(chance.lognormvariate(centre, sigma)))) for _ in range(count)]


def best_fit_decreasing(sizes, capacity):
    """The textbook's, in O(n * rows)."""
    spaces, rows = [], []
    for index in sorted(range(len(sizes)), key=lambda i: sizes[i], reverse=True):
        fitting = [row for row, space in enumerate(spaces) if space >= sizes[index]]
        if fitting:
            row = min(fitting, key=lambda row: spaces[row])
        else:
            row = len(rows)
            rows.append([])
            spaces.append(capacity)
        rows[row].append(index)
        spaces[row] -= sizes[index]
    return rows


@given(sizes=lengths, is_encoder_decoder=st.booleans(), spare=st.integers(0, 50))
def test_every_document_stands_in_one_row_and_no_row_overflows(sizes, is_encoder_decoder, spare):
    items = documents(sizes)
    packing = pack(items, 60 + spare, is_encoder_decoder=is_encoder_decoder)
    assert sorted(index for row in packing.rows for index in row) == list(range(len(items)))
    for row, capacity in zip(packing.rows, packing.capacities, strict=True):
        source = sum(sizes[index][0] for index in row)
        target = sum(sizes[index][1] for index in row)
        if is_encoder_decoder:
            assert source <= capacity.source <= 60 + spare
            assert target <= capacity.target <= 60 + spare
        else:
            assert source + target <= capacity.source == 60 + spare
    assert 0 < packing.fill <= 1
    assert set(packing.capacities) == set(packing.width.fixed)
    assert packing == pack(items, 60 + spare, is_encoder_decoder=is_encoder_decoder)


@given(sizes=st.lists(st.integers(1, 40), max_size=80))
def test_a_decoder_gets_as_few_rows_as_the_textbook_gives(sizes):
    packing = pack(documents((size, 0) for size in sizes), 40, is_encoder_decoder=False)
    expected = best_fit_decreasing(sizes, 40)
    spaces = sorted(40 - sum(sizes[index] for index in row) for row in packing.rows)
    assert spaces == sorted(40 - sum(sizes[index] for index in row) for row in expected)


def best_fit_on_two_sides(sizes, usual, widest):
    """What `pack` says it does, looking at every row for each document."""

    def share(source, target):
        return source * usual.target + target * usual.source

    def is_usual(size):
        return size[0] <= usual.source and size[1] <= usual.target

    spaces, used, rows = [], [], []
    order = sorted(sizes, key=lambda size: share(*size), reverse=True)
    for moment, (source, target) in enumerate(order):
        fitting = [r for r, space in enumerate(spaces) if source <= space[0] and target <= space[1]]
        if fitting:
            row = min(fitting, key=lambda r: (share(*spaces[r]), spaces[r][0], -used[r]))
        else:
            row = len(rows)
            rows.append([])
            spaces.append(usual if is_usual((source, target)) else widest)
            used.append(moment)
        rows[row].append((source, target))
        spaces[row] = (spaces[row][0] - source, spaces[row][1] - target)
        used[row] = moment
    return rows


@given(sizes=st.lists(st.tuples(st.integers(1, 20), st.integers(1, 40)), min_size=1, max_size=80))
def test_an_encoder_decoders_documents_go_where_they_leave_the_least_of_both_sides(sizes):
    packing = pack(documents(sizes), 40, is_encoder_decoder=True)
    sources, targets = (sum(side) for side in zip(*sizes, strict=True))
    larger = max(sources, targets)
    usual = Size(*(min(40, math.ceil(40 * side / larger / 8) * 8) for side in (sources, targets)))
    expected = best_fit_on_two_sides(sizes, usual, Size(40, 40))
    assert [[sizes[index] for index in row] for row in packing.rows] == expected


def test_rows_of_texts_are_nearly_full():
    items = documents((length, 0) for length in log_normal(1000, mean=86, most=256))
    packing = pack(items, 256, is_encoder_decoder=False)
    assert packing.fill > 0.98
    assert packing.fill == sum(item.length for item in items) / (256 * len(packing.rows))


@pytest.mark.parametrize(("source", "target"), [(60, 26), (26, 60), (43, 43)])
def test_both_sides_of_an_encoder_decoder_fill_up(source, target):
    sources = log_normal(2000, mean=source, most=256, seed=1)
    targets = log_normal(2000, mean=target, most=256, seed=2)
    packing = pack(documents(zip(sources, targets, strict=True)), 256, is_encoder_decoder=True)
    assert packing.fill > 0.9
    for side, used in enumerate((sources, targets)):
        assert sum(used) / sum(capacity[side] for capacity in packing.capacities) > 0.88


def test_one_long_target_widens_its_row_alone():
    items = documents([(50, 10)] * 100 + [(10, 90)])
    packing = pack(items, 100, is_encoder_decoder=True)
    assert packing.width.fixed == (Size(100, 24), Size(100, 100))
    assert packing.capacities.count(Size(100, 100)) == 1
    wide = packing.rows[packing.capacities.index(Size(100, 100))]
    assert 100 in wide


def test_the_rows_fit_the_widths_that_collate_is_given():
    items = documents([(50, 10)] * 20 + [(10, 90)])
    packing = pack(items, 100, is_encoder_decoder=True)
    for row, capacity in zip(packing.rows, packing.capacities, strict=True):
        rows = [[items[index] for index in row]]
        batch = collate(rows, pad_id=0, decoder_start_id=0, width=packing.width)
        assert batch.input_ids.shape[1] <= capacity.source
        assert batch.targets.shape[1] <= capacity.target


def test_nothing_to_pack_makes_no_row():
    packing = pack([], 64, is_encoder_decoder=True)
    assert (packing.rows, packing.fill) == ([], 1.0)


@pytest.mark.parametrize("is_encoder_decoder", [False, True])
def test_a_document_longer_than_a_row_is_refused_with_the_fix(is_encoder_decoder):
    items = documents([(5, 5), (70, 20), (95, 5)])
    needed = 95 if is_encoder_decoder else 100
    number, found = (1, 70) if is_encoder_decoder else (1, 90)
    message = (
        rf"example {number} has {found} tokens .*pack_tokens is 64.*\n.*pack_tokens to {needed}"
    )
    with pytest.raises(TrainingRefused, match=message):
        pack(items, 64, is_encoder_decoder=is_encoder_decoder)


@pytest.mark.parametrize("is_encoder_decoder", [False, True])
def test_a_document_looks_at_spaces_and_not_at_every_row(is_encoder_decoder, monkeypatch):
    chance = random.Random(0)
    sizes = [(chance.randint(1, 40), chance.randint(1, 20)) for _ in range(5000)]
    looks, weigh = [], _Rows._weigh
    monkeypatch.setattr(_Rows, "_weigh", lambda *args: (looks.append(1), weigh(*args))[1])
    packing = pack(documents(sizes), 64, is_encoder_decoder=is_encoder_decoder)
    assert len(packing.rows) > 1000
    assert len(looks) < 2 * 64 * len(sizes)
