"""Works and references as JSON lines, and the matches of the ones with the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cauce.knowledge.works.catalogue import Catalogue
from cauce.knowledge.works.matching import Match
from cauce.knowledge.works.resolver import Registries, Resolver
from cauce.records import Reference, Refusal
from cauce.sources.dois import normal_doi
from cauce.sources.registries.work import Work, says_retracted

TEXT_FIELDS = ("raw", "title", "container", "volume", "issue", "pages", "year")


def match_rows(
    catalogue: Path, references: Path, registries: Registries | None = None
) -> Iterator[dict[str, Any] | Refusal]:
    """A row of every reference, `{"id", "doi", "score", "margin", "source"}`, in order.

    `doi` is None where no work is sure enough; a work that was retracted has one more key. What
    the catalogue does not know the `registries` are asked for, where they are given. A line of
    either file that cannot be read is a Refusal: those of the catalogue first, then the others'.
    """
    with Catalogue() as works:
        for item in read_works(catalogue):
            if isinstance(item, Refusal):
                yield item
            else:
                works.add([item])
        cited = []
        for line in read_references(references):
            if isinstance(line, Refusal):
                yield line
            else:
                cited.append(line)
        matches = Resolver(works, registries).resolve(cited)
        for reference, match in zip(cited, matches, strict=True):
            yield _match_row(reference, match)


def _match_row(cited: Reference, match: Match) -> dict[str, Any]:
    row = {
        "id": cited.id,
        "doi": match.doi,
        "score": round(match.score, 4),
        "margin": round(match.margin, 4),
        "source": match.source,
    }
    return {**row, "retracted": True} if match.retracted else row


def read_works(path: Path) -> Iterator[Work | Refusal]:
    """The works of a file: lines `{"doi", "title", "authors", "year", "container", ...}`."""
    for position, row in _rows(path):
        doi = normal_doi(str(row.get("doi", ""))) if isinstance(row, dict) else None
        if isinstance(row, str) or doi is None:
            reason = row if isinstance(row, str) else f"no DOI in {row.get('doi')!r}"
            yield Refusal(file=str(path), position=position, reason=reason)
            continue
        reference = _reference(row, doi).model_copy(update={"doi": doi})
        versions = (normal_doi(str(other)) for other in row.get("versions", ()))
        yield Work(
            reference=reference,
            source=path.name,
            kind=str(row.get("kind", "")),
            versions=tuple(other for other in versions if other and other != doi),
            retracted=bool(row.get("retracted")) or says_retracted(reference.title),
        )


def read_references(path: Path) -> Iterator[Reference | Refusal]:
    """The references of a file: lines with an `id`, and `raw` or fields; their line is the id."""
    for position, row in _rows(path):
        if isinstance(row, str):
            yield Refusal(file=str(path), position=position, reason=row)
        else:
            yield _reference(row, str(row.get("id", position)))


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """The place and the object of each line, or the reason why it is none."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                row = f"not JSON: {error}"
            if not isinstance(row, dict | str):
                row = f"a JSON object is needed, found {type(row).__name__}"
            yield f"line {number}", row


def _reference(row: dict[str, Any], id: str) -> Reference:
    """The fields of a line; numbers may stand for texts, and null for nothing."""
    texts = {name: " ".join(str(row.get(name) or "").split()) for name in TEXT_FIELDS}
    authors = row.get("authors") or ()
    names = authors.split(";") if isinstance(authors, str) else authors
    return Reference(
        id=id,
        authors=tuple(str(name).strip() for name in names if str(name).strip()),
        doi=normal_doi(str(row.get("doi") or "")),
        **texts,
    )
