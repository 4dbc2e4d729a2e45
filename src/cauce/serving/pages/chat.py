"""The conversation: its page, its questions as they are asked and answered, opinions of answers.

Where nothing is kept the page asks through `/v1`, and only the browser knows what was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, StreamingResponse

from cauce.serving.access.needs import current_user, mine
from cauce.serving.pages.answering import Answering
from cauce.serving.pages.shell import Shell, spoken_in
from cauce.serving.protocol import RequestRefused, evidence, parse_request
from cauce.serving.reading import read_json
from cauce.serving.storage import FeedbackKind, StoredMessage
from cauce.serving.storage.database import Database
from cauce.serving.wording import Wording
from cauce.serving.wording.chat import CHAT
from cauce.sources.images import MOST_IMAGES

LONGEST_OPINION_CHARACTERS = 4000


class ChatPage(NamedTuple):
    """What the page of a conversation tells besides its messages."""

    shell: Shell
    model_name: str
    notice: str
    sees_images: bool
    """Whether the assistant reads what is shown with a question."""
    keeps: bool
    """Whether conversations are stored."""
    words: Wording = CHAT

    def of(
        self, request: Request, conversation: str = "", messages: Sequence[dict[str, Any]] = ()
    ) -> HTMLResponse:
        """The page; `messages` are what its script shows first."""
        facts = {
            "words": self.words[spoken_in(request)],
            "lang": request.query_params.get("lang", ""),
            "model": self.model_name,
            "keeps": self.keeps,
            "conversation": conversation,
            "messages": messages,
        }
        return self.shell.page(
            request,
            "chat.html.j2",
            self.words,
            facts=facts,
            notice=self.notice,
            sees_images=self.sees_images,
        )


class Again(BaseModel):
    """How a question is to be answered this time."""

    model_config = ConfigDict(extra="forbid")
    plain: bool = False


class Opinion(BaseModel):
    """What a person says of an answer."""

    model_config = ConfigDict(extra="forbid")
    kind: FeedbackKind
    text: Annotated[str, Field(max_length=LONGEST_OPINION_CHARACTERS)] = ""
    consent: bool = False


def chat_routes(page: ChatPage) -> APIRouter:
    """`/`: a conversation that begins."""
    router = APIRouter()

    @router.get("/", response_class=HTMLResponse)
    async def new_conversation(request: Request) -> HTMLResponse:
        return page.of(request)

    return router


def message_routes(page: ChatPage, answering: Answering) -> APIRouter:
    """`/conversations/ID` and, for its script, `/api/...`: what is asked is kept."""
    router = APIRouter()
    database = answering.database

    @router.get("/conversations/{conversation_id}", response_class=HTMLResponse)
    def conversation_page(request: Request, conversation_id: str) -> HTMLResponse:
        user = current_user(request)
        found = mine(database.conversation(user.id, conversation_id))
        messages = [_told(database, user.id, message) for message in found.messages]
        return page.of(request, found.id, messages)

    @router.post("/api/conversations")
    async def first_question(request: Request) -> Response:
        return await asked(request, None)

    @router.post("/api/conversations/{conversation_id}")
    async def next_question(request: Request, conversation_id: str) -> Response:
        return await asked(request, conversation_id)

    async def asked(request: Request, conversation_id: str | None) -> Response:
        body = await read_json(request)
        chat = await run_in_threadpool(parse_request, body, answering.model_name)
        user = current_user(request)
        answering.queue.require_room(user.id)
        message = await run_in_threadpool(
            _start, database, user.id, conversation_id, chat.question, chat.images
        )
        return streamed(user.id, message, plain=bool(chat.plain))

    def streamed(user_id: str, message: StoredMessage, *, plain: bool) -> Response:
        events = answering.events(user_id, message, plain=plain)
        return StreamingResponse(events, media_type="text/event-stream")

    @router.post("/api/messages/{message_id}/retry")
    async def retry(request: Request, message_id: str, again: Again) -> Response:
        user = current_user(request)
        answering.queue.require_room(user.id)
        message = await run_in_threadpool(database.retry, user.id, message_id)
        return streamed(user.id, message, plain=again.plain)

    @router.post("/api/messages/{message_id}/stop", status_code=204)
    def stop(request: Request, message_id: str) -> None:
        database.stop(current_user(request).id, message_id)

    @router.post("/api/messages/{message_id}/feedback", status_code=204)
    def feedback(request: Request, message_id: str, opinion: Opinion) -> None:
        database.add_feedback(
            current_user(request).id,
            message_id,
            opinion.kind,
            opinion.text,
            consent=opinion.consent,
        )

    return router


def _start(
    database: Database,
    user_id: str,
    conversation_id: str | None,
    question: str,
    images: Sequence[str],
) -> StoredMessage:
    """The stored question. Raises NotFound, and RequestRefused for more images than are read."""
    found = database.conversation(user_id, conversation_id) if conversation_id else None
    shown = sum(len(message.images) for message in found.messages) if found else 0
    if images and shown + len(images) > MOST_IMAGES:
        raise RequestRefused(
            f"The conversation shows {shown + len(images)} images, and {MOST_IMAGES} are looked "
            "at. Begin a new one.",
            param="messages",
            code="too_many_images",
        )
    return database.start_question(user_id, conversation_id, question, images)


def _told(database: Database, user_id: str, message: StoredMessage) -> dict[str, Any]:
    """A stored message as the page shows it."""
    said = database.feedback(user_id, message.id)
    return {
        "id": message.id,
        "question": message.question,
        "images": list(message.images),
        "text": message.text,
        "state": message.state,
        "cauce": evidence(message.reply) if message.reply else None,
        "opinions": [one.model_dump(include={"kind", "text", "consent"}) for one in said],
    }
