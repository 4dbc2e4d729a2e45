from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cauce.corpus.batches import Batch, Size, Width, collate
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.errors import DataRefused

A, B, C = Tokens([5, 6], [7, 2]), Tokens([8], [9, 9, 2]), Tokens([3, 4, 5], [2])

ids = st.lists(st.integers(0, 9), min_size=1, max_size=6)
rows_of = st.lists(
    st.lists(st.builds(Tokens, ids, ids, st.just(()), st.none()), min_size=1, max_size=4),
    min_size=1,
    max_size=4,
)


def test_rows_of_one_document_are_as_models_take_them():
    batch = collate([[A], [C]], pad_id=0)
    assert not batch.is_packed
    assert batch.input_ids.tolist() == [[5, 6, 7, 2], [3, 4, 5, 2]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 1]]
    assert batch.attention_mask.dtype == torch.int64
    assert batch.targets.tolist() == [[IGNORED, 7, 2, IGNORED], [IGNORED, IGNORED, 2, IGNORED]]
    assert batch.position_ids is None


def test_a_packed_decoder_row_written_out():
    batch = collate([[A, Tokens([8], [2])], [A]], pad_id=1)
    assert batch.input_ids.tolist() == [[5, 6, 7, 2, 8, 2], [5, 6, 7, 2, 1, 1]]
    assert batch.targets[0].tolist() == [IGNORED, 7, 2, IGNORED, 2, IGNORED]
    assert batch.targets[1].tolist() == [IGNORED, 7, 2, IGNORED, IGNORED, IGNORED]
    assert batch.position_ids.tolist()[0] == [0, 1, 2, 3, 0, 1]
    assert batch.document_starts.int().tolist() == [[1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0]]
    assert batch.attention_mask.shape == (2, 1, 6, 6)
    assert batch.attention_mask[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1, 1],
    ]


def test_a_packed_encoder_decoder_row_written_out():
    batch = collate([[A, B]], pad_id=0, decoder_start_id=1)
    assert batch.input_ids.tolist() == [[5, 6, 8]]
    assert batch.targets.tolist() == [[7, 2, 9, 9, 2]]
    assert batch.decoder_input_ids.tolist() == [[1, 7, 1, 9, 9]]
    assert batch.document_starts.int().tolist() == [[1, 0, 1]]
    assert batch.decoder_document_starts.int().tolist() == [[1, 0, 1, 0, 0]]
    assert batch.attention_mask[0, 0].int().tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert batch.cross_attention_mask[0, 0].int().tolist() == [[1, 1, 0]] * 2 + [[0, 0, 1]] * 3
    assert batch.decoder_attention_mask[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 1, 1, 1],
    ]


def test_an_end_token_that_pads_is_learned_where_it_ends_and_nowhere_else():
    batch = collate([[A], [Tokens([8], [2])]], pad_id=2)
    assert batch.targets[1].tolist() == [2, IGNORED, IGNORED, IGNORED]
    assert batch.attention_mask[1].tolist() == [1, 1, 0, 0]


@given(rows=rows_of, step=st.sampled_from([1, 4]))
def test_a_packed_mask_shows_what_a_plain_loop_says(rows, step):
    batch = collate([*rows, [A, B]], pad_id=0, width=Width(step=step))
    for row, mask, targets in zip(
        [*rows, [A, B]], batch.attention_mask, batch.targets, strict=True
    ):
        owners = [number for number, item in enumerate(row) for _ in range(item.length)]
        for query, owner in enumerate(owners):
            seen = [key for key in range(query + 1) if owners[key] == owner]
            assert mask[0, query].nonzero().flatten().tolist() == seen
        learned = [token for item in row for token in item.completion]
        assert targets[targets != IGNORED].tolist() == learned


@given(rows=rows_of, step=st.sampled_from([1, 4]))
def test_no_query_is_left_without_a_key_and_no_document_sees_another(rows, step):
    batch = collate([*rows, [A, B]], pad_id=0, decoder_start_id=0, width=Width(step=step))
    for mask in (batch.attention_mask, batch.decoder_attention_mask, batch.cross_attention_mask):
        assert mask.any(-1).all()
    for row, cross in zip([*rows, [A, B]], batch.cross_attention_mask[:, 0].int(), strict=True):
        sources = [number for number, item in enumerate(row) for _ in item.prompt]
        targets = [number for number, item in enumerate(row) for _ in item.completion]
        expected = [[int(source == target) for source in sources] for target in targets]
        assert cross[: len(targets), : len(sources)].tolist() == expected
        assert not cross[: len(targets), len(sources) :].any()


@given(rows=rows_of)
def test_every_document_starts_once_and_padding_never(rows):
    decoder = collate(rows, pad_id=0)
    encoder = collate(rows, pad_id=0, decoder_start_id=0)
    assert decoder.is_real.sum(1).tolist() == [sum(item.length for item in row) for row in rows]
    assert encoder.is_real.sum(1).tolist() == [sum(len(d.prompt) for d in row) for row in rows]
    for batch in (decoder, encoder):
        assert batch.document_starts.sum(1).tolist() == [len(row) for row in rows]
    assert encoder.decoder_document_starts.sum(1).tolist() == [len(row) for row in rows]


def test_widths_are_the_longest_row_a_multiple_or_the_first_fixed_one_that_holds_all():
    assert collate([[A]], pad_id=0).input_ids.shape == (1, 4)
    assert collate([[A]], pad_id=0, width=Width(step=8)).input_ids.shape == (1, 8)
    fixed = Width(fixed=(Size(4, 3), Size(9, 9)))
    small = collate([[A, B]], pad_id=0, decoder_start_id=0, width=Width(fixed=(Size(3, 5),)))
    assert (small.input_ids.shape, small.targets.shape) == ((1, 3), (1, 5))
    for row, width in (([A], (4, 3)), ([A, A], (9, 9))):
        batch = collate([row], pad_id=0, decoder_start_id=0, width=fixed)
        assert (batch.input_ids.shape[1], batch.targets.shape[1]) == width
    assert collate([[A, A]], pad_id=0, width=Width(fixed=(Size(8),))).targets.shape == (1, 8)


def test_a_row_wider_than_every_fixed_width_is_refused():
    with pytest.raises(DataRefused, match=r"\(8, 0\) places .*\[\(7, 0\)\].*\n.*packed for"):
        collate([[A, A]], pad_id=0, width=Width(fixed=(Size(7),)))


def test_an_encoder_with_nothing_to_read_is_refused():
    with pytest.raises(DataRefused, match=r"row 1 holds a document without a prompt"):
        collate([[A], [Tokens([], [2])]], pad_id=0, decoder_start_id=0)


@pytest.mark.parametrize("start", [None, 0])
def test_a_batch_moves_whole(start):
    batch = collate([[A, B]], pad_id=0, decoder_start_id=start)
    moved = batch.to(torch.device("meta"))
    assert isinstance(moved, Batch)
    for name, tensor in vars(batch).items():
        other = getattr(moved, name)
        assert (tensor is None) == (other is None)
        assert other is None or (other.is_meta and other.shape == tensor.shape)
