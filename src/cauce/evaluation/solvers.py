"""How a system is asked: for words, or which of several choices it finds likeliest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field

from cauce.corpus.tokens import Tokens
from cauce.evaluation.likelihood import likelihood
from cauce.models.loading import LoadedModel
from cauce.records import Example, Record, Reply


class System(Protocol):
    """Anything that answers examples."""

    @property
    def name(self) -> str:
        """What its log and its column are called."""

    @property
    def model(self) -> LoadedModel | None:
        """The model whose likelihoods are measured; None when there is no single one."""

    def answer(self, examples: Sequence[Example]) -> list[Reply]:
        """One reply per example, in their order."""


class Solved(NamedTuple):
    """What a system made of an example."""

    reply: Reply
    choice_nlls: tuple[float, ...] = ()
    """Minus the log-likelihood of each choice; empty where the system only wrote."""


class Generate(Record):
    """The system writes its answer."""

    kind: Literal["generate"] = "generate"
    max_new_tokens: int = Field(120, ge=1)
    """Longest answer of a model, in tokens; the end token ends it earlier."""

    def solve(self, system: System, examples: Sequence[Example], batch_size: int) -> list[Solved]:
        """What the system says to each example."""
        return [Solved(reply) for reply in system.answer(examples)]


class Choose(Record):
    """A model takes the choice that it finds likeliest after the prompt, end token left out.

    A system without a single model, such as an assistant, writes: its choice is read from that.
    """

    kind: Literal["choose"] = "choose"
    max_new_tokens: int = Field(40, ge=1)
    """Longest answer of a system that writes, in tokens."""

    def solve(self, system: System, examples: Sequence[Example], batch_size: int) -> list[Solved]:
        """The likeliest choice of each example, with the likelihoods of all."""
        if system.model is None:
            return [Solved(reply) for reply in system.answer(examples)]
        nlls = iter(_choice_nlls(system.model, examples, batch_size))
        solved = []
        for example in examples:
            own = tuple(next(nlls) for _ in example.choices)
            likeliest = example.choices[own.index(min(own))]
            solved.append(Solved(Reply(text=likeliest), own))
        return solved


Solver = Annotated[Generate | Choose, Field(discriminator="kind")]
"""Any way of asking that a task may name."""


def _choice_nlls(model: LoadedModel, examples: Sequence[Example], batch_size: int) -> list[float]:
    from cauce.models.prefix import tokens_of_example

    tokens = [
        tokens_of_example(model, example, choice)
        for example in examples
        for choice in example.choices
    ]
    without_end = [Tokens(one.prompt, one.completion[:-1]) for one in tokens]
    return [found.nll for found in likelihood(model, without_end, batch_size)]
