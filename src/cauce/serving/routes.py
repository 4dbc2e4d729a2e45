"""The routes of the server: the API under /v1, /health, and the chat page with its files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.staticfiles import StaticFiles

from cauce.errors import SourceUnavailable
from cauce.records import Language
from cauce.serving.protocol import (
    RequestRefused,
    chunks,
    completion,
    error_body,
    parse_request,
)
from cauce.serving.queue import Answerer, Queue
from cauce.serving.security import HEADERS, Guard
from cauce.serving.wording import WORDING

HERE = Path(__file__).parent
MAX_BODY_BYTES = 256 * 1024
"""About forty times the longest conversation the page sends."""


def build_app(assistant: Answerer, *, model_name: str, notice: str) -> FastAPI:
    """The application; see `cauce.serving.app.create_app`."""
    app = FastAPI(title="cauce", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(api_routes(Queue(assistant), model_name))
    app.include_router(page_routes(model_name, notice))
    app.include_router(section_routes(assistant))
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.add_middleware(Guard)
    answer_errors(app)
    return app


def api_routes(queue: Queue, model_name: str) -> APIRouter:
    """`/v1/chat/completions`, `/v1/models` and `/health`."""
    router = APIRouter()
    model = {"id": model_name, "object": "model", "created": int(time.time()), "owned_by": "cauce"}

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "model": model_name}

    @router.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [model]}

    @router.post("/v1/chat/completions")
    async def chat_completions(request: Request) -> Response:
        chat = parse_request(await read_json(request), model_name)
        reply = await queue.reply(
            chat.question, chat.history, request.is_disconnected, plain=bool(chat.plain)
        )
        if reply is None:
            return Response(status_code=499)
        if chat.stream:
            return StreamingResponse(events(chunks(chat, reply)), media_type="text/event-stream")
        return JSONResponse(completion(chat, reply))

    return router


def page_routes(model_name: str, notice: str) -> APIRouter:
    """`/`: the chat page, in the language of `?lang=` or else of the browser."""
    router = APIRouter()
    pages = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    template = pages.get_template("chat.html.j2")

    @router.get("/", response_class=HTMLResponse)
    async def chat_page(request: Request) -> HTMLResponse:
        language = page_language(
            request.query_params.get("lang", ""), request.headers.get("accept-language", "")
        )
        page = template.render(
            language=language, wording=WORDING, model_name=model_name, notice=notice
        )
        return HTMLResponse(page, headers={"Vary": "Accept-Language"})

    return router


def section_routes(assistant: Answerer) -> APIRouter:
    """`/section`: the section that a citation names, its quote marked."""
    router = APIRouter()
    pages = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    template = pages.get_template("section.html.j2")

    @router.get("/section", response_class=HTMLResponse)
    def section_page(
        request: Request,
        source: str,
        id: str,
        language: Language,
        section: str,
        start: int = 0,
        length: int = 0,
    ) -> HTMLResponse:
        found = assistant.section(source, id, section, language)
        if found is None:
            raise HTTPException(404, f"no section {section} of {source}/{id} is held here")
        spoken = page_language(
            request.query_params.get("lang", ""), request.headers.get("accept-language", "")
        )
        start = min(max(start, 0), len(found.body))
        end = min(start + max(length, 0), len(found.body))
        page = template.render(
            language=spoken,
            wording=WORDING,
            section=found,
            before=found.body[:start],
            quote=found.body[start:end],
            after=found.body[end:],
        )
        return HTMLResponse(page, headers={"Vary": "Accept-Language"})

    return router


def page_language(asked: str, accepted: str) -> Language:
    """The language asked for, else the first of the browser's that there is, else Spanish.

    >>> page_language("", "ca,en-GB;q=0.8,es;q=0.5")
    'en'
    """
    for tag in (asked, *accepted.split(",")):
        match tag.partition(";")[0].partition("-")[0].strip().lower():
            case "en":
                return "en"
            case "es":
                return "es"
    return "es"


async def read_json(request: Request) -> bytes:
    """The body; raises RequestRefused when it is not declared as JSON or too long.

    The declared type matters: a form on another site cannot send `application/json` unasked.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/json":
        raise RequestRefused(
            f"The Content-Type was {declared or 'missing'}. Send application/json.",
            status=415,
            code="unsupported_media_type",
        )
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise RequestRefused(
                f"The body is longer than {MAX_BODY_BYTES} bytes. Send fewer or shorter messages.",
                status=413,
                code="request_too_large",
            )
    return bytes(body)


def events(parts: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Server-sent events, one per part, and the line that ends every stream of OpenAI's."""
    for part in parts:
        yield f"data: {json.dumps(part, ensure_ascii=False)}\n\n"
    yield "data: [DONE]\n\n"


def answer_errors(app: FastAPI) -> None:
    """Every error of `app` leaves as JSON in OpenAI's shape; a fault also reaches the log."""

    @app.exception_handler(RequestRefused)
    async def refused(request: Request, error: RequestRefused) -> JSONResponse:
        body = error_body(str(error), param=error.param, code=error.code)
        return JSONResponse(body, status_code=error.status)

    @app.exception_handler(RequestValidationError)
    async def not_complete(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        body = error_body(f"{request.url.path}: {first['loc'][-1]}: {first['msg']}.")
        return JSONResponse(body, status_code=400)

    @app.exception_handler(HTTPException)
    async def not_served(request: Request, error: HTTPException) -> JSONResponse:
        body = error_body(f"{request.method} {request.url.path}: {error.detail}.")
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)

    @app.exception_handler(SourceUnavailable)
    async def not_reached(request: Request, error: SourceUnavailable) -> JSONResponse:
        body = error_body(str(error), kind="server_error", code="source_unavailable")
        return JSONResponse(body, status_code=503)

    @app.exception_handler(Exception)
    async def fault(request: Request, error: Exception) -> JSONResponse:
        body = error_body(
            "The server failed while answering. Its log holds the details; ask again.",
            kind="server_error",
            code="internal_error",
        )
        # The server closes the connection after a fault; who is not told would ask on it again.
        headers = {**HEADERS, "connection": "close"}
        return JSONResponse(body, status_code=500, headers=headers)
