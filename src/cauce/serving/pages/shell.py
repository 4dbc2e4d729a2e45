"""The frame of every page: where one can go, in which language, and who is logged in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from cauce.records import Spoken
from cauce.serving.access import Caller, Scope
from cauce.serving.twins import spoken_by
from cauce.serving.wording import Wording
from cauce.serving.wording.shell import SHELL

TEMPLATES = Path(__file__).parents[1] / "templates"


class Place(NamedTuple):
    """An entry of the navigation."""

    path: str
    name: str
    """Its key in the words of the shell."""
    scope: Scope
    """Whoever lacks it does not see the entry."""


class Shell:
    """Makes pages out of templates that extend `base.html.j2`."""

    def __init__(self, places: Sequence[Place] = (), *, model_name: str = "") -> None:
        self._places, self._model_name = places, model_name
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(
        self, request: Request, template: str, words: Wording, *, status: int = 200, **shown: Any
    ) -> HTMLResponse:
        """The page in the language of `?lang=` or else of the browser.

        A template finds `words` in that language, `at(PATH, **query)` for an address that keeps
        the language chosen (`lang`, for forms), `csrf` for forms that post, and what is `shown`.
        """
        spoken = spoken_in(request)
        lang = spoken if "lang" in request.query_params else ""
        caller: Caller | None = request.scope.get("state", {}).get("caller")
        body = self._templates.get_template(template).render(
            words=words[spoken],
            shell=SHELL[spoken],
            spoken=spoken,
            languages=_languages(request),
            lang=lang,
            at=_Address(lang),
            places=[it for it in self._places if caller and it.scope in caller.scopes],
            path=request.url.path,
            model_name=self._model_name,
            user=caller.user.name if caller and caller.session else "",
            csrf=caller.csrf if caller else "",
            **shown,
        )
        return HTMLResponse(body, status, {"Vary": "Accept-Language"})


def spoken_in(request: Request) -> Spoken:
    """The language that a page of this request is in."""
    asked = request.query_params.get("lang", "")
    return spoken_by(asked, request.headers.get("accept-language", ""))


class _Address(NamedTuple):
    """Addresses of pages in the language that was chosen, where one was."""

    language: str

    def __call__(self, path: str, **query: str | int) -> str:
        kept = {**query, **({"lang": self.language} if self.language else {})}
        return f"{path}?{urlencode(kept)}" if kept else path


def _languages(request: Request) -> list[tuple[str, str, str]]:
    """Code, name and the address of the same page, of each language."""
    found: list[tuple[str, str, str]] = []
    for code, words in SHELL.items():
        url = request.url.include_query_params(lang=code)
        found.append((code, words["language_name"], f"{url.path}?{url.query}"))
    return found
