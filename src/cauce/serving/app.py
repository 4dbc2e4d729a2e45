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
from cauce.serving.access import NO_ACCOUNTS, Access
from cauce.serving.audit_log import AuditLog, Recorded
from cauce.serving.features import NO_FEATURES, Features
from cauce.serving.queue import Answerer
from cauce.serving.retention import purged_daily
from cauce.serving.security import is_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI


def create_app(
    assistant: Answerer,
    *,
    model_name: str,
    notice: str = "",
    twin: str = "",
    access: Access = NO_ACCOUNTS,
    features: Features = NO_FEATURES,
) -> FastAPI:
    """The application that answers as `model_name` and shows `notice` on its page.

    `twin` names the one whose page is at `/twin/NAME`, and whose record answers have in mind; with
    accounts there is none, and everybody sees their own. Raises UserError for both, and
    MissingExtra when the extra `serve` is not installed.
    """
    if twin and access.local is None:
        raise UserError(
            f"answers would have the record of the twin {twin!r} in mind, whoever asks.\n"
            "Leave --twin out where users log in: each finds their own at /twin/NAME."
        )
    with _extra_required():
        from cauce.serving.routes import build_app
    return build_app(
        assistant,
        model_name=model_name,
        notice=notice,
        twin=twin,
        access=access,
        features=features,
    )


def serve(
    assistant: Answerer,
    model_name: str,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    notice: str = "",
    log: AuditLog | None = None,
    twin: str = "",
    access: Access = NO_ACCOUNTS,
    features: Features = NO_FEATURES,
    keep_days: float | None = None,
) -> None:
    """Serves until Ctrl-C. Port 0 takes a free one; the address is printed to stderr.

    Every reply is in `log` before it leaves; what nobody has touched for `keep_days` is deleted now
    and every day. Raises UserError when `host` is not this machine and there are no accounts, and
    when the port is taken.
    """
    if log is not None:
        assistant = Recorded(assistant, log)
    app = create_app(
        assistant,
        model_name=model_name,
        notice=notice,
        twin=twin,
        access=access,
        features=features,
    )
    with _extra_required():
        import uvicorn
    with contextlib.closing(listen(host, port, access)) as listener, _upkeep(access, keep_days):
        shown_host = f"[{host}]" if ":" in host else host
        address = f"http://{shown_host}:{listener.getsockname()[1]}/"
        print(f"cauce serves {model_name} at {address} (Ctrl-C stops it)", file=sys.stderr)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, ws="none"
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


@contextlib.contextmanager
def _upkeep(access: Access, keep_days: float | None) -> Iterator[None]:
    """What a crash cut off can be asked again, and what is old goes while the block runs."""
    with contextlib.ExitStack() as stack:
        if access.database is not None:
            access.database.interrupt_open()
            if keep_days is not None:
                stack.enter_context(purged_daily(access.database, keep_days))
        yield


def listen(
    host: str,
    port: int,
    access: Access = NO_ACCOUNTS,
) -> socket.socket:
    """A socket that listens: on loopback, or on other addresses where users log in.

    Raises UserError when `host` may not be listened on or the port cannot be had.
    """
    if not is_loopback(f"[{host}]" if ":" in host else host):
        _refuse_open(host, access)
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


def _refuse_open(host: str, access: Access) -> None:
    """Raises UserError unless users log in and the name by which they come is known."""
    if access.local is not None:
        raise UserError(
            f"cauce serve was asked to listen on {host!r}, which other machines can reach.\n"
            "Nobody has an account, so it listens on 127.0.0.1 only.\n"
            "Add one: cauce users add NAME --role admin"
        )
    if not access.names:
        raise UserError(
            f"cauce serve was asked to listen on {host!r} and does not know its own name.\n"
            "Requests for other names are refused; give it with --public-name NAME"
        )
    print(
        f"Passwords and answers go over {host} as they are: put a proxy with TLS in front of it, "
        "which passes the Host header on. Browsers send the log-in over TLS alone.",
        file=sys.stderr,
    )


@contextlib.contextmanager
def _extra_required() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in {"fastapi", "sqlalchemy", "starlette", "uvicorn"}:
            raise
        raise MissingExtra("cauce serve", "serve") from error
