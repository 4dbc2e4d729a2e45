"""The live API against a server on loopback that behaves as the documentation says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cauce.errors import SourceUnavailable, UserError
from cauce.records import Document
from cauce.sources import OpenFdaSource, fetch, openfda_api
from sources.labels import label


class FakeApi(ThreadingHTTPServer):
    """`total` records; answers queued in `failures` come first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.total = 5
        self.links_from = 0
        self.other_host = False
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/drug/label.json"


class _Handler(BaseHTTPRequestHandler):
    server: FakeApi

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.authorizations.append(self.headers["Authorization"])
        if self.server.failures:
            status, headers = self.server.failures.pop(0)
            self._answer(status, {"error": {"message": "no"}}, headers)
            return
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        limit = int(query["limit"])
        start = int(query.get("search_after", query.get("skip", "0")))
        stop = min(start + limit, self.server.total)
        records = [label(f"id{number}") for number in range(start, stop)]
        headers = {}
        if stop < self.server.total and start >= self.server.links_from:
            host = "http://192.0.2.1" if self.server.other_host else ""
            path = f"{host}/drug/label.json?limit={limit}&search_after={stop}&api_key=leak"
            headers["Link"] = f'<{path}>; rel="next"'
        body = {"meta": {"results": {"total": self.server.total}}, "results": records}
        self._answer(200, body, headers)

    def _answer(self, status: int, body: object, headers: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def api(served: Callable[[HTTPServer], None]) -> FakeApi:
    server = FakeApi()
    served(server)
    return server


def ids(source: OpenFdaSource, scratch: Path | None = None) -> list[str]:
    found = list(source.documents(scratch))
    assert all(isinstance(item, Document) for item in found)
    return [item.id for item in found if isinstance(item, Document)]


def test_pages_follow_the_link_header(api: FakeApi) -> None:
    assert ids(OpenFdaSource(url=api.url, page_size=2)) == [f"id{n}" for n in range(5)]
    assert not any("skip" in path for path in api.requests)


def test_pages_skip_where_no_link_is_given_and_link_past_25000(api: FakeApi) -> None:
    api.total, api.links_from = 27_500, 25_000
    numbers = [
        int(record["set_id"][2:])
        for page in openfda_api.pages(api.url, "", 1000, None)
        for record in page.records
    ]
    assert numbers == list(range(27_500))
    assert "skip=25000" in api.requests[25]
    assert "search_after=26000" in api.requests[26]


def test_what_cannot_be_reached_is_said(api: FakeApi) -> None:
    api.total, api.links_from = 27_500, 30_000
    with pytest.raises(SourceUnavailable, match=r"26000 of 27500 records .* no Link"):
        for _ in openfda_api.pages(api.url, "", 1000, None):
            pass


def test_limit_and_search_reach_the_server(api: FakeApi) -> None:
    source = OpenFdaSource(url=api.url, search='openfda.generic_name:"ibuprofen"', limit=3)
    assert ids(source) == ["id0", "id1", "id2"]
    query = parse_qs(urlsplit(api.requests[0]).query)
    assert query["search"] == ['openfda.generic_name:"ibuprofen"']
    assert query["limit"] == ["3"]


def test_busy_servers_are_asked_again_when_they_say(api: FakeApi, waits: list[float]) -> None:
    api.failures = [
        (429, {"Retry-After": "7"}),
        (503, {}),
        (500, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    ]
    assert len(ids(OpenFdaSource(url=api.url))) == 5
    assert waits == [7.0, 14.0, 0.0]


def test_a_server_that_stays_down_ends_the_fetch(api: FakeApi, waits: list[float]) -> None:
    api.failures = [(503, {})] * 6
    with pytest.raises(SourceUnavailable, match=r"6 attempts \(last: HTTP 503\)"):
        ids(OpenFdaSource(url=api.url))
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_the_key_travels_in_a_header_only(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENFDA_API_KEY", "s3cret")
    ids(OpenFdaSource(url=api.url, page_size=2), tmp_path)
    expected = "Basic " + base64.b64encode(b"s3cret:").decode()
    assert set(api.authorizations) == {expected}
    assert not any("s3cret" in path or "leak" in path for path in api.requests)


@pytest.mark.parametrize(("status", "fix"), [(403, "OPENFDA_API_KEY"), (400, "search")])
def test_refused_requests_say_what_to_correct(api: FakeApi, status: int, fix: str) -> None:
    api.failures = [(status, {})]
    with pytest.raises(UserError, match=fix):
        ids(OpenFdaSource(url=api.url))


def test_nothing_found_is_no_error(api: FakeApi) -> None:
    api.failures = [(404, {})]
    assert ids(OpenFdaSource(url=api.url)) == []


def test_a_link_to_another_server_is_not_followed(api: FakeApi) -> None:
    api.other_host = True
    with pytest.raises(SourceUnavailable, match=r"another server, 192\.0\.2\.1"):
        ids(OpenFdaSource(url=api.url, page_size=2))


def test_a_killed_fetch_asks_only_for_the_rest(
    api: FakeApi, tmp_path: Path, waits: list[float]
) -> None:
    source = OpenFdaSource(url=api.url, page_size=2)
    seen = list(zip(range(3), source.documents(tmp_path), strict=False))
    assert len(seen) == 3
    assert len(api.requests) == 2
    assert ids(source, tmp_path) == [f"id{n}" for n in range(5)]
    assert len(api.requests) == 3


def test_fetch_resumes_after_the_server_went_down(
    api: FakeApi, tmp_path: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = OpenFdaSource(url=api.url, page_size=2)
    answered = openfda_api._request_page

    def only_two_pages(client: httpx.Client, url: str, received: int) -> openfda_api.Page:
        if received >= 4:
            raise SourceUnavailable("down")
        return answered(client, url, received)

    monkeypatch.setattr(openfda_api, "_request_page", only_two_pages)
    with pytest.raises(SourceUnavailable):
        fetch([source], tmp_path, lambda line: None)
    monkeypatch.setattr(openfda_api, "_request_page", answered)
    assert fetch([source], tmp_path, lambda line: None)["documents"] == 5
    assert len(api.requests) == 3
