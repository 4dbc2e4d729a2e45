"""arXiv on loopback: its feed, its records and its PDFs, with articles written for these tests."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"
      xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
  <id>http://arxiv.org/api/x</id><title>arXiv Query</title>
  <link href="http://arxiv.org/api/query" rel="self" type="application/atom+xml"/>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  {entries}
</feed>"""
RECORD = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><GetRecord><record><metadata>
  <arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>x</id><license>{licence}</license></arXiv>
</metadata></record></GetRecord></OAI-PMH>"""
NO_RECORD = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
  <error code="idDoesNotExist">nothing matches</error></OAI-PMH>"""
ERROR = """<entry><id>http://arxiv.org/api/errors#x</id><title>Error</title>
  <summary>malformed query</summary></entry>"""
BY = "http://creativecommons.org/licenses/by/4.0/"
PDF = b"%PDF-1.5\nan article\n%%EOF\n"


def entry(
    number: str,
    *,
    version: int = 1,
    title: str = "Ports &\n  their data",
    pdf: bool = True,
    more: str = "",
) -> str:
    """An entry of the feed, hard-wrapped as arXiv's are."""
    address = f"http://arxiv.org/abs/{number}v{version}"
    link = f'<link title="pdf" href={quoteattr(address)} rel="related"/>' if pdf else ""
    return f"""<entry>
    <id>{address}</id><title>{escape(title)}</title>
    <updated>2021-03-04T05:06:07Z</updated><published>2021-01-02T03:04:05Z</published>
    <summary>  Ships send\n data for 3 &lt; 4 reasons.\n</summary>
    <author><name>Ana de la Fuente</name></author><author><name>The PORT Collaboration</name>
    </author><link href={quoteattr(address)} rel="alternate" type="text/html"/>{link}{more}
    <arxiv:primary_category term="cs.DL"/><category term="cs.CY"/><category term="cs.DL"/>
  </entry>"""


class FakeArxiv(ThreadingHTTPServer):
    """`entries` in order; `failures` are answered first, then the server stays up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.entries: list[str] = []
        self.licences: dict[str, str] = {}
        self.pdfs: dict[str, bytes] = {}
        """Of `2101.00001v1`; those that are not here are PDF."""
        self.failures: list[tuple[int, bytes]] = []
        self.empty_pages = 0
        self.cut_short = 0
        """How many PDFs are sent without their end."""
        self.moved = False
        self.requests: list[str] = []
        self.when_asked: Callable[[], object] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, number: str, **changes: Any) -> None:
        self.entries.append(entry(number, **changes))

    def asked(self, path: str) -> int:
        """How many requests were made of a path."""
        return sum(request.startswith(path) for request in self.requests)

    def query(self, number: int = 0) -> dict[str, str]:
        """The parameters of one search."""
        searches = [path for path in self.requests if path.startswith("/api/query")]
        return {name: v[0] for name, v in parse_qs(urlsplit(searches[number]).query).items()}

    def feed(self, query: dict[str, str]) -> str:
        """A page of the results."""
        start, size = int(query["start"]), int(query["max_results"])
        page = self.entries[start : start + size]
        if self.empty_pages:
            self.empty_pages -= 1
            page = []
        total = len(self.entries)
        return FEED.format(total=total, entries="\n".join(page))


class _Handler(BaseHTTPRequestHandler):
    server: FakeArxiv

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.when_asked()
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if self.server.failures:
            self._send(*self.server.failures.pop(0))
        elif address.path == "/api/query":
            self._send(200, self.server.feed(query).encode())
        elif address.path == "/oai":
            licence = self.server.licences.get(query["identifier"].rpartition(":")[2])
            self._send(200, (RECORD.format(licence=licence) if licence else NO_RECORD).encode())
        elif self.server.moved and not address.path.endswith(".pdf"):
            self._send(301, b"", f"{address.path}.pdf")
        else:
            self._pdf(address.path.removeprefix("/pdf/").removesuffix(".pdf"))

    def _pdf(self, name: str) -> None:
        content = self.server.pdfs.get(name, PDF)
        if self.server.cut_short:
            self.server.cut_short -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:12])
            return
        self._send(200 if content else 404, content)

    def _send(self, status: int, content: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
