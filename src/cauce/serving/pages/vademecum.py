"""`/vademecum`, `/medicine`, `/medicine/changes`, `/compare`: what the documents say of medicines.

Every page works without a script; with one, the search answers as one types.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from cauce.knowledge.labels.shelf import Shelf
from cauce.knowledge.names.resolver import Mention
from cauce.serving.pages.medicines import Meant, Vademecum, section_query
from cauce.serving.pages.shell import Shell, spoken_in
from cauce.serving.wording.vademecum import KINDS, VADEMECUM

LONGEST_NAME_CHARACTERS = 200
MOST_FOUND = 20
"""Medicines that the search shows."""


class _Pages:
    """Pages on medicines, which share what they are made of."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def page(self, request: Request, template: str, **shown: Any) -> HTMLResponse:
        """The page, with the names of kinds of section in its language."""
        spoken = spoken_in(request)
        kinds = {kind: names[spoken] for kind, names in KINDS.items()}
        return self._shell.page(
            request, template, VADEMECUM, kinds=kinds, section_query=section_query, **shown
        )

    def choices(self, request: Request, name: str, meant: Meant) -> HTMLResponse:
        """The search, with the names that may be meant; 404 where there are none."""
        return self._shell.page(
            request,
            "vademecum.html.j2",
            VADEMECUM,
            status=200 if meant.choices else 404,
            typed=name,
            found=[],
            count=0,
            choices=meant.choices,
        )


def vademecum_routes(shell: Shell, shelf: Shelf) -> APIRouter:
    """The pages on the medicines of a shelf."""
    router = APIRouter()
    pages, vademecum = _Pages(shell), Vademecum(shelf)

    @router.get("/vademecum", response_class=HTMLResponse)
    def search(request: Request, q: str = "") -> HTMLResponse:
        typed = q[:LONGEST_NAME_CHARACTERS].strip()
        found = vademecum.search(typed)
        meant = Meant(None) if found or not typed else vademecum.meant(typed)
        spoken = spoken_in(request)
        return pages.page(
            request,
            "vademecum.html.j2",
            typed=typed,
            found=[vademecum.called(one, typed, spoken) for one in found[:MOST_FOUND]],
            count=len(found),
            choices=(meant.mention.name,) if meant.mention else meant.choices,
        )

    @router.get("/medicine", response_class=HTMLResponse)
    def monograph(
        request: Request, name: str, document: str = "", easy: bool = False
    ) -> HTMLResponse:
        meant = vademecum.meant(name[:LONGEST_NAME_CHARACTERS])
        if meant.mention is None:
            return pages.choices(request, name, meant)
        shown = vademecum.monograph(meant.mention, spoken_in(request), document, easy=easy)
        return pages.page(request, "medicine.html.j2", shown=shown, easy=easy)

    @router.get("/medicine/changes", response_class=HTMLResponse)
    def changes(
        request: Request, name: str, document: str = "", older: str = "", newer: str = ""
    ) -> HTMLResponse:
        meant = vademecum.meant(name[:LONGEST_NAME_CHARACTERS])
        if meant.mention is None:
            return pages.choices(request, name, meant)
        spoken = spoken_in(request)
        shown = vademecum.changes(meant.mention, spoken, document, (older, newer))
        return pages.page(request, "changes.html.j2", name=name, document=document, shown=shown)

    @router.get("/compare", response_class=HTMLResponse)
    def compare(request: Request, a: str = "", b: str = "") -> HTMLResponse:
        named = [one[:LONGEST_NAME_CHARACTERS].strip() for one in (a, b)]
        meant = {name: vademecum.meant(name) for name in named if name}
        mentions = [meant[name].mention for name in named if name]
        known = [one for one in mentions if isinstance(one, Mention)]
        shown = vademecum.compare(known, spoken_in(request)) if len(known) == 2 else None
        asked = {name: one.choices for name, one in meant.items() if one.mention is None}
        return pages.page(request, "compare.html.j2", named=named, asked=asked, shown=shown)

    return router
