"""Makes `src/cauce/data/safety/personal.bin`: how personal data look in reports and in chats.

    python -m scripts.make_personal FOLDER    # the folder of the shared inputs

Learns a conditional random field from the labelled clinical texts that
`benchmarks.trust.meddocan` gives for it, and from the chats of `scripts/safety/personal_chats.txt`
with people who are drawn from the lists. Prints what is found of the development texts; those of
the test are never read here.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from benchmarks.trust.meddocan import labelled
from scripts.invented_people import chats
from torch import Tensor

from cauce.safety.personal.features import rows_of, tokens_of
from cauce.safety.personal.rules import by_rules
from cauce.safety.personal.spans import KINDS, PersonalSpan
from cauce.safety.personal.tagger import OUTSIDE, Tagger

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "src" / "cauce" / "data" / "safety" / "personal.bin"
ROWS = 1 << 15
EPOCHS = 10
BATCH_LINES = 32
RATE = 0.02
PENALTY = 3e-5
"""Of the squared weights, beside the loss of a line."""
DROPPED = 0.15
"""Share of the rows that a token loses each time, so that none is relied on alone."""
UNLISTED = 0.15
"""Share of the lines that are learnt without lists."""
BY_RULES = {"DNI": "IDENTIFICADOR", "CUENTA": "IDENTIFICADOR", "WEB": "CORREO"}
"""Kinds that rules alone tell apart; to the tagger they are one with these."""
LABELS = (OUTSIDE, *(f"{part}-{kind}" for kind in KINDS if kind not in BY_RULES for part in "BI"))
NEVER = -8.0
"""What it costs at first to be within a span that did not begin."""


class Line(NamedTuple):
    """What is learnt from: rows of each token, and its label."""

    rows: list[list[int]]
    labels: list[int]


def lines_of(
    text: str, spans: Sequence[tuple[int, int, str]], draw: random.Random
) -> Iterator[Line]:
    """The lines of a text as they are learnt."""
    ruled, start = list(by_rules(text)), 0
    for line in text.split("\n"):
        end = start + len(line)
        tokens = tokens_of(line)
        known = [
            PersonalSpan(it.start - start, it.end - start, it.kind, it.certainty)
            for it in ruled
            if start <= it.start < end
        ]
        if tokens:
            lists = draw.random() >= UNLISTED
            rows = rows_of(tokens, known, rows=ROWS, lists=lists)
            yield Line(rows, [_label(start + token.start, spans) for token in tokens])
        start = end + 1


def _label(place: int, spans: Sequence[tuple[int, int, str]]) -> int:
    for start, end, kind in spans:
        if start <= place < end:
            kind = BY_RULES.get(kind, kind)
            label = f"{'B' if place == start else 'I'}-{kind}"
            return LABELS.index(label) if label in LABELS else 0
    return 0


def _batch(lines: Sequence[Line]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Flat rows and where each token's begin, the labels (b t, padded), and the mask."""
    longest = max(len(line.labels) for line in lines)
    flat = [row for line in lines for own in line.rows for row in own]
    sizes = [len(own) for line in lines for own in line.rows]
    labels = torch.zeros(len(lines), longest, dtype=torch.long)
    mask = torch.zeros(len(lines), longest, dtype=torch.bool)
    for number, line in enumerate(lines):
        labels[number, : len(line.labels)] = torch.tensor(line.labels)
        mask[number, : len(line.labels)] = True
    starts = torch.tensor([0, *np.cumsum(sizes[:-1]).tolist()])
    return torch.tensor(flat), starts, labels, mask


def _loss(table: Tensor, moves: Tensor, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    """Minus the log-likelihood of the labellings of a batch."""
    flat, starts, labels, mask = batch
    kept = torch.bernoulli(torch.full(flat.shape, 1 - DROPPED)) / (1 - DROPPED)
    own = torch.nn.functional.embedding_bag(
        flat, table, starts, mode="sum", per_sample_weights=kept
    )
    scores = torch.zeros(*mask.shape, table.shape[1])
    scores[mask] = own
    told = torch.where(mask, scores.gather(2, labels[..., None])[..., 0], 0).sum()
    steps = moves[labels[:, :-1], labels[:, 1:]]
    told = told + torch.where(mask[:, 1:], steps, 0).sum()
    reached = scores[:, 0]
    for place in range(1, mask.shape[1]):
        still = int(mask[:, place].sum())
        ways = torch.logsumexp(reached[:still, :, None] + moves, 1) + scores[:still, place]
        reached = torch.cat([ways, reached[still:]])
    return torch.logsumexp(reached, 1).sum() - told


def _first_move(before: str, after: str) -> float:
    return NEVER if after[0] == "I" and before[2:] != after[2:] else 0.0


def learn(lines: list[Line], *, seed: int = 0) -> Tagger:
    """The tagger that makes the labels of `lines` likeliest, its weights kept small."""
    torch.manual_seed(seed)
    draw = random.Random(seed)
    table = torch.zeros(ROWS, len(LABELS), requires_grad=True)
    moves = torch.tensor([[_first_move(one, other) for other in LABELS] for one in LABELS])
    moves.requires_grad_()
    optimizer = torch.optim.Adam([table, moves], lr=RATE)
    ordered = sorted(lines, key=lambda line: len(line.labels), reverse=True)
    batches = [_batch(ordered[at : at + BATCH_LINES]) for at in range(0, len(ordered), BATCH_LINES)]
    schedule = torch.optim.lr_scheduler.LinearLR(
        optimizer, 1.0, 0.05, total_iters=EPOCHS * len(batches)
    )
    for epoch in range(EPOCHS):
        draw.shuffle(batches)
        whole = 0.0
        for batch in batches:
            optimizer.zero_grad()
            loss = _loss(table, moves, batch)
            (loss / len(batch[2]) + PENALTY * table.square().sum()).backward()
            optimizer.step()
            schedule.step()
            whole += float(loss.detach())
        print(f"epoch {epoch}: {whole / len(lines):.4f} nats a line", flush=True)
    weights = table.detach().numpy()
    unit = float(np.abs(weights).max()) / 127
    small = np.rint(weights / unit).astype(np.int8)
    return Tagger(LABELS, small, moves.detach().numpy(), unit)


def main() -> None:
    """Writes the table."""
    data = Path(sys.argv[1])
    draw = random.Random(0)
    texts = [(it.text, it.spans) for it in labelled(data, "learn")]
    texts += chats(draw)
    lines = [line for text, spans in texts for line in lines_of(text, spans, draw)]
    print(f"{len(texts)} texts, {len(lines)} lines, {sum(len(it.labels) for it in lines)} tokens")
    learn(lines).save(TABLE)


if __name__ == "__main__":
    main()
