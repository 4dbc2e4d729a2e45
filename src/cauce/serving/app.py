"""Where serving starts: the application, and a server on the loopback interface.

FastAPI and uvicorn are the extra `serve`; importing this module needs neither.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cauce.errors import MissingExtra, UserError
from cauce.serving.audit_log import AuditLog, Recorded
from cauce.serving.queue import Answerer
from cauce.serving.security import is_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app(assistant: Answerer, *, model_name: str, notice: str = "") -> FastAPI:
    """The application that answers as `model_name` and shows `notice` on its page.

    Raises MissingExtra when the extra `serve` is not installed.
    """
    with _extra_required():
        from cauce.serving.routes import build_app
    return build_app(assistant, model_name=model_name, notice=notice)


def serve(
    assistant: Answerer,
    model_name: str,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    notice: str = "",
    log: AuditLog | None = None,
) -> None:
    """Serves until Ctrl-C. Port 0 takes a free one; the address is printed to stderr.

    Every reply is in `log` before it leaves. Raises UserError when `host` is not this machine or
    the port is taken.
    """
    if log is not None:
        assistant = Recorded(assistant, log)
    app = create_app(assistant, model_name=model_name, notice=notice)
    with _extra_required():
        import uvicorn
    with contextlib.closing(listen(host, port)) as listener:
        shown_host = f"[{host}]" if ":" in host else host
        address = f"http://{shown_host}:{listener.getsockname()[1]}/"
        print(f"cauce serves {model_name} at {address} (Ctrl-C stops it)", file=sys.stderr)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, ws="none"
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on a loopback address of this machine.

    Raises UserError when `host` is another address or the port cannot be had.
    """
    if not is_loopback(f"[{host}]" if ":" in host else host):
        raise UserError(
            f"cauce serve was asked to listen on {host!r}, which other machines can reach.\n"
            "It has no log-in, so it listens on 127.0.0.1 only.\n"
            "Put a proxy that authenticates before it."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise UserError(
            f"port {port} of {host} cannot be used: {error}.\n"
            "Choose another with --port, or --port 0 for any free one."
        ) from error
    return listener


@contextlib.contextmanager
def _extra_required() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in {"fastapi", "starlette", "uvicorn"}:
            raise
        raise MissingExtra("cauce serve", "serve") from error
