"""What is evaluated: a model with the evidence in its prompt, and the assistant as it is served."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cauce.assistant.guarded import GuardedAssistant
from cauce.evaluation.settings import EvaluationSettings
from cauce.models.generation import generate
from cauce.models.loading import LoadedModel
from cauce.records import Example, Reply


def log_name(spec: str) -> str:
    """What names a system's log: a run, a folder or a model's id, without what a file cannot have.

    >>> log_name("google/flan-t5-small"), log_name("demo:base")
    ('google-flan-t5-small', 'demo-base')
    """
    return re.sub(r"[^\w.-]+", "-", spec).strip("-.")


class ModelSystem:
    """A model alone, given the right passage: what tuning changed shows without retrieval."""

    def __init__(self, name: str, model: LoadedModel, settings: EvaluationSettings) -> None:
        self.name = name
        self.model = model
        self._settings = settings

    def answer(self, examples: Sequence[Example]) -> list[Reply]:
        """The model's words for each example's prompt, unchecked and without citation."""
        from cauce.models.prefix import series_of

        is_read = [bool(self.model.prefix_vectors and it.series) for it in examples]
        pairs = list(zip(examples, is_read, strict=True))
        written = generate(
            self.model,
            [it.messages_without_series if read else it.messages for it, read in pairs],
            max_new_tokens=self._settings.max_new_tokens,
            batch_size=self._settings.batch_size,
            series=[series_of(it) if read else None for it, read in pairs],
        )
        return [
            Reply(text=answer.text, generated=True, is_finished=answer.is_finished)
            for answer in written
        ]


class AssistantSystem:
    """The assistant, given only the question: it finds the medicine and the section itself."""

    def __init__(self, name: str, assistant: GuardedAssistant) -> None:
        self.name = name
        self.model = None
        self._assistant = assistant

    def answer(self, examples: Sequence[Example]) -> list[Reply]:
        """The replies that a person would be shown."""
        return self._assistant.replies([example.question for example in examples])
