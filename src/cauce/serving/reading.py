"""The body of a request, read up to a bound, and the events of a stream."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request

from cauce.serving.protocol import (
    MAX_BODY_BYTES,
    MAX_BYTES_WITH_IMAGES,
    RequestRefused,
    too_long,
)

END_OF_STREAM = "data: [DONE]\n\n"
"""What ends every stream of OpenAI's, and ours."""


async def read_json(request: Request) -> bytes:
    """The body; raises RequestRefused when it is not declared as JSON or too long.

    One that holds an image may be longer; how much of it is text is looked at when it is parsed.

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
    most = MAX_BODY_BYTES
    async for piece in request.stream():
        body += piece
        if len(body) > most == MAX_BODY_BYTES and b'"data:image/' in body:
            most = MAX_BYTES_WITH_IMAGES
        if len(body) > most:
            raise too_long(most)
    return bytes(body)


def event(part: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(part, ensure_ascii=False)}\n\n"
