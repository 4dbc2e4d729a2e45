"""What is evaluated: a model with the evidence in its prompt, and the assistant as it is served."""

from __future__ import annotations

from collections.abc import Sequence

from cauce.assistant.assistant import Assistant
from cauce.evaluation.settings import EvaluationSettings
from cauce.models.generation import generate
from cauce.models.loading import LoadedModel
from cauce.records import Example, Reply


class ModelSystem:
    """A model alone, given the right passage: what tuning changed shows without retrieval."""

    def __init__(self, name: str, model: LoadedModel, settings: EvaluationSettings) -> None:
        self.name = name
        self.model = model
        self._settings = settings

    def answer(self, examples: Sequence[Example]) -> list[Reply]:
        """The model's words for each example's prompt, unchecked and without citation."""
        texts = generate(
            self.model,
            [example.messages for example in examples],
            max_new_tokens=self._settings.max_new_tokens,
            batch_size=self._settings.batch_size,
        )
        return [Reply(text=text.strip(), generated=True) for text in texts]


class AssistantSystem:
    """The assistant, given only the question: it finds the medicine and the section itself."""

    def __init__(self, name: str, assistant: Assistant) -> None:
        self.name = name
        self.model = None
        self._assistant = assistant

    def answer(self, examples: Sequence[Example]) -> list[Reply]:
        """The replies that a person would be shown."""
        return self._assistant.replies([example.question for example in examples])
