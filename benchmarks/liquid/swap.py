"""What swapping every MLP for a CfC that preserves it does to the loss of real models."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.liquid import stories
from benchmarks.liquid.toy import TOY, Toy, python_sources, trained_toy
from benchmarks.training.measure import say
from cauce.models.liquid.transplant import liquidize

BAR_NATS = 1e-3

LONGEST = 512
"""Tokens of a text that are read."""

Texts = Sequence[Tensor]


def swap(toy: Toy = TOY) -> None:
    """Change of the loss when all MLPs become CfCs that preserve them, in nats per token."""
    if (paths := _paths()) is not None:
        model, tokenizer, text = paths
        pieces = stories.Pieces(tokenizer)
        read = [pieces.encode(story) for story in stories.read_stories(text)]
        report_swap("Llama stories260K", stories.read_llama(model), _texts(read))
    else:
        say("  skipped: the shared inputs tinyllama and tinystories are absent")
    judged = [row[None] for row in python_sources().judged]
    report_swap("GPT-2 toy", trained_toy(toy).bare, judged)


def report_swap(name: str, model: Any, texts: Texts) -> None:
    """The loss before the swap, and how far it is from that after."""
    before = nats(model, texts)
    after = nats(liquidize(copy.deepcopy(model), init="preserve"), texts)
    report(f"{name}: loss of {sum(text.numel() for text in texts)} tokens", before, None)
    report(f"{name}: change of the loss at the swap", abs(after - before), BAR_NATS)
    say(f"  {name}: {before:.6f} -> {after:.6f} nats")


@torch.no_grad()
def nats(model: Any, texts: Texts) -> float:
    """Loss for each token that is predicted."""
    counts = [text.shape[1] - 1 for text in texts]
    losses = [float(model(input_ids=text, labels=text, use_cache=False).loss) for text in texts]
    return sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)


def _texts(read: Sequence[Sequence[int]]) -> Texts:
    return [torch.tensor([list(ids[:LONGEST])]) for ids in read]


def _paths() -> Any:
    found = [stories.shared_file(name) for name in (stories.MODEL, stories.TOKENIZER, stories.TEXT)]
    return found if all(found) else None
