from __future__ import annotations

import pytest
import torch
from torch import nn

from cauce.models.foundation.embedding import LiquidEmbedding
from cauce.models.foundation.places import Places, places_of


def drawn(kernel):
    torch.manual_seed(0)
    embedding = LiquidEmbedding(11, 6, kernel=kernel)
    if embedding.taps is not None:
        nn.init.normal_(embedding.taps)
    return embedding


def whole(rows, tokens):
    return places_of(rows, tokens, torch.device("cpu"))


@pytest.mark.parametrize("kernel", [1, 4])
def test_it_begins_as_a_plain_embedding(kernel):
    embedding = LiquidEmbedding(11, 6, kernel=kernel)
    ids = torch.randint(11, (2, 5))
    assert torch.equal(embedding(ids, whole(2, 5)), embedding.tokens(ids))
    assert (embedding.taps is None) == (kernel == 1)


def test_it_is_the_loop_over_the_tokens_of_each_document():
    embedding = drawn(3)
    ids = torch.randint(11, (2, 7))
    positions = torch.tensor([[0, 1, 2, 0, 1, 2, 3], [0, 0, 1, 2, 3, 4, 0]])
    vectors = embedding.tokens(ids)
    expected = vectors.clone()
    for row in range(2):
        for token in range(7):
            for steps in range(min(3, int(positions[row, token]) + 1)):
                expected[row, token] += embedding.taps[steps] * vectors[row, token - steps]
    given = embedding(ids, Places(positions, positions == 0))
    torch.testing.assert_close(given, expected)


def test_it_takes_vectors_in_place_of_tokens():
    embedding = drawn(3)
    ids = torch.randint(11, (2, 5))
    given = embedding(None, whole(2, 5), inputs_embeds=embedding.tokens(ids))
    assert torch.equal(given, embedding(ids, whole(2, 5)))


@pytest.mark.parametrize("sizes", [[1] * 7, [3, 1, 2, 1], [7]])
def test_in_pieces_it_is_the_whole(sizes):
    embedding = drawn(4)
    ids = torch.randint(11, (2, 7))
    memory, pieces, past = {}, [], 0
    for size in sizes:
        places = places_of(2, size, torch.device("cpu"), past=past)
        pieces.append(embedding(ids[:, past : past + size], places, memory))
        past += size
    torch.testing.assert_close(torch.cat(pieces, 1), embedding(ids, whole(2, 7)))


def test_no_vector_depends_on_a_later_token():
    embedding = drawn(4)
    ids = torch.randint(11, (2, 9))
    before = embedding(ids, whole(2, 9))
    for token in range(1, 9):
        changed = ids.clone()
        changed[:, token:] = (changed[:, token:] + 1) % 11
        assert torch.equal(embedding(changed, whole(2, 9))[:, :token], before[:, :token])


def test_a_kernel_of_no_taps_is_refused():
    with pytest.raises(ValueError, match="kernel is 0; needed is 1"):
        LiquidEmbedding(11, 6, kernel=0)
