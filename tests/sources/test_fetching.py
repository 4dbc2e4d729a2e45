from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from pydantic import TypeAdapter

from cauce.records import Document, Record, Refusal
from cauce.runs import read_records
from cauce.sources import OpenFdaSource, Source, SplSource, fetch
from shared import shared_data
from sources.labels import label


def write(path: Path, *records: dict[str, object]) -> OpenFdaSource:
    path.write_text("\n".join(map(json.dumps, records)))
    return OpenFdaSource(path=path)


def quiet(line: str) -> None:
    """Progress nobody reads."""


def versions(path: Path) -> list[tuple[str, str]]:
    return [(document.id, document.version) for document in read_records(path, Document)]


def test_the_newest_version_is_the_document_and_older_ones_history(tmp_path: Path) -> None:
    one = write(tmp_path / "a.jsonl", label("b", "9"), label("b", "10"), label("a", "2"))
    two = write(tmp_path / "b.jsonl", label("b", "2"), label("b", "10"))
    summary = fetch([one, two], tmp_path / "out", quiet)
    assert versions(tmp_path / "out" / "documents.jsonl") == [("a", "2"), ("b", "10")]
    assert versions(tmp_path / "out" / "history.jsonl") == [("b", "2"), ("b", "9")]
    assert summary == {
        "documents": 2,
        "history": 2,
        "refused": 0,
        "repeated": 1,
        "sections": 2,
        "tables": 0,
        "by_source": {"openfda": 2},
        "by_language": {"en": 2},
        "licences": ["CC0-1.0"],
    }
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "documents.jsonl",
        "history.jsonl",
        "refused.jsonl",
    ]


def test_of_equal_versions_the_later_date_is_newer(tmp_path: Path) -> None:
    older = label("a", "2", effective_time="20200101", overdosage=["old"])
    newer = label("a", "2", effective_time="20210101", overdosage=["new"])
    fetch([write(tmp_path / "a.jsonl", newer, older)], tmp_path, quiet)
    (document,) = read_records(tmp_path / "documents.jsonl", Document)
    assert document.section("overdosage").text == "new"


def test_two_texts_under_one_version_are_not_mixed(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", label("a"), label("a", overdosage=["another text"]))
    summary = fetch([source], tmp_path, quiet)
    assert (summary["documents"], summary["history"], summary["refused"]) == (1, 0, 1)
    (refusal,) = read_records(tmp_path / "refused.jsonl", Refusal)
    assert refusal.position == "openfda/a/en version 1"


def test_refusals_are_kept_with_file_and_position(tmp_path: Path) -> None:
    stranger = label("a", openfda={"spl_set_id": ["zzz"]})
    fetch([write(tmp_path / "a.jsonl", stranger, label("b"))], tmp_path, quiet)
    (refusal,) = read_records(tmp_path / "refused.jsonl", Refusal)
    assert (Path(refusal.file).name, refusal.position) == ("a.jsonl", "line 1")
    assert versions(tmp_path / "documents.jsonl") == [("b", "1")]


class Broken(Record):
    """A source that dies while it is read."""

    kind: Literal["broken"] = "broken"

    def inputs(self) -> tuple[Path, ...]:
        return ()

    def documents(self) -> Iterator[Document | Refusal]:
        raise KeyboardInterrupt
        yield


def test_a_finished_source_is_not_read_again_unless_it_changed(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", label("a"))
    out = tmp_path / "out"
    for _ in range(2):
        lines: list[str] = []
        with pytest.raises(KeyboardInterrupt):
            fetch([first, Broken()], out, lines.append)
    assert lines == ["source 000: already read"]
    write(tmp_path / "a.jsonl", label("a"), label("c"))
    lines = []
    summary = fetch([first], out, lines.append)
    assert lines == ["source 000: 2 documents, 0 refused"]
    assert summary["documents"] == 2


def test_fetching_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    path = shared_data("openfda/api-response.json")
    sources = [OpenFdaSource(path=path), SplSource(path=shared_data("spl"))]
    for name in ("one", "two"):
        fetch(sources, tmp_path / name, quiet)
    for name in ("documents.jsonl", "history.jsonl", "refused.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_versions_of_twelve_labels(tmp_path: Path) -> None:
    path = shared_data("openfda/versions-of-12.jsonl.gz")
    summary = fetch([OpenFdaSource(path=path)], tmp_path, quiet)
    assert (summary["documents"], summary["history"]) == (12, 55)
    newest = dict(versions(tmp_path / "documents.jsonl"))
    assert newest["0002ad27-779d-42ab-83b5-bc65453412a1"] == "22"


def test_a_recipe_names_sources_by_kind() -> None:
    adapter = TypeAdapter(list[Source])
    first, second = adapter.validate_python([{"kind": "vademecum"}, {"kind": "spl", "path": "x"}])
    assert (first.kind, second.kind) == ("vademecum", "spl")
    with pytest.raises(ValueError, match="openfda"):
        adapter.validate_python([{"kind": "openfd"}])
    with pytest.raises(ValueError, match="pat"):
        adapter.validate_python([{"kind": "spl", "path": "x", "pat": "y"}])
