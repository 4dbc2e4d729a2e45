from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cauce.errors import MissingExtra
from cauce.records import Document
from cauce.sources import HubSource
from cauce.sources.rows import Columns


@pytest.mark.filterwarnings("default")
def test_rows_of_a_data_set_become_documents(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    lines = (
        '{"question": "¿Qué es?", "answer": "Un analgésico."}\n{"question": "", "answer": null}\n'
    )
    (tmp_path / "train.jsonl").write_text(lines)
    columns = Columns(sections={"question": "other", "answer": "use"})
    source = HubSource(name=str(tmp_path), columns=columns, language="es", licence="CC0-1.0")
    first, second = source.documents()
    assert isinstance(first, Document)
    assert first.id.endswith("/train/0")
    assert first.section("answer").text == "Un analgésico."
    assert not isinstance(second, Document)
    assert second.position == "row 1"
    assert len(list(source.model_copy(update={"max_rows": 1}).documents())) == 1


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"owner/name needs packages .*\n.*cauce\[hub\]"):
        next(HubSource(name="owner/name").documents())
