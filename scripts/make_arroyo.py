"""Makes *arroyo*, the base model that ships with the package: 4 M parameters, Spanish and English.

    python scripts/make_arroyo.py --data ../shared/data --out src/cauce/data/arroyo

A Llama of 4 layers and width 256 over a byte-level BPE of 4,096 pieces, digits apart (so that a
number is copied digit by digit). It learns in four stages, about 75 minutes on 2 cores in all:

1. language: rows of text (10 M tokens). After it the model cannot copy a word of its context.
2. repetition: random tokens, repeated, longer and longer; only the repetition is learned. Copying
   (induction heads, Olsson et al. 2022, arXiv 2209.11895) appears within 200 steps.
3. both: rows of text and repetitions in turn, which brings the language back.
4. sentences: rows of text and passages followed by one of their sentences, of which only the
   sentence is learned, so that it copies language too.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).parent))

import torch
from arroyo_data import SENTENCE_END, paragraphs, passages
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SPECIAL = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
TOKENS_PER_ROW, ROWS_PER_STEP = 320, 16
LONGEST_REPETITION = 160


def make_tokenizer(pieces: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE with one token per digit."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4096,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(pieces, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>"
    )
    fast.chat_template = TEMPLATE
    return fast


class Batch(NamedTuple):
    """Token ids and labels, (rows, tokens); labels are -100 where nothing is learned."""

    ids: torch.Tensor
    labels: torch.Tensor


def text_rows(tokenizer: PreTrainedTokenizerFast, pieces: list[str], seed: int) -> Iterator[Batch]:
    """Rows of consecutive documents, (16, 320)."""
    end = tokenizer.eos_token_id
    ids: list[int] = []
    size = TOKENS_PER_ROW * ROWS_PER_STEP
    for text in passages(pieces, seed):
        ids += [*tokenizer.encode(text, add_special_tokens=False), end]
        while len(ids) >= size:
            rows = torch.tensor(ids[:size]).view(ROWS_PER_STEP, TOKENS_PER_ROW)
            yield Batch(rows, rows)
            ids = ids[size:]


class Repetitions:
    """Random tokens followed by themselves; lengths grow while the loss is low."""

    def __init__(self, vocabulary: int, longest: float) -> None:
        self.vocabulary = vocabulary
        self.longest = longest
        self._loss = math.log(vocabulary)

    def batch(self) -> Batch:
        """About 4,096 tokens; the labels are the repetition alone."""
        length = random.randint(6, int(self.longest))
        rows = max(8, 2048 // length)
        ids = torch.randint(len(SPECIAL), self.vocabulary, (rows, length)).repeat(1, 2)
        labels = ids.clone()
        labels[:, : length + 1] = -100
        return Batch(ids, labels)

    def heard(self, loss: float) -> None:
        """Lengthens the next batches by 2 % when the running loss is below 1.5 nats."""
        self._loss = 0.95 * self._loss + 0.05 * loss
        if self._loss < 1.5:
            self.longest = min(LONGEST_REPETITION, self.longest * 1.02)


def learn(
    model: LlamaForCausalLM, stage: str, batches: Iterator[Batch], lr: float, minutes: float
) -> Iterator[float]:
    """The loss of each step, with AdamW and cosine decay over the given minutes."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=lr, betas=(0.9, 0.95), weight_decay=0.05, fused=True
    )
    start = time.monotonic()
    for step, batch in enumerate(batches):
        progress = (time.monotonic() - start) / (60 * minutes)
        if progress >= 1:
            return
        for group in optimizer.param_groups:
            group["lr"] = (
                lr
                * min(1, (step + 1) / 50)
                * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)
            )
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=batch.ids, labels=batch.labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield loss.item()
        if step % 50 == 0:
            row = {
                "stage": stage,
                "step": step,
                "loss": round(loss.item(), 3),
                "length": batch.ids.shape[1],
            }
            print(json.dumps({**row, "s": round(time.monotonic() - start)}), flush=True)


class Pupil(NamedTuple):
    """The model with what it is taught from."""

    model: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerFast
    pieces: list[str]


def teach_language(pupil: Pupil, minutes: float) -> None:
    """Stage 1."""
    rows = text_rows(pupil.tokenizer, pupil.pieces, seed=0)
    for _ in learn(pupil.model, "language", rows, 3e-3, minutes):
        pass


def teach_repetition(pupil: Pupil, minutes: float) -> None:
    """Stage 2."""
    repetitions = Repetitions(len(pupil.tokenizer), longest=12)
    alone = iter(repetitions.batch, None)
    for loss in learn(pupil.model, "repetition", alone, 1e-3, minutes):
        repetitions.heard(loss)


def teach_both(pupil: Pupil, minutes: float) -> None:
    """Stage 3."""
    repetitions = Repetitions(len(pupil.tokenizer), longest=LONGEST_REPETITION)
    rows = text_rows(pupil.tokenizer, pupil.pieces, seed=1)
    mixed = (batch for row in rows for batch in (row, repetitions.batch()))
    for _ in learn(pupil.model, "both", mixed, 1e-3, minutes):
        pass


def teach_sentences(pupil: Pupil, minutes: float) -> None:
    """Stage 4."""
    rows = text_rows(pupil.tokenizer, pupil.pieces, seed=2)
    mixed = (batch for row in rows for batch in (row, sentence_copies(pupil)))
    for _ in learn(pupil.model, "sentences", mixed, 1e-3, minutes):
        pass


def sentence_copies(pupil: Pupil) -> Batch:
    """16 passages, each followed by one of its sentences and the end; labels are the sentence.

    Which sentence it is cannot be known at its start: two tokens are given, unless it is the first.
    """
    end = pupil.tokenizer.eos_token_id
    rows: list[tuple[list[int], list[int]]] = []
    for text in random.choices(pupil.pieces, k=ROWS_PER_STEP):
        sentences = SENTENCE_END.split(text)
        chosen = random.randrange(len(sentences))
        context = pupil.tokenizer.encode(text + "\n\n", add_special_tokens=False)
        copied = pupil.tokenizer.encode(sentences[chosen], add_special_tokens=False)[:80]
        copied.append(end)
        given = 2 if chosen else 0
        rows.append((context + copied, [-100] * (len(context) + given) + copied[given:]))
    width = max(len(ids) for ids, _ in rows)
    return Batch(
        torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in rows]),
        torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in rows]),
    )


STAGES = {
    "language": (teach_language, 45.0),
    "repetition": (teach_repetition, 7.0),
    "both": (teach_both, 9.0),
    "sentences": (teach_sentences, 10.0),
}
"""What is taught, in order, and the minutes it took on 2 cores."""


def main() -> None:
    """Trains the tokenizer and the model, and writes both."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--first", choices=STAGES, default="language", help="first stage")
    arguments.add_argument("--weights", type=Path, help="what the stage before it wrote")
    options = arguments.parse_args()
    torch.manual_seed(0)
    random.seed(0)
    pieces = paragraphs(options.data)
    if options.weights:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(options.weights)
        model = LlamaForCausalLM.from_pretrained(options.weights, dtype=torch.float32)
    else:
        tokenizer = make_tokenizer(pieces[:: max(1, len(pieces) // 40_000)])
        model = LlamaForCausalLM(configuration(tokenizer))
    pupil = Pupil(model.train(), tokenizer, pieces)
    names = list(STAGES)
    for name in names[names.index(options.first) :]:
        teach, minutes = STAGES[name]
        teach(pupil, minutes)
        last = name == names[-1]
        save(pupil, options.out if last else options.out.with_name(f"arroyo-{name}"))


def configuration(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """4.3 million parameters."""
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )


def save(pupil: Pupil, folder: Path) -> None:
    """Weights in bf16, tokenizer and template."""
    copy.deepcopy(pupil.model).to(torch.bfloat16).save_pretrained(folder)
    pupil.tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main()
