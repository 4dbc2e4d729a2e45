"""A model names the evidence it answers with: numbers out of the list that it was shown, no more.

It reads the question and numbered sentences and writes their numbers, one a line. Nothing else can
be written, so that whatever stands in a question or a sentence, no identifier comes from the model.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from cauce.knowledge.library.library import Evidence
from cauce.models.generation import generate_identifiers
from cauce.models.loading import LoadedModel
from cauce.records import Example, Message

MOST_NAMED = 3


def prompt(question: str, shown: Sequence[Evidence]) -> tuple[Message, ...]:
    """The question, and the sentences numbered from 1."""
    listed = "\n".join(f"{handle(place)} {one.text}" for place, one in enumerate(shown))
    return (Message(role="user", content=f"{question}\n\n{listed}"),)


def handle(place: int) -> str:
    """What the sentence at a place (from 0) is called."""
    return f"[{place + 1}]"


def named(
    model: LoadedModel, asked: Sequence[tuple[str, Sequence[Evidence]]], *, batch_size: int
) -> list[list[int]]:
    """The places of the sentences that the model names for each question, each once."""
    most = max((len(shown) for _, shown in asked), default=0)
    written = generate_identifiers(
        model,
        [prompt(question, shown) for question, shown in asked],
        [handle(place) for place in range(most)],
        most=MOST_NAMED,
        batch_size=batch_size,
    )
    places = {handle(place): place for place in range(most)}
    return [
        [place for place in dict.fromkeys(places[line] for line in lines) if place < len(shown)]
        for lines, (_, shown) in zip(written, asked, strict=True)
    ]


def naming_example(example: Example, shown: Sequence[Evidence], *, seed: int) -> Example | None:
    """What a model learns to name by: the right sentences among others, in any order.

    None where none of the sentences cites a work of the answer.
    """
    mixed = list(shown)
    random.Random(f"{seed}/{example.id}").shuffle(mixed)
    right = {line.removeprefix("doi:") for line in example.completion.splitlines()}
    named = [place for place, one in enumerate(mixed) if right & {*one.dois}][:MOST_NAMED]
    if not named:
        return None
    return example.model_copy(
        update={
            "id": f"{example.id}/named",
            "messages": prompt(example.question, mixed),
            "completion": "\n".join(map(handle, named)),
            "kind": "named",
        }
    )
