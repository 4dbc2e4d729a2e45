"""Works and references are read from JSON lines, and what cannot be read is told."""

import json
from pathlib import Path

from cauce.knowledge.works.lines import match_rows, read_references, read_works
from cauce.records import Reference, Refusal
from cauce.sources.registries.work import Work

ROW = {
    "doi": "https://doi.org/10.5555/RIVERS",
    "title": "Slow rivers carry  fine sediment",
    "authors": ["Otero, Marta"],
    "year": 2015,
    "container": "Journal of Invented Rivers",
    "volume": 12,
    "pages": "45-67",
    "unknown": True,
}


def lines(path: Path, *rows: object) -> Path:
    """A file with a line of each row; texts are written as they are."""
    texts = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return path


def test_a_work_is_read_whatever_its_types(tmp_path: Path):
    row = {**ROW, "versions": ["10.5555/pre", "none"], "title": "RETRACTED: Slow rivers"}
    plain = {"doi": "10.5555/b", "authors": "Otero M; Lago E", "title": None}
    first, second = read_works(lines(tmp_path / "works.jsonl", row, "", plain))
    assert isinstance(first, Work)
    assert first.reference == Reference(
        id="10.5555/rivers",
        doi="10.5555/rivers",
        title="RETRACTED: Slow rivers",
        authors=("Otero, Marta",),
        year="2015",
        container="Journal of Invented Rivers",
        volume="12",
        pages="45-67",
    )
    assert (first.versions, first.retracted, first.source) == (
        ("10.5555/pre",),
        True,
        "works.jsonl",
    )
    assert isinstance(second, Work)
    assert second.reference.authors == ("Otero M", "Lago E")


def test_what_is_no_work_is_refused_with_its_line(tmp_path: Path):
    path = lines(tmp_path / "works.jsonl", "{", [1], {"title": "No DOI"}, '"text"', ROW)
    *refused, last = read_works(path)
    assert isinstance(last, Work)
    assert [item.position for item in refused if isinstance(item, Refusal)] == [
        "line 1",
        "line 2",
        "line 3",
        "line 4",
    ]


def test_references_without_an_id_are_named_after_their_line(tmp_path: Path):
    path = lines(tmp_path / "refs.jsonl", {"raw": "A"}, {"id": 7, "raw": "B", "doi": None})
    assert [item.id for item in read_references(path) if isinstance(item, Reference)] == [
        "line 1",
        "7",
    ]


def test_every_reference_has_a_row(tmp_path: Path):
    catalogue = lines(tmp_path / "works.jsonl", ROW, {"doi": "nonsense"})
    raw = "Otero M. Slow rivers carry fine sediment. J Invented Rivers 2015;12:45-67."
    references = lines(
        tmp_path / "refs.jsonl",
        {"id": "a", "raw": raw},
        {"id": "b", "raw": "Lago E. Lakes of salt. Annals of Lakes 1999;3:1-9."},
        "broken",
        {"id": "c", "doi": "10.5555/PRINTED"},
    )
    rows = list(match_rows(catalogue, references))
    assert [type(row) for row in rows] == [Refusal, Refusal, dict, dict, dict]
    found = [row for row in rows if isinstance(row, dict)]
    assert [set(row) for row in found] == [{"id", "doi", "score", "margin", "source"}] * 3
    assert [(row["id"], row["doi"], row["source"]) for row in found] == [
        ("a", "10.5555/rivers", "catalogue"),
        ("b", None, "none"),
        ("c", "10.5555/printed", "printed"),
    ]
