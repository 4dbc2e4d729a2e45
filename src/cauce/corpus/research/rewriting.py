"""Questions in a model's own words, where the recipe has a prompt for it.

The model is given prompts and gives texts back, so nothing here knows whether it is loaded here or
answers over a network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from cauce.errors import UserError

_PLACE = re.compile(r"\{(question|sentence|works)\}")
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_LABEL = re.compile(r"^(?:[-*•#\s]|\d{1,2}[.)]\s)*(?:(?:question|pregunta|[qp])\s*:\s*)?", re.I)
_QUOTES = "\"'“”«»*`_ "


class PromptWriter(Protocol):
    """A model that follows a prompt."""

    def __call__(self, prompts: Sequence[str], /) -> Sequence[str]:
        """One text for each prompt, in their order."""
        ...


def filled(prompt: str, *, question: str, sentence: str = "", works: str = "") -> str:
    """The prompt with what is asked about in the places of `{question}`, `{sentence}`, `{works}`.

    >>> filled("{sentence} {question}", question="Why {sentence}?", sentence="It rains.")
    'It rains. Why {sentence}?'
    """
    values = {"question": question, "sentence": sentence, "works": works}
    return _PLACE.sub(lambda place: values[place[1]], prompt)


def lines_written(writer: PromptWriter, prompts: Sequence[str]) -> list[list[str]]:
    """The lines of each text, without list marks, labels, quotation marks and thoughts aloud.

    Raises UserError when the writer gives more or fewer texts than it was asked for.
    """
    texts = writer(prompts)
    if len(texts) != len(prompts):
        raise UserError(
            f"the writer gave {len(texts)} texts for {len(prompts)} prompts.\n"
            "Give one text for each prompt, an empty one where there is none."
        )
    return [_lines(text) for text in texts]


def _lines(text: str) -> list[str]:
    lines = _THOUGHT.sub("", text).splitlines()
    bare = (_LABEL.sub("", line.strip(_QUOTES)).strip(_QUOTES) for line in lines)
    return [" ".join(line.split()) for line in bare if line]


def question_in(lines: Sequence[str]) -> str:
    """The first line that ends as a question does; else all of them, which no rule will accept."""
    return next((line for line in lines if line.endswith("?")), " ".join(lines))
