"""A question that is kept, answered: it is stored before the work begins, and the answer before its
first sentence leaves. A crash leaves "interrupted, retry", never a lost question.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import anyio
from starlette.concurrency import run_in_threadpool

from cauce.records import Message
from cauce.serving.protocol import (
    ChatMessage,
    ChatRequest,
    ImageAddress,
    ImagePart,
    TextPart,
    chunks,
)
from cauce.serving.queue import Queue
from cauce.serving.reading import END_OF_STREAM, event
from cauce.serving.storage import StoredMessage
from cauce.serving.storage.database import Database

TURNS_TOLD = 12
"""Of the conversation, questions and answers, that the assistant is told with a question."""


class Answering(NamedTuple):
    """The line of questions, and where they are kept."""

    queue: Queue
    database: Database
    model_name: str

    async def events(
        self, user_id: str, message: StoredMessage, *, plain: bool
    ) -> AsyncIterator[str]:
        """The ids of the stored question, then the answer as `/v1` streams it.

        Whoever leaves before the answer is there finds the question interrupted.
        """
        yield event({"message": message.id, "conversation": message.conversation_id})
        try:
            history = await run_in_threadpool(self._history, user_id, message)
            reply = await self.queue.reply(
                message.question,
                history,
                _stays,
                user=user_id,
                plain=plain,
                images=message.images,
            )
            is_wanted = reply is not None and await run_in_threadpool(
                self.database.finish, message.id, reply
            )
        except BaseException:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self.database.interrupt, message.id)
            raise
        if reply is not None and is_wanted:
            for part in chunks(_request(message, self.model_name), reply):
                yield event(part)
        yield END_OF_STREAM

    def _history(self, user_id: str, message: StoredMessage) -> tuple[Message, ...]:
        found = self.database.conversation(user_id, message.conversation_id)
        if found is None:
            return ()
        before = tuple(one for one in found.messages if one.place < message.place)
        return found.model_copy(update={"messages": before}).history()[-TURNS_TOLD:]


async def _stays() -> bool:
    """Whoever leaves has the stream cancelled, which ends the wait in line too."""
    return False


def _request(message: StoredMessage, model_name: str) -> ChatRequest:
    """The question as a client of `/v1` would send it."""
    content: list[TextPart | ImagePart] = [TextPart(type="text", text=message.question)]
    for image in message.images:
        content.append(ImagePart(type="image_url", image_url=ImageAddress(url=image)))
    asked = ChatMessage(role="user", content=tuple(content))
    return ChatRequest(model=model_name, messages=(asked,))
