"""Questions in a model's own words, where the recipe has a prompt for it.

The model is whoever runs the stage's: it is given prompts and gives texts back, so nothing here
knows whether it is local or answers over a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cauce.errors import UserError


class Rewriter(Protocol):
    """A model that follows a prompt."""

    def __call__(self, prompts: Sequence[str], /) -> Sequence[str]:
        """One text for each prompt, in their order."""
        ...


def rewritten(
    rewriter: Rewriter, prompt: str, questions: Sequence[str], sentences: Sequence[str]
) -> list[str]:
    """What the model makes of each question, on one line and without quotation marks around it.

    Raises UserError when it gives more or fewer texts than it was asked for.
    """
    prompts = [
        prompt.replace("{question}", question).replace("{sentence}", sentence)
        for question, sentence in zip(questions, sentences, strict=True)
    ]
    texts = rewriter(prompts)
    if len(texts) != len(prompts):
        raise UserError(
            f"the rewriter gave {len(texts)} texts for {len(prompts)} prompts.\n"
            "Give one text for each prompt, an empty one where there is none."
        )
    return [" ".join(text.split()).strip("\"'“”«» ") for text in texts]
