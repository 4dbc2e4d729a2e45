"""Requests to public servers: few connections, named, and repeated until they are answered.

Answers 429 and 5xx and broken connections are tried again, after `Retry-After` when the server
names it, else after waits that double.
"""

from __future__ import annotations

import datetime
import email.utils
import time
from contextlib import nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from cauce.errors import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from cauce.sources.pace import Pace

ATTEMPTS = 6
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 120.0
TIMEOUT_S = 60.0


def polite_client(
    auth: httpx.Auth | None = None, *, mailto: str = "", connections: int = 1
) -> httpx.Client:
    """A client that says who asks, and how to reach them where `mailto` is given."""
    import httpx

    contact = f" (mailto:{mailto})" if mailto else ""
    return httpx.Client(
        auth=auth,
        timeout=TIMEOUT_S,
        limits=httpx.Limits(max_connections=connections),
        headers={"User-Agent": f"cauce/{version('cauce')}{contact}"},
    )


def ask(
    client: httpx.Client,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    pace: Pace | None = None,
    body: Mapping[str, Any] | None = None,
) -> httpx.Response:
    """The answer to a request that may have to be repeated; SourceUnavailable without one.

    Threads that share a `pace` take turns, and all of them wait when the server says so. A `body`
    is posted as JSON.
    """
    import httpx

    method = "GET" if body is None else "POST"
    wait_s, reason = FIRST_WAIT_S, ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(min(wait_s, LONGEST_WAIT_S))
            wait_s *= 2
        try:
            with pace.turn() if pace else nullcontext():
                answer = client.request(method, url, headers=headers, json=body)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            continue
        if pace:
            pace.learn(answer.headers)
        if answer.status_code != 429 and answer.status_code < 500:
            return answer
        reason = f"HTTP {answer.status_code}"
        wait_s = _retry_after_s(answer.headers.get("retry-after", ""), wait_s)
        if pace:
            pace.hold(min(wait_s, LONGEST_WAIT_S))
    raise SourceUnavailable(
        f"{url} did not answer after {ATTEMPTS} attempts (last: {reason}).\n"
        "Run the same command again later: what was already received is kept."
    )


def _retry_after_s(header: str, otherwise: float) -> float:
    """Seconds that a `Retry-After` header asks for, written as seconds or as a date."""
    if header.strip().isdigit():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return otherwise
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())
