"""32 people at once: one model that writes for all of them against `generate` one by one.

Both write the same answers with the package's own model, on one thread. Everything is computed in
this process, so its CPU time is what would pass on a core that nothing else uses: throughput and
times to the first token are taken by that clock, and what passed on the wall is told beside. People
begin one after another and ask their next question as soon as they have an answer; that all of them
press the key at once is told apart, without a bar: 32 prompts that nobody has read yet take as long
to read as they take.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from transformers import GenerationConfig

from benchmarks import report
from cauce.models.batching import Engine
from cauce.models.generation import end_token_ids, prompt_ids
from cauce.models.loading import LoadedModel
from cauce.models.row import Settings
from cauce.models.rules import under_rules
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base
from cauce.records import Message

STREAMS, QUESTIONS_EACH = 32, 4
MEDICINES = 8
ONE_BY_ONE = 16
"""Answers that the peer writes, half of them before and half after ours."""
HEAD_START = 3
"""Tokens that a stream has when the next one begins."""
ALONE = 40
"""Questions of the person who asks alone."""
LENGTHS = (24, 56)
SEED = 12
EVIDENCE = (
    "Adults take one tablet of {dose} mg every 6 to 8 hours with a glass of water. Do not exceed "
    "{most} mg a day. Children under 12 take less, by weight, as their doctor says. In renal "
    "impairment the time between two doses is longer."
)


class Question(NamedTuple):
    """What is asked, and the longest answer in tokens."""

    ids: list[int]
    longest: int


class Told(NamedTuple):
    """An answer, and when its first token was there."""

    tokens: tuple[int, ...]
    first_cpu_s: float
    first_wall_s: float


class Run(NamedTuple):
    """Answers by question, and what all of them took."""

    told: dict[int, Told]
    cpu_s: float
    wall_s: float

    @property
    def tokens(self) -> int:
        """Tokens of all answers."""
        return sum(len(it.tokens) for it in self.told.values())

    def first_cpu_s(self, share: float) -> float:
        """The time to the first token that this share of the questions keeps within."""
        return sorted(it.first_cpu_s for it in self.told.values())[int(share * len(self.told))]


def measure() -> None:
    torch.set_num_threads(1)
    loaded = load_base(ModelSettings())
    questions = _questions(loaded)
    sample = random.Random(SEED).sample(range(len(questions)), ONE_BY_ONE)
    before = _one_by_one(loaded, questions, sample[: ONE_BY_ONE // 2])
    print("one by one, first half", file=sys.stderr, flush=True)
    with Engine(loaded, rows=STREAMS) as engine:
        single = _asked(engine, questions[:ALONE], streams=1)
    print("one person", file=sys.stderr, flush=True)
    with Engine(loaded, rows=STREAMS) as engine:
        many = _asked(engine, questions, streams=STREAMS)
        saved = engine.prefixes.tokens_saved
    print(f"{STREAMS} people", file=sys.stderr, flush=True)
    with Engine(loaded, rows=STREAMS) as engine:
        at_once = _asked(engine, questions[::QUESTIONS_EACH], streams=STREAMS, head_start=0)
    after = _one_by_one(loaded, questions, sample[ONE_BY_ONE // 2 :])
    _report(single, many, at_once, [before, after])
    read = sum(len(question.ids) for question in questions)
    report("streams/share of prompt tokens not read again", saved / read, None, "higher")


def _report(single: Run, many: Run, at_once: Run, peer: Sequence[Run]) -> None:
    known = {number: it.tokens for run in peer for number, it in run.told.items()}
    differing = sum(many.told[number].tokens != tokens for number, tokens in known.items())
    by_peer = sum(run.tokens for run in peer) / sum(run.cpu_s for run in peer)
    by_us = many.tokens / many.cpu_s
    report("streams/answers unlike one-by-one generate", differing, 0)
    report("streams/tokens per CPU s, one by one", by_peer, None, "higher")
    report("streams/tokens per CPU s, 32 streams", by_us, None, "higher")
    report("streams/tokens/s against one by one", by_us / by_peer, 4, "higher")
    wall = many.tokens / many.wall_s
    wall_peer = sum(run.tokens for run in peer) / sum(run.wall_s for run in peer)
    report("streams/tokens/s against one by one, wall", wall / wall_peer, None, "higher")
    for share in (0.5, 0.95):
        name = f"streams/first token p{100 * share:.0f}"
        report(f"{name}, one person, CPU s", single.first_cpu_s(share), None)
        report(f"{name}, 32 streams, CPU s", many.first_cpu_s(share), None)
        ratio = many.first_cpu_s(share) / single.first_cpu_s(share)
        report(f"{name} against one person", ratio, 3 if share == 0.95 else None)
    ratio = many.first_cpu_s(0.95) / single.first_cpu_s(0.5)
    report("streams/first token p95 against one person's median", ratio, None)
    ratio = at_once.first_cpu_s(0.95) / single.first_cpu_s(0.95)
    report("streams/first token p95, all at the same moment", ratio, None)


def _questions(loaded: LoadedModel) -> list[Question]:
    """Those of each person one after another: rules, a passage that others share, a question."""
    lengths = random.Random(SEED)
    asked = []
    for person, turn in itertools.product(range(STREAMS), range(QUESTIONS_EACH)):
        medicine = (person + turn) % MEDICINES
        passage = EVIDENCE.format(dose=100 * (medicine + 1), most=400 * (medicine + 1))
        text = f"How often may somebody of {20 + person} years take it on day {turn + 1}?"
        chat = [Message(role="user", content=f"Medicine {medicine}\n{passage}\n\n{text}")]
        longest = lengths.randint(*LENGTHS)
        ids = prompt_ids(loaded, under_rules(loaded, chat), longest)
        asked.append(Question(ids, longest))
    return asked


def _one_by_one(loaded: LoadedModel, questions: Sequence[Question], sample: Sequence[int]) -> Run:
    """What transformers' own `generate` writes, one answer after the other."""
    ends = end_token_ids(loaded)
    told = {}
    cpu, wall = time.process_time(), time.monotonic()
    for number in sample:
        given = torch.tensor([questions[number].ids])
        config = cast(Any, GenerationConfig)(
            max_new_tokens=questions[number].longest,
            do_sample=False,
            eos_token_id=ends,
            pad_token_id=loaded.pad_id,
        )
        with torch.inference_mode():
            row = loaded.model.generate(
                input_ids=given, attention_mask=torch.ones_like(given), generation_config=config
            )[0, given.shape[1] :].tolist()
        told[number] = Told(tuple(token for token in row if token not in ends), 0.0, 0.0)
    return Run(told, time.process_time() - cpu, time.monotonic() - wall)


def _asked(
    engine: Engine, questions: Sequence[Question], *, streams: int, head_start: int = HEAD_START
) -> Run:
    """The questions asked by so many people, each of whom waits for every answer."""
    each = len(questions) // streams
    told: dict[int, Told] = {}
    begun = [threading.Event() for _ in range(streams + 1)]

    def ask(person: int) -> None:
        begun[person].wait()
        for number in range(person * each, (person + 1) * each):
            told[number] = _answer(engine, questions[number], begun[person + 1], head_start)
        begun[person + 1].set()

    threads = [threading.Thread(target=ask, args=(person,)) for person in range(streams)]
    for thread in threads:
        thread.start()
    cpu, wall = time.process_time(), time.monotonic()
    for event in begun if head_start == 0 else begun[:1]:
        event.set()
    for thread in threads:
        thread.join()
    return Run(told, time.process_time() - cpu, time.monotonic() - wall)


def _answer(engine: Engine, question: Question, next_begins: threading.Event, after: int) -> Told:
    cpu, wall = time.process_time(), time.monotonic()
    first: tuple[float, float] = (0.0, 0.0)
    tokens: list[int] = []
    for token in engine.stream(question.ids, Settings(question.longest)):
        if not tokens:
            first = (time.process_time() - cpu, time.monotonic() - wall)
        tokens.append(token)
        if len(tokens) == after:
            next_begins.set()
    return Told(tuple(tokens), *first)
