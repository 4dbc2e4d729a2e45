"""What `grpo` learns from: the model's own answers as it is now, judged and set against each other.

Answers are decided by the weights, the seed and the number of the update, so that a resumed
training writes what the killed one would have; those that several updates learn from are kept in
the checkpoints. At each validation the checks that are not rewarded are made too: a model that
games its reward betrays itself there.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from cauce.corpus.batches import Batch
from cauce.corpus.judged import Asked, Tried
from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.models.generation import position_limit
from cauce.models.head import put_back
from cauce.models.loading import LoadedModel
from cauce.models.recurrence import announce_document_starts
from cauce.models.sampling import sample
from cauce.records import Example
from cauce.training.engine import Engine, Rows
from cauce.training.objective import autocast
from cauce.training.objectives import Grpo
from cauce.training.policy import Trying, advantages
from cauce.training.reference import without_adapter
from cauce.training.rewards import Check, reward, scores

CERTAINTY = 1.96
"""Standard errors by which a check has to fall over the same prompts before it is an alarm."""


class Judged(NamedTuple):
    """Answers to the validation prompts, in their order: what each check says of each."""

    rewards: list[float]
    held_out: dict[str, list[float]]

    @property
    def reward(self) -> float:
        """The mean reward."""
        return sum(self.rewards) / len(self.rewards)

    def figures(self) -> dict[str, float]:
        """For the log: the mean reward, and the mean of each check that is not in it."""
        means = {f"held_out/{kind}": sum(it) / len(it) for kind, it in self.held_out.items()}
        return {"reward": self.reward, **means}


class Rollouts:
    """The answers of one training."""

    def __init__(self, engine: Engine, judged: Sequence[Tokens], *, seed: int) -> None:
        """`judged` are the validation prompts. Raises TrainingRefused where it cannot go on."""
        objective = engine.settings.objective
        assert isinstance(objective, Grpo)
        self._engine, self._objective, self._seed = engine, objective, seed
        self._judged = judged
        self._first: int = -1
        self._batches: list[list[list[Tokens]]] = []
        self._worth: list[float] = []
        self.figures: dict[str, float] = {}
        """Of the answers last written: mean reward, its deviation in a group, and mean tokens."""
        if engine.processes.count > 1:
            raise TrainingRefused(
                f"objective.kind is grpo, whose answers one process writes, and there are "
                f"{engine.processes.count}.\nStart it without torchrun."
            )

    def window(self, step: int) -> int:
        """Which window of the plan the answers of update number `step` are to."""
        return step // self._objective.updates

    def batches(self, step: int, prompts: Callable[[], Sequence[Rows]]) -> list[list[list[Tokens]]]:
        """The answers that update number `step` learns from, written now if they are not there."""
        first = step - step % self._objective.updates
        if self._first != first:
            self._first, self._worth = first, []
            self._batches = [
                self._written([item for row in rows for item in row], f"{first}/{number}")
                for number, rows in enumerate(prompts())
            ]
            self.figures = self._told()
        return self._batches

    def state(self) -> dict[str, Any]:
        """For a checkpoint; empty where the next update writes answers of its own."""
        if self._objective.updates == 1:
            return {}
        rows = [[_stored(item) for [item] in batch] for batch in self._batches]
        return {"first": self._first, "batches": rows, "worth": self._worth}

    def put_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` gave."""
        if state:
            self._first, self._worth = state["first"], state["worth"]
            self._batches = [[[_restored(it)] for it in batch] for batch in state["batches"]]
            self.figures = self._told()

    def judge(self) -> Judged:
        """What the likeliest answers to the validation prompts are worth."""
        size = self._engine.settings.batch_size * self._objective.group
        rewards: list[float] = []
        held_out: dict[str, list[float]] = {check.kind: [] for check in self._objective.held_out}
        for start in range(0, len(self._judged), size):
            items = self._judged[start : start + size]
            for item, tokens in zip(items, self._answers(items, None), strict=True):
                example, answer = _example(item), self._text(tokens)
                rewards.append(_worth(self._objective.rewards, example, answer))
                for kind, value in scores(self._objective.held_out, example, answer).items():
                    held_out[kind].append(value)
        return Judged(rewards, held_out)

    def _written(self, items: Sequence[Tokens], place: str) -> list[list[Tokens]]:
        """A group of answers to each prompt, a row each, with their advantages."""
        group = self._objective.group
        asked = [item for item in items for _ in range(group)]
        seed = zlib.crc32(f"{self._seed}/{place}".encode())
        answers = self._answers(asked, seed)
        worth = [
            _worth(self._objective.rewards, _example(item), self._text(tokens))
            for item, tokens in zip(asked, answers, strict=True)
        ]
        told = advantages(torch.tensor(worth).view(-1, group)).flatten().tolist()
        tried = [
            Tokens(item.prompt, answer, item.images, Tried(advantage))
            for item, answer, advantage in zip(asked, answers, told, strict=True)
        ]
        self._worth += worth
        return [[item] for item in self._with_probabilities(tried)]

    def _with_probabilities(self, tried: list[Tokens]) -> list[Tokens]:
        """What the weights say of each token, and the reference, where it is asked for later."""
        before = self._said(tried) if self._objective.updates > 1 else None
        reference = None
        if self._objective.beta:
            with without_adapter(self._engine.loaded):
                reference = self._said(tried)
        found = []
        for place, item in enumerate(tried):
            assert isinstance(item.judged, Tried)
            judged = Tried(
                item.judged.advantage,
                before[place] if before else (),
                reference[place] if reference else (),
            )
            found.append(item._replace(judged=judged))
        return found

    def _said(self, tried: Sequence[Tokens]) -> list[tuple[float, ...]]:
        """The log-probability of each token of each answer, without dropout."""
        loss = self._engine.summed_loss
        assert isinstance(loss, Trying)
        loss.eval()
        batch: Batch = loss.batch([[item] for item in tried], self._engine.width)
        with torch.no_grad():
            each, _ = loss.log_probabilities(batch)
        sizes = [len(item.completion) for item in tried]
        told = iter(each.tolist())
        return [tuple(itertools.islice(told, size)) for size in sizes]

    def _answers(self, items: Sequence[Tokens], seed: int | None) -> list[list[int]]:
        with self._writing():
            return sample(
                self._engine.loaded,
                items,
                max_new_tokens=self._objective.max_new_tokens,
                seed=seed,
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """While entered, the model computes as in training, with its head, and of no batch."""
        engine = self._engine
        announce_document_starts(engine.loaded.model, None)
        with put_back(engine.summed_loss.head), autocast(engine.loaded.device, engine.precision):
            yield

    def _text(self, tokens: Sequence[int]) -> str:
        tokenizer = self._engine.loaded.tokenizer
        return str(tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()

    def _told(self) -> dict[str, float]:
        items = [item for batch in self._batches for row in batch for item in row]
        groups = torch.tensor(self._worth).view(-1, self._objective.group)
        return {
            "reward": sum(self._worth) / len(self._worth),
            "reward_spread": float(groups.std(1).mean()),
            "answer_tokens": sum(len(item.completion) for item in items) / len(items),
        }


def refuse_long_answers(loaded: LoadedModel, items: Sequence[Tokens], objective: Grpo) -> None:
    """Raises TrainingRefused where a prompt and its longest answer do not fit into the model."""
    limit = position_limit(loaded)
    longest = max((len(item.prompt) for item in items), default=0)
    if limit is not None and longest + objective.max_new_tokens > limit:
        raise TrainingRefused(
            f"a prompt has {longest} tokens; with an answer of up to {objective.max_new_tokens} it "
            f"exceeds the {limit} that {loaded.name!r} reads.\n"
            "Lower objective.max_new_tokens, or model.max_tokens so that long prompts are left out."
        )


def alarms(first: Judged, now: Judged) -> list[str]:
    """The checks that fell since `first` while the reward rose, by more than chance explains.

    Over the same prompts: the mean difference is below zero by `CERTAINTY` standard errors.
    """
    if now.reward <= first.reward:
        return []
    return [kind for kind, then in first.held_out.items() if _fell(then, now.held_out[kind])]


def _fell(then: Sequence[float], now: Sequence[float]) -> bool:
    differences = [b - a for a, b in zip(then, now, strict=True)]
    count = len(differences)
    mean = sum(differences) / count
    spread = sum((it - mean) ** 2 for it in differences) / max(1, count - 1)
    return mean < -CERTAINTY * math.sqrt(spread / count)


def _worth(checks: Sequence[Check], example: Example, answer: str) -> float:
    return reward(checks, scores(checks, example, answer))


def _example(item: Tokens) -> Example:
    assert isinstance(item.judged, Asked), "refuse_unjudged was asked"
    return item.judged.example


def _stored(item: Tokens) -> list[Any]:
    assert isinstance(item.judged, Tried)
    return [item.prompt, item.completion, item.images, *item.judged]


def _restored(stored: Sequence[Any]) -> Tokens:
    prompt, completion, images, advantage, before, reference = stored
    return Tokens(
        prompt, completion, tuple(images), Tried(advantage, tuple(before), tuple(reference))
    )
