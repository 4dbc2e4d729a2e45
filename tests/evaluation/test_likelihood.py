"""Likelihoods: against the model itself, item by item, and against errors from practice."""

import math

import pytest
import torch
from torch.nn.functional import log_softmax

from cauce.corpus.tokens import Tokens
from cauce.evaluation.likelihood import LIKELIHOOD_METRICS, likelihood, likelihood_columns
from models.tiny import tiny_model

KINDS = ["gpt2", "llama", "biogpt", "t5"]
ITEMS = [
    Tokens([5, 6, 7, 8], [9, 10, 2]),
    Tokens([5], [11, 12, 13, 14, 15, 16, 17, 2]),
    Tokens([8, 9, 10, 11, 12, 13, 14, 15], [2]),
    Tokens([6, 7], [8, 2]),
]


def alone(loaded, item):
    """Log-probabilities of the completion, one forward pass per item and no padding."""
    with torch.no_grad():
        if loaded.is_encoder_decoder:
            start = loaded.model.config.decoder_start_token_id
            logits = loaded.model(
                input_ids=torch.tensor([item.prompt]),
                decoder_input_ids=torch.tensor([[start, *item.completion[:-1]]]),
            ).logits[0]
        else:
            logits = loaded.model(input_ids=torch.tensor([item.prompt + item.completion])).logits
            logits = logits[0, len(item.prompt) - 1 : -1]
    return log_softmax(logits.double(), -1)


@pytest.mark.parametrize("kind", KINDS)
def test_equals_one_forward_pass_per_item(kind):
    loaded = tiny_model(kind)
    for item, figures in zip(ITEMS, likelihood(loaded, ITEMS, 4), strict=True):
        expected = alone(loaded, item)
        wanted = torch.tensor(item.completion)
        ranks = (expected > expected.gather(1, wanted[:, None])).sum(1)
        assert figures.nll == pytest.approx(
            -expected.gather(1, wanted[:, None]).sum().item(), rel=1e-5
        )
        assert figures.tokens == len(item.completion)
        assert figures.correct == (ranks == 0).sum()
        assert figures.top5 == (ranks < 5).sum()
        assert figures.all_correct == bool((ranks == 0).all())


@pytest.mark.parametrize("kind", KINDS)
def test_the_batch_size_changes_nothing(kind):
    loaded = tiny_model(kind)
    by_size = [likelihood(loaded, ITEMS, size) for size in (1, 2, 3, 64)]
    for other in by_size[1:]:
        for one, same in zip(by_size[0], other, strict=True):
            assert same.nll == pytest.approx(one.nll, rel=1e-5)
            assert same.model_copy(update={"nll": one.nll}) == one


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_dropout_is_off_even_after_training(kind):
    loaded = tiny_model(kind, dropout=0.5)
    loaded.model.train()
    assert likelihood(loaded, ITEMS, 2) == likelihood(loaded, ITEMS, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_perplexity_is_weighted_by_tokens_not_by_batches_or_samples(kind):
    """A published evaluation summed batch means and divided by samples: 8 times too low."""
    loaded = tiny_model(kind)
    figures = likelihood(loaded, ITEMS, 2)
    tokens = sum(len(item.completion) for item in ITEMS)
    expected = math.exp(sum(item.nll for item in figures) / tokens)
    sums = likelihood_columns(figures).sum(axis=0)
    assert float(LIKELIHOOD_METRICS["perplexity"](sums)) == pytest.approx(expected)
    batch_means = [
        sum(f.nll for f in pair) / sum(f.tokens for f in pair)
        for pair in (figures[:2], figures[2:])
    ]
    assert math.exp(sum(batch_means) / len(ITEMS)) < 0.5 * expected


@pytest.mark.parametrize("kind", KINDS)
def test_padding_is_not_counted(kind):
    """Padding counted as right tokens made another published perplexity look good."""
    loaded = tiny_model(kind)
    short, long = ITEMS[3], ITEMS[1]
    padded = likelihood(loaded, [short, long], 2)[0]
    assert padded.tokens == 2
    assert padded.nll == pytest.approx(likelihood(loaded, [short], 1)[0].nll, rel=1e-5)


def test_the_prompt_is_not_counted():
    loaded = tiny_model("gpt2")
    figures = likelihood(loaded, [Tokens([5] * 30, [6, 2])], 1)[0]
    assert figures.tokens == 2
    assert figures.nll < 2 * 2 * math.log(loaded.model.config.vocab_size)


def test_leaves_no_gradients():
    loaded = tiny_model("gpt2")
    likelihood(loaded, ITEMS, 2)
    assert all(weight.grad is None for weight in loaded.model.parameters())
