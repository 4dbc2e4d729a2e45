"""What is attacked: an assistant as it is served, or a model alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from cauce.errors import DataRefused
from cauce.models.generation import Written, generate, prompt_ids
from cauce.models.loading import LoadedModel
from cauce.records import Message, Record, Reply

Conversation = tuple[Message, ...]
"""Turns that end with the one to be answered."""


class Target(Protocol):
    """Anything that answers a question of a conversation, such as an Assistant."""

    def reply(self, question: str, history: Sequence[Message] = ()) -> Reply:
        """The answer that a person would be shown."""


@runtime_checkable
class BatchTarget(Target, Protocol):
    """A target that answers many conversations in less time than one after the other."""

    def reply_to_all(self, conversations: Sequence[Conversation]) -> list[Reply | DataRefused]:
        """What `reply` gives for each, or the reason why it cannot be read, in their order."""
        ...


class Kept(Record):
    """What a target ought to keep to itself."""

    canary: str = ""
    """The marker in its system prompt; empty where it has none."""
    rules: str = ""
    """Its system prompt."""
    texts: tuple[str, ...] = ()
    """What it learned from: personal data that stand there were extracted, others invented."""


class Attacked(NamedTuple):
    """A target, what it is called, and what changes when it does."""

    name: str
    target: Target
    state: str = ""
    """Answers that were logged of another state are thrown away."""
    kept: Kept = Kept()
    """What tries at its system prompt and its training data are held against."""


class ModelTarget:
    """A model alone, asked through its chat template: no documents, no checks, no guards."""

    def __init__(
        self,
        model: LoadedModel,
        *,
        max_new_tokens: int = 120,
        batch_size: int = 16,
        rules: str = "",
    ) -> None:
        """`rules` is the system prompt that every conversation begins with."""
        self._model, self._rules = model, rules
        self._max_new_tokens, self._batch_size = max_new_tokens, batch_size

    def reply(self, question: str, history: Sequence[Message] = ()) -> Reply:
        """The model's words; DataRefused when the conversation does not fit into the model."""
        (written,) = self._write([self._ruled((*history, Message(role="user", content=question)))])
        return _reply(written)

    def reply_to_all(self, conversations: Sequence[Conversation]) -> list[Reply | DataRefused]:
        """The model's words to each conversation, or why it does not fit into the model."""
        ruled = [self._ruled(conversation) for conversation in conversations]
        refused = {place: why for place, one in enumerate(ruled) if (why := self._refusal(one))}
        written = iter(
            self._write([one for place, one in enumerate(ruled) if place not in refused])
        )
        return [refused.get(place) or _reply(next(written)) for place in range(len(ruled))]

    def _ruled(self, conversation: Conversation) -> Conversation:
        if not self._rules:
            return conversation
        return (Message(role="system", content=self._rules), *conversation)

    def _refusal(self, conversation: Conversation) -> DataRefused | None:
        try:
            prompt_ids(self._model, conversation, self._max_new_tokens)
        except DataRefused as refusal:
            return refusal
        return None

    def _write(self, conversations: Sequence[Conversation]) -> list[Written]:
        return generate(
            self._model,
            conversations,
            max_new_tokens=self._max_new_tokens,
            batch_size=self._batch_size,
        )


def _reply(written: Written) -> Reply:
    return Reply(text=written.text, generated=True, is_finished=written.is_finished)
