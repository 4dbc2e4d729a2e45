"""arXiv against a server on loopback that answers as its manual says."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Callable
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cauce.errors import DataRefused, SourceUnavailable, UserError
from cauce.records import Document, Refusal, Section
from cauce.sources import arxiv_client, fetch, pace
from cauce.sources.articles import pdf as reading
from cauce.sources.arxiv import RECORD_LICENCE, ArxivSource
from cauce.sources.arxiv_manifest import read_manifest
from cauce.sources.arxiv_record import family_first
from cauce.sources.curation import drop
from cauce.sources.pace import Pace
from sources.arxiv_server import BY, ERROR, PDF, FakeArxiv


class Clock(threading.Condition):
    """Time that passes only while somebody waits for a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def wait(self, timeout: float | None = None) -> bool:
        self.now_s += timeout or 0.0
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the pace of the questions goes by."""
    clock = Clock()
    paced = Pace(arxiv_client.PACE.per_second, arxiv_client.PACE.at_once)
    monkeypatch.setattr(pace, "time", clock)
    monkeypatch.setattr(paced, "_free", clock)
    monkeypatch.setattr(arxiv_client, "PACE", paced)
    return clock


@pytest.fixture
def arxiv(
    served: Callable[[HTTPServer], None],
    monkeypatch: pytest.MonkeyPatch,
    waits: list[float],
    clock: Clock,
) -> FakeArxiv:
    """A server with three articles."""
    server = FakeArxiv()
    served(server)
    for number in ("2101.00001", "2101.00002", "hep-th/9901003"):
        server.add(number)
        server.licences[number] = BY
    monkeypatch.setattr(arxiv_client, "RECORDS", f"{server.url}/oai")
    return server


@pytest.fixture(autouse=True)
def _read_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a PDF is tried elsewhere; here one holds a section of its name."""

    def read(path: Path, *, language: Any) -> Document:
        if b"picture" in path.read_bytes():
            raise DataRefused(f"{path} holds pictures of text.\nRecognise its text first.")
        section = Section(id="1", kind="other", title="", text=path.name)
        return Document(
            source="articles",
            id="x",
            version="1",
            title="x",
            language=language,
            sections=(section,),
        )

    monkeypatch.setattr(reading, "read_pdf", read)


def source_of(arxiv: FakeArxiv, folder: Path | None = None, **options: Any) -> ArxivSource:
    return ArxivSource(query="all:port", url=arxiv.url, folder=folder, **options)


def documents(source: ArxivSource) -> list[Document]:
    return [item for item in source.documents() if isinstance(item, Document)]


def refusals(source: ArxivSource) -> list[Refusal]:
    return [item for item in source.documents() if isinstance(item, Refusal)]


def test_a_record_becomes_a_document(arxiv: FakeArxiv) -> None:
    document = documents(source_of(arxiv))[0]
    assert document.key == "arxiv/2101.00001/en"
    assert (document.version, document.effective) == ("1", "2021-03-04")
    assert document.title == "Ports & their data"
    assert document.section("abstract").text == "Ships send data for 3 < 4 reasons."
    assert document.work is not None
    assert document.work.authors == ("de la Fuente, Ana", "The PORT Collaboration")
    assert document.work.year == "2021"
    assert document.work.doi == "10.48550/arxiv.2101.00001"
    assert document.licence == RECORD_LICENCE
    assert arxiv.asked("/pdf") == arxiv.asked("/oai") == 0


def test_the_query_reaches_arxiv_as_it_was_written(arxiv: FakeArxiv) -> None:
    query = 'all:(a OR b) AND ti:"Niño & niña"'
    documents(ArxivSource(query=query, url=arxiv.url, max_results=7))
    assert arxiv.query() == {"search_query": query, "start": "0", "max_results": "7"}


def test_pages_are_asked_one_after_another(
    arxiv: FakeArxiv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arxiv_client, "PAGE_SIZE", 2)
    arxiv.entries += arxiv.entries[:1]
    assert len(documents(source_of(arxiv))) == 3
    assert [arxiv.query(n)["start"] for n in range(2)] == ["0", "2"]
    assert len(documents(source_of(arxiv, max_results=1))) == 1
    assert arxiv.query(2)["max_results"] == "1"


def test_no_more_is_asked_than_arxiv_gives() -> None:
    assert arxiv_client.PAGE_SIZE <= 2_000
    with pytest.raises(ValidationError, match="30000"):
        ArxivSource(query="all:port", max_results=30_001)


def test_a_page_without_its_entries_is_asked_again(arxiv: FakeArxiv) -> None:
    arxiv.empty_pages = 2
    assert len(documents(source_of(arxiv))) == 3
    arxiv.empty_pages = 3
    with pytest.raises(SourceUnavailable, match="none of its 3 results, 3 times"):
        documents(source_of(arxiv))


def test_nothing_found_is_no_error(arxiv: FakeArxiv) -> None:
    arxiv.entries = []
    assert list(source_of(arxiv).documents()) == []


def test_requests_begin_three_seconds_apart_repeated_ones_too(
    arxiv: FakeArxiv, tmp_path: Path, clock: Clock
) -> None:
    began: list[float] = []
    arxiv.when_asked = lambda: began.append(clock.now_s)
    arxiv.failures = [(503, b"")]
    arxiv.moved = True
    documents(source_of(arxiv, tmp_path, full_text=True))
    assert len(began) == 2 + 3 * 3
    assert [b - a for a, b in itertools.pairwise(began)] == pytest.approx([3.0] * 10)
    assert arxiv_client.PACE.at_once == 1


def test_the_manifest_says_what_was_fetched_and_under_which_licence(
    arxiv: FakeArxiv, tmp_path: Path
) -> None:
    found = documents(source_of(arxiv, tmp_path, full_text=True))
    assert [document.licence for document in found] == [BY] * 3
    assert [section.id for section in found[0].sections] == ["abstract", "1"]
    line = json.loads((tmp_path / "manifest.jsonl").read_text().splitlines()[2])
    assert line["id"] == "hep-th/9901003"
    assert line["doi"] == "10.48550/arxiv.hep-th/9901003"
    assert line["categories"] == ["cs.DL", "cs.CY"]
    assert line["authors"] == ["Ana de la Fuente", "The PORT Collaboration"]
    assert (line["published"], line["updated"]) == ("2021-01-02T03:04:05Z", "2021-03-04T05:06:07Z")
    assert line["licence"] == BY
    assert line["bytes"] == len(PDF)
    assert line["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (tmp_path / line["file"]).read_bytes() == PDF


def test_licences_and_journals_of_the_feed_are_believed(arxiv: FakeArxiv, tmp_path: Path) -> None:
    more = (
        '<link rel="license" href="http://example.org/terms"/><arxiv:doi>10.1000/A(B) 10.1000/c'
        "</arxiv:doi><arxiv:journal_ref>J. Ports\n 7</arxiv:journal_ref>"
    )
    arxiv.entries = []
    arxiv.add("2101.00001", more=more)
    arxiv.add("2101.00002")
    arxiv.licences.clear()
    told, untold = documents(source_of(arxiv, tmp_path, full_text=True))
    assert (told.licence, untold.licence) == ("http://example.org/terms", "")
    assert told.names.codes["doi"] == ("10.48550/arxiv.2101.00001", "10.1000/a(b)")
    assert read_manifest(tmp_path)["2101.00001"].journal == "J. Ports 7"
    assert arxiv.asked("/oai") == 1


def test_what_is_there_and_whole_is_not_fetched_again(arxiv: FakeArxiv, tmp_path: Path) -> None:
    source = source_of(arxiv, tmp_path, full_text=True)
    first = documents(source)
    assert documents(source) == first
    assert arxiv.asked("/pdf") == arxiv.asked("/oai") == 3
    assert arxiv.asked("/api") == 1
    (tmp_path / "2101.00001.pdf").write_bytes(PDF[:-3])
    (tmp_path / "2101.00002.pdf").write_bytes(PDF.replace(b"an", b"no"))
    assert documents(source) == first
    assert arxiv.asked("/pdf") == 5
    assert (tmp_path / "2101.00001.pdf").read_bytes() == PDF


def test_a_killed_fetch_goes_on_where_it_was(arxiv: FakeArxiv, tmp_path: Path) -> None:
    source = source_of(arxiv, tmp_path, full_text=True)
    next(iter(source.documents()))
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes() + b'{"id":"2101.000')
    (tmp_path / ".2101.00002.pdf.1.partial").write_bytes(PDF[:12])
    assert [document.id for document in documents(source)] == list(read_manifest(tmp_path))
    assert arxiv.asked("/pdf/2101.00001") == 1
    assert arxiv.asked("/pdf") == 3
    assert manifest.read_bytes().count(b"\n") == 3


def test_fetch_resumes_after_arxiv_went_down(arxiv: FakeArxiv, tmp_path: Path) -> None:
    source = source_of(arxiv, tmp_path / "articles", full_text=True)
    arxiv.when_asked = lambda: arxiv.failures.extend(
        [(503, b"")] * 9 if arxiv.asked("/pdf/2101.00002") == 1 else []
    )
    with pytest.raises(SourceUnavailable, match=r"2101.00002v1 did not answer"):
        fetch([source], tmp_path, lambda line: None)
    arxiv.when_asked = lambda: None
    arxiv.failures = []
    assert fetch([source], tmp_path, lambda line: None)["documents"] == 3
    assert arxiv.asked("/pdf/2101.00001") == 1


def test_a_new_version_takes_the_place_of_the_old(arxiv: FakeArxiv, tmp_path: Path) -> None:
    documents(source_of(arxiv, tmp_path, full_text=True))
    arxiv.entries = []
    arxiv.add("2101.00001", version=2)
    arxiv.pdfs["2101.00001v2"] = b"%PDF-1.5 anew"
    source = ArxivSource(query="all:ports", url=arxiv.url, folder=tmp_path, full_text=True)
    [document] = documents(source)
    assert document.version == "2"
    assert (tmp_path / "2101.00001.pdf").read_bytes() == b"%PDF-1.5 anew"


def test_a_download_cut_short_is_asked_for_again(arxiv: FakeArxiv, tmp_path: Path) -> None:
    arxiv.cut_short = 2
    assert len(documents(source_of(arxiv, tmp_path, full_text=True))) == 3
    assert arxiv.asked("/pdf/2101.00001") == 3
    assert {path.read_bytes() for path in tmp_path.rglob("*.pdf")} == {PDF}


def test_a_moved_pdf_is_followed(arxiv: FakeArxiv, tmp_path: Path) -> None:
    arxiv.moved = True
    assert len(documents(source_of(arxiv, tmp_path, full_text=True))) == 3


def test_what_cannot_be_fetched_is_refused_and_the_rest_goes_on(
    arxiv: FakeArxiv, tmp_path: Path
) -> None:
    arxiv.pdfs = {"2101.00001v1": b"", "2101.00002v1": b"<html>wait</html>"}
    arxiv.add("2101.00004", pdf=False)
    arxiv.add("2101.00005")
    arxiv.pdfs["2101.00005v1"] = b"%PDF- picture"
    arxiv.entries.append("<entry><id>http://arxiv.org/abs/../../x</id></entry>")
    source = source_of(arxiv, tmp_path, full_text=True)
    reasons = {refusal.position: refusal.reason for refusal in refusals(source)}
    assert list(reasons) == [
        "the results",
        *(f"arXiv 2101.0000{number}" for number in (1, 2, 4, 5)),
    ]
    assert "names no article" in reasons["the results"]
    assert "HTTP 404" in reasons["arXiv 2101.00001"]
    assert "no PDF: it begins with b'<html>" in reasons["arXiv 2101.00002"]
    assert "has no PDF" in reasons["arXiv 2101.00004"]
    assert "pictures of text" in reasons["arXiv 2101.00005"]
    assert len(documents(source)) == 1
    assert not (tmp_path / "2101.00001.pdf").exists()


def test_a_refused_query_says_what_to_correct(arxiv: FakeArxiv) -> None:
    arxiv.entries = [ERROR]
    with pytest.raises(UserError, match=r"malformed query\.\nCorrect it"):
        documents(source_of(arxiv))


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [(403, b"no", "HTTP 403"), (200, b"Rate exceeded.", "not XML"), (200, b"<feed/>", "number")],
)
def test_an_answer_that_is_no_feed_ends_the_fetch(
    arxiv: FakeArxiv, status: int, body: bytes, reason: str
) -> None:
    arxiv.failures = [(status, body)]
    with pytest.raises(DataRefused, match=reason):
        documents(source_of(arxiv))


def test_dropped_articles_are_neither_fetched_nor_given(arxiv: FakeArxiv, tmp_path: Path) -> None:
    documents(source_of(arxiv, tmp_path))
    assert source_of(arxiv, tmp_path).inputs() == ()
    drop(tmp_path, ["2101.00002"], "not about ports")
    source = source_of(arxiv, tmp_path, full_text=True)
    assert [document.id for document in documents(source)] == ["2101.00001", "hep-th/9901003"]
    assert arxiv.asked("/pdf/2101.00002") == 0
    assert source.inputs() == (tmp_path / "curation.jsonl",)


def test_names_are_turned_round() -> None:
    assert family_first("Ana Díaz-Pérez") == "Díaz-Pérez, Ana"
    assert family_first("Ludwig van der Berg Jr.") == "van der Berg Jr., Ludwig"
    assert family_first("J. R. R. Tolkien III") == "Tolkien III, J. R. R."
    assert family_first("Aristotle") == "Aristotle"
    assert family_first("The ATLAS Collaboration") == "The ATLAS Collaboration"
