"""The routes of the server: the API under /v1, /health, and the pages with their files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, StreamingResponse
from starlette.staticfiles import StaticFiles

from cauce.errors import NotFound, SourceUnavailable
from cauce.knowledge.labels.shelf import Shelf
from cauce.serving.access import NO_ACCOUNTS, Access
from cauce.serving.access.gate import Gate
from cauce.serving.access.login import login_routes
from cauce.serving.access.needs import current_user, refuse_unprotected, require
from cauce.serving.features import NO_FEATURES, Features
from cauce.serving.pages.answering import Answering
from cauce.serving.pages.chat import ChatPage, chat_routes, message_routes
from cauce.serving.pages.history import history_routes
from cauce.serving.pages.rooms import rooms_of
from cauce.serving.pages.section import section_routes
from cauce.serving.pages.shell import Place, Shell
from cauce.serving.pages.vademecum import vademecum_routes
from cauce.serving.protocol import (
    RequestRefused,
    chunks,
    completion,
    error_body,
    parse_request,
    require_model,
    unavailable,
)
from cauce.serving.queue import Answerer, Queue
from cauce.serving.reading import END_OF_STREAM, event, read_json
from cauce.serving.security import HEADERS, Guard
from cauce.serving.twins import twin_routes
from cauce.serving.wording.chat import CHAT, CHAT_OF_ARTICLES
from cauce.serving.wording.shell import SHELL

HERE = Path(__file__).parent


def build_app(
    assistant: Answerer,
    *,
    model_name: str,
    notice: str,
    twin: str = "",
    access: Access = NO_ACCOUNTS,
    features: Features = NO_FEATURES,
) -> FastAPI:
    """The application; see `cauce.serving.app.create_app`."""
    app = FastAPI(title="cauce", docs_url=None, redoc_url=None, openapi_url=None)
    chat, twins = Depends(require("chat")), Depends(require("twins"))
    queue, shelf, database = Queue(assistant), features.shelf, access.database
    rooms = rooms_of(queue, access, features, model_name=model_name, twin=twin)
    places = [*places_of(access, shelf), *(room.place for room in rooms)]
    shell = Shell(places, model_name=model_name)
    page = ChatPage(
        shell,
        model_name,
        notice,
        features.sees_images,
        keeps=database is not None,
        words=CHAT_OF_ARTICLES if features.has_articles else CHAT,
    )
    routers = [
        api_routes(queue, model_name),
        chat_routes(page),
        section_routes(shell, assistant),
    ]
    if shelf is not None:
        routers.append(vademecum_routes(shell, shelf))
    if database is not None:
        routers.append(message_routes(page, Answering(queue, database, model_name)))
        routers.append(history_routes(shell, database))
    app.include_router(health_routes(model_name))
    for router in routers:
        app.include_router(router, dependencies=[chat])
    for room in rooms:
        app.include_router(room.routes(shell), dependencies=[Depends(require(room.place.scope))])
    if access.local is None:
        app.include_router(login_routes(access))
    if twin or access.local is None:
        app.include_router(twin_routes(twin, access, features.guess), dependencies=[twins])
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    refuse_unprotected(app.routes)
    app.add_middleware(Gate, access)
    app.add_middleware(Guard, access.names)
    answer_errors(app, shell)
    return app


def places_of(access: Access, shelf: Shelf | None) -> list[Place]:
    """Where the navigation leads first; nowhere that has nothing."""
    ask, history = Place("/", "ask", "chat"), Place("/conversations", "history", "chat")
    kept = [history] if access.database is not None else []
    medicines = [Place("/vademecum", "vademecum", "chat")] if shelf is not None else []
    return [ask, *kept, *medicines]


def health_routes(model_name: str) -> APIRouter:
    """`/health`: that the server runs, and what it serves; for anybody."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "model": model_name}

    return router


def api_routes(queue: Queue, model_name: str) -> APIRouter:
    """`/v1/chat/completions`, `/v1/models` and each model of that list."""
    router = APIRouter()
    model = {"id": model_name, "object": "model", "created": int(time.time()), "owned_by": "cauce"}

    @router.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [model]}

    @router.get("/v1/models/{name}")
    async def one_model(name: str) -> dict[str, Any]:
        require_model(name, model_name)
        return model

    @router.post("/v1/chat/completions")
    async def chat_completions(request: Request) -> Response:
        body = await read_json(request)
        chat = await run_in_threadpool(parse_request, body, model_name)
        reply = await queue.reply(
            chat.question,
            chat.history,
            request.is_disconnected,
            user=current_user(request).id,
            plain=bool(chat.plain),
            images=chat.images,
        )
        if reply is None:
            return Response(status_code=499)
        if chat.stream:
            return StreamingResponse(events(chunks(chat, reply)), media_type="text/event-stream")
        return JSONResponse(completion(chat, reply))

    return router


def events(parts: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Server-sent events, one per part, and the line that ends every stream of OpenAI's."""
    yield from map(event, parts)
    yield END_OF_STREAM


def answer_errors(app: FastAPI, shell: Shell) -> None:
    """Every error of `app` leaves as JSON in OpenAI's shape, and to a browser as a page.

    A fault also reaches the log.
    """

    def answer(
        request: Request,
        body: dict[str, Any],
        status: int,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse(body, status, headers)
        reason = {403: "forbidden", 404: "missing"}.get(status, "failed")
        page = shell.page(request, "error.html.j2", SHELL, status=status, reason=reason)
        page.headers.update(headers or {})
        return page

    @app.exception_handler(RequestRefused)
    async def refused(request: Request, error: RequestRefused) -> Response:
        body = error_body(str(error), param=error.param, code=error.code)
        return answer(request, body, error.status)

    @app.exception_handler(RequestValidationError)
    async def not_complete(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        body = error_body(f"{request.url.path}: {first['loc'][-1]}: {first['msg']}.")
        return answer(request, body, 400)

    @app.exception_handler(HTTPException)
    async def not_served(request: Request, error: HTTPException) -> Response:
        body = error_body(f"{request.method} {request.url.path}: {error.detail}.")
        return answer(request, body, error.status_code, error.headers)

    @app.exception_handler(NotFound)
    async def not_there(request: Request, error: NotFound) -> Response:
        return answer(request, error_body(str(error), code="not_found"), 404)

    @app.exception_handler(SourceUnavailable)
    async def not_reached(request: Request, error: SourceUnavailable) -> Response:
        return answer(request, unavailable(error), 503)

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> Response:
        body = error_body(
            "The server failed while answering. Its log holds the details; ask again.",
            kind="server_error",
            code="internal_error",
        )
        # The server closes the connection after a fault; who is not told would ask on it again.
        return answer(request, body, 500, {**HEADERS, "connection": "close"})
