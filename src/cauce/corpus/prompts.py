"""The one prompt that training, evaluation and serving show to a model."""

from __future__ import annotations

from cauce.knowledge.evidence.evidence import Evidence
from cauce.records import Citation, Message


def prompt(question: str, evidence: Evidence | Citation) -> tuple[Message, ...]:
    """The user's turn: what the passage is about, the passage, and the question."""
    return (Message(role="user", content=f"{evidence.title}\n{evidence.quote}\n\n{question}"),)
