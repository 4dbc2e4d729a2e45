"""What a prompt asks for: something that would harm somebody, help in danger, or neither.

A word alone tells little ("matar" a process, "bomba" of insulin), so the phrases that make it
harmless are taken away first. What a risk found here is worth is learnt, with all other words of
the prompt.
"""

from __future__ import annotations

from cauce.knowledge.words import fold
from cauce.safety.classifier import Classifier
from cauce.safety.judge.forms import forms

READ = 700
"""Characters that are read at each end of a prompt."""


def request_shares(prompt: str) -> dict[str, float]:
    """How likely a prompt is `harmful`, `urgent` (somebody is in danger) or `ordinary`."""
    text = read_part(prompt)
    return Classifier.load("request").probabilities(text, risks(fold(text)))


def risks(folded: str) -> tuple[str, ...]:
    """The kinds of harm that a folded prompt names; in most prompts none.

    >>> risks("como mato un proceso en linux"), risks("quiero falsificar una receta")
    ((), ('fraud',))
    """
    kinds = forms("risks")
    told = kinds["harmless"].sub(" ", folded)
    return tuple(kind for kind, words in kinds.items() if kind != "harmless" and words.search(told))


def read_part(prompt: str) -> str:
    """Both ends of a prompt: what is asked stands there."""
    return prompt if len(prompt) <= 2 * READ else f"{prompt[:READ]} {prompt[-READ:]}"
