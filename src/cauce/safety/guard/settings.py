"""Which parts of the guard are on, and how sure they must be."""

from __future__ import annotations

from pydantic import Field

from cauce.records import Record


class GuardSettings(Record):
    """Each part can be turned off, so that what it adds and what it costs can be measured."""

    normalise: bool = True
    """Whether what is disguised or encoded in a text is read too."""
    input: bool = True
    """Whether a turn that attacks the assistant is noticed before the model reads it."""
    canary: bool = True
    """Whether the system prompt carries a marker, and answers are searched for it."""
    rules: bool = False
    """Whether the model is shown the safety rules before each prompt, which it was tuned without:
    one that was aligned under such rules keeps more of them. Off, for a model of 10 MB answered
    more attacks with harm under them, 0.74 and not 0.60 (2026-11-29): measure it first."""
    quarantine: bool = True
    """Whether instructions to the assistant are taken out of retrieved texts."""
    output: bool = True
    """Whether answers are judged before they are shown."""
    emergencies: bool = True
    """Whether emergencies are answered before the model is asked."""
    threshold: float = Field(0.3, gt=0, lt=1)
    """Probability from which a turn counts as an attack: 0.5 % of the training texts that were left
    out reached it, 2026-11."""
    harm_threshold: float = Field(0.8, gt=0, lt=1)
    """Probability of harm from which an answer is not shown."""
