from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from cauce.models.foundation.chunking import Chunking
from cauce.models.foundation.compression import Compression, ratio_loss, reconstruction_loss
from cauce.models.foundation.convolution import GatedConvolution
from cauce.models.foundation.places import Places, places_of

WIDTH = 16


class Middle(nn.Module):
    """Two layers with memories; each also sees the position of a chunk."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(GatedConvolution(WIDTH, kernel=3) for _ in range(2))
        self.seen = []

    def forward(self, chunks, places, memories):
        self.seen.append(tuple(chunks.shape[:2]))
        begins = (places.positions[:, :1] == 0).all() if places.starts is None else None
        for layer, memory in zip(self.layers, memories or [None, None], strict=True):
            assert memory is None or begins is None or bool(memory) != bool(begins)
            angles = places.positions[..., None] * torch.arange(1, WIDTH + 1) / WIDTH
            chunks = chunks + layer(chunks + angles.sin(), places, memory)
        return chunks


def drawn(*, ratio=2.0, reconstruction_weight=0.0, seed=0):
    """A compression and a middle with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    compression = Compression(WIDTH, ratio=ratio, reconstruction_weight=reconstruction_weight)
    for linear in (compression.query, compression.key):
        nn.init.normal_(linear.weight, 0, 0.3)
    return compression.eval(), Middle()


def whole(rows, tokens):
    return places_of(rows, tokens, torch.device("cpu"))


def packed(*lengths):
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    return Places(positions, positions == 0)


def one_by_one(compression, middle, hidden):
    """One document (t d), token by token."""
    output, chunks, sure, handed = [], [], [], []
    for time, vector in enumerate(hidden):
        probability = torch.tensor(1.0)
        if time > 0:
            earlier = hidden[time - 1] + compression.key.weight @ hidden[time - 1]
            query = vector + compression.query.weight @ vector
            cosine = cosine_similarity(query, earlier, 0)
            probability = (1 - cosine) / 2
        if probability >= 0.5:
            chunks.append(vector)
            sure.append(probability)
            stacked = torch.stack(chunks)[None]
            added = (middle(stacked, whole(1, len(chunks)), None) - stacked)[0, -1]
            before = handed[-1] if handed else torch.zeros_like(vector)
            handed.append(probability * added + (1 - probability) * before)
        output.append(vector + handed[-1])
    return torch.stack(output), len(chunks)


def in_pieces(compression, middle, hidden, sizes, attention_mask=None):
    memory, memories, pieces, past = {}, [{}, {}], [], 0
    for size in sizes:
        mask = None if attention_mask is None else attention_mask[:, : past + size]
        places = places_of(len(hidden), size, torch.device("cpu"), attention_mask=mask, past=past)
        pieces.append(compression(hidden[:, past : past + size], places, memory, middle, memories))
        past += size
    return torch.cat(pieces, 1)


def test_it_is_the_loop_over_the_tokens():
    compression, middle = drawn()
    hidden = torch.randn(3, 21, WIDTH)
    given = compression(hidden, whole(3, 21), None, middle)
    for row in range(3):
        expected, count = one_by_one(compression, middle, hidden[row])
        torch.testing.assert_close(given[row], expected, atol=1e-5, rtol=1e-5)
        assert compression.is_border[row].sum() == count
        assert 1 < count < 21


def test_packed_documents_are_as_alone():
    compression, middle = drawn()
    lengths = (7, 1, 9, 4)
    hidden = torch.randn(1, sum(lengths), WIDTH)
    given = compression(hidden, packed(*lengths), None, middle)
    for part, alone in zip(given.split(lengths, 1), hidden.split(lengths, 1), strict=True):
        expected = compression(alone, whole(1, alone.shape[1]), None, middle)
        torch.testing.assert_close(part, expected, atol=1e-5, rtol=1e-5)


def test_no_output_depends_on_a_later_token():
    compression, middle = drawn()
    compression.train()
    hidden = torch.randn(3, 40, WIDTH)
    before = compression(hidden, whole(3, 40), None, middle)
    for token in range(1, 40):
        for change in (torch.zeros(1, WIDTH), torch.randn(40 - token, WIDTH)):
            changed = hidden.clone()
            changed[:, token:] = change
            after = compression(changed, whole(3, 40), None, middle)
            assert torch.equal(after[:, :token], before[:, :token])
    assert len(set(middle.seen)) > 1


@pytest.mark.parametrize("sizes", [[1] * 24, [24], [5, 1, 1, 9, 2, 6], [1, 23], [2, 3, 19]])
def test_in_pieces_it_is_the_whole(sizes):
    compression, middle = drawn()
    hidden = torch.randn(4, 24, WIDTH)
    expected = compression(hidden, whole(4, 24), None, middle)
    given = in_pieces(compression, middle, hidden, sizes)
    torch.testing.assert_close(given, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("sizes", [[12] + [1] * 6, [18], [3, 3, 12], [1] * 18])
def test_rows_padded_on_the_left_are_as_alone(sizes):
    compression, middle = drawn()
    hidden = torch.randn(3, 18, WIDTH)
    mask = torch.ones(3, 18, dtype=torch.long)
    mask[0, :7], mask[1, :1] = 0, 0
    given = in_pieces(compression, middle, hidden, sizes, mask)
    for row, padding in enumerate((7, 1, 0)):
        alone = hidden[row : row + 1, padding:]
        expected = compression(alone, whole(1, 18 - padding), None, middle)
        torch.testing.assert_close(given[row : row + 1, padding:], expected, atol=1e-5, rtol=1e-5)


def test_a_sure_border_at_every_token_leaves_the_middle_as_it_is():
    compression, middle = drawn()
    nn.init.zeros_(compression.query.weight)
    compression.key.weight.data = -2 * torch.eye(WIDTH)
    hidden = torch.randn(2, 1, WIDTH).expand(2, 10, WIDTH) * torch.rand(2, 10, 1).add(0.5)
    given = compression(hidden, whole(2, 10), None, middle)
    torch.testing.assert_close(given, middle(hidden, whole(2, 10), None), atol=1e-5, rtol=1e-5)


def test_the_middle_computes_once_a_chunk():
    compression, middle = drawn()
    hidden = torch.randn(4, 8, WIDTH).repeat_interleave(8, 1)
    nn.init.zeros_(compression.query.weight)
    nn.init.zeros_(compression.key.weight)
    compression(hidden, whole(4, 64), None, middle)
    assert middle.seen == [(4, 16)]
    assert compression.figures()["tokens_per_chunk"] >= 8


def test_rows_without_a_new_chunk_skip_the_middle():
    compression, middle = drawn()
    nn.init.zeros_(compression.query.weight)
    nn.init.zeros_(compression.key.weight)
    hidden = torch.randn(2, 1, WIDTH).expand(2, 3, WIDTH)
    given = in_pieces(compression, middle, hidden, [1, 1, 1])
    assert middle.seen == [(2, 1)]
    torch.testing.assert_close(given[:, 2], given[:, 0])


def test_a_memory_that_grows_with_the_chunks_of_a_row_is_refused():
    compression, _ = drawn()

    def remember(chunks, places, memories):
        (memory,) = memories
        memory["all"] = torch.cat((memory.get("all", chunks[:, :0]), chunks), 1)
        return chunks

    with pytest.raises(ValueError, match="'all' of a compressed layer has shape"):
        compression(torch.randn(4, 20, WIDTH), whole(4, 20), {}, remember, [{}])


def test_fewer_than_one_token_a_chunk_is_refused():
    with pytest.raises(ValueError, match="ratio is 1; needed are more than 1"):
        Compression(WIDTH, ratio=1)


def chunking(probability, lengths=None):
    probability = torch.tensor([probability])
    starts = packed(*(lengths or [probability.shape[1]])).starts
    return Chunking(torch.where(starts, 1.0, probability), starts)


def test_the_ratio_loss_leaves_out_the_borders_that_documents_force():
    loss = ratio_loss(chunking([1, 0.9, 0.1, 0.2, 1, 0.6, 0.4, 0.3], (4, 4)), 4.0)
    share, mean = 2 / 6, (0.9 + 0.1 + 0.2 + 0.6 + 0.4 + 0.3) / 6
    assert loss.item() == pytest.approx(4 / 3 * (3 * share * mean + (1 - share) * (1 - mean)))


def test_the_ratio_loss_is_1_at_the_ratio_and_pushes_towards_it():
    for count, sign in ((1, -1), (3, 1), (2, 0)):
        probability = torch.tensor([[1.0, *[1.0] * count, *[0.0] * (8 - count)]])
        probability.requires_grad_()
        starts = packed(9).starts
        loss = ratio_loss(Chunking(probability, starts), 4.0)
        (gradient,) = torch.autograd.grad(loss, probability)
        assert torch.equal(gradient[0, 1:].sign(), torch.full((8,), float(sign)))
        if sign == 0:
            assert loss.item() == pytest.approx(1.0)


def test_padding_is_in_no_loss_and_no_figure():
    torch.manual_seed(3)
    hidden, mask = torch.randn(2, 12, WIDTH), torch.ones(2, 12, dtype=torch.long)
    mask[1, :5] = 0
    learned = []
    for padding in (0.0, 9.0):
        compression, middle = drawn(reconstruction_weight=0.5)
        rows = torch.where(mask[..., None] == 1, hidden, hidden + padding)
        places = places_of(2, 12, torch.device("cpu"), attention_mask=mask)
        compression.train()(rows, places, None, middle)
        learned.append((compression.auxiliary, compression.figures()))
    assert torch.equal(learned[0][0], learned[1][0])
    assert learned[0][1] == learned[1][1]


def test_a_row_of_one_token_has_a_finite_loss():
    compression, middle = drawn(reconstruction_weight=1.0)
    compression.train()(torch.randn(1, 1, WIDTH), whole(1, 1), None, middle)
    assert compression.auxiliary.isfinite()


def test_reconstruction_is_free_without_compression_and_costs_more_the_longer_the_chunks():
    torch.manual_seed(0)
    foresight = nn.Linear(WIDTH, WIDTH, bias=False)
    nn.init.zeros_(foresight.weight)
    walk = torch.randn(1, 64, WIDTH).cumsum(1)
    losses = []
    for length in (1, 2, 4, 16, 64):
        borders = [float(time % length == 0) for time in range(64)]
        losses.append(reconstruction_loss(chunking(borders), walk, foresight).item())
    assert losses[0] == 0
    assert losses == sorted(losses)
    assert losses[1] > 0


def test_reconstruction_moves_borders_to_where_the_chunk_does_not_foresee_but_makes_no_more():
    foresight = nn.Linear(WIDTH, WIDTH, bias=False)
    nn.init.zeros_(foresight.weight)
    hidden = torch.randn(1, 1, WIDTH).repeat(1, 6, 1)
    hidden[:, 3] = torch.randn(WIDTH)
    probability = torch.tensor([[1.0, 0.3, 0.7, 0.3, 0.3, 0.3]], requires_grad=True)
    lost = reconstruction_loss(Chunking(probability, packed(6).starts), hidden, foresight)
    (gradient,) = torch.autograd.grad(lost, probability)
    assert gradient[0, 0] == 0
    assert gradient[0, 3] < 0
    assert (gradient[0, [1, 2, 4, 5]] > 0).all()
    assert gradient.sum().item() == pytest.approx(0, abs=1e-6)


def test_the_map_of_reconstruction_learns_from_borders_too():
    foresight = nn.Linear(WIDTH, WIDTH, bias=False)
    hidden = torch.randn(1, 6, WIDTH)
    lost = reconstruction_loss(chunking([1.0] * 6), hidden, foresight)
    assert lost == 0
    lost.backward()
    assert foresight.weight.grad.abs().sum() > 0


def test_the_auxiliary_loss_is_there_in_training_only():
    compression, middle = drawn(reconstruction_weight=0.5)
    hidden = torch.randn(2, 9, WIDTH)
    compression(hidden, whole(2, 9), None, middle)
    assert compression.auxiliary is None
    compression.train()(hidden, whole(2, 9), None, middle)
    assert compression.auxiliary.dtype == torch.float32
    compression.auxiliary.backward()
    for linear in (compression.query, compression.key, compression.foresight):
        assert linear.weight.grad.abs().sum() > 0


def test_the_output_teaches_the_router_and_the_middle():
    compression, middle = drawn()
    hidden = torch.randn(1, 30, WIDTH, requires_grad=True)
    compression(hidden, packed(11, 19), None, middle).square().sum().backward()
    for parameter in (*compression.parameters(), *middle.parameters(), hidden):
        assert parameter.grad.isfinite().all()
        assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("sizes", [None, [20], [4, 16]])
def test_the_gradient_of_an_output_reaches_no_later_token(sizes):
    compression, middle = drawn()
    hidden = torch.randn(2, 20, WIDTH, requires_grad=True)
    if sizes is None:
        output = compression(hidden, whole(2, 20), None, middle)
    else:
        output = in_pieces(compression, middle, hidden, sizes)
    for token in (0, 7, 12):
        (gradient,) = torch.autograd.grad(output[:, token].sum(), hidden, retain_graph=True)
        assert gradient[:, token + 1 :].abs().max() == 0
        assert gradient[:, token].abs().max() > 0


def test_figures_tell_the_rate():
    compression, middle = drawn()
    assert compression.figures() == {}
    compression(torch.randn(2, 32, WIDTH), whole(2, 32), None, middle)
    figures = compression.figures()
    assert figures["tokens_per_chunk"] == pytest.approx(64 / compression.is_border.sum().item())
    assert 0 < figures["border_probability"] < 1
