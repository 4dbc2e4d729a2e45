"""One question at a time: the model fills the processor, so requests wait in line."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from cauce.knowledge.sections.store import SectionEntry
from cauce.records import Language, Message, Reply


class Answerer(Protocol):
    """Whatever answers a question; in production, `cauce.assistant.assistant.Assistant`."""

    def reply(
        self, question: str, history: Sequence[Message] = (), *, plain: bool = False
    ) -> Reply:
        """The reply to `question`, given the turns before it; `plain` in easy words."""
        ...

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The section that a citation names, whole; None when it is not held."""
        ...


class Queue:
    """An assistant that works on one question while the others wait, in order of arrival."""

    def __init__(self, assistant: Answerer) -> None:
        import anyio

        self._assistant = assistant
        self._turn = anyio.Semaphore(1)

    async def reply(
        self,
        question: str,
        history: Sequence[Message],
        has_left: Callable[[], Awaitable[bool]],
        *,
        plain: bool = False,
    ) -> Reply | None:
        """The reply, or None when whoever asked had left before the turn came.

        A question that is being worked on is finished even when its asker leaves: a thread
        cannot be stopped half-way, and its turn must not pass to a second one before it ends.
        """
        import anyio.to_thread

        async with self._turn:
            if await has_left():
                return None
            reply = functools.partial(self._assistant.reply, question, history, plain=plain)
            return await anyio.to_thread.run_sync(reply)
