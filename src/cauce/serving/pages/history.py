"""`/conversations`: what a person asked, to open again, rename, take along or delete."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from cauce.serving.access.needs import current_user, mine, read_form
from cauce.serving.pages.forms import file_of, on_to
from cauce.serving.pages.shell import Shell, spoken_in
from cauce.serving.storage import Conversation
from cauce.serving.storage.database import Database
from cauce.serving.storage.opinions import IMPROVE
from cauce.serving.wording.history import HISTORY


def history_routes(shell: Shell, database: Database) -> APIRouter:
    """The list and what is done to its conversations, by forms that need no script."""
    router = APIRouter()

    @router.get("/conversations", response_class=HTMLResponse)
    def history_page(request: Request) -> HTMLResponse:
        return shell.page(
            request,
            "history.html.j2",
            HISTORY,
            conversations=database.conversations(current_user(request).id),
            is_withdrawn="withdrawn" in request.query_params,
        )

    @router.post("/conversations/{conversation_id}/rename")
    async def rename(request: Request, conversation_id: str) -> Response:
        title = (await read_form(request)).get("title", "").strip()
        user = current_user(request)
        if title:
            await run_in_threadpool(database.rename, user.id, conversation_id, title)
        return on_to(request, "/conversations")

    @router.post("/conversations/{conversation_id}/delete")
    def delete(request: Request, conversation_id: str) -> Response:
        database.delete_conversation(current_user(request).id, conversation_id)
        return on_to(request, "/conversations")

    @router.get("/conversations/{conversation_id}/export")
    def export(request: Request, conversation_id: str) -> Response:
        found = mine(database.conversation(current_user(request).id, conversation_id))
        text = "\n\n".join(_lines(found, HISTORY[spoken_in(request)]))
        return file_of(
            text, "text/markdown; charset=utf-8", f"cauce-{found.created_at:%Y-%m-%d}.md"
        )

    @router.get("/export")
    def export_all(request: Request) -> Response:
        found = mine(database.export(current_user(request).id))
        return file_of(found.model_dump_json(indent=2), "application/json", "cauce.json")

    @router.post("/withdraw")
    def withdraw(request: Request) -> Response:
        database.consent(current_user(request).id, IMPROVE, False)
        return on_to(request, "/conversations", withdrawn="yes")

    return router


def _lines(conversation: Conversation, words: dict[str, str]) -> Iterator[str]:
    """The conversation in Markdown, each answer with what it rests on."""
    yield f"# {conversation.title}"
    for message in conversation.messages:
        asked_at = f"{message.asked_at:%Y-%m-%d %H:%M} UTC"
        yield f"## {words['question']} ({asked_at})\n\n{message.question}"
        yield f"### {words['answer']}\n\n{message.text or words['no_answer']}"
        for cited in message.reply.citations if message.reply else ():
            place = f"{cited.source}/{cited.id}, {cited.version}, {cited.section}"
            quote = "\n> ".join(cited.quote.splitlines())
            yield f"{words['rests_on']}: {cited.title} ({place})\n\n> {quote}"
