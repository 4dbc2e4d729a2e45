"""A question that is kept, answered: it is stored before the work begins, and each sentence of the
answer before it leaves. A crash keeps what was shown and leaves "interrupted, retry".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import anyio
from starlette.concurrency import run_in_threadpool

from cauce.errors import SourceUnavailable
from cauce.records import Message, Reply
from cauce.serving.protocol import (
    ChatMessage,
    ChatRequest,
    ImageAddress,
    ImagePart,
    TextPart,
    chunks,
    unavailable,
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
    ) -> AsyncGenerator[str]:
        """The ids of the stored question, then the answer as `/v1` streams it.

        Whoever leaves before the answer is there finds the question interrupted, and later the
        whole answer, which was checked before its first sentence left.
        """
        yield event({"message": message.id, "conversation": message.conversation_id})
        reply = None
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
            if reply is not None:
                for part in chunks(_request(message, self.model_name), reply):
                    if not await run_in_threadpool(self._keep, message.id, part, reply):
                        break
                    yield event(part)
        except SourceUnavailable as error:
            await run_in_threadpool(self._leave, message.id, reply)
            yield event(unavailable(error))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._leave, message.id, reply)
            raise
        yield END_OF_STREAM

    def _keep(self, message_id: str, part: dict[str, Any], reply: Reply) -> bool:
        """Stores what a part of the stream tells; False where nobody waits for it any more."""
        said = part["choices"][0]["delta"].get("content")
        if said is None:
            return self.database.finish(message_id, reply)
        return self.database.append(message_id, said)

    def _leave(self, message_id: str, reply: Reply | None) -> None:
        if reply is None:
            self.database.interrupt(message_id)
        else:
            self.database.finish(message_id, reply)

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
