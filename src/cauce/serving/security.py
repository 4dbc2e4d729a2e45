"""What every response carries, and which requests are turned away before any work."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cauce.serving.protocol import error_body

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """True when a Host header (`name`, `name:port`, `[::1]:port`) names this machine.

    >>> is_loopback("localhost:8000"), is_loopback("127.0.0.1.example.org")
    (True, False)
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def refusal(scope: Scope) -> tuple[int, str] | None:
    """Status and message for a request that another site could have caused; None when it is ours.

    A page elsewhere can make a browser call this server under the page's own host name
    (DNS rebinding) or from its own origin; both name a host that is not loopback.
    """
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1 or not is_loopback(hosts[0]):
        found = ", ".join(hosts) or "none"
        return 421, f"The Host header was {found}. Use http://127.0.0.1 or http://localhost."
    for name, value in scope["headers"]:
        origin = value.decode("latin-1")
        if name == b"origin" and not is_loopback(urlsplit(origin).netloc):
            return 403, f"Requests from the origin {origin} are refused. Call from this machine."
    return None


class Guard:
    """ASGI middleware: refuses requests that are not this machine's own and adds `HEADERS`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or passes it on with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *ours]}
            await send(message)

        refused = refusal(scope)
        if refused is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await _send_error(*refused, send_with_headers)


async def _send_error(status: int, text: str, send: Send) -> None:
    body = json.dumps(error_body(text, code="forbidden")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
