"""What follows a form: another page in the same language, or a file to take along."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from cauce.errors import UserError

SWITCHED_ON = "on"
"""What a form sends for a box that is ticked; it sends nothing for another."""


def on_to(request: Request, path: str, **query: str) -> RedirectResponse:
    """To the page at `path`, in the language that was chosen where one was."""
    lang = request.query_params.get("lang")
    kept = {**query, **({"lang": lang} if lang else {})}
    return RedirectResponse(f"{path}?{urlencode(kept)}" if kept else path, 303)


def file_of(text: str, kind: str, name: str) -> Response:
    """The text as a file of the media type `kind`, which the browser keeps."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=kind, headers=headers)


def whole_number(text: str, *, least: int, most: int) -> int:
    """The number that was typed. Raises UserError for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else least - 1
    if not least <= number <= most:
        raise UserError(f"{text[:20]!r} is no number from {least} to {most}.\nType one that is.")
    return number
