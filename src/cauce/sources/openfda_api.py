"""Pages of records from the openFDA API, politely and past its 26,000-record window.

https://open.fda.gov/apis/paging/ : `skip` reaches 25,000 at most; beyond, the `Link` header of a
sorted search names the next page (`search_after`). A `Link` is followed wherever it is given, and
`skip` is used where it is not.

Pages are kept in `scratch` as they come, so that a fetch that was killed asks only for the rest.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cauce.errors import SourceUnavailable, UserError
from cauce.runs import atomic_write
from cauce.sources.polite import ask, polite_client

if TYPE_CHECKING:
    import httpx

MOST_SKIPPED = 25_000


class Page(NamedTuple):
    """Records of one answer, and where the next one is (empty: there is none)."""

    records: list[dict[str, Any]]
    next_url: str


def pages(url: str, search: str, page_size: int, scratch: Path | None) -> Iterator[Page]:
    """Every page of the search, those kept in `scratch` first."""
    import httpx

    parameters: dict[str, str | int] = {"limit": page_size, "sort": "effective_time:asc"}
    if search:
        parameters["search"] = search
    first_url = str(httpx.URL(url).copy_merge_params(parameters))
    key = os.environ.get("OPENFDA_API_KEY")
    authentication = httpx.BasicAuth(key, "") if key else None
    with polite_client(authentication) as client:
        page = Page([], first_url)
        number = received = 0
        while page.next_url:
            kept = _kept_page(scratch, number)
            current = kept or _request_page(client, page.next_url, received)
            if kept is None and scratch is not None:
                _keep_page(scratch, number, current)
            page, number = current, number + 1
            received += len(page.records)
            yield page


def _request_page(client: httpx.Client, url: str, received: int) -> Page:
    answer = ask(client, url)
    if answer.status_code == 404:
        return Page([], "")
    _refuse_client_error(answer)
    body = answer.json()
    records = body.get("results", [])
    linked = answer.links.get("next", {}).get("url", "")
    if linked:
        return Page(records, _next_link(url, linked))
    total = body.get("meta", {}).get("results", {}).get("total", 0)
    return Page(records, _next_skip(url, received + len(records), total) if records else "")


def _next_link(url: str, linked: str) -> str:
    """The linked address without any key in it; only the same server is followed."""
    import httpx

    here = httpx.URL(url)
    there = here.join(linked)
    if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
        raise SourceUnavailable(
            f"{here.host} names a next page on another server, {there.host}.\n"
            "It was not followed. Check the source's url."
        )
    return str(there.copy_remove_param("api_key"))


def _next_skip(url: str, received: int, total: int) -> str:
    import httpx

    if received >= total:
        return ""
    if received > MOST_SKIPPED:
        raise SourceUnavailable(
            f"{received} of {total} records received; the server gives no Link to the next page "
            f"and allows no skip above {MOST_SKIPPED}.\n"
            "Narrow the search, or read the bulk partitions with path=..."
        )
    return str(httpx.URL(url).copy_set_param("skip", received))


def _refuse_client_error(answer: httpx.Response) -> None:
    if answer.status_code in (401, 403):
        raise UserError(
            f"{answer.url.host} refused access (HTTP {answer.status_code}).\n"
            "Put an API key of open.fda.gov into the environment variable OPENFDA_API_KEY."
        )
    if answer.status_code >= 400:
        raise UserError(
            f"{answer.url.host} refused the search (HTTP {answer.status_code}): "
            f"{answer.text[:300]}\nCorrect the source's search."
        )


def _kept_page(scratch: Path | None, number: int) -> Page | None:
    if scratch is None:
        return None
    path = scratch / f"page-{number:06d}.json.gz"
    if not path.is_file():
        return None
    return Page(*json.loads(gzip.decompress(path.read_bytes())))


def _keep_page(scratch: Path, number: int, page: Page) -> None:
    with atomic_write(scratch / f"page-{number:06d}.json.gz") as stream:
        stream.write(gzip.compress(json.dumps(page, ensure_ascii=False).encode(), compresslevel=3))
