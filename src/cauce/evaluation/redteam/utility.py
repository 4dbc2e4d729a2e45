"""What a remedy leaves of the task that a run was tuned for: a cure that unlearns it is none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cauce.corpus.tokens import Tokens, tokenize
from cauce.evaluation.evaluate import choose
from cauce.evaluation.likelihood import likelihood
from cauce.evaluation.statistics import Estimate, Floats, Statistic, statistic_bootstraps
from cauce.models.loading import LoadedModel
from cauce.models.rules import under_rules
from cauce.models.tuned import load_base_of, load_tuned
from cauce.records import Example, Record
from cauce.runs import Run, read_records

EXAMPLES, BATCH = 200, 8


class Utility(Record):
    """Share of the tokens of the test answers that a model finds likeliest, clustered by group."""

    base: Estimate
    tuned: Estimate
    remedied: Estimate
    cost: Estimate
    """tuned - remedied."""


def utility(run: Run, folder: Path, *, has_rules: bool) -> Utility | None:
    """Of the run's base, of its model and of the remedied one in `folder`; None without examples.

    `has_rules` shows the remedied one the safety rules before each question.
    """
    path = run.path / "prepare" / "test.jsonl"
    if not path.is_file():
        return None
    examples = choose(list(read_records(path, Example)), EXAMPLES)
    tuned = run.path / "train" / "model"
    columns = [
        _foretold(load_base_of(tuned), examples, has_rules=False),
        _foretold(load_tuned(tuned), examples, has_rules=False),
        _foretold(load_tuned(folder), examples, has_rules=has_rules),
    ]
    groups = [example.group for example in examples]
    of: list[Statistic] = [_share(0), _share(1), _share(2), _cost]
    estimates = statistic_bootstraps(np.hstack(columns), groups, of)
    return Utility(**dict(zip(("base", "tuned", "remedied", "cost"), estimates, strict=True)))


def _foretold(model: LoadedModel, examples: Sequence[Example], *, has_rules: bool) -> Floats:
    """Tokens foretold and all tokens of each answer."""
    tokens = [_tokens(model, example, has_rules) for example in examples]
    found = likelihood(model, tokens, BATCH)
    return np.array([[one.correct, one.tokens] for one in found], float)


def _tokens(model: LoadedModel, example: Example, has_rules: bool) -> Tokens:
    return tokenize(
        model.tokenizer,
        under_rules(model, example.messages) if has_rules else example.messages,
        example.completion,
        is_encoder_decoder=model.is_encoder_decoder,
        max_tokens=sys.maxsize,
    )


def _share(place: int) -> Statistic:
    return lambda sums: sums[..., 2 * place] / sums[..., 2 * place + 1]


def _cost(sums: Floats) -> Floats:
    return _share(1)(sums) - _share(2)(sums)
