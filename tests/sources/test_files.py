from __future__ import annotations

import gzip
import json
import lzma
import sys
from pathlib import Path

import pytest

from cauce.errors import MissingExtra
from cauce.records import Document, Refusal
from cauce.sources import FilesSource
from cauce.sources.files import markdown_sections
from cauce.sources.rows import Columns
from cauce.testing import check_source

COLUMNS = Columns(sections={"uso": "use", "dosis": "dose"}, id="codigo", substances="activos")
ROW = {"codigo": "7", "uso": "Alivia el dolor.", "dosis": "400 mg", "activos": "ibuprofeno"}


def read(path: Path, columns: Columns = COLUMNS) -> list[Document | Refusal]:
    return list(FilesSource(path=path, columns=columns, language="es").documents())


def test_rows_read_alike_from_every_format(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    line = ",".join(ROW.values())
    (tmp_path / "a.csv").write_text(f"\ufeff{','.join(ROW)}\n{line}\n", encoding="utf-8")
    (tmp_path / "b.tsv").write_text("\t".join(ROW) + "\n" + "\t".join(ROW.values()) + "\n")
    with gzip.open(tmp_path / "c.jsonl.gz", "wt") as stream:
        stream.write(json.dumps({**ROW, "activos": ["ibuprofeno"]}) + "\n\n")
    parquet.write_table(pyarrow.table({k: [v] for k, v in ROW.items()}), tmp_path / "d.parquet")
    documents = read(tmp_path)
    assert len(documents) == 4
    assert all(document == documents[0] for document in documents)
    first = documents[0]
    assert isinstance(first, Document)
    assert (first.id, first.group) == ("7", "ibuprofen")
    assert [(s.id, s.kind, s.title) for s in first.sections] == [
        ("uso", "use", "Uso"),
        ("dosis", "dose", "Dosis"),
    ]


def test_rows_that_cannot_be_used_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n".join(['{"codigo": 1}', "[1]", "{", json.dumps({**ROW, "uso": "", "dosis": " "})])
    )
    refusals = [
        (item.position, item.reason[:18]) for item in read(path) if isinstance(item, Refusal)
    ]
    assert refusals == [
        ("line 1", "no column uso, dos"),
        ("line 2", "not a JSON object"),
        ("line 3", "not JSON: Expectin"),
        ("line 4", "nothing in uso, do"),
    ]
    (tmp_path / "b.csv").write_text("codigo,uso\n1,2,3,4\n")
    (wide,) = read(tmp_path / "b.csv")
    assert isinstance(wide, Refusal)
    assert wide.reason == "2 cells more than there are columns"


def test_markdown_is_split_at_its_headings() -> None:
    text = (
        "Intro <30 mL/min\n# Guía #\n\n## Dosis\nTome 1.\n```\n# not a heading\n```\n"
        "## Conducción\n### Nota\nNo conduzca.\n# Fin\n"
    )
    found = [(s.id, s.parent, s.kind, s.title, s.text) for s in markdown_sections(text)]
    assert found == [
        ("0", None, "other", "", "Intro <30 mL/min"),
        ("1", None, "other", "Guía", ""),
        ("1.1", "1", "other", "Dosis", "Tome 1.\n```\n# not a heading\n```"),
        ("1.2", "1", "driving", "Conducción", ""),
        ("1.2.1", "1.2", "other", "Nota", "No conduzca."),
        ("2", None, "other", "Fin", "Fin"),
    ]


def test_text_files_are_known_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_text("  Un texto.\n\n\nOtro. ")
    (tmp_path / "b.md").write_text("# Guía\nTexto.")
    (tmp_path / "c.txt").write_text(" ")
    (tmp_path / "d.txt").write_bytes(b"a\xf1o")
    items = read(tmp_path)
    documents = [item for item in items if isinstance(item, Document)]
    assert [(d.id, d.title) for d in documents] == [("b.md", "Guía"), ("sub/a.txt", "a")]
    assert documents[1].section("text").text == "Un texto.\nOtro."
    refused = [(Path(r.file).name, r.position) for r in items if isinstance(r, Refusal)]
    assert refused == [("c.txt", "the whole file"), ("d.txt", "byte 1")]


def test_packed_texts_are_parted_and_keep_the_split_of_their_source(tmp_path: Path) -> None:
    text = "Uno.\nDos.\n\n \n\nTres.\n"
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress(text.encode()))
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(text.encode()))
    source = FilesSource(path=tmp_path, separator="\n\n", split="test")
    items = list(source.documents())
    documents = [item for item in items if isinstance(item, Document)]
    assert [(d.id, d.group, d.title, d.split, d.sections[0].text) for d in documents] == [
        ("a.txt.xz#1", "a.txt.xz#1", "a#1", "test", "Uno.\nDos."),
        ("a.txt.xz#3", "a.txt.xz#3", "a#3", "test", "Tres."),
        ("b.txt.gz#1", "b.txt.gz#1", "b#1", "test", "Uno.\nDos."),
        ("b.txt.gz#3", "b.txt.gz#3", "b#3", "test", "Tres."),
    ]
    refused = [(item.position, item.reason) for item in items if isinstance(item, Refusal)]
    assert refused == [("text 2", "no text")] * 2


def test_a_file_that_cannot_be_unpacked_is_refused_and_the_others_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress(b"Uno. " * 99)[:-20])
    (tmp_path / "b.txt.gz").write_bytes(b"Dos.")
    (tmp_path / "c.txt").write_text("Tres.")
    items = read(tmp_path)
    assert [item.reason[:8] for item in items if isinstance(item, Refusal)] == ["packed: "] * 2
    assert [item.id for item in items if isinstance(item, Document)] == ["c.txt"]


def test_parquet_without_its_library_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra, match=r"pip install 'cauce\[hub\]'"):
        read(tmp_path)


def test_the_source_conforms(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{','.join(ROW)}\n{','.join(ROW.values())}\n")
    check_source(FilesSource(path=tmp_path, columns=COLUMNS, language="es", licence="CC0-1.0"))
