"""A small GPT-2 that reads bytes, trained on the Python sources of the standard library.

Axes: b rows, t tokens.
"""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from benchmarks.training import shapes
from cauce.models.loading import LoadedModel, assemble

if TYPE_CHECKING:
    from jaxtyping import Int
    from torch import Tensor

TIME, ROWS = 96, 16
"""Bytes in a row, and rows of an update."""

BYTES = 3_000_000
"""Of the sources, in the order of their names; of the last tenth models are judged by."""

JUDGED_ROWS = 192


class Toy(NamedTuple):
    """The model's shape, and how long it is trained."""

    layers: int = 4
    width: int = 128
    steps: int = 400

    def build(self) -> LoadedModel:
        """The untrained model; two of them are equal."""
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.manual_seed(0)
        config = GPT2Config(
            vocab_size=256,
            n_positions=TIME,
            n_embd=self.width,
            n_layer=self.layers,
            n_head=4,
            bos_token_id=None,
            eos_token_id=None,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
        )
        return assemble(GPT2LMHeadModel(config), shapes.tokenizer(), name="toy")


TOY = Toy()


class Sources(NamedTuple):
    """Bytes to learn from, and rows to be judged by."""

    learned: Int[Tensor, " n"]
    judged: Int[Tensor, "b t"]

    def draw(self, rows: int, generator: torch.Generator) -> Int[Tensor, "b t"]:
        """Rows that begin anywhere."""
        starts = torch.randint(0, len(self.learned) - TIME, (rows,), generator=generator)
        return torch.stack([self.learned[start : start + TIME] for start in starts.tolist()])


@cache
def python_sources(count: int = BYTES) -> Sources:
    """Of the modules of this Python's standard library."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    text = b"".join(file.read_bytes() for file in files)[:count]
    ids = torch.tensor(list(text))
    cut = len(ids) * 9 // 10
    held_out = ids[cut:]
    places = torch.linspace(0, len(held_out) - TIME, JUDGED_ROWS).long().tolist()
    return Sources(ids[:cut], torch.stack([held_out[place : place + TIME] for place in places]))


@cache
def trained_toy(toy: Toy) -> LoadedModel:
    """The toy, trained once by AdamW at a rate that rises first and then falls as a cosine."""
    sources, loaded = python_sources(), toy.build()
    model: Any = loaded.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=toy.steps, pct_start=0.15
    )
    generator = torch.Generator().manual_seed(0)
    for _ in range(toy.steps):
        rows = sources.draw(ROWS, generator)
        model(input_ids=rows, labels=rows, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
    model.eval()
    return loaded


@torch.no_grad()
def loss_on(model: Any, rows: Int[Tensor, "b t"], *, at_once: int = 32) -> float:
    """Nats for each token after the first of a row."""
    total = 0.0
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        total += len(part) * float(model(input_ids=part, labels=part, use_cache=False).loss)
    return total / len(rows)
