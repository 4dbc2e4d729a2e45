"""An application called without a socket: each request goes straight into it."""

from __future__ import annotations

import anyio
import httpx
from fastapi import FastAPI


def client_of(app: FastAPI, base_url: str = "http://127.0.0.1") -> httpx.Client:
    """A client that keeps cookies, follows no redirect, and sees a fault as status 500."""
    return httpx.Client(transport=_Straight(app), base_url=base_url)


class _Straight(httpx.BaseTransport):
    def __init__(self, app: FastAPI) -> None:
        self._inside = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return anyio.run(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        answer = await self._inside.handle_async_request(sent)
        body = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)
