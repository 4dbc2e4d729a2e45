from __future__ import annotations

import pytest

from cauce.errors import DataRefused
from cauce.knowledge.labels.revisions import (
    Edition,
    Part,
    older_editions,
    revision,
    stored_edition,
)
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document, Section
from cauce.runs import write_records
from documents import medicine

DOSE = "Adults take 400 mg every 8 hours. Do not take more than 3 doses a day."
STORAGE = "Keep it below 25 °C. Keep it out of the reach of children."


def edition(version: str, **texts: str) -> Edition:
    parts = tuple(Part(name, name.capitalize(), body) for name, body in texts.items())
    return Edition(version, "", parts)


def kinds(before: Edition, after: Edition) -> list[str]:
    return [difference.kind for difference in revision(before, after).differences]


def test_sections_in_another_order_are_no_change():
    assert (
        kinds(edition("1", dose=DOSE, storage=STORAGE), edition("2", storage=STORAGE, dose=DOSE))
        == []
    )


def test_a_sentence_that_went_to_another_section_is_told_as_moved():
    moved = "Do not take more than 3 doses a day."
    after = edition("2", dose="Adults take 400 mg every 8 hours.", storage=f"{STORAGE} {moved}")
    [difference] = revision(edition("1", dose=DOSE, storage=STORAGE), after).differences
    assert difference == ("moved", moved, moved, "dose", "storage")


def test_a_section_that_is_new_is_all_added():
    found = revision(edition("1", dose=DOSE), edition("2", dose=DOSE, storage=STORAGE))
    assert [difference.kind for difference in found.differences] == ["added", "added"]
    assert found.titles == {"dose": "Dose", "storage": "Storage"}


def test_repeated_fields_are_compared_as_one_section():
    def document(*texts: str) -> Document:
        sections = tuple(
            Section(id=f"other-{place}" if place else "other", kind="other", title="x", text=text)
            for place, text in enumerate(texts)
        )
        return medicine("ibuprofen").model_copy(update={"sections": sections})

    def parts(document: Document) -> tuple[Part, ...]:
        return tuple(Part(one.id.split("-")[0], one.title, one.text) for one in document.sections)

    before, after = document(DOSE, STORAGE), document(STORAGE, DOSE)
    found = revision(Edition("1", "", parts(before)), Edition("2", "", parts(after)))
    assert {difference.kind for difference in found.differences} == {"moved"}


@pytest.fixture
def history(tmp_path):
    """Two medicines, the first with two older versions, in a history and an index."""
    versions = [
        medicine("ibuprofen", dose=dose).model_copy(update={"version": str(place)})
        for place, dose in enumerate((200, 300, 400), 1)
    ]
    write_records(tmp_path / "history.jsonl", [*versions[:2], medicine("quinine", document_id="q")])
    build_index(tmp_path / "index.sqlite", [versions[2], medicine("quinine")])
    index = Index(tmp_path / "index.sqlite")
    yield tmp_path / "history.jsonl", index
    index.close()


def test_older_versions_come_oldest_first_and_only_of_the_documents_asked_for(history):
    path, index = history
    [document] = index.documents("ibuprofen")
    kept = older_editions(path, [document])
    assert [one.version for one in kept[document.doc]] == ["1", "2"]
    assert older_editions(path, index.documents("quinine")) == {}
    found = revision(kept[document.doc][1], stored_edition(index, document))
    [difference] = found.differences
    assert ("300 mg" in difference.before, "400 mg" in difference.after) == (True, True)


def test_without_a_history_there_are_no_older_versions(history, tmp_path):
    _, index = history
    assert older_editions(tmp_path / "none.jsonl", index.documents("ibuprofen")) == {}


def test_a_broken_line_of_the_history_is_refused_with_its_place(history):
    path, index = history
    path.write_text('{"source":"test","id":"ibuprofen","nonsense":1}\n')
    with pytest.raises(DataRefused, match=r"line 1: not a Document\.\nFetch the sources again"):
        older_editions(path, index.documents("ibuprofen"))
