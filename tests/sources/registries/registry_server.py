"""Crossref, OpenAlex and DataCite on loopback: their shapes, with works made up for the tests."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LIMITS = {
    "x-rate-limit-limit": "500",
    "x-rate-limit-interval": "1s",
    "x-concurrency-limit": "3",
}


def crossref_item(doi: str, **changes: Any) -> dict[str, Any]:
    """A work as Crossref's `works` gives it."""
    item = {
        "DOI": doi,
        "title": ["Slow rivers carry fine sediment"],
        "author": [{"family": "Otero", "given": "Marta"}, {"name": "The River Group"}],
        "issued": {"date-parts": [[2015, 3]]},
        "container-title": ["Journal of Invented Rivers"],
        "volume": "12",
        "issue": "3",
        "page": "45-67",
        "type": "journal-article",
        "relation": {},
    }
    return {**item, **changes}


def openalex_item(doi: str, **changes: Any) -> dict[str, Any]:
    """A work as OpenAlex gives it."""
    item = {
        "doi": f"https://doi.org/{doi}",
        "title": "Slow rivers carry fine sediment",
        "authorships": [{"author": {"display_name": "Marta Otero"}}],
        "publication_year": 2015,
        "biblio": {"volume": "12", "issue": "3", "first_page": "45", "last_page": "67"},
        "primary_location": {"source": {"display_name": "Journal of Invented Rivers"}},
        "type": "article",
        "is_retracted": False,
    }
    return {**item, **changes}


def datacite_item(doi: str, **changes: Any) -> dict[str, Any]:
    """The answer of DataCite's `dois`."""
    attributes = {
        "doi": doi,
        "titles": [{"title": "Slow rivers carry fine sediment"}],
        "creators": [{"name": "Otero, Marta", "familyName": "Otero", "givenName": "Marta"}],
        "publicationYear": 2014,
        "types": {"resourceTypeGeneral": "Preprint"},
        "relatedIdentifiers": [],
    }
    return {"data": {"attributes": {**attributes, **changes}}}


class FakeRegistry(ThreadingHTTPServer):
    """All three under one address; `failures` are answered first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.found: list[dict[str, Any]] = []
        """What every search of Crossref gives."""
        self.works: dict[str, Any] = {}
        """Bodies by path: `works/10.1/a` of Crossref, `works/doi:10.1/a`, `dois/10.1/a`."""
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.requests: list[str] = []
        self.questions: list[dict[str, str]] = []
        self.agents: set[str] = set()
        self.asking = self.most_asking = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def answer(self, path: str, query: dict[str, str]) -> Any:
        if path == "works":
            self.questions.append(query)
            return {"message": {"items": self.found}}
        return self.works.get(path)


class _Handler(BaseHTTPRequestHandler):
    server: FakeRegistry

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.agents.add(self.headers["User-Agent"])
        if self.server.failures:
            status, headers = self.server.failures.pop(0)
            self._send(status, b"no", headers)
            return
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        body = self.server.answer(unquote(address.path[1:]), query)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._send(404 if body is None else 200, content, LIMITS)

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
