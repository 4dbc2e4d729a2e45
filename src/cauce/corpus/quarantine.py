"""Documents without what they say to the assistant; all else stays where it stood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from cauce.corpus.masking import with_texts
from cauce.records import CitingSentence, Document, Reference, Refusal
from cauce.runs import read_records, write_records
from cauce.safety.guard.quarantine import Removed, quarantined


def write_quarantined(documents: Path, clean: Path) -> list[Refusal]:
    """Writes the documents to `clean`; returns what was taken out of each, and why."""
    refusals: list[Refusal] = []
    write_records(clean, _clean(documents, refusals))
    return refusals


def _clean(documents: Path, refusals: list[Refusal]) -> Iterator[Document]:
    for document in read_records(documents, Document):
        clean, removed = clean_document(document)
        refusals += [
            Refusal(
                file=documents.name,
                position=document.key,
                reason=f"kept from the model, {piece.reason}: {piece.text.strip()[:200]!r}",
            )
            for piece in removed
        ]
        yield clean


def clean_document(document: Document) -> tuple[Document, list[Removed]]:
    """The document with blanks where it speaks to the assistant, and the pieces that stood there.

    Blanks, so that every sentence and mark keeps its place. Sentences that cite and hold such a
    piece are left out of `citing`.
    """
    removed: list[Removed] = []

    def blanked(text: str) -> str:
        pieces = quarantined(text).removed
        removed.extend(pieces)
        for piece in pieces:
            start, end = piece.span
            text = text[:start] + " " * (end - start) + text[end:]
        return text

    clean = with_texts(document, blanked)
    old, new = ({it.id: it.text for it in one.sections} for one in (document, clean))
    sections = (it.model_copy(update={"title": blanked(it.title)}) for it in clean.sections)
    return clean.model_copy(
        update={
            "title": blanked(document.title),
            "sections": tuple(sections),
            "references": tuple(_blanked(it, blanked) for it in document.references),
            "citing": tuple(one for one in document.citing if _read(one, old) == _read(one, new)),
        }
    ), removed


def _blanked(reference: Reference, blanked: Callable[[str], str]) -> Reference:
    """The reference with blanks in what is printed of it."""
    return reference.model_copy(
        update={
            "raw": blanked(reference.raw),
            "title": blanked(reference.title),
            "container": blanked(reference.container),
        }
    )


def _read(sentence: CitingSentence, texts: dict[str, str]) -> str:
    """What stands where the sentence does."""
    return texts.get(sentence.section, "")[sentence.start : sentence.end]
