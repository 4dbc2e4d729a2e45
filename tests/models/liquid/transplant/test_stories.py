"""A real pretrained Llama of 260,032 weights: what a transplant does to one that knows words."""

from __future__ import annotations

import pytest
import torch
from benchmarks.liquid import stories

from cauce.models.liquid.transplant import liquidize, replaced_blocks
from shared import shared_data


@pytest.fixture
def llama():
    return stories.read_llama(shared_data("tinyllama/stories260K.bin")).eval()


@pytest.fixture(scope="module")
def texts():
    pieces = stories.Pieces(shared_data("tinyllama/tok512.bin"))
    read = stories.read_stories(next(shared_data("tinystories").glob("*.txt")))
    return [torch.tensor([pieces.encode(story)[:200]]) for story in read[:6]]


@torch.no_grad()
def loss(model, texts):
    return sum(model(input_ids=text, labels=text).loss.item() for text in texts) / len(texts)


def test_it_reads_stories_as_it_was_trained_to(llama, texts):
    assert loss(llama, texts) < 2


def test_preserving_moves_its_loss_by_less_than_a_thousandth(llama, texts):
    before = loss(llama, texts)
    assert abs(loss(liquidize(llama, init="preserve"), texts) - before) < 1e-3


def test_it_goes_on_with_the_same_story(llama, texts):
    options = {"max_new_tokens": 24, "do_sample": False, "pad_token_id": 0}
    wanted = llama.generate(texts[0][:, :40], **options)
    liquid = liquidize(llama, init="preserve")
    for use_cache in (True, False):
        found = liquid.generate(texts[0][:, :40], use_cache=use_cache, **options)
        assert torch.equal(found, wanted)


def test_a_small_cell_learns_what_an_mlp_did(llama, texts):
    """A hundred updates on one layer bring back most of what the swap took."""
    liquid = liquidize(llama, layers=(2,), backbone_units=32)
    original = stories.read_llama(shared_data("tinyllama/stories260K.bin")).eval()
    whole, swapped = loss(original, texts), loss(liquid, texts)
    seen = []
    mlp = original.model.layers[2].mlp
    hook = mlp.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    loss(original, texts[1:])
    hook.remove()
    block = replaced_blocks(liquid)[2]
    optimizer = torch.optim.Adam(block.parameters(), lr=5e-3)
    for number in range(100):
        inputs, output = seen[number % len(seen)]
        optimizer.zero_grad()
        (block(inputs) - output).square().mean().backward()
        optimizer.step()
    assert swapped > whole + 0.05
    assert loss(liquid, texts[:1]) < loss(original, texts[:1]) + 0.5 * (swapped - whole)
