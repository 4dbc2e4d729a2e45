"""`/section`: the section that a citation names, its quote marked."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from cauce.records import Language
from cauce.serving.pages.shell import Shell
from cauce.serving.queue import Answerer
from cauce.serving.wording.section import SECTION


def section_routes(shell: Shell, assistant: Answerer) -> APIRouter:
    """The page; 404 for a section that is not held."""
    router = APIRouter()

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
        start = min(max(start, 0), len(found.body))
        end = min(start + max(length, 0), len(found.body))
        return shell.page(
            request,
            "section.html.j2",
            SECTION,
            section=found,
            before=found.body[:start],
            quote=found.body[start:end],
            after=found.body[end:],
        )

    return router
