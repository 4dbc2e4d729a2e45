"""Checks that third parties run on what they add to cauce."""

from __future__ import annotations

import itertools

from cauce.records import Document, Refusal, Section
from cauce.sources.fetching import ReadableSource


def check_source(source: ReadableSource) -> None:
    """Returns when the source keeps every promise of one; AssertionError names the first broken.

    >>> from cauce.sources import VademecumSource
    >>> check_source(VademecumSource(languages=("es",)))
    """
    seen: set[tuple[str, str, str]] = set()
    documents = 0
    for first, second in itertools.zip_longest(source.documents(), source.documents()):
        assert first == second, f"two readings differ: {first!r:.200} and then {second!r:.200}"
        assert isinstance(first, Document | Refusal), f"no Document, no Refusal: {first!r:.200}"
        if isinstance(first, Refusal):
            assert first.file and first.position and first.reason, f"refused unsaid: {first!r}"
            continue
        documents += 1
        identity = (first.key, first.version, first.effective)
        assert identity not in seen, f"two documents are {first.key} version {first.version}"
        seen.add(identity)
        check_document(first)
    assert documents, "the source gives no document"


def check_document(document: Document) -> None:
    """Returns when the document can be cited and split; AssertionError names what it lacks."""
    place = f"{document.key} version {document.version}"
    assert document.source and document.id and document.version, f"{place}: incomplete identity"
    assert document.title, f"{place}: no title"
    assert document.group, f"{place}: no group, so a split could not keep it together"
    assert document.licence and document.retrieved, f"{place}: no licence or no date of retrieval"
    assert document.sections, f"{place}: no sections"
    ids = [section.id for section in document.sections]
    assert len(ids) == len(set(ids)), f"{place}: section ids repeat: {_repeated(ids)}"
    parents = {section.parent for section in document.sections}
    for section in document.sections:
        _check_section(section, set(ids), parents, place)


def _check_section(section: Section, ids: set[str], parents: set[str | None], place: str) -> None:
    where = f"{place}, section {section.id}"
    assert section.id and section.kind, f"{where}: no id or no kind"
    assert section.parent is None or section.parent in ids, f"{where}: no parent {section.parent!r}"
    assert section.parent != section.id, f"{where}: its own parent"
    holds = section.text.strip() or section.tables or section.id in parents
    assert holds, f"{where}: no text, no table and no child"
    assert section.text == section.text.strip(), f"{where}: white space around its text"


def _repeated(ids: list[str]) -> list[str]:
    return sorted({section_id for section_id in ids if ids.count(section_id) > 1})
