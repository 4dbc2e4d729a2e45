"""Examples as the tokens that an objective learns from, with what was judged of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cauce.corpus.judged import Asked, Pair, Rated
from cauce.corpus.tokens import Tokens
from cauce.errors import TrainingRefused
from cauce.models.generation import position_limit
from cauce.models.loading import LoadedModel
from cauce.models.prefix import tokens_of_example
from cauce.records import Example
from cauce.training.objectives import Dpo, Grpo, Kto, Objective

NEEDED: dict[str, tuple[type, str]] = {
    "dpo": (Pair, "a rejected answer beside the chosen one"),
    "kto": (Rated, "a label that says whether it was liked"),
    "grpo": (Asked, "the example that its answers are judged by"),
}
"""By kind of objective: what it has to know of an example."""


def judged_tokens(
    loaded: LoadedModel, examples: Sequence[Example], objective: Objective
) -> list[Tokens]:
    """The examples as `objective` learns from them, in their order; for `kto` a pair becomes two.

    Raises TrainingRefused where `dpo` is given an answer that was judged alone, or `kto` only
    one answer.
    """
    match objective:
        case Dpo():
            _refuse_unpaired(examples)
            return [_pair(loaded, example) for example in examples]
        case Kto():
            return _rated(loaded, examples)
        case Grpo():
            return [_plain(loaded, it)._replace(judged=Asked(it)) for it in examples]
        case _:
            return [_plain(loaded, example) for example in examples]


def refuse_unjudged(items: Sequence[Tokens], objective: Objective) -> None:
    """Raises TrainingRefused unless every item has the judgement that `objective` learns from."""
    if objective.kind not in NEEDED:
        return
    kind, needed = NEEDED[objective.kind]
    lacking = [place for place, item in enumerate(items) if not isinstance(item.judged, kind)]
    if lacking:
        raise TrainingRefused(
            f"objective.kind is {objective.kind}, and {len(lacking)} of {len(items)} examples, the "
            f"first is number {lacking[0]}, are without {needed}.\n"
            "Make them with cauce.training.judging.judged_tokens, or set another objective."
        )


def _refuse_unpaired(examples: Sequence[Example]) -> None:
    alone = [example.id for example in examples if not example.rejected]
    if alone:
        raise TrainingRefused(
            f"objective.kind is dpo, and {len(alone)} of {len(examples)} answers, the first is "
            f"{alone[0]!r}, have no rejected one beside them.\n"
            "Set objective.kind to kto, which learns from both kinds, or leave those lines out."
        )


def _plain(loaded: LoadedModel, example: Example) -> Tokens:
    return tokens_of_example(loaded, example, example.completion)


def _pair(loaded: LoadedModel, example: Example) -> Tokens:
    rejected = tokens_of_example(loaded, example, example.rejected)
    return _plain(loaded, example)._replace(judged=Pair(rejected.completion))


def _rated(loaded: LoadedModel, examples: Sequence[Example]) -> list[Tokens]:
    """Each answer with the one before it, of another prompt, as the one from elsewhere."""
    items, labels = [], []
    for example in examples:
        for item, is_wanted in _answers(loaded, example):
            items.append(item)
            labels.append(is_wanted)
    if items and all(item.prompt == items[0].prompt for item in items):
        raise TrainingRefused(
            f"objective.kind is kto, and all of {len(items)} answers are to one prompt: how far "
            "the model moves is measured by answers to others.\n"
            "Add judged answers to another prompt."
        )
    limit = position_limit(loaded)
    return [
        item._replace(judged=Rated(is_wanted, _fitting(item, _elsewhere(items, place), limit)))
        for place, (item, is_wanted) in enumerate(zip(items, labels, strict=True))
    ]


def _answers(loaded: LoadedModel, example: Example) -> Iterator[tuple[Tokens, bool]]:
    yield _plain(loaded, example), example.is_wanted
    if example.rejected:
        yield tokens_of_example(loaded, example, example.rejected), False


def _elsewhere(items: Sequence[Tokens], place: int) -> list[int]:
    """The completion of the nearest item before, counting round, that has another prompt."""
    before = (items[place - step] for step in range(1, len(items)))
    return next(it.completion for it in before if it.prompt != items[place].prompt)


def _fitting(item: Tokens, completion: list[int], limit: int | None) -> list[int]:
    """As much of the completion as the model can read behind this prompt."""
    return completion if limit is None else completion[: limit - len(item.prompt)]
