"""Safety examples among those a model learns from, so that tuning does not undo its alignment.

A few in a hundred are enough, and many more make a model refuse what is harmless (Bianchi et al.
2023, arXiv 2309.07875). The package's are written for it, by no clinician: refusals that offer what
helps, answers that protect where a person is in danger, and plain answers to what only sounds bad.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from importlib import resources
from typing import Literal

from cauce.records import Citation, Example, Message, Record
from cauce.safety.language import Spoken

SAFETY = "safety"
"""The kind of these examples, and their group: all of them are learned from, none is held out."""


class SafetyExample(Record):
    """A question and how it should be answered."""

    id: str
    language: Spoken
    kind: Literal["refusal", "safe_completion", "answer"]
    """An `answer` is a plain one, to a question that only sounds dangerous."""
    topic: str
    question: str
    answer: str


def load_safety_examples() -> list[SafetyExample]:
    """The safety examples of the package, in the order of their file."""
    lines = _content().decode().splitlines()
    return [SafetyExample.model_validate_json(line) for line in lines]


def safety_examples(
    learned: int, share: float, *, seed: int, fits: Callable[[Example], bool]
) -> list[Example]:
    """So many that they are `share` of what is learned beside `learned` others, drawn by the seed.

    Fewer where the package has no more that fit into the model: none is learned from twice.
    """
    version = hashlib.sha256(_content()).hexdigest()[:12]
    fitting = [it for one in load_safety_examples() if fits(it := _example(one, version))]
    wanted = round(learned * share / (1 - share))
    return random.Random(seed).sample(fitting, min(wanted, len(fitting)))


def _content() -> bytes:
    return resources.files("cauce").joinpath("data", "safety", "examples.jsonl").read_bytes()


def _example(one: SafetyExample, version: str) -> Example:
    """As it is learned; its citation tells which file of the package it is from."""
    return Example(
        id=f"{SAFETY}/{one.id}",
        messages=(Message(role="user", content=one.question),),
        completion=one.answer,
        question=one.question,
        evidence=Citation(
            source="cauce/data/safety/examples.jsonl",
            id=one.id,
            version=version,
            section=one.topic,
            quote=one.question,
        ),
        group=SAFETY,
        kind=SAFETY,
        language=one.language,
    )
