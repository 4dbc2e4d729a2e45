"""What every response carries, and which requests are turned away before any work."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cauce.serving.protocol import MAX_BYTES_WITH_IMAGES, error_body

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With `no-referrer`, browsers would send our own forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
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


def is_served(host: str, names: Sequence[str]) -> bool:
    """True when a Host header names this machine or one of `names`, with any port."""
    try:
        return is_loopback(host) or urlsplit(f"//{host}").hostname in names
    except ValueError:
        return False


def refusal(scope: Scope, names: Sequence[str] = ()) -> tuple[int, str] | None:
    """Status and message for a request that another site could have caused; None when it is ours.

    A page elsewhere can make a browser call this server under the page's own host name
    (DNS rebinding) or from its own origin, which is then not the host that is called.
    """
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1 or not is_served(hosts[0], names):
        found, served = ", ".join(hosts) or "none", names or ("127.0.0.1", "localhost")
        return 421, f"The Host header was {found}. Use {' or '.join(served)}."
    for name, value in scope["headers"]:
        origin = value.decode("latin-1")
        if name == b"origin" and origin.partition("://")[2].lower() != hosts[0].lower():
            return 403, f"Requests from the origin {origin} are refused. Call from {hosts[0]}."
    return None


class Guard:
    """ASGI middleware: refuses requests that are not this server's own, or too long, and adds
    what the answer lacks of `HEADERS`. It is reached as this machine, and by `names`."""

    def __init__(self, app: ASGIApp, names: Sequence[str] = ()) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or passes it on with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                ours = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                ours = [(name, value) for name, value in ours if name not in own]
                message = {**message, "headers": [*message["headers"], *ours]}
            await send(message)

        refused = refusal(scope, self._names)
        if refused is None:
            await self._app(scope, _bounded(receive), send_with_headers)
        else:
            await _send_error(*refused, send_with_headers)


def _bounded(receive: Receive) -> Receive:
    """What comes in, up to the most that any route takes; 413 for whoever reads beyond that."""
    from starlette.exceptions import HTTPException

    received = 0

    async def receive_bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BYTES_WITH_IMAGES:
            raise HTTPException(413, f"the body is longer than {MAX_BYTES_WITH_IMAGES} bytes")
        return message

    return receive_bounded


async def _send_error(status: int, text: str, send: Send) -> None:
    body = json.dumps(error_body(text, code="forbidden")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
